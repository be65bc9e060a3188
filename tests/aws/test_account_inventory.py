"""What is not encrypted, and what somebody may do, is seen in an account made by hand."""

import json

import pytest

from lab.aws.account import Account
from tests.aws.account_inventory import roles, unencrypted, users
from tests.support.aws_stack import AwsStack


@pytest.fixture
def stack(account: Account, tmp_path: object) -> AwsStack:
    return AwsStack(account, tmp_path)  # type: ignore[arg-type]


def test_unencrypted_resources_are_found(stack: AwsStack) -> None:
    assert unencrypted(stack) == set()
    ec2, rds, s3 = stack.client("ec2"), stack.client("rds"), stack.client("s3")
    volumes = [
        ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=encrypted)["VolumeId"]
        for encrypted in (False, True)
    ]
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "Pod", "Value": "pod.example.org"}]}]
    snapshots = [ec2.create_snapshot(VolumeId=each, TagSpecifications=tags)["SnapshotId"] for each in volumes]
    user = {"MasterUsername": "diaspora", "MasterUserPassword": "password-of-the-test"}
    for name, encrypted in {"clear": False, "hidden": True}.items():
        rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", StorageEncrypted=encrypted, **user)
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-rds",
            DBInstanceClass="db.t4g.micro",
            Engine="postgres",
            AllocatedStorage=20,
            StorageEncrypted=encrypted,
            **user,
        )
        s3.create_bucket(Bucket=f"{name}-1", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        kind = "SecureString" if encrypted else "String"
        stack.client("ssm").put_parameter(Name=f"/{name}", Value="x", Type=kind)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket="hidden-1", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert unencrypted(stack) == {volumes[0], snapshots[0], "clear", "clear-rds", "clear-1", "/clear"}


def test_every_policy_statement_is_found(stack: AwsStack) -> None:
    iam = stack.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    trusting = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="pod-1", AssumeRolePolicyDocument=trusting)
    iam.create_user(UserName="smtp-1")
    assert (roles(stack), users(stack)) == ({"pod": (["ec2.amazonaws.com"], [], [])}, {"smtp": []})
    iam.put_role_policy(RoleName="pod-1", PolicyName="one", PolicyDocument=document)
    iam.put_role_policy(RoleName="pod-1", PolicyName="two", PolicyDocument=document)
    iam.attach_role_policy(RoleName="pod-1", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.put_user_policy(UserName="smtp-1", PolicyName="one", PolicyDocument=document)
    assert roles(stack) == {"pod": (["ec2.amazonaws.com"], [everything] * 2, ["AdministratorAccess"])}
    assert users(stack) == {"smtp": [everything]}
