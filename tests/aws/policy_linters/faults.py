"""A program with faults, each in a resource of its own, and the check that must notice it."""

import json
from typing import Any

import pulumi_aws as aws

FAULTS = {
    "aws_s3_bucket.open": "CKV2_AWS_6",
    "aws_s3_bucket_public_access_block.public": "CKV_AWS_53",
    "aws_s3_bucket_policy.everybody": "CKV_AWS_70",
    "aws_ebs_volume.clear": "CKV_AWS_3",
    "aws_instance.imdsv1": "CKV_AWS_79",
    "aws_instance.clear_root": "CKV_AWS_8",
    "aws_instance.key_in_user_data": "CKV_AWS_46",
    "aws_vpc_security_group_ingress_rule.ssh": "CKV_AWS_24",
    "aws_subnet.addresses_for_all": "CKV_AWS_130",
    "aws_vpc.default_group_open": "CKV2_AWS_12",
    "aws_iam_role.anybody": "CKV_AWS_60",
    "aws_iam_role_policy.everything": "CKV_AWS_62",
    "aws_iam_role_policy.escalation": "PRIVILEGE_ESCALATION",
    "aws_iam_role_policy.misspelt": "UNKNOWN_ACTION: Unknown action s3:GetObjekt",
    "aws_iam_role_policy.bucket_for_object": "RESOURCE_MISMATCH",
    "aws_iam_user_policy.foreign_condition": (
        "UNKNOWN_CONDITION_FOR_ACTION: Unknown condition ses:From for action ses:SendRawEmail"
    ),
    "aws_sns_topic_policy.everybody": "CKV_AWS_169",
    "aws_rds_cluster.clear": "CKV_AWS_96",
    "aws_rds_cluster.unprotected": "CKV_AWS_139",
    "aws_db_instance.clear": "CKV_AWS_16",
    "aws_db_instance.public": "CKV_AWS_17",
    "aws_apigatewayv2_stage.unlogged": "CKV_AWS_76",
    "aws_cloudwatch_log_group.forever": "CKV_AWS_66",
    "aws_ssm_parameter.plain": "CKV2_AWS_34",
}
"""Check by address."""


def policy(**statement: Any) -> str:
    """A policy of one statement that allows."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def faulty() -> None:
    """The program."""
    _buckets()
    _machines()
    _network()
    _permissions()
    _databases()
    api = aws.apigatewayv2.Api("api", protocol_type="HTTP")
    aws.apigatewayv2.Stage("unlogged", api_id=api.id, name="$default", auto_deploy=True)
    aws.cloudwatch.LogGroup("forever")
    aws.ssm.Parameter("plain", type="String", name="/a/password", value="hunter2")


def _buckets() -> None:
    aws.s3.Bucket("open")
    public = aws.s3.Bucket("public")
    aws.s3.BucketPublicAccessBlock("public", bucket=public.id, block_public_acls=False)
    everybody = policy(Principal="*", Action="s3:GetObject", Resource="arn:aws:s3:::public/*")
    aws.s3.BucketPolicy("everybody", bucket=public.id, policy=everybody)


def _machines() -> None:
    machine: dict[str, Any] = {"ami": "ami-08af5d9fc5c1edb78", "instance_type": "t4g.micro"}
    careful: dict[str, Any] = {"metadata_options": {"http_tokens": "required"}}
    aws.ec2.Instance("imdsv1", **machine, root_block_device={"encrypted": True})
    aws.ec2.Instance("clear-root", **machine, **careful)
    key = "export AWS_SECRET_ACCESS_KEY=" + "wJalrXUtnFEMI/K7MDENG/bPxRfi" + "CYEXAMPLEKEY"
    aws.ec2.Instance("key-in-user-data", **machine, **careful, user_data=key)
    aws.ebs.Volume("clear", availability_zone="eu-west-1a", size=10, encrypted=False)


def _network() -> None:
    vpc = aws.ec2.Vpc("default-group-open", cidr_block="10.0.0.0/16")
    aws.ec2.Subnet("addresses-for-all", vpc_id=vpc.id, cidr_block="10.0.1.0/24", map_public_ip_on_launch=True)
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, description="A group")
    ssh: dict[str, Any] = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22}
    aws.vpc.SecurityGroupIngressRule("ssh", security_group_id=group.id, **ssh, cidr_ipv4="0.0.0.0/0")


def _permissions() -> None:
    role = aws.iam.Role("anybody", assume_role_policy=policy(Principal={"AWS": "*"}, Action="sts:AssumeRole"))
    for name, statement in {
        "everything": {"Action": "*", "Resource": "*"},
        "escalation": {"Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "*"},
        "misspelt": {"Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::public/*"},
        "bucket-for-object": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::public"},
    }.items():
        aws.iam.RolePolicy(name, role=role.id, policy=policy(**statement))
    sender = {"StringEquals": {"ses:From": "pod@example.org"}}
    identity = "arn:aws:ses:eu-west-1:123456789012:identity/example.org"
    user = aws.iam.User("user")
    send = policy(Action="ses:SendRawEmail", Resource=identity, Condition=sender)
    aws.iam.UserPolicy("foreign-condition", user=user.name, policy=send)
    topic = aws.sns.Topic("topic")
    publish = policy(Principal="*", Action="sns:Publish", Resource="arn:aws:sns:eu-west-1:123456789012:topic")
    aws.sns.TopicPolicy("everybody", arn=topic.arn, policy=publish)


def _databases() -> None:
    cluster: dict[str, Any] = {
        "engine": "aurora-postgresql",
        "engine_version": "17.9",
        "master_username": "diaspora",
        "master_password": "password-of-the-test",
    }
    aws.rds.Cluster("clear", **cluster, deletion_protection=True)
    aws.rds.Cluster("unprotected", **cluster, storage_encrypted=True)
    instance: dict[str, Any] = {
        "engine": "postgres",
        "instance_class": "db.t4g.micro",
        "allocated_storage": 20,
        "username": "diaspora",
        "password": "password-of-the-test",
    }
    aws.rds.Instance("clear", **instance)
    aws.rds.Instance("public", **instance, storage_encrypted=True, publicly_accessible=True)
