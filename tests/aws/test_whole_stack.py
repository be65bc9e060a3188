"""The whole stack by a real engine and the Terraform provider's own logic, in a simulated account."""

import json
from typing import Any

from tests.aws.rules import Asked, problems
from tests.support.aws_stack import AwsStack


def volumes(stack: AwsStack) -> list[Any]:
    """The data volumes."""
    found: list[Any] = stack.client("ec2").describe_volumes(Filters=[{"Name": "tag:Name", "Values": ["pod data"]}])[
        "Volumes"
    ]
    return found


def asked(stack: AwsStack) -> list[Asked]:
    """The resources in the engine's state, with all values known."""
    (file,) = stack.engine.folder.glob("state/.pulumi/stacks/*/test.json")
    resources = json.loads(file.read_text(encoding="utf-8"))["checkpoint"]["latest"]["resources"]
    return [
        Asked(each["type"], each["urn"].rpartition("::")[2], each.get("inputs", {}))
        for each in resources
        if each["type"].startswith("aws:")
    ]


def test_a_stack_comes_up_stays_as_it_is_and_goes_when_it_may(aws_stack: AwsStack) -> None:
    aws_stack.good("preview")
    aws_stack.good("up")
    aws_stack.good("preview", "--expect-no-changes")
    aws_stack.good("refresh", "--expect-no-changes")
    ec2 = aws_stack.client("ec2")
    assert len(asked(aws_stack)) > 50
    assert problems(asked(aws_stack)) == []
    (vpc,) = [each for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    assert vpc["CidrBlock"] == "10.0.0.0/16"

    refused = aws_stack.run("destroy", "--skip-preview=false")
    assert refused.returncode
    assert "cannot be deleted" in refused.stdout
    aws_stack.good("preview", "--expect-no-changes")

    aws_stack.values["aws"]["protect"] = False
    aws_stack.good("up")
    aws_stack.good("destroy")
    assert all(each["IsDefault"] for each in ec2.describe_vpcs()["Vpcs"])
    assert volumes(aws_stack) == []
    assert aws_stack.client("s3").list_buckets()["Buckets"] == []
    (snapshot,) = ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "tag:Name", "Values": ["pod data"]}])[
        "Snapshots"
    ]
    assert snapshot["Encrypted"]
