"""The components that hold data, by a real engine and the Terraform provider's own logic, in a simulated account."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lab.aws.account import Account
from tests.aws.smtp_reference import smtp_password
from tests.support.aws_stack import AwsStack
from tests.support.prepared import prepare

PROGRAMS = Path(__file__).parent / "programs"
PATH = "/diaspora/pod.example.org"
CAMO_KEY = "/elsewhere/camo-key"
BACKUP_PASSWORD = "correct horse battery"


@pytest.fixture
def data_stack(account: Account, tmp_path: Path) -> AwsStack:
    stack = AwsStack(account, tmp_path / "lab", PROGRAMS / "data")
    stack.values = {}
    stack.write()
    prepare(stack.engine)
    stack.client("ssm").put_parameter(Name=CAMO_KEY, Value="camo key of mine", Type="SecureString")
    secure = stack.engine.encrypt("diaspora-infra:backupPassword", BACKUP_PASSWORD)
    stack.values = {"backupPassword": {"secure": secure}}
    return stack


@pytest.fixture
def database_stack(account: Account, tmp_path: Path) -> AwsStack:
    return AwsStack(account, tmp_path / "lab", PROGRAMS / "database")


def parameters(stack: AwsStack) -> dict[str, dict[str, Any]]:
    found = stack.client("ssm").get_parameters_by_path(Path=PATH, WithDecryption=True)["Parameters"]
    return {entry["Name"].removeprefix(f"{PATH}/"): entry for entry in found}


def manual_snapshots(stack: AwsStack) -> list[str]:
    found = stack.client("rds").describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    return sorted(entry["DBClusterSnapshotIdentifier"] for entry in found)


def everything_written(stack: AwsStack) -> str:
    """State, logs of the engine's plugins and of the account, the engine's folders."""
    files = [*stack.engine.folder.rglob("*"), stack.account.log, stack.account.bridge_log]
    texts = [file.read_text("utf-8", "replace") for file in files if file.is_file() and file != stack.file]
    return "\n".join(texts)


def test_data_components_are_created_updated_and_destroyed(data_stack: AwsStack) -> None:
    stack = data_stack
    outputs = [stack.good("preview"), stack.good("up")]
    first = parameters(stack)
    outputs += [stack.good("preview", "--expect-no-changes"), stack.good("refresh", "--expect-no-changes")]

    # what it costs to be careless
    secrets = [first[name]["Value"] for name in ("databasePassword", "smtpPassword", "backupPassword")]
    secrets.append("camo key of mine")
    shown = "".join(result.stdout + result.stderr for result in outputs) + everything_written(stack)
    assert not [secret for secret in secrets if secret in shown]
    assert first["smtpHost"]["Value"] in shown, "what is no secret is found"

    looked_at(stack, first)
    smtp_password_is_right(stack, first)

    # changes in place, and a password that the podmin changed
    changed = {"Name": f"{PATH}/databasePassword", "Value": "another-password", "Type": "SecureString"}
    stack.client("ssm").put_parameter(**changed, Overwrite=True)
    stack.values["changes"] = {"database": {"max_acu": 2, "version": "17.10"}}
    stack.good("up", "--refresh")
    (cluster,) = stack.client("rds").describe_db_clusters()["DBClusters"]
    assert cluster["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 2
    assert cluster["EngineVersion"] == "17.10"
    assert parameters(stack)["databasePassword"]["Value"] == "another-password"
    assert state_of(stack, "Cluster")["masterPassword"] == "another-password"

    # destroy refuses, and what stays is as safe as before
    refused = stack.run("destroy")
    assert refused.returncode != 0
    assert "because it is protected" in refused.stdout + refused.stderr
    buckets_are_closed(stack)
    (cluster,) = stack.client("rds").describe_db_clusters()["DBClusters"]
    assert cluster["DeletionProtection"] is True
    assert manual_snapshots(stack) == []

    # one setting and one run later it does not
    stack.values["changes"] = {"protect": False}
    # a minor release that AWS forced, and no version of the podmin's: no run asks for an older one
    stack.client("rds").modify_db_cluster(DBClusterIdentifier=cluster["DBClusterIdentifier"], EngineVersion="17.11")
    stack.good("up", "--refresh")
    (cluster,) = stack.client("rds").describe_db_clusters()["DBClusters"]
    assert cluster["EngineVersion"] == "17.11"
    for bucket in stack.client("s3").list_buckets()["Buckets"]:
        stack.client("s3").put_object(Bucket=bucket["Name"], Key="a/picture", Body=b"x")
    stack.good("destroy")
    assert manual_snapshots(stack) == [f"{cluster['DBClusterIdentifier']}-final"]
    assert stack.client("s3").list_buckets()["Buckets"] == []
    assert parameters(stack) == {}


def looked_at(stack: AwsStack, first: dict[str, dict[str, Any]]) -> None:
    """What the account looks like to boto3."""
    rds = stack.client("rds")
    (cluster,), (instance,) = rds.describe_db_clusters()["DBClusters"], rds.describe_db_instances()["DBInstances"]
    assert cluster["StorageEncrypted"] is cluster["DeletionProtection"] is cluster["CopyTagsToSnapshot"] is True
    assert cluster["ServerlessV2ScalingConfiguration"] == {
        "MinCapacity": 0,
        "MaxCapacity": 1,
        "SecondsUntilAutoPause": 300,
    }
    assert cluster["BackupRetentionPeriod"] == 7
    assert instance["PubliclyAccessible"] is False
    found = rds.describe_db_cluster_parameters(DBClusterParameterGroupName=cluster["DBClusterParameterGroup"])
    assert {each["ParameterName"]: each["ParameterValue"] for each in found["Parameters"]} == {"rds.force_ssl": "1"}

    kinds = {name: entry["Type"] for name, entry in first.items()}
    secret = {"databasePassword", "smtpPassword", "backupPassword"}
    assert {name for name, kind in kinds.items() if kind == "SecureString"} == secret
    assert set(kinds) - secret == {"databaseHost", "uploadsBucket", "smtpHost", "smtpUsername"}
    assert first["databaseHost"]["Value"] == cluster["Endpoint"]
    assert first["backupPassword"]["Value"] == BACKUP_PASSWORD
    kept = stack.engine.outputs(show_secrets=True)["databasePassword"]
    assert first["databasePassword"]["Value"] == kept == state_of(stack, "Cluster")["masterPassword"]

    buckets_are_closed(stack)
    ses = stack.client("sesv2")
    identity = ses.get_email_identity(EmailIdentity="pod.example.org")
    assert identity["ConfigurationSetName"] == "pod-example-org"
    assert identity["MailFromAttributes"]["MailFromDomain"] == "bounce.pod.example.org"
    settings = ses.get_configuration_set(ConfigurationSetName="pod-example-org")
    assert settings["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"
    reports = ses.get_configuration_set_event_destinations(ConfigurationSetName="pod-example-org")
    (topic,) = stack.client("sns").list_topics()["Topics"]
    assert reports["EventDestinations"][0]["SnsDestination"] == topic


def buckets_are_closed(stack: AwsStack) -> None:
    s3 = stack.client("s3")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert len(names) == 2
    for name in names:
        block = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        assert all(block.values()), name
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=name)["Policy"]
        assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"] == [
            {"ObjectOwnership": "BucketOwnerEnforced"}
        ]
        (rule,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def state_of(stack: AwsStack, kind: str) -> dict[str, Any]:
    """Outputs of the one resource of this kind, secrets in plain text."""
    exported = stack.engine._run(["stack", "export", "--show-secrets", "--stack", stack.engine.stack]).stdout
    resources = json.loads(exported)["deployment"]["resources"]
    (found,) = [entry for entry in resources if entry["type"].endswith(f":{kind}")]
    return {name: _plain(value) for name, value in found["outputs"].items()}


def _plain(value: Any) -> Any:
    return json.loads(value["plaintext"]) if isinstance(value, dict) and "plaintext" in value else value


def smtp_password_is_right(stack: AwsStack, first: dict[str, dict[str, Any]]) -> None:
    """What the Terraform provider makes of the key is what a second implementation makes of it."""
    key = state_of(stack, "AccessKey")
    assert first["smtpUsername"]["Value"] == key["id"]
    assert first["smtpPassword"]["Value"] == smtp_password(key["secret"], "eu-west-1")
    assert first["smtpPassword"]["Value"] != smtp_password(key["secret"], "us-east-1"), "it is good in one region"
    assert first["smtpPassword"]["Value"] != key["secret"]


def test_rds_is_created_and_replaced_by_a_restored_database(database_stack: AwsStack) -> None:
    stack = database_stack
    ec2 = stack.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    groups = [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]]
    settings: dict[str, Any] = {
        "subnet_ids": subnets,
        "security_group_ids": groups,
        "password_parameter": f"{PATH}/databasePassword",
    }
    stack.values = {"database": {**settings, "engine": "rds", "version": "16.9"}}
    stack.good("up")
    stack.good("preview", "--expect-no-changes")
    rds = stack.client("rds")
    (instance,) = rds.describe_db_instances()["DBInstances"]
    assert instance["StorageEncrypted"] is True
    assert instance["PubliclyAccessible"] is instance["MultiAZ"] is False
    assert instance["DBInstanceClass"] == "db.t4g.micro"
    password = parameters(stack)["databasePassword"]["Value"]

    # a major upgrade in place, protected as it is
    stack.values = {"database": {**settings, "engine": "rds", "version": "17.9"}}
    stack.good("up")
    (upgraded,) = rds.describe_db_instances()["DBInstances"]
    assert upgraded["DBInstanceIdentifier"] == instance["DBInstanceIdentifier"]
    assert upgraded["EngineVersion"].startswith("17")
    assert upgraded["DeletionProtection"] is True

    # two runs, since what takes the protection away cannot delete as well
    settings["protect"] = False
    stack.values = {"database": {**settings, "engine": "rds"}}
    stack.good("up")

    # to Aurora: another database, the old one leaves a snapshot, the password stays
    stack.values = {"database": settings}
    stack.good("up")
    left = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [each["DBSnapshotIdentifier"] for each in left] == [f"{instance['DBInstanceIdentifier']}-final"]
    assert parameters(stack)["databasePassword"]["Value"] == password

    # back to a snapshot, in two runs from a protected one: a new cluster is there before the old one goes
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    name = cluster["DBClusterIdentifier"]
    rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier="monday")
    stack.values = {"database": {**settings, "protect": True}}
    stack.good("up")
    stack.values = {"database": settings}
    stack.good("up")
    stack.values = {"database": {**settings, "restore_from": "monday"}}
    stack.good("up")
    stack.good("preview", "--expect-no-changes")
    (restored,) = rds.describe_db_clusters()["DBClusters"]
    assert restored["DBClusterIdentifier"].startswith(f"{name}-")
    assert stack.engine.outputs()["host"] == restored["Endpoint"]
    assert manual_snapshots(stack) == sorted(["monday", f"{name}-final"])
    assert parameters(stack)["databasePassword"]["Value"] == password

    # in one run instead: refused, and the way out that the docs tell
    stack.values = {"database": {**settings, "restore_from": "monday", "protect": True}}
    stack.good("up")
    old = restored["DBClusterIdentifier"]
    rds.create_db_cluster_snapshot(DBClusterIdentifier=old, DBClusterSnapshotIdentifier="tuesday")
    stack.values = {"database": {**settings, "restore_from": "tuesday"}}
    refused = stack.run("up")
    assert refused.returncode != 0
    assert rds.describe_db_clusters(DBClusterIdentifier=old)["DBClusters"]
    rds.modify_db_cluster(DBClusterIdentifier=old, DeletionProtection=False)
    stack.good("up")
    (restored,) = rds.describe_db_clusters()["DBClusters"]
    assert restored["DBClusterIdentifier"] != old
    stack.good("destroy")
    last = f"{restored['DBClusterIdentifier']}-final"
    assert manual_snapshots(stack) == sorted(["monday", "tuesday", f"{name}-final", f"{old}-final", last])
    with pytest.raises(ClientError):
        rds.describe_db_clusters(DBClusterIdentifier=restored["DBClusterIdentifier"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"database": {"min_acu": 3}}, "pod: min_acu: 3 with max_acu: 1; raise max_acu to min_acu or more"),
        ({"secrets": {"big": "x" * 5000}}, "pod: secrets.big: 5000 bytes; allowed: 1 to 4096"),
        (
            {"existing": {"camoKey": "/elsewhere/nothing"}},
            "pod: existing.camoKey: no parameter /elsewhere/nothing in this account and region; create it",
        ),
        (
            {"mail": {"existing_identity": True}},
            "pod: existing_identity: no identity pod.example.org in SES of eu-west-1; leave it out",
        ),
    ],
)
def test_invalid_data_settings_are_refused_before_anything_is_created(
    data_stack: AwsStack, changes: dict[str, Any], message: str
) -> None:
    data_stack.values["changes"] = changes
    refused = data_stack.run("preview")
    assert refused.returncode != 0
    assert message in refused.stdout + refused.stderr
    assert "xxxxx" not in refused.stdout + refused.stderr
    assert data_stack.client("s3").list_buckets()["Buckets"] == []
