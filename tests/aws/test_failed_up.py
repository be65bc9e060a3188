"""A run that AWS stops in the middle, and the next one; and what the preview refuses before AWS does."""

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


def test_zones_without_vpc_links_are_refused_by_the_preview_and_not_chosen(aws_stack: AwsStack) -> None:
    aws_stack.region = "eu-west-3"
    aws_stack.values["aws"]["network"] = {"zones": ["a", "b"]}
    refused = aws_stack.run("preview")
    assert refused.returncode
    assert (
        "aws.network.zones: eu-west-3b (euw3-az2) takes no VPC link of API Gateway; use a, c, "
        "or set aws.edge: direct" in refused.stdout
    )
    assert "Traceback" not in refused.stdout + refused.stderr

    del aws_stack.values["aws"]["network"]
    aws_stack.good("up")
    (link,) = aws_stack.client("apigatewayv2").get_vpc_links()["Items"]
    subnets = aws_stack.client("ec2").describe_subnets(SubnetIds=link["SubnetIds"])["Subnets"]
    assert {subnet["AvailabilityZoneId"] for subnet in subnets} == {"euw3-az1", "euw3-az3"}
    aws_stack.good("preview", "--expect-no-changes")


def test_free_plan_is_named_before_the_error_of_the_database(aws_stack: AwsStack) -> None:
    refusal = "Free Tier accounts must use Express Configuration"
    aws_stack.account.refuse({"CreateDBCluster": f"InvalidParameterCombination: {refusal}"})
    failed = aws_stack.run("up")
    assert failed.returncode
    assert f"InvalidParameterCombination: {refusal}" in failed.stdout
    assert "upgrade the account to the Paid plan, and run `pulumi up` again" in failed.stdout
