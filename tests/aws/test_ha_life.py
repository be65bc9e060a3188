"""The life of a pod on several machines, by a real engine and the provider's own logic, in a simulated account.

The simulator starts all machines of a group in one zone, replaces them at once, and has no health checks, no load
balancing, no rollback and no failover: nothing here shows those.
"""

import json
from typing import Any

import pytest

from diaspora_infra.commands.status import follow
from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.smoke.stack_state import pod_stack
from diaspora_infra.status.groups import Refresh, read_groups
from tests.aws.account_asserts import DOMAIN, records
from tests.aws.account_client import instances
from tests.aws.account_inventory import ACCOUNT, OBJECTS, PARAMETERS, buckets, roles, unencrypted
from tests.aws.reachability import on_the_internet, reaches
from tests.aws.rules import problems
from tests.aws.simulated_types import asked, encrypted_backup_password, same_types
from tests.support.aws_bill import uncounted
from tests.support.aws_stack import AwsStack

PATH = f"/diaspora/{DOMAIN}"
GROUP = "aws:autoscaling/group:Group"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup::pod-cache"
SECRET = "aws:ssm/parameter:Parameter::pod-smtpPassword"
KEPT = ("generated/secretKeyBase", "deployment")
"""What machines have written."""


def test_pod_on_several_machines_is_created_changed_and_destroyed(
    aws_stack: AwsStack, capsys: pytest.CaptureFixture[str]
) -> None:
    aws_stack.values["aws"]["topology"] = "ha"
    aws_stack.values["pod"]["backup"] = {}
    aws_stack.values["backupPassword"] = encrypted_backup_password(aws_stack)
    comes_up(aws_stack)
    changes_nothing_more(aws_stack)
    status_tells_of_all_machines(aws_stack, capsys)
    only_the_load_balancer_is_open(aws_stack)
    nothing_but_facts_is_readable(aws_stack)
    machines_may_do_what_their_role_needs(aws_stack)
    tells_when_jobs_wait(aws_stack)
    assert uncounted(aws_stack) == []
    changes_the_machine_for_jobs_first(aws_stack)
    closes_what_somebody_opened(aws_stack)
    goes_when_it_may(aws_stack)


def comes_up(stack: AwsStack) -> None:
    stack.good("up")
    assert same_types("test_ha_life", stack)
    assert problems(asked(stack)) == []
    web, job = (group(stack, role) for role in (WEB, JOB))
    assert (web["MinSize"], web["MaxSize"], job["MinSize"], job["MaxSize"]) == (2, 3, 1, 1)
    assert [len(each["TargetGroupARNs"]) for each in (web, job)] == [1, 0]
    assert [each["LaunchTemplate"]["Version"] for each in (web, job)] == ["1", "1"]
    assert {role: hook(stack, role)["HeartbeatTimeout"] for role in (WEB, JOB)} == {WEB: 900, JOB: 1800}
    # the machines are spread over all zones of the region, which the simulator does not do
    assert [len(each["VPCZoneIdentifier"].split(",")) for each in (web, job)] == [3, 3]
    (database,) = stack.client("rds").describe_db_instances()["DBInstances"]
    assert (database["MultiAZ"], database["DBInstanceClass"]) == (True, "db.t4g.small")
    (cache,) = stack.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    assert facts(stack)["cacheHost"] == cache["NodeGroups"][0]["PrimaryEndpoint"]["Address"]
    assert facts(stack)["deployment"] == "none"
    (balancer,) = stack.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert records(stack)[DOMAIN, "A"]["AliasTarget"]["DNSName"].startswith(balancer["DNSName"])
    (targets,) = stack.client("elbv2").describe_target_groups()["TargetGroups"]
    assert targets["HealthCheckPath"] == "/health"
    outputs = stack.engine.outputs()
    assert outputs["loadBalancer"] == balancer["DNSName"]
    assert outputs["status"] == "diaspora-infra status test --wait"
    assert not {"instance", "address", "dataVolume", "pendingUpgrade"} & outputs.keys()


def changes_nothing_more(stack: AwsStack) -> None:
    """A second run changes nothing, nor what machines have written since."""
    for name in KEPT:
        kind = "SecureString" if name.startswith("generated/") else "String"
        stack.client("ssm").put_parameter(Name=f"{PATH}/{name}", Value="by a machine", Type=kind, Overwrite=True)
    stack.good("preview", "--refresh", "--expect-no-changes")


def status_tells_of_all_machines(stack: AwsStack, capsys: pytest.CaptureFixture[str]) -> None:
    pod = pod_stack("test", {"deployment": {"resources": stack.engine.export()}})
    # in the simulator every machine is healthy at once
    assert follow(pod, stack.client, wait=True) == 0
    shown = capsys.readouterr().out
    web, job = (group(stack, role)["AutoScalingGroupName"] for role in (WEB, JOB))
    assert f"  web: {web}, version 1, 2 of 2 ready\n" in shown
    assert f"  job: {job}, version 1, 1 of 1 ready\n" in shown
    assert "  deployment: by a machine\n" in shown
    assert all(each["InstanceId"] in shown for each in instances(stack))
    assert shown.count("load balancer: healthy") == 2
    assert shown.endswith("all machines are ready, and of the version that the stack has\n")


def only_the_load_balancer_is_open(stack: AwsStack) -> None:
    assert reaches(stack) == {
        ("internet", "load balancer", "80"),
        ("internet", "load balancer", "443"),
        ("load balancer", "machine", "80"),
        ("endpoint", "machine", "22"),
        ("machine", "database", "5432"),
        ("machine", "cache", "6379"),
        ("machine", "internet", "all"),
        # as everybody does
        ("machine", "load balancer", "80"),
        ("machine", "load balancer", "443"),
        ("machine", "S3", "443"),
    }
    assert on_the_internet(stack) == {"load balancer", "machine"}


def nothing_but_facts_is_readable(stack: AwsStack) -> None:
    """All that holds data is encrypted, and no config of a machine has a secret."""
    plain = {"databaseHost", "cacheHost", "uploadsBucket", "backupRepository", "deployment"}
    # the simulator does not read what a launch template says of volumes
    volumes = {each["VolumeId"] for each in stack.client("ec2").describe_volumes()["Volumes"]}
    assert unencrypted(stack) - volumes == {f"{PATH}/{name}" for name in plain}
    assert all(each["ebs"]["encrypted"] == "true" for each in root_devices(stack))
    token = stack.client("ssm").get_parameter(Name=f"{PATH}/cacheToken", WithDecryption=True)["Parameter"]["Value"]
    for role in (WEB, JOB):
        (config,) = configs_of(stack, role)
        assert json.loads(config)["ignition"]["version"] == "3.4.0"
        assert token not in config


def machines_may_do_what_their_role_needs(stack: AwsStack) -> None:
    found = roles(stack)
    assert found.keys() == {"pod-web-machine", "pod-job-machine"}
    web, job = (found[f"pod-{role}-machine"] for role in (WEB, JOB))
    assert (web[0], web[2], job[0], job[2]) == (["ec2.amazonaws.com"], [], ["ec2.amazonaws.com"], [])
    assert [each for each in web[1] if each not in job[1]] == own_statements(stack, WEB)
    more = [each for each in job[1] if each not in web[1]]
    backups = f"arn:aws:s3:::{buckets(stack)['pod-backups']}"
    list_backups = {
        "Sid": "ListBackups",
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
        "Resource": backups,
    }
    use_backups = {
        "Sid": "ReadAndWriteBackups",
        "Effect": "Allow",
        "Action": OBJECTS,
        "Resource": f"{backups}/*",
    }
    tell = {
        "Sid": "TellDeployment",
        "Effect": "Allow",
        "Action": "ssm:PutParameter",
        "Resource": f"{PARAMETERS}/deployment",
    }
    send = {
        "Sid": "SendMetrics",
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": f"diaspora-infra/{DOMAIN}"}},
    }
    assert more == [list_backups, use_backups, tell, send, *own_statements(stack, JOB)]
    written = [each for each in web[1] if each["Action"] == "ssm:PutParameter"]
    assert written == [
        {
            "Sid": "MakeSecrets",
            "Effect": "Allow",
            "Action": "ssm:PutParameter",
            "Resource": f"{PARAMETERS}/generated/*",
        },
        {
            "Sid": "KeepSecrets",
            "Effect": "Deny",
            "Action": "ssm:PutParameter",
            "Resource": f"{PARAMETERS}/generated/*",
            "Condition": {"StringEquals": {"ssm:Overwrite": "true"}},
        },
    ]
    (logs,) = [each for each in web[1] if each["Sid"] == "SendLogs"]
    assert logs["Resource"] == f"arn:aws:logs:{ACCOUNT}:log-group:{PATH}/machines:*"
    (kept,) = stack.client("logs").describe_log_groups()["logGroups"]
    assert (kept["logGroupName"], kept["retentionInDays"]) == (f"{PATH}/machines", 14)


def own_statements(stack: AwsStack, role: str) -> list[dict[str, Any]]:
    """What only this group's machines may do: read their config, and say that they are ready."""
    return [
        {
            "Sid": "OwnConfig",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{buckets(stack)[f'pod-{role}-ignition']}/ignition/*",
        },
        {
            "Sid": "TellReady",
            "Effect": "Allow",
            "Action": ["autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"],
            "Resource": f"arn:aws:autoscaling:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/pod-{role}-machines-*",
        },
    ]


def tells_when_jobs_wait(stack: AwsStack) -> None:
    """The alarm looks at what the program of the job machine sends, and hears when that falls silent."""
    alarms = stack.client("cloudwatch").describe_alarms()["MetricAlarms"]
    (alarm,) = [each for each in alarms if each["Namespace"] == f"diaspora-infra/{DOMAIN}"]
    assert alarm["MetricName"] == "QueueAge"
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "Maximum",
        "GreaterThanThreshold",
        900,
    )
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (300, 3, "breaching")
    assert alarm["AlarmActions"] == alarm["OKActions"]
    assert [":sns:" in each for each in alarm["AlarmActions"]] == [True]
    assert not alarm.get("Dimensions")


def changes_the_machine_for_jobs_first(stack: AwsStack) -> None:
    """A change of the settings: other machines, first that which migrates the database, and the same data."""
    former, data = {each["InstanceId"] for each in instances(stack)}, data_of(stack)
    (config,) = configs_of(stack, WEB)
    stack.values["pod"]["name"] = "Another name"
    stack.good("up")
    assert [group(stack, role)["LaunchTemplate"]["Version"] for role in (WEB, JOB)] == ["2", "2"]
    assert former.isdisjoint(each["InstanceId"] for each in instances(stack))
    refreshes = {role: refresh(stack, role) for role in (WEB, JOB)}
    assert refreshes[JOB]["EndTime"] <= refreshes[WEB]["StartTime"]
    healthy = {role: each["Preferences"]["MinHealthyPercentage"] for role, each in refreshes.items()}
    assert healthy == {WEB: 100, JOB: 0}
    after = next(each for each in stack.engine.export() if each["urn"].endswith(f"{GROUP}::pod-web-machines"))
    waits_for = {urn.rpartition("$")[2] for urn in after["dependencies"]}
    assert waits_for >= {f"{GROUP}::pod-job-machines", "aws:rds/instance:Instance::pod-database", CACHE, SECRET}
    # machines that start while the others are replaced still find the former config
    assert config in configs_of(stack, WEB)
    assert len(configs_of(stack, WEB)) == 2
    assert data_of(stack) == data
    stack.good("preview", "--expect-no-changes")
    pod = pod_stack("test", {"deployment": {"resources": stack.engine.export()}})
    assert [(each.version, each.done, each.refresh) for each in read_groups(pod, stack.client)] == [
        ("2", True, Refresh("Successful", 100, ""))
    ] * 2


def closes_what_somebody_opened(stack: AwsStack) -> None:
    closed, ec2 = reaches(stack), stack.client("ec2")
    (found,) = ec2.describe_security_groups(Filters=[{"Name": "tag:Name", "Values": ["pod cache"]}])["SecurityGroups"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [found["GroupId"]]}])
    (own,) = [each["SecurityGroupRuleId"] for each in rules["SecurityGroupRules"] if not each["IsEgress"]]
    ec2.revoke_security_group_ingress(GroupId=found["GroupId"], SecurityGroupRuleIds=[own])
    for bucket in buckets(stack).values():
        stack.client("s3").delete_public_access_block(Bucket=bucket)
    web = group(stack, WEB)["AutoScalingGroupName"]
    stack.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=web, MinSize=0, DesiredCapacity=1)
    assert reaches(stack) != closed
    stack.good("up", "--refresh")
    assert reaches(stack) == closed
    assert (group(stack, WEB)["MinSize"], len(group(stack, WEB)["Instances"])) == (2, 2)
    for bucket in buckets(stack).values():
        block = stack.client("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert all(block.values())


def goes_when_it_may(stack: AwsStack) -> None:
    """Destroying is refused; with the protection lifted, last snapshots and what machines wrote are left."""
    refused = stack.run("destroy", "--skip-preview=false")
    assert refused.returncode
    assert "cannot be deleted" in refused.stdout
    database, cache = data_of(stack)
    assert len(instances(stack)) == 3

    stack.values["aws"]["protect"] = False
    stack.good("up")
    stack.good("destroy")
    assert instances(stack) == []
    assert all(each["IsDefault"] for each in stack.client("ec2").describe_vpcs()["Vpcs"])
    assert stack.client("s3").list_buckets()["Buckets"] == []
    assert stack.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert stack.client("logs").describe_log_groups()["logGroups"] == []
    assert data_of(stack) == ([], [])
    left = stack.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [f"{each['DBSnapshotIdentifier']}" for each in left] == [f"{database[0].partition(' ')[0]}-final"]
    assert cache
    names = [each["Name"] for each in stack.client("ssm").describe_parameters()["Parameters"]]
    assert names == [f"{PATH}/{KEPT[0]}"]


def group(stack: AwsStack, role: str) -> Any:
    (found,) = [
        each
        for each in stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        if each["AutoScalingGroupName"].startswith(f"pod-{role}-machines-")
    ]
    return found


def root_devices(stack: AwsStack) -> list[Any]:
    """The disks that launch templates ask for."""
    templates = [each for each in asked(stack) if each.token == "aws:ec2/launchTemplate:LaunchTemplate"]
    return [disk for each in templates for disk in each.inputs["blockDeviceMappings"]]


def hook(stack: AwsStack, role: str) -> Any:
    (found,) = stack.client("autoscaling").describe_lifecycle_hooks(
        AutoScalingGroupName=group(stack, role)["AutoScalingGroupName"]
    )["LifecycleHooks"]
    return found


def refresh(stack: AwsStack, role: str) -> Any:
    """The last instance refresh of a group."""
    return stack.client("autoscaling").describe_instance_refreshes(
        AutoScalingGroupName=group(stack, role)["AutoScalingGroupName"]
    )["InstanceRefreshes"][0]


def facts(stack: AwsStack) -> dict[str, str]:
    """The parameters that are no secrets, by name."""
    found = stack.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=PATH)
    every = [each for page in found for each in page["Parameters"]]
    return {each["Name"].rpartition("/")[2]: each["Value"] for each in every if each["Type"] == "String"}


def configs_of(stack: AwsStack, role: str) -> list[str]:
    """The configs that the bucket of a group holds."""
    s3, bucket = stack.client("s3"), buckets(stack)[f"pod-{role}-ignition"]
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys]


def data_of(stack: AwsStack) -> tuple[list[str], list[str]]:
    """Database and cache: names, and what tells one from another with the same name."""
    databases = stack.client("rds").describe_db_instances()["DBInstances"]
    caches = stack.client("elasticache").describe_replication_groups()["ReplicationGroups"]
    return (
        [f"{each['DBInstanceIdentifier']} {each['DbiResourceId']}" for each in databases],
        [each["ReplicationGroupId"] for each in caches],
    )
