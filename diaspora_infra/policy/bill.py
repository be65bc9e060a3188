"""Rules on what costs money, and to whom it belongs."""

from collections.abc import Iterator, Sequence

from diaspora_infra.policy.resources import UNKNOWN, Resource, fits
from diaspora_infra.policy.rule import Rule, Setting, Settings, StackRule

_MACHINE, _NAT = "aws:ec2/instance:Instance", "aws:ec2/natGateway:NatGateway"
_MACHINES = {_MACHINE, "aws:ec2/launchTemplate:LaunchTemplate"}
_DATABASES = {"aws:rds/instance:Instance", "aws:rds/clusterInstance:ClusterInstance"}


def _tagged(resource: Resource, settings: Settings) -> Iterator[str]:
    if settings["key"] not in resource.get("tags", {}):
        yield "tags: lacks the tag of this rule, by which the bill is divided; add it"


TAGGED = Rule(
    name="tagged",
    description="What costs money or holds data says to which pod it belongs",
    level="advisory",
    kinds=frozenset(
        {
            _MACHINE, _NAT, "aws:cloudwatch/logGroup:LogGroup", "aws:ebs/volume:Volume", "aws:ec2/eip:Eip",
            "aws:ec2/vpc:Vpc", "aws:ecr/repository:Repository", "aws:lb/loadBalancer:LoadBalancer",
            "aws:rds/cluster:Cluster", "aws:route53/zone:Zone", "aws:s3/bucket:Bucket", *_DATABASES,
        }
    ),
    settings={"key": Setting("Pod", "the tag; tags that a provider adds by itself do not count")},
    check=_tagged,
)  # fmt: skip


def _bill(resources: Sequence[Resource], settings: Settings) -> Iterator[tuple[str, str]]:
    for resource in resources:
        kind = resource.inputs.get("instanceType") if resource.kind in _MACHINES else None
        if isinstance(kind, str) and not fits(kind, settings["instanceTypes"]):
            yield "instanceType: none of those of this rule; take a smaller one", resource.urn
    for what, kinds, most in (
        ("NAT gateways", {_NAT}, settings["natGateways"]),
        ("database instances", _DATABASES, settings["databaseInstances"]),
    ):
        if sum(resource.kind in kinds for resource in resources) > most:
            yield f"more {what} than this rule allows; remove some, or raise the limit", ""
    unknown = [each for each in resources if each.kind in _MACHINES and each.inputs.get("instanceType") is UNKNOWN]
    for resource in unknown:
        yield "instanceType: unknown in the preview; give it as a text", resource.urn


BILL = StackRule(
    name="bill",
    description="Nothing costs more than a pod needs; a program that is to stop there sets the level mandatory",
    level="advisory",
    settings={
        "instanceTypes": Setting(["t3.*", "t3a.*", "t4g.*", "m6g.large", "m7g.large"], "types of machines"),
        "natGateways": Setting(0, "number of NAT gateways"),
        "databaseInstances": Setting(2, "number of database instances"),
    },
    check=_bill,
)
