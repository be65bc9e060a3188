"""All that the account of a whole pod allows, all that is not encrypted, and all that DNS answers, read with boto3."""

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from tests.aws.account_asserts import DOMAIN, records
from tests.aws.account_client import may_reach
from tests.aws.reachability import on_the_internet, reaches
from tests.support.aws_stack import AwsStack

ACCOUNT = "eu-west-1:123456789012"
PARAMETERS = f"arn:aws:ssm:{ACCOUNT}:parameter/diaspora/{DOMAIN}"
PLAIN = ("bundle", "bundleApplied", "databaseHost", "uploadsBucket")
"""Parameters that are no secrets."""
OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
PROJECT = f"arn:aws:codebuild:{ACCOUNT}:project/images-pod-example-org"
LOGIN = {"Sid": "LogIn", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
Statement = dict[str, Any]


def roles(stack: AwsStack) -> dict[str, tuple[list[str], list[Statement], list[str]]]:
    """By name, without what makes it unique: who may take the role, its statements, and policies of AWS on it."""
    iam = stack.client("iam")
    found = {}
    for role in iam.list_roles()["Roles"]:
        if not role["Path"].startswith("/aws-"):  # those that AWS makes for itself
            name = role["RoleName"]
            takers = [each["Principal"] for each in role["AssumeRolePolicyDocument"]["Statement"]]
            attached = [
                each["PolicyName"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
            ]
            policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies]
            services = [str(each["Service"]) for each in takers]
            found[plain(name)] = (services, _statements(documents), attached)
    return found


def users(stack: AwsStack) -> dict[str, list[Statement]]:
    """Statements of the users, by name without what makes it unique."""
    iam = stack.client("iam")
    found = {}
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        assert not iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
        assert not iam.list_groups_for_user(UserName=name)["Groups"]
        policies = iam.list_user_policies(UserName=name)["PolicyNames"]
        documents = [iam.get_user_policy(UserName=name, PolicyName=each)["PolicyDocument"] for each in policies]
        found[plain(name)] = _statements(documents)
    return found


def _statements(documents: list[Any]) -> list[Statement]:
    return [statement for document in documents for statement in document["Statement"]]


def plain(name: str) -> str:
    """A name without the digits that make it unique."""
    return name.rpartition("-")[0]


def buckets(stack: AwsStack) -> dict[str, str]:
    """Names of the buckets, by name without what makes it unique."""
    return {plain(each["Name"]): each["Name"] for each in stack.client("s3").list_buckets()["Buckets"]}


def unencrypted(stack: AwsStack) -> set[str]:
    """Everything that holds data and is not encrypted."""
    return {*_volumes(stack), *_databases(stack), *_buckets(stack), *_repositories(stack), *_parameters(stack)}


def _volumes(stack: AwsStack) -> Iterator[str]:
    ec2 = stack.client("ec2")
    for each in ec2.describe_volumes()["Volumes"]:
        if not each["Encrypted"]:
            yield each["VolumeId"]
    # the simulator's images have some of their own
    own = [{"Name": "tag-key", "Values": ["Pod"]}]
    for each in ec2.describe_snapshots(OwnerIds=["self"], Filters=own)["Snapshots"]:
        if not each["Encrypted"]:
            yield each["SnapshotId"]


def _databases(stack: AwsStack) -> Iterator[str]:
    rds = stack.client("rds")
    for each in rds.describe_db_clusters()["DBClusters"]:
        if not each["StorageEncrypted"]:
            yield each["DBClusterIdentifier"]
    for each in rds.describe_db_instances()["DBInstances"]:
        if not each["StorageEncrypted"] and "DBClusterIdentifier" not in each:
            yield each["DBInstanceIdentifier"]


def _buckets(stack: AwsStack) -> Iterator[str]:
    s3 = stack.client("s3")
    for name in buckets(stack).values():
        try:
            s3.get_bucket_encryption(Bucket=name)
        except ClientError:
            yield name


def _repositories(stack: AwsStack) -> Iterator[str]:
    for each in stack.client("ecr").describe_repositories()["repositories"]:
        if each["encryptionConfiguration"]["encryptionType"] not in {"AES256", "KMS"}:
            yield each["repositoryName"]


def images(stack: AwsStack) -> dict[str, str]:
    """Names of the parameters of images that the stack builds, by the name of the image."""
    path = f"/diaspora/{DOMAIN}/images"
    found = stack.client("ssm").get_parameters_by_path(Path=path)["Parameters"]
    return {each["Name"].removeprefix(f"{path}/").split("-")[0]: each["Name"] for each in found}


def _parameters(stack: AwsStack) -> Iterator[str]:
    for each in stack.client("ssm").describe_parameters()["Parameters"]:
        if each["Type"] != "SecureString":
            yield each["Name"]


def answers(stack: AwsStack) -> dict[tuple[str, str], list[str]]:
    """What the zone answers, by name and type; words that AWS makes up are WORD."""
    found: dict[tuple[str, str], list[str]] = {}
    for (name, kind), record in records(stack).items():
        target = record.get("AliasTarget")
        values = [target["DNSName"]] if target else [each["Value"] for each in record["ResourceRecords"]]
        found.setdefault((_made_up(name), kind), []).extend(_made_up(value).rstrip(".") for value in values)
    return found


def _made_up(text: str) -> str:
    return re.sub(r"\b(_?)[0-9a-f]{32}\b|\b(d-)[0-9a-f]{10}\b", r"\1\2WORD", text)


def everything_is_as_it_must_be(stack: AwsStack) -> None:
    """A whole pod with API Gateway, Aurora, uploads in a bucket, and its mail by SES."""
    assert may_reach(stack) == {
        ("pod link", "pod machine", "80"),
        ("pod endpoint", "pod machine", "22"),
        ("pod machine", "pod database", "5432"),
        ("pod machine", "internet", "all"),
    }
    assert reaches(stack) == {
        ("link", "machine", "80"),
        ("endpoint", "machine", "22"),
        ("machine", "database", "5432"),
        ("machine", "internet", "all"),
        ("machine", "S3", "443"),
    }
    assert on_the_internet(stack) == {"machine"}
    assert images(stack).keys() == {"diaspora", "s3fs"}
    assert unencrypted(stack) == {f"/diaspora/{DOMAIN}/{name}" for name in PLAIN} | {*images(stack).values()}
    assert answers(stack) == {
        (DOMAIN, "A"): ["d-WORD.execute-api.eu-west-1.amazonaws.com"],
        (DOMAIN, "AAAA"): ["d-WORD.execute-api.eu-west-1.amazonaws.com"],
        (f"_WORD.{DOMAIN}", "CNAME"): ["_WORD.ykybfrwcxw.acm-validations.aws"],
        (f"WORD._domainkey.{DOMAIN}", "CNAME"): ["WORD.dkim.amazonses.com"] * 3,
        (f"bounce.{DOMAIN}", "MX"): ["10 feedback-smtp.eu-west-1.amazonses.com"],
        (f"bounce.{DOMAIN}", "TXT"): ['"v=spf1 include:amazonses.com -all"'],
        (f"_dmarc.{DOMAIN}", "TXT"): ['"v=DMARC1; p=quarantine; adkim=s"'],
    }
    assert roles(stack) == {
        "pod-snapshots": (["dlm.amazonaws.com"], [], ["AWSDataLifecycleManagerServiceRole"]),
        "pod-machine": (["ec2.amazonaws.com"], [*machine_statements(stack), *image_statements(stack)], []),
        "pod-image-build": (["codebuild.amazonaws.com"], build_statements(stack), []),
        "pod-image-start": (
            ["events.amazonaws.com"],
            [{"Sid": "StartBuild", "Effect": "Allow", "Action": "codebuild:StartBuild", "Resource": PROJECT}],
            [],
        ),
    }
    send = {
        "Sid": "SendAsThePod",
        "Effect": "Allow",
        "Action": "ses:SendRawEmail",
        "Resource": [
            f"arn:aws:ses:{ACCOUNT}:identity/*",
            f"arn:aws:ses:{ACCOUNT}:configuration-set/pod-example-org",
        ],
        "Condition": {"StringEquals": {"ses:FromAddress": f"no-reply@{DOMAIN}"}},
    }
    assert users(stack) == {"pod-smtp": [send]}


def machine_statements(stack: AwsStack) -> list[Statement]:
    """All that the machine may do."""
    uploads = f"arn:aws:s3:::{buckets(stack)['pod-uploads']}"
    bundles = f"arn:aws:s3:::{buckets(stack)['pod-bundles']}/bundles/*"
    return [
        {"Sid": "ListUploads", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": uploads},
        {"Sid": "ReadAndWriteUploads", "Effect": "Allow", "Action": OBJECTS, "Resource": f"{uploads}/*"},
        {
            "Sid": "ListParameters",
            "Effect": "Allow",
            "Action": "ssm:GetParametersByPath",
            "Resource": [PARAMETERS, f"{PARAMETERS}/*"],
        },
        {
            "Sid": "ReadParameters",
            "Effect": "Allow",
            "Action": ["ssm:GetParameter", "ssm:GetParameters"],
            "Resource": [f"{PARAMETERS}/*"],
        },
        {
            "Sid": "DecryptParameters",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": f"arn:aws:kms:{ACCOUNT}:key/*",
            "Condition": {
                "StringEquals": {"kms:ViaService": "ssm.eu-west-1.amazonaws.com"},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/ssm"},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": [f"{PARAMETERS}/*"]},
            },
        },
        {"Sid": "ReadOffer", "Effect": "Allow", "Action": "ssm:GetParameter", "Resource": f"{PARAMETERS}/bundle"},
        {"Sid": "ReadBundles", "Effect": "Allow", "Action": "s3:GetObject", "Resource": bundles},
        {
            "Sid": "TellBundle",
            "Effect": "Allow",
            "Action": "ssm:PutParameter",
            "Resource": f"{PARAMETERS}/bundleApplied",
        },
    ]


def repositories(stack: AwsStack) -> list[str]:
    """ARNs of the repositories, that of s3fs first."""
    found = stack.client("ecr").describe_repositories()["repositories"]
    return [str(each["repositoryArn"]) for each in sorted(found, key=lambda each: "s3fs" not in each["repositoryName"])]


def image_statements(stack: AwsStack) -> list[Statement]:
    """What the machine may do with the images that the stack builds: no start of a build by itself."""
    return [
        {
            "Sid": "AskForImages",
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": f"arn:aws:events:{ACCOUNT}:event-bus/default",
            "Condition": {"StringEquals": {"events:source": "diaspora-infra.images-pod-example-org"}},
        },
        {
            "Sid": "LookAtBuilds",
            "Effect": "Allow",
            "Action": ["codebuild:ListBuildsForProject", "codebuild:BatchGetBuilds"],
            "Resource": PROJECT,
        },
        LOGIN,
        {
            "Sid": "PullImages",
            "Effect": "Allow",
            "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "Resource": repositories(stack),
        },
    ]


def build_statements(stack: AwsStack) -> list[Statement]:
    """All that a build of the images may do."""
    (log,) = [
        each["arn"].removesuffix(":*")
        for each in stack.client("logs").describe_log_groups()["logGroups"]
        if each["logGroupName"].startswith("pod-images")
    ]
    names = images(stack)
    return [
        {
            "Sid": "Log",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{log}:*",
        },
        LOGIN,
        {
            "Sid": "Push",
            "Effect": "Allow",
            "Action": [
                "ecr:BatchCheckLayerAvailability",
                "ecr:InitiateLayerUpload",
                "ecr:UploadLayerPart",
                "ecr:CompleteLayerUpload",
                "ecr:PutImage",
                "ecr:BatchGetImage",
            ],
            "Resource": repositories(stack),
        },
        {
            "Sid": "NameImage",
            "Effect": "Allow",
            "Action": "ssm:PutParameter",
            "Resource": [f"arn:aws:ssm:{ACCOUNT}:parameter{names[name]}" for name in ("s3fs", "diaspora")],
        },
    ]
