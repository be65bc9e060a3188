"""The life of a whole stack, by a real engine and the Terraform provider's own logic, in a simulated account."""

from pathlib import Path
from typing import Any

from diaspora_infra.cost.target import TARGET_USD
from tests.aws.account_asserts import (
    DOMAIN,
    a_request_finds_its_way,
    attached,
    bundles,
    check_alarms,
    data_volume,
    offered,
    service_instances,
    the_machine_is_closed,
    where_it_is,
)
from tests.aws.account_client import instance, may_reach, user_data
from tests.aws.account_inventory import everything_is_as_it_must_be
from tests.aws.policy_linters.accepted import FINDINGS
from tests.aws.policy_linters.running import PolicyLinters
from tests.aws.rules import problems
from tests.aws.simulated_types import asked, same_types
from tests.support.aws_bill import uncounted
from tests.support.aws_stack import AwsStack
from tests.support.configs import without_images


def test_whole_stack_is_created_updated_destroyed_and_recreated(aws_stack: AwsStack, tmp_path: Path) -> None:
    aws_stack.values = without_images(aws_stack.values)
    aws_stack.values["pod"]["imageRefresh"] = False
    comes_up(aws_stack)
    the_machine_is_closed(aws_stack)
    everything_is_as_it_must_be(aws_stack)
    policy_linters_find_nothing(aws_stack, tmp_path)
    a_request_finds_its_way(aws_stack)
    costs_at_most_the_target(aws_stack)
    changes_its_machine_and_keeps_its_data(aws_stack)
    closes_what_somebody_opened(aws_stack)
    goes_when_it_may(aws_stack)
    comes_again(aws_stack)


def comes_up(stack: AwsStack) -> None:
    waiting = "waiting up to 15 minutes for the certificate of pod.example.org"
    assert waiting not in stack.good("preview").stdout
    assert waiting in stack.good("up").stdout
    assert waiting not in stack.good("preview", "--expect-no-changes").stdout
    stack.good("refresh", "--expect-no-changes")
    assert same_types("test_whole_stack", stack)
    assert problems(asked(stack)) == []
    (vpc,) = [each for each in stack.client("ec2").describe_vpcs()["Vpcs"] if not each["IsDefault"]]
    assert vpc["CidrBlock"] == "10.0.0.0/16"


def policy_linters_find_nothing(stack: AwsStack, folder: Path) -> None:
    """The policy linters find the same in the account as in what the mocks are asked for (test_policy_linters.py)."""
    verdict = PolicyLinters(folder).check({"up": asked(stack)})
    assert {(each.check, each.resource) for each in verdict.findings} - FINDINGS == set()


def costs_at_most_the_target(stack: AwsStack) -> None:
    """What a stack makes is what `diaspora-infra cost` counts."""
    assert uncounted(stack) == []
    shown = stack.engine.outputs()["monthlyCost"]
    assert 0 < shown["usd"]["1"] < TARGET_USD < shown["usd"]["5"] < shown["usd"]["20"] < shown["usd"]["200"]
    budgets = stack.client("budgets").describe_budgets(AccountId="123456789012")["Budgets"]
    assert [float(budget["BudgetLimit"]["Amount"]) for budget in budgets] == [20]


def changes_its_machine_and_keeps_its_data(stack: AwsStack) -> None:
    before, volume = instance(stack), data_volume(stack)
    http_api = http_api_parts(stack)
    (first,), (_, first_hash) = bundles(stack), offered(stack)

    # another bundle: the same machine, whose type changes where it is; the bundle of before can still be fetched
    stack.values["aws"]["size"] = "small"
    stack.values["pod"] |= {"name": "Another name", "sourceCommit": "b" * 40, "imageRefresh": True}
    builds = built_images(stack)
    stack.good("up")
    # another commit is another image, in the same repository, and the project builds it
    assert [tag.split("-")[0] for tag in builds] == ["diaspora", "s3fs"]
    assert len(builds.keys() & built_images(stack).keys()) == 1
    assert set(builds.values()) == set(built_images(stack).values()) == {"none"}
    assert f"SOURCE_COMMIT={'b' * 40}" in buildspec(stack)
    rules = stack.client("events").list_rules()["Rules"]
    assert [each["ScheduleExpression"] for each in rules if "ScheduleExpression" in each] == ["rate(30 days)"]
    larger = instance(stack)
    assert larger["InstanceType"] == "t4g.small"
    assert larger["InstanceId"] == before["InstanceId"]
    assert user_data(stack, larger["InstanceId"]) == user_data(stack, before["InstanceId"])
    assert offered(stack)[1] != first_hash
    assert len(bundles(stack)) == 2
    assert first in bundles(stack)
    stack.good("preview", "--expect-no-changes")

    # the machine says which bundle it has, and that is no change of the stack
    stack.client("ssm").put_parameter(Name=f"/diaspora/{DOMAIN}/bundleApplied", Value=first_hash, Overwrite=True)
    for name in built_images(stack):
        place = f"/diaspora/{DOMAIN}/images/{name}"
        stack.client("ssm").put_parameter(Name=place, Value=f"x@sha256:{'0' * 64} tag", Overwrite=True)
    stack.good("preview", "--refresh", "--expect-no-changes")
    stack.good("up")
    second_hash = offered(stack)[1]
    assert stack.engine.outputs()["pendingUpgrade"] == (
        f"the machine runs bundle {first_hash}, the stack offers {second_hash}; "
        "to take that one, run there: sudo diaspora-pod upgrade"
    )
    stack.client("ssm").put_parameter(Name=f"/diaspora/{DOMAIN}/bundleApplied", Value=second_hash, Overwrite=True)

    # another part of its own: another machine with the same data; and the database changes where it is
    (cluster,) = stack.client("rds").describe_db_clusters()["DBClusters"]
    stack.values["host"]["timeZone"] = "Europe/Dublin"
    stack.values["aws"]["database"] = {"maxAcu": 2}
    stack.good("up")
    after = instance(stack)
    assert after["InstanceId"] != before["InstanceId"]
    assert data_volume(stack)["VolumeId"] == volume["VolumeId"]
    assert volume["VolumeId"] in attached(after)
    assert stack.engine.outputs().get("pendingUpgrade") is None
    check_alarms(stack, after["InstanceId"])
    (same,) = stack.client("rds").describe_db_clusters()["DBClusters"]
    assert same["DbClusterResourceId"] == cluster["DbClusterResourceId"]
    assert same["ServerlessV2ScalingConfiguration"]["MaxCapacity"] == 2

    # API Gateway is told of the other machine, and nothing else of it changes
    assert after["PrivateIpAddress"] != before["PrivateIpAddress"]
    assert service_instances(stack) == [("machine", where_it_is(stack))]
    assert http_api_parts(stack) == http_api


def built_images(stack: AwsStack) -> dict[str, str]:
    """The parameters of images: name and value."""
    path = f"/diaspora/{DOMAIN}/images"
    found = stack.client("ssm").get_parameters_by_path(Path=path)["Parameters"]
    values = {each["Name"].removeprefix(f"{path}/"): each["Value"] for each in found}
    return dict(sorted(values.items()))


def buildspec(stack: AwsStack) -> str:
    (project,) = stack.client("codebuild").batch_get_projects(names=["images-pod-example-org"])["projects"]
    return str(project["source"]["buildspec"])


def http_api_parts(stack: AwsStack) -> list[Any]:
    gateway = stack.client("apigatewayv2")
    (api,) = gateway.get_apis()["Items"]
    return [
        gateway.get_vpc_links()["Items"],
        [each["IntegrationId"] for each in gateway.get_integrations(ApiId=api["ApiId"])["Items"]],
    ]


def closes_what_somebody_opened(stack: AwsStack) -> None:
    closed = may_reach(stack)
    ec2, s3 = stack.client("ec2"), stack.client("s3")
    (machine,) = ec2.describe_security_groups(Filters=[{"Name": "tag:Name", "Values": ["pod machine"]}])[
        "SecurityGroups"
    ]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [machine["GroupId"]]}])
    (web,) = [each for each in rules["SecurityGroupRules"] if each["FromPort"] == 80]
    ec2.revoke_security_group_ingress(GroupId=machine["GroupId"], SecurityGroupRuleIds=[web["SecurityGroupRuleId"]])
    buckets = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    for bucket in buckets:
        s3.delete_public_access_block(Bucket=bucket)
    assert may_reach(stack) != closed
    stack.good("up", "--refresh")
    assert may_reach(stack) == closed
    for bucket in buckets:
        assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    stack.good("preview", "--expect-no-changes")


def goes_when_it_may(stack: AwsStack) -> None:
    """Destroying is refused; with the protection lifted, only the last snapshots are left."""
    ec2, rds = stack.client("ec2"), stack.client("rds")
    refused = stack.run("destroy", "--skip-preview=false")
    assert refused.returncode
    assert "cannot be deleted" in refused.stdout
    (cluster,) = rds.describe_db_clusters()["DBClusters"]
    assert instance(stack)
    assert cluster["DeletionProtection"]

    stack.values["aws"]["protect"] = False
    stack.good("up")
    stack.good("destroy")
    assert all(each["IsDefault"] for each in ec2.describe_vpcs()["Vpcs"])
    assert ec2.describe_volumes(Filters=[{"Name": "tag:Name", "Values": ["pod data"]}])["Volumes"] == []
    assert stack.client("s3").list_buckets()["Buckets"] == []
    assert stack.client("ecr").describe_repositories()["repositories"] == []
    assert stack.client("codebuild").list_projects()["projects"] == []
    assert stack.client("events").list_rules()["Rules"] == []
    assert built_images(stack) == {}
    assert rds.describe_db_clusters()["DBClusters"] == []
    (snapshot,) = ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "tag:Name", "Values": ["pod data"]}])[
        "Snapshots"
    ]
    assert snapshot["Encrypted"]
    left = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    assert [each["DBClusterSnapshotIdentifier"] for each in left] == [f"{cluster['DBClusterIdentifier']}-final"]


def comes_again(stack: AwsStack) -> None:
    """Nothing that the account keeps of the first life is in the way of the second."""
    stack.good("up")
    a_request_finds_its_way(stack)
    stack.good("destroy")
