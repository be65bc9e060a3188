"""The machine in the simulated account: what it is, who reaches it, and what its changes leave alone."""

import hashlib
import json
from typing import Any

from tests.aws.account_view import instance, may_reach, user_data
from tests.support.aws_stack import AwsStack


def attached(machine: Any) -> set[str]:
    return {disk["Ebs"]["VolumeId"] for disk in machine["BlockDeviceMappings"]}


def data_volume(stack: AwsStack) -> Any:
    (volume,) = stack.client("ec2").describe_volumes(Filters=[{"Name": "tag:Name", "Values": ["pod data"]}])["Volumes"]
    return volume


def config_objects(stack: AwsStack) -> dict[str, bytes]:
    """Objects of the bucket with the Ignition config, by key."""
    s3 = stack.client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("pod-ignition")]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {f"s3://{bucket}/{key}": s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def role_statements(stack: AwsStack) -> list[Any]:
    """Every statement of every role of the stack."""
    iam = stack.client("iam")
    found = []
    for role in iam.list_roles()["Roles"]:
        if not role["RoleName"].startswith("pod-"):
            continue
        assert not iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
            found += [(statement.get("Sid"), statement) for statement in document["Statement"]]
    return found


def test_the_machine_is_closed_encrypted_and_keeps_its_data(aws_stack: AwsStack) -> None:
    aws_stack.good("up")
    before, volume = instance(aws_stack), data_volume(aws_stack)
    assert before["MetadataOptions"]["HttpTokens"] == "required"
    assert before["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert before["PublicIpAddress"]
    assert before["ImageId"] == "ami-0a0c0de5000000a64"
    disks = aws_stack.client("ec2").describe_volumes(VolumeIds=sorted(attached(before)))["Volumes"]
    assert len(disks) == 2
    assert all(disk["Encrypted"] and disk["VolumeType"] == "gp3" for disk in disks)
    assert before["Placement"]["AvailabilityZone"] == volume["AvailabilityZone"] == "eu-west-1a"
    assert may_reach(aws_stack) == {
        ("pod link", "pod machine", "80"),
        ("pod endpoint", "pod machine", "22"),
        ("pod machine", "pod database", "5432"),
        ("pod machine", "internet", "all"),
    }
    ((pointed, config),) = config_objects(aws_stack).items()
    told = json.loads(user_data(aws_stack, before["InstanceId"]))["ignition"]["config"]["replace"]
    assert told == {
        "source": pointed,
        "verification": {"hash": f"sha512-{hashlib.sha512(config).hexdigest()}"},
    }
    own = {
        "Sid": "OwnConfig",
        "Effect": "Allow",
        "Action": "s3:GetObject",
        "Resource": pointed.replace("s3://", "arn:aws:s3:::"),
    }
    assert role_statements(aws_stack) == [("OwnConfig", own)]
    check_alarms(aws_stack, before["InstanceId"])

    # another type has another memory, which the config follows: another machine with the same data
    aws_stack.values["aws"]["size"] = "small"
    aws_stack.good("up")
    larger = instance(aws_stack)
    assert larger["InstanceType"] == "t4g.small"
    assert volume["VolumeId"] in attached(larger)

    # another config: another machine with the same data
    aws_stack.values["host"]["timeZone"] = "Europe/Dublin"
    aws_stack.good("up")
    after = instance(aws_stack)
    assert after["InstanceId"] not in {before["InstanceId"], larger["InstanceId"]}
    assert data_volume(aws_stack)["VolumeId"] == volume["VolumeId"]
    assert volume["VolumeId"] in attached(after)
    ((changed, _),) = config_objects(aws_stack).items()
    assert changed != pointed
    assert json.loads(user_data(aws_stack, after["InstanceId"]))["ignition"]["config"]["replace"]["source"] == changed
    check_alarms(aws_stack, after["InstanceId"])
    aws_stack.good("preview", "--expect-no-changes")


def check_alarms(stack: AwsStack, instance_id: str) -> None:
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (topic,) = [each["TopicArn"] for each in stack.client("sns").list_topics()["Topics"]]
    found = {
        alarm["MetricName"]: (alarm["AlarmActions"], alarm["EvaluationPeriods"], alarm["Dimensions"][0]["Value"])
        for alarm in alarms
    }
    assert found == {
        "StatusCheckFailed_System": (["arn:aws:automate:eu-west-1:ec2:recover", topic], 2, instance_id),
        "StatusCheckFailed_Instance": (["arn:aws:automate:eu-west-1:ec2:reboot", topic], 3, instance_id),
    }


def test_what_somebody_opens_is_found_and_closed(aws_stack: AwsStack) -> None:
    aws_stack.good("up")
    closed = may_reach(aws_stack)
    ec2 = aws_stack.client("ec2")
    (machine,) = ec2.describe_security_groups(Filters=[{"Name": "tag:Name", "Values": ["pod machine"]}])[
        "SecurityGroups"
    ]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [machine["GroupId"]]}])
    (web,) = [each for each in rules["SecurityGroupRules"] if each["FromPort"] == 80]
    ec2.revoke_security_group_ingress(GroupId=machine["GroupId"], SecurityGroupRuleIds=[web["SecurityGroupRuleId"]])
    s3 = aws_stack.client("s3")
    (bucket,) = [each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith("pod-ignition")]
    s3.delete_public_access_block(Bucket=bucket)
    assert may_reach(aws_stack) != closed
    aws_stack.good("refresh")
    aws_stack.good("up")
    assert may_reach(aws_stack) == closed
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]


def test_direct_opens_the_web_ports_alone_and_keeps_the_address(aws_stack: AwsStack) -> None:
    aws_stack.values["aws"] |= {
        "edge": "direct",
        "instance": {"shellAccess": "ssh", "sshFrom": ["192.0.2.0/24"]},
        "database": {"engine": "onInstance"},
    }
    aws_stack.good("up")
    assert may_reach(aws_stack) == {
        ("internet", "pod machine", "80"),
        ("internet", "pod machine", "443"),
        ("192.0.2.0/24", "pod machine", "22"),
        ("pod machine", "internet", "all"),
    }
    before = instance(aws_stack)
    assert before["PublicIpAddress"] == aws_stack.engine.outputs()["address"]
    aws_stack.values["host"]["timeZone"] = "Europe/Dublin"
    aws_stack.good("up")
    after = instance(aws_stack)
    assert after["InstanceId"] != before["InstanceId"]
    assert after["PublicIpAddress"] == before["PublicIpAddress"]
    aws_stack.good("preview", "--expect-no-changes")
