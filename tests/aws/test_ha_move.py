"""From one machine to several and back: a loss is refused until the data has moved; database and uploads stay."""

from typing import Any

from tests.aws.account_asserts import DOMAIN, records
from tests.aws.account_client import instances
from tests.aws.account_inventory import buckets
from tests.support.aws_stack import AwsStack

PATH = f"/diaspora/{DOMAIN}"


def test_pod_moves_to_several_machines_and_back(aws_stack: AwsStack) -> None:
    aws = aws_stack.values["aws"]
    aws |= {"database": {"engine": "rds"}}
    aws_stack.good("up")
    data = kept(aws_stack)
    write(aws_stack, "bundleApplied", "0123456789abcdef")
    to_several_machines(aws_stack)
    assert kept(aws_stack) == data
    assert database(aws_stack)["MultiAZ"]
    assert len(instances(aws_stack)) == 3
    assert ".elb.amazonaws.com" in records(aws_stack)[DOMAIN, "A"]["AliasTarget"]["DNSName"]

    write(aws_stack, "deployment", "runs 20240101000000 registry.example.org/diaspora:1")
    back_to_one_machine(aws_stack)
    assert kept(aws_stack) == data
    assert not database(aws_stack)["MultiAZ"]
    (machine,) = instances(aws_stack)
    (address,) = records(aws_stack)[DOMAIN, "A"]["ResourceRecords"]
    assert address["Value"] == machine["PublicIpAddress"]


def to_several_machines(stack: AwsStack) -> None:
    aws = stack.values["aws"]
    single = {**aws}
    del aws["database"]
    aws["topology"] = "ha"
    said = refused(stack)
    assert "aws.database.engine: required when the topology changes, because its default does too" in said
    assert (
        f"aws.topology: ha: the pod has run on one machine, which has secrets and jobs on its data volume, and {PATH}"
        in said
    )
    write(stack, "generated/secret_key_base", "moved by the podmin", "SecureString")
    aws["database"] = {"engine": "rds"}
    assert "pod-data" in refused(stack, "protect")
    stack.values["aws"] = {**single, "protect": False}
    stack.good("up")
    stack.values["aws"] = {**aws, "protect": True}
    stack.good("up")


def back_to_one_machine(stack: AwsStack) -> None:
    several = stack.values["aws"]
    # a machine with an address of its own, in the same network
    single = {key: value for key, value in several.items() if key != "topology"} | {"edge": "direct"}
    single["network"] = {"zones": ["a", "b", "c"]}
    stack.values["aws"] = {key: value for key, value in single.items() if key != "database"}
    assert "aws.database.engine: required when the topology changes" in refused(stack)
    stack.values["aws"] = single
    assert "pod-cache" in refused(stack, "protect")
    stack.values["aws"] = {**several, "protect": False}
    stack.good("up")
    stack.values["aws"] = {**single, "protect": False}
    stack.good("up")


def refused(stack: AwsStack, word: str = "") -> str:
    """What a preview says that must fail."""
    result = stack.run("preview")
    said = result.stdout + result.stderr
    assert result.returncode, said
    assert word in said
    return said


def write(stack: AwsStack, name: str, value: str, kind: str = "String") -> None:
    """Write a parameter as a machine or the podmin does."""
    stack.client("ssm").put_parameter(Name=f"{PATH}/{name}", Value=value, Type=kind, Overwrite=True)


def database(stack: AwsStack) -> Any:
    (found,) = stack.client("rds").describe_db_instances()["DBInstances"]
    return found


def kept(stack: AwsStack) -> tuple[str, str, str]:
    """What tells the database, the uploads, and the one way to a shell that a VPC may have from others."""
    (endpoint,) = stack.client("ec2").describe_instance_connect_endpoints()["InstanceConnectEndpoints"]
    return database(stack)["DbiResourceId"], buckets(stack)["pod-uploads"], endpoint["InstanceConnectEndpointId"]
