"""Database, uploads, mail, parameters and backups on Pulumi's mocks: what they ask the engine for."""

import importlib
import inspect
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.runtime import mocks

from diaspora_infra.aws import Backups, Database, Mail, Parameters, Uploads
from diaspora_infra.aws.backups import backup_statements
from diaspora_infra.aws.database import identifier
from diaspora_infra.aws.mail import configuration_set_name
from diaspora_infra.aws.parameters import LONGEST_VALUE
from diaspora_infra.aws.private_bucket import PrivateBucket
from diaspora_infra.aws.uploads import mount_statements
from tests.aws.smtp_reference import smtp_password
from tests.support.mocked import Program, Runner

ACCOUNT = "123456789012"
TAGS = {"Pod": "pod.example.org"}
COMPONENTS = [Backups, Database, Mail, Parameters, PrivateBucket, Uploads]


Run = Callable[..., tuple["Aws", Any]]


class Aws(mocks.Mocks):
    """Takes every resource, keeps its inputs, and has the outputs that the components read."""

    def __init__(self, region: str = "eu-west-1") -> None:
        self.resources: list[mocks.MockResourceArgs] = []
        self.calls: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
            "aws:index/getRegion:getRegion": {"region": region},
            "aws:sesv2/getEmailIdentity:getEmailIdentity": {"configurationSetName": "settings-of-mine"},
            "aws:ssm/getParameter:getParameter": {"type": "SecureString"},
        }

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append(args)
        return f"{args.name}-id", self.outputs(args)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        return self.calls[args.token]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Inputs of all resources of this kind, such as Bucket."""
        return [dict(entry.inputs) for entry in self.resources if entry.typ.endswith(f":{kind}")]

    def outputs(self, args: mocks.MockResourceArgs) -> dict[str, Any]:
        inputs = dict(args.inputs)
        name = args.typ.split(":")[-1]
        made: dict[str, Any] = {
            "Bucket": {"arn": f"arn:aws:s3:::{args.name}", "bucket": args.name},
            "Cluster": {"endpoint": "cluster.example"},
            "Instance": {"address": "instance.example"},
            "SubnetGroup": {"name": f"{args.name}-1a2b3c4"},
            "ClusterParameterGroup": {"name": f"{args.name}-1a2b3c4"},
            "ParameterGroup": {"name": f"{args.name}-1a2b3c4"},
            "EmailIdentity": {"dkimSigningAttributes": {"tokens": ["t1", "t2", "t3"]}},
            "ConfigurationSet": {"arn": "arn:aws:ses:eu-west-1:123456789012:configuration-set/x"},
            "User": {"name": args.name},
            "Role": {"name": args.name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{args.name}"},
            "AccessKey": {"sesSmtpPasswordV4": "smtp-password", "secret": "key-secret"},
        }
        return {**inputs, **made.get(name, {})}


@pytest.fixture(name="run")
def run_with_recorder(run: Runner) -> Run:
    def run_program(program: Program, **account: str) -> tuple[Aws, Any]:
        recorder = Aws(**account)
        return recorder, run(recorder, program)

    return run_program


def database_args(**changes: Any) -> Any:
    return {
        "subnet_ids": ["subnet-1", "subnet-2"],
        "security_group_ids": ["sg-1"],
        "password": "password-of-the-test",
        "tags": TAGS,
        **changes,
    }


def mail_args(**changes: Any) -> Any:
    return {
        "domain": "pod.example.org",
        "sender": "no-reply@pod.example.org",
        "tags": TAGS,
        **changes,
    }


def backups_args(**changes: Any) -> Any:
    return {"snapshots_of": "pod.example.org", "tags": TAGS, **changes}


def parameters_args(**changes: Any) -> Any:
    return {"path": "/diaspora/pod.example.org", "tags": TAGS, **changes}


# database


def test_aurora_pauses_and_is_encrypted_and_protected(run: Run) -> None:
    recorder, host = run(lambda: Database("pod", database_args()).host)
    (cluster,), (instance,) = recorder.of("Cluster"), recorder.of("ClusterInstance")
    assert host == "cluster.example"
    assert cluster["serverlessv2ScalingConfiguration"] == {
        "minCapacity": 0,
        "maxCapacity": 1,
        "secondsUntilAutoPause": 300,
    }
    assert (cluster["engine"], cluster["engineMode"]) == ("aurora-postgresql", "provisioned")
    assert cluster["storageEncrypted"] is cluster["deletionProtection"] is cluster["copyTagsToSnapshot"] is True
    assert cluster["skipFinalSnapshot"] is False
    assert cluster["engineLifecycleSupport"] == "open-source-rds-extended-support-disabled"
    assert cluster["finalSnapshotIdentifier"] == f"{cluster['clusterIdentifier']}-final"
    assert cluster["backupRetentionPeriod"] == 7
    assert (instance["instanceClass"], instance["publiclyAccessible"]) == ("db.serverless", False)
    assert instance["performanceInsightsEnabled"] is False
    (group,) = recorder.of("ClusterParameterGroup")
    assert group["family"] == "aurora-postgresql17"
    assert {each["name"]: each["value"] for each in group["parameters"]} == {"rds.force_ssl": "1"}
    assert cluster["dbClusterParameterGroupName"] == "pod-postgresql17-1a2b3c4"
    assert recorder.of("MetricAlarm") == []


def test_alarm_counts_the_capacity_of_seven_days(run: Run) -> None:
    told = {"weekly_acu_hours": 11.3, "topic_arn": "arn:aws:sns:eu-west-1:123456789012:alerts"}
    recorder, _ = run(lambda: Database("pod", database_args(**told)).host)
    (alarm,), (cluster,) = recorder.of("MetricAlarm"), recorder.of("Cluster")
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/RDS", "ServerlessDatabaseCapacity")
    assert alarm["dimensions"] == {"DBClusterIdentifier": cluster["clusterIdentifier"]}
    assert (alarm["statistic"], alarm["period"] * alarm["evaluationPeriods"]) == ("Sum", 7 * 24 * 3600)
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 678)
    assert alarm["alarmActions"] == alarm["okActions"] == [told["topic_arn"]]
    assert "more than 11.3 ACU-hours in seven days" in alarm["alarmDescription"]


def test_database_that_never_pauses_has_no_alarm(run: Run) -> None:
    for changes in ({"min_acu": 0.5}, {"engine": "rds"}):
        recorder, _ = run(lambda changes=changes: Database("pod", database_args(weekly_acu_hours=9, **changes)).host)
        assert recorder.of("MetricAlarm") == []


def test_aurora_without_pause_sets_no_pause_time(run: Run) -> None:
    recorder, _ = run(lambda: Database("pod", database_args(min_acu=0.5, max_acu=2)).host)
    assert recorder.of("Cluster")[0]["serverlessv2ScalingConfiguration"] == {"minCapacity": 0.5, "maxCapacity": 2}


def test_rds_is_small_encrypted_and_protected(run: Run) -> None:
    recorder, host = run(lambda: Database("pod", database_args(engine="rds")).host)
    (instance,), (group,) = recorder.of("Instance"), recorder.of("ParameterGroup")
    assert host == "instance.example"
    assert (instance["instanceClass"], instance["engineVersion"]) == ("db.t4g.micro", "17")
    assert instance["storageEncrypted"] is instance["deletionProtection"] is True
    assert instance["publiclyAccessible"] is instance["skipFinalSnapshot"] is False
    assert group["family"] == "postgres17"
    assert {each["name"]: each["value"] for each in group["parameters"]} == {"rds.force_ssl": "1"}
    assert recorder.of("Cluster") == []


@pytest.mark.parametrize("engine", ["auroraServerless", "rds"])
@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, False),
        ({"version": "17.9"}, True),
        ({"version": "17.9", "allow_major_upgrade": False}, False),
        ({"allow_major_upgrade": True}, True),
    ],
)
def test_major_upgrade_needs_a_version_or_permission(run: Run, engine: str, changes: Any, allowed: bool) -> None:
    recorder, _ = run(lambda: Database("pod", database_args(engine=engine, **changes)).host)
    (database,) = recorder.of("Cluster" if engine == "auroraServerless" else "Instance")
    assert database["allowMajorVersionUpgrade"] is allowed


def test_generated_password_is_a_secret_and_stored_as_parameter(run: Run) -> None:
    def program() -> "pulumi.Output[Any]":
        args = database_args(password_parameter="/diaspora/pod/databasePassword")
        del args["password"]
        database = Database("pod", args)
        return pulumi.Output.all(database.password, database.password.is_secret())

    found = []
    for _ in range(2):
        recorder, (password, secret) = run(program)
        (parameter,) = recorder.of("Parameter")
        assert parameter["type"] == "SecureString"
        assert parameter["value"]["value"] == password == recorder.of("Cluster")[0]["masterPassword"]["value"]
        assert secret is True
        found.append(password)
    assert found[0] != found[1], "every run offers another one; the engine keeps the first (tests of the whole life)"


def test_database_identifier_changes_with_the_snapshot() -> None:
    names = {identifier("pod-database-1a2b3c4", snapshot) for snapshot in (None, "one", "two")}
    assert len(names) == 3
    assert all(len(f"{name}-final") <= 63 for name in names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_acu": 2, "max_acu": 1}, r"min_acu: 2 with max_acu: 1"),
        ({"min_acu": 0.3}, r"steps of 0\.5"),
        ({"max_acu": 0}, r"max_acu: 0; allowed: 1 to 256"),
        ({"version": "16.3"}, r"version: 16\.3 cannot be created, or cannot pause; allowed: 16\.8"),
        ({"version": "13.9"}, r"version: 13\.9 cannot be created"),
        ({"auto_pause_seconds": 60}, r"auto_pause_seconds: 60; allowed: 300 to 86400"),
        ({"min_acu": 1, "auto_pause_seconds": 600}, r"only used with min_acu: 0"),
        ({"backup_days": 0}, r"backup_days: 0; allowed: 1 to 35"),
        ({"subnet_ids": ["subnet-1"]}, r"two zones"),
        ({"password_parameter": "/a/b"}, r"password, password_parameter: both are given; give one of them"),
        ({"password": "with space"}, r"the password does not fit"),
        ({"engine": "mysql"}, r"^pod: engine: 'mysql' is not known; allowed: auroraServerless, rds$"),
    ],
)
def test_wrong_database_settings_are_refused(run: Run, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError, match=message) as caught:
        run(lambda: Database("pod", database_args(**changes)).password)
    assert "with space" not in str(caught.value)


def test_too_long_database_name_is_refused(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"is no name of a database"):
        run(lambda: Database("a" * 31, database_args()).host)


# buckets


def test_bucket_is_private_versioned_and_requires_tls(run: Run) -> None:
    recorder, _ = run(lambda: Uploads("pod", {"tags": TAGS}).bucket)
    (block,) = recorder.of("BucketPublicAccessBlock")
    assert {name for name, value in block.items() if value is True} == {
        "blockPublicAcls",
        "blockPublicPolicy",
        "ignorePublicAcls",
        "restrictPublicBuckets",
    }
    assert recorder.of("BucketOwnershipControls")[0]["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    assert recorder.of("BucketVersioning")[0]["versioningConfiguration"] == {"status": "Enabled"}
    assert recorder.of("Bucket")[0]["forceDestroy"] is False
    policy = json.loads(recorder.of("BucketPolicy")[0]["policy"])
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    rules = {rule["id"]: rule for rule in recorder.of("BucketLifecycleConfiguration")[0]["rules"]}
    assert rules["unfinished-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rules["old-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 30}
    assert recorder.of("BucketObjectLockConfiguration") == []


def test_old_backup_versions_are_kept_longer_than_their_lock(run: Run) -> None:
    recorder, repository = run(lambda: Backups("pod", backups_args(object_lock_days=90)).repository)
    assert repository == "s3:https://s3.eu-west-1.amazonaws.com/pod-backups"
    assert recorder.of("Bucket")[0]["objectLockEnabled"] is True
    assert recorder.of("BucketObjectLockConfiguration")[0]["rule"] == {
        "defaultRetention": {"mode": "COMPLIANCE", "days": 90}
    }
    rules = {rule["id"]: rule for rule in recorder.of("BucketLifecycleConfiguration")[0]["rules"]}
    assert rules["old-versions"]["noncurrentVersionExpiration"] == {"noncurrentDays": 91}


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Uploads",
        "my_bucket",
        "my.bucket",
        "-uploads",
        "uploads-",
        "xn--pod",
        "pod-s3alias",
        "192.0.2.1",
    ],
)
def test_invalid_bucket_names_are_refused(run: Run, name: str) -> None:
    with pytest.raises(pulumi.RunError, match=r"is no name of a bucket; allowed: 3 to 63 characters"):
        run(lambda: Uploads("pod", {"bucket": name}).bucket)


def test_valid_bucket_name_is_used(run: Run) -> None:
    recorder, _ = run(lambda: Uploads("pod", {"bucket": "uploads-of-my-pod"}).bucket)
    assert recorder.of("Bucket")[0]["bucket"] == "uploads-of-my-pod"


def test_snapshots_cover_only_volumes_of_this_pod(run: Run) -> None:
    def program() -> "pulumi.Output[Any]":
        backups = Backups("pod", backups_args(make_bucket=False, volume_snapshot_days=3))
        return pulumi.Output.all(backups.volume_tags, backups.repository, backups.statements)

    recorder, (tags, repository, statements) = run(program)
    assert (tags, repository, statements) == ({"DailySnapshot": "pod.example.org"}, None, [])
    (policy,) = recorder.of("LifecyclePolicy")
    assert policy["policyDetails"]["targetTags"] == tags
    assert policy["policyDetails"]["schedules"][0]["retainRule"] == {"interval": 3, "intervalUnit": "DAYS"}
    trust = json.loads(recorder.of("Role")[0]["assumeRolePolicy"])["Statement"][0]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def test_disabled_snapshots_create_no_policy(run: Run) -> None:
    recorder, _ = run(lambda: Backups("pod", backups_args(volume_snapshot_days=0)).bucket)
    assert recorder.of("LifecyclePolicy") == recorder.of("Role") == []


# mail


def test_mail_is_limited_to_one_sender_and_tls(run: Run) -> None:
    def program() -> "pulumi.Output[Any]":
        mail = Mail("pod", mail_args(alerts_topic_arn="arn:aws:sns:eu-west-1:123456789012:alerts"))
        return pulumi.Output.all(
            mail.host, mail.port, mail.user, mail.password, mail.password.is_secret(), mail.records
        )

    recorder, (host, port, user, password, secret, records) = run(program)
    assert (host, port) == ("email-smtp.eu-west-1.amazonaws.com", 587)
    assert (user, password, secret) == ("pod-smtp-id", "smtp-password", True)
    assert recorder.of("ConfigurationSet")[0]["deliveryOptions"] == {"tlsPolicy": "REQUIRE"}
    (destination,) = recorder.of("ConfigurationSetEventDestination")
    assert destination["eventDestination"]["matchingEventTypes"] == ["BOUNCE", "COMPLAINT", "REJECT"]
    (statement,) = json.loads(recorder.of("UserPolicy")[0]["policy"])["Statement"]
    assert statement["Action"] == "ses:SendRawEmail"
    assert statement["Resource"] == [
        "arn:aws:ses:eu-west-1:123456789012:identity/*",
        "arn:aws:ses:eu-west-1:123456789012:configuration-set/x",
    ]
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": "no-reply@pod.example.org"}}
    shown = {record["key"]: (record["name"], record["type"], *record["values"]) for record in records}
    assert shown == {
        "dkim-1": ("t1._domainkey.pod.example.org", "CNAME", "t1.dkim.amazonses.com"),
        "dkim-2": ("t2._domainkey.pod.example.org", "CNAME", "t2.dkim.amazonses.com"),
        "dkim-3": ("t3._domainkey.pod.example.org", "CNAME", "t3.dkim.amazonses.com"),
        "bounces-mx": ("bounce.pod.example.org", "MX", "10 feedback-smtp.eu-west-1.amazonses.com"),
        "bounces-spf": ("bounce.pod.example.org", "TXT", "v=spf1 include:amazonses.com -all"),
        "dmarc": ("_dmarc.pod.example.org", "TXT", "v=DMARC1; p=quarantine; adkim=s"),
    }


@pytest.mark.parametrize(
    ("region", "secret", "password"),
    [
        ("eu-central-1", "some+secret+key", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
        ("us-west-1", "another+secret+key", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"),
    ],
)
def test_smtp_password_reference_gives_known_answers(region: str, secret: str, password: str) -> None:
    """Those of the tests of the Terraform provider."""
    assert smtp_password(secret, region) == password


def test_newer_region_has_its_own_dkim_domain(run: Run) -> None:
    _, records = run(lambda: pulumi.Output.all(*Mail("pod", mail_args()).records), region="eu-south-1")
    assert records[0]["values"] == ["t1.dkim.eu-south-1.amazonses.com"]


def test_dmarc_none_leaves_out_the_dmarc_record(run: Run) -> None:
    _, records = run(lambda: pulumi.Output.all(*Mail("pod", mail_args(dmarc="none")).records))
    assert [record["key"] for record in records] == ["dkim-1", "dkim-2", "dkim-3", "bounces-mx", "bounces-spf"]


def test_existing_ses_identity_is_not_changed(run: Run) -> None:
    recorder, records = run(lambda: pulumi.Output.all(Mail("pod", mail_args(existing_identity=True)).records))
    assert records == [[]]
    assert recorder.of("EmailIdentity") == recorder.of("ConfigurationSet") == []
    (statement,) = json.loads(recorder.of("UserPolicy")[0]["policy"])["Statement"]
    assert statement["Resource"] == [
        "arn:aws:ses:eu-west-1:123456789012:identity/*",
        "arn:aws:ses:eu-west-1:123456789012:configuration-set/settings-of-mine",
    ]


def test_sender_outside_the_domain_is_refused(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"sender: 'me@example\.org' is not in the domain"):
        run(lambda: Mail("pod", mail_args(sender="me@example.org")).host)


def test_next_steps_explain_how_to_leave_the_ses_sandbox(run: Run) -> None:
    _, text = run(lambda: Mail("pod", mail_args()).next_steps)
    assert "aws sesv2 put-account-details --region eu-west-1 --production-access-enabled" in text


def test_configuration_set_names_are_short_and_unique() -> None:
    long = [f"{'a' * 60}.{end}.example.org" for end in ("one", "two")]
    names = [configuration_set_name(domain) for domain in ["pod.example.org", *long]]
    assert names[0] == "pod-example-org"
    assert len(set(names)) == 3
    assert all(len(name) <= 64 for name in names)


# parameters


def test_parameters_encrypt_secrets_but_not_facts(run: Run) -> None:
    def program() -> "pulumi.Output[Any]":
        parameters = Parameters(
            "pod",
            parameters_args(
                secrets={"smtpPassword": pulumi.Output.secret("hunter2")},
                facts={"smtpHost": "mail.example.org"},
                existing={"camoKey": "/elsewhere/camo"},
            ),
        )
        return pulumi.Output.all(parameters.names, parameters.statements)

    recorder, (names, statements) = run(program)
    assert {entry["name"]: entry["type"] for entry in recorder.of("Parameter")} == {
        "/diaspora/pod.example.org/smtpPassword": "SecureString",
        "/diaspora/pod.example.org/smtpHost": "String",
    }
    assert names == {
        "camoKey": "/elsewhere/camo",
        "smtpPassword": "/diaspora/pod.example.org/smtpPassword",
        "smtpHost": "/diaspora/pod.example.org/smtpHost",
    }
    prefix = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter"
    actions = {statement["Sid"]: statement["Resource"] for statement in statements}
    assert actions["ReadParameters"] == [f"{prefix}/diaspora/pod.example.org/*", f"{prefix}/elsewhere/camo"]
    assert "hunter2" not in json.dumps(statements)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secrets": {"big": "x" * (LONGEST_VALUE + 1)}}, r"^pod: secrets\.big: 4097 bytes; allowed: 1 to 4096$"),
        ({"secrets": {"big": "é" * 2049}}, r"secrets\.big: 4098 bytes"),
        ({"facts": {"empty": ""}}, r"facts\.empty: 0 bytes"),
        ({"path": "diaspora"}, r"is no path of parameters"),
        ({"path": "/aws/pod"}, r"is no path of parameters"),
        ({"secrets": {"a b": "x"}}, r"'a b' is no name of a parameter"),
        ({"secrets": {"a": "x"}, "facts": {"a": "x"}}, r"a is given twice"),
    ],
)
def test_invalid_parameters_are_refused(run: Run, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError, match=message) as caught:
        run(lambda: Parameters("pod", parameters_args(**changes)).names)
    assert "xxx" not in str(caught.value)


def test_parameter_of_maximum_size_is_accepted(run: Run) -> None:
    recorder, _ = run(lambda: Parameters("pod", parameters_args(secrets={"big": "x" * LONGEST_VALUE})).names)
    assert len(recorder.of("Parameter")) == 1


# all of them


def test_policy_statements_have_no_wildcards_or_permanent_deletion(run: Run) -> None:
    def program() -> "pulumi.Output[Any]":
        parameters = Parameters("pod", parameters_args(secrets={"a": "b"})).statements
        arn = "arn:aws:s3:::bucket"
        return pulumi.Output.all(*parameters, *mount_statements(arn), *backup_statements(arn))

    for statement in run(program)[1]:
        actions, resources = (
            [value] if isinstance(value, str) else value for value in (statement["Action"], statement["Resource"])
        )
        assert all("*" not in action for action in actions), statement
        assert all(resource.startswith("arn:aws:") and resource.count("*") <= 1 for resource in resources), statement
        assert not {"s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutBucketPolicy"} & set(actions)


def whole_set() -> None:
    args = database_args(password_parameter="/diaspora/pod/databasePassword")
    del args["password"]
    Database("pod", args)
    Database("other", database_args(engine="rds"))
    Uploads("pod", {"tags": TAGS})
    Backups("pod", backups_args(object_lock_days=1))
    Mail("pod", mail_args(alerts_topic_arn="arn:aws:sns:eu-west-1:123456789012:alerts"))
    Parameters("pod", parameters_args(secrets={"a": "b"}, facts={"c": "d"}))


def test_tags_are_set_on_every_taggable_resource(run: Run) -> None:
    recorder, _ = run(lambda: whole_set())
    own = [entry for entry in recorder.resources if entry.typ.startswith("aws:")]
    taggable = 0
    for entry in own:
        _, module, name = entry.typ.split(":")
        cls = getattr(importlib.import_module(f"pulumi_aws.{module.split('/')[0]}"), name)
        if "tags" in inspect.signature(cls._internal_init).parameters:
            taggable += 1
            assert entry.inputs["tags"].items() >= TAGS.items(), entry.name
            assert entry.inputs["tags"]["Name"], entry.name
    assert taggable > len(own) / 3, "most of the others are parts of buckets"


def test_every_resource_belongs_to_its_component(run: Run) -> None:
    urns: dict[str, str] = {}

    def program() -> "pulumi.Output[Any]":
        components = [Uploads("pod", {}), Backups("pod", backups_args()), Mail("pod", mail_args())]
        children = [child for component in components for child in descendants(component)]
        return pulumi.Output.all(*(child.urn for child in children)).apply(
            lambda found: urns.update(dict.fromkeys(found))
        )

    recorder, _ = run(program)
    own = [entry for entry in recorder.resources if entry.typ.startswith("aws:")]
    assert len([urn for urn in urns if "::diaspora-infra:index:" in urn and "$aws:" in urn]) == len(own)


def descendants(resource: pulumi.Resource) -> list[pulumi.Resource]:
    children = list(resource._childResources)
    return [*children, *(each for child in children for each in descendants(child))]


@pytest.mark.parametrize("component", COMPONENTS)
def test_components_are_analyzable_for_other_languages(component: type[pulumi.ComponentResource]) -> None:
    """The engine's analyzer of Python components understands the arguments, and every one has a description."""
    definition = Analyzer("diaspora-infra").analyze_component(component)
    for name, entry in {**definition.inputs, **definition.outputs}.items():
        assert entry.description, name
