"""Compares the priced resources of the simulated account with those that `diaspora-infra cost` counts."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from diaspora_infra.config import SECRET_KEYS, load
from diaspora_infra.cost import HOURS_A_MONTH, TRAFFIC, monthly_items
from diaspora_infra.cost.prices import FREE_ALARMS
from tests.aws.account_client import instances
from tests.support.aws_stack import REGION, AwsStack


def uncounted(stack: AwsStack) -> list[str]:
    """Lines about resources that exceed the counts of the cost of the stack."""
    plain = {key: value for key, value in stack.values.items() if key not in SECRET_KEYS}
    values = {**plain, "aws": {"region": REGION, **stack.values["aws"]}}
    items = monthly_items(load(values, SECRET_KEYS), TRAFFIC["typical"], Decimal(60))
    counted = {item.name: item.quantity for item in items}
    groups = "Load balancer" in counted
    volumes = ("Root volume", "Root volumes", "Data volume")
    allowed = {
        "machines": next(quantity for name, quantity in counted.items() if "achine" in name) / HOURS_A_MONTH,
        "GiB of volumes": sum((counted.get(name, Decimal(0)) for name in volumes), Decimal(0)),
        # the simulator gives the load balancer none
        "addresses": (counted["Public IPv4 addresses"] / HOURS_A_MONTH if groups else Decimal(1)),
        # one for each config of machines, some kilobytes
        "buckets": Decimal(1 + groups + sum(name in counted for name in ("Uploads in S3", "Backups in S3"))),
        "hosted zones": Decimal("Hosted zone" in counted),
        "HTTP APIs": Decimal("API Gateway requests" in counted),
        "instances in Cloud Map": counted.get("Cloud Map instance", Decimal(0)),
        "database instances": Decimal(any(name.startswith(("Aurora", "RDS")) for name in counted)),
        "load balancers": Decimal(groups),
        "nodes of caches": 2 * Decimal(any(name.startswith("2 cache nodes") for name in counted)),
        "alarms": FREE_ALARMS + counted.get("Alarms above 10", Decimal(0)),
        # none of these has an item
        **dict.fromkeys(("NAT gateways", "interface endpoints", "secrets", "keys"), Decimal(0)),
    }
    return [f"{number} {what}; counted: {allowed[what]}" for what, number in _held(stack) if number > allowed[what]]


def _held(stack: AwsStack) -> Iterator[tuple[str, int]]:
    """The resources of the account, by the names in `uncounted`."""
    ec2, clouds = stack.client("ec2"), stack.client("servicediscovery")
    groups = stack.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    grouped = {each["InstanceId"] for group in groups for each in group["Instances"]}
    volumes = [
        volume["Size"]
        for volume in ec2.describe_volumes()["Volumes"]
        if not any(each["InstanceId"] in grouped for each in volume["Attachments"])
    ]
    yield "GiB of volumes", sum(volumes) + sum(_volumes_of(stack, group) for group in groups)
    addresses = {address["PublicIp"] for address in ec2.describe_addresses()["Addresses"]}
    for reservation in ec2.describe_instances()["Reservations"]:
        addresses |= {
            instance["PublicIpAddress"]
            for instance in reservation["Instances"]
            if "PublicIpAddress" in instance and instance["State"]["Name"] == "running"
        }
    yield "machines", len(instances(stack))
    yield "nodes of caches", len(stack.client("elasticache").describe_cache_clusters()["CacheClusters"])
    yield "addresses", len(addresses)
    yield "buckets", len(stack.client("s3").list_buckets()["Buckets"])
    yield "hosted zones", len(stack.client("route53").list_hosted_zones()["HostedZones"])
    yield "HTTP APIs", len(stack.client("apigatewayv2").get_apis()["Items"])
    services = clouds.list_services()["Services"]
    yield (
        "instances in Cloud Map",
        sum(len(clouds.list_instances(ServiceId=service["Id"])["Instances"]) for service in services),
    )
    yield "database instances", len(stack.client("rds").describe_db_instances()["DBInstances"])
    yield "alarms", len(stack.client("cloudwatch").describe_alarms()["MetricAlarms"])
    yield "NAT gateways", len(ec2.describe_nat_gateways()["NatGateways"])
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    yield "interface endpoints", sum(endpoint["VpcEndpointType"] == "Interface" for endpoint in endpoints)
    yield "load balancers", len(stack.client("elbv2").describe_load_balancers()["LoadBalancers"])
    yield "secrets", len(stack.client("secretsmanager").list_secrets()["SecretList"])
    keys = stack.client("kms")
    # those that AWS makes for its services cost nothing
    own = {
        alias.get("TargetKeyId")
        for alias in keys.list_aliases()["Aliases"]
        if alias["AliasName"].startswith("alias/aws/")
    }
    yield "keys", len({key["KeyId"] for key in keys.list_keys()["Keys"]} - own)


def _volumes_of(stack: AwsStack, group: Any) -> int:
    """GiB of the machines of a group, as its launch template says: the simulator gives them other volumes."""
    used = group["LaunchTemplate"]
    (version,) = stack.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=used["LaunchTemplateId"], Versions=[used["Version"]]
    )["LaunchTemplateVersions"]
    disks = version["LaunchTemplateData"]["BlockDeviceMappings"]
    return int(group["DesiredCapacity"] * sum(disk["Ebs"]["VolumeSize"] for disk in disks))
