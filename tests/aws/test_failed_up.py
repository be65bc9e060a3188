"""A run that AWS stops in the middle, and the next one."""

from tests.aws.account_client import instance
from tests.support.aws_stack import AwsStack


def test_up_continues_after_a_quota_error(aws_stack: AwsStack) -> None:
    aws_stack.account.refuse({"RunInstances": "VcpuLimitExceeded"})
    failed = aws_stack.run("up")
    assert failed.returncode
    assert "VcpuLimitExceeded" in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr
    (vpc,) = [each for each in aws_stack.client("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]

    aws_stack.account.refuse({})
    aws_stack.good("up")
    assert instance(aws_stack)["VpcId"] == vpc["VpcId"], "what was made is used"
    aws_stack.good("preview", "--expect-no-changes")
