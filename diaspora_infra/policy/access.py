"""Rules on who may reach what."""

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from diaspora_infra.policy.resources import UNKNOWN, Resource, fits
from diaspora_infra.policy.rule import Rule, Setting, Settings, StackRule

_RULE, _OLD_RULE = (
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    "aws:ec2/securityGroupRule:SecurityGroupRule",
)
_GROUPS = {"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"}
_LIST, _ENTRY = "aws:ec2/managedPrefixList:ManagedPrefixList", "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry"
_MACHINE, _TEMPLATE = "aws:ec2/instance:Instance", "aws:ec2/launchTemplate:LaunchTemplate"
_BUCKET, _BLOCK = "aws:s3/bucket:Bucket", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_WIDE = {4: 8, 6: 16}
"""A network with a shorter prefix is the world, or a large part of it."""
_SSH = 22
_ICMP = {"icmp", "icmpv6", "1", "58"}
_CLOSED = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _no_public_ingress(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.kind in {_LIST, _ENTRY}:
        entries = resource.list("entries") if resource.kind == _LIST else [{"cidr": resource.get("cidr")}]
        if any(_is_world(entry.get("cidr")) for entry in entries):
            yield "cidr: a list of the world would open what uses it; name the networks"
    for rule in _ingress_rules(resource):
        if rule["open"] and not _are_ports(rule, settings["ports"]):
            yield "open to the world on other ports than those of this rule; name the networks that may connect"


def _ingress_rules(resource: Resource) -> Iterator[dict[str, Any]]:
    """Each rule of a security group: its ports, and whether anybody in the world may connect."""
    if resource.kind == _RULE:
        networks = [resource.get("cidrIpv4"), resource.get("cidrIpv6")]
        protocol = resource.get("ipProtocol")
        yield _ingress(networks, protocol, resource.get("fromPort"), resource.get("toPort"))
    elif resource.kind == _OLD_RULE and resource.get("type") == "ingress":
        networks = [*resource.list("cidrBlocks"), *resource.list("ipv6CidrBlocks")]
        yield _ingress(networks, resource.get("protocol"), resource.get("fromPort"), resource.get("toPort"))
    elif resource.kind in _GROUPS:
        for rule in resource.list("ingress"):
            networks = [*(rule.get("cidrBlocks") or ()), *(rule.get("ipv6CidrBlocks") or ())]
            yield _ingress(networks, rule.get("protocol"), rule.get("fromPort"), rule.get("toPort"))


def _ingress(networks: Sequence[Any], protocol: Any, first: Any, last: Any) -> dict[str, Any]:
    is_open = any(_is_world(network) for network in networks)
    return {"open": is_open, "protocol": str(protocol).lower(), "first": first, "last": last}


def _is_world(network: Any) -> bool:
    try:
        parsed = ipaddress.ip_network(str(network), strict=False)
    except ValueError:
        return False
    return parsed.prefixlen < _WIDE[parsed.version]


def _are_ports(rule: Mapping[str, Any], allowed: Sequence[Any]) -> bool:
    """Whether a rule opens one allowed port, or the messages of ICMP; SSH is never allowed."""
    if rule["protocol"] in _ICMP:
        return True
    one = rule["first"] is not None and rule["first"] == rule["last"] and rule["protocol"] in {"tcp", "udp", "6", "17"}
    return one and rule["first"] in allowed and rule["first"] != _SSH


NO_PUBLIC_INGRESS = Rule(
    name="no-public-ingress",
    description="The world reaches no port but those of the web; never SSH",
    kinds=frozenset({_RULE, _OLD_RULE, _LIST, _ENTRY, *_GROUPS}),
    settings={"ports": Setting([80, 443], "ports that may be open to the world; 22 is never one of them")},
    check=_no_public_ingress,
)


def _metadata_tokens(resource: Resource, _settings: Settings) -> Iterator[str]:
    options = resource.list("metadataOptions")
    if not any(each.get("httpTokens") == "required" or each.get("httpEndpoint") == "disabled" for each in options):
        yield "metadataOptions.httpTokens: set required, so that no program hands out the machine's role"


METADATA_TOKENS = Rule(
    name="metadata-tokens",
    description="Only programs that ask for a token get the credentials of a machine",
    kinds=frozenset({_MACHINE, _TEMPLATE}),
    settings={},
    check=_metadata_tokens,
)


def _no_star(resource: Resource, settings: Settings) -> Iterator[str]:
    texts = [("policy", resource.get("policy"))]
    texts += [("inlinePolicies", inline.get("policy")) for inline in resource.list("inlinePolicies")]
    for key, text in texts:
        for statement in _statements(text):
            yield from _stars(key, statement, settings["anyResource"])


def _stars(key: str, statement: Mapping[str, Any], on_any: Sequence[str]) -> Iterator[str]:
    if statement.get("Effect") != "Allow":
        return
    actions = _texts(statement.get("Action"))
    if "NotAction" in statement or any(action.partition(":")[2] in {"", "*"} for action in actions):
        yield f"{key}: allows every action, or all of a service; name the actions"
    on_every = "NotResource" in statement or "*" in _texts(statement.get("Resource"))
    if on_every and not statement.get("Condition") and not all(fits(action, on_any) for action in actions):
        yield f"{key}: allows an action on every resource; name the resources, or add a condition"


def _statements(text: Any) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return []
    found = document.get("Statement", []) if isinstance(document, Mapping) else []
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, Mapping)]


def _texts(value: Any) -> list[str]:
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each is not None]


NO_STAR = Rule(
    name="no-star",
    description="No policy allows everything, or an action on everything",
    kinds=frozenset(
        f"aws:iam/{kind[0].lower()}{kind[1:]}:{kind}"
        for kind in ("Policy", "Role", "RolePolicy", "UserPolicy", "GroupPolicy")
    ),
    settings={
        "anyResource": Setting(
            [
                "ecr:GetAuthorizationToken",
                "autoscaling:DescribeAutoScalingInstances",
                "cloudwatch:PutMetricData",
                "servicediscovery:DiscoverInstances",
            ],
            "actions that AWS grants on no single resource",
        )
    },
    check=_no_star,
)


def _buckets_closed(resources: Sequence[Resource], settings: Settings) -> Iterator[tuple[str, str]]:
    blocks = [each for each in resources if each.kind == _BLOCK]
    for bucket in resources:
        if bucket.kind != _BUCKET or fits(bucket.name, settings["except"]):
            continue
        own = [block for block in blocks if _belongs(block, bucket)]
        if not any(all(block.inputs.get(key) is True for key in _CLOSED) for block in own):
            yield "has no BucketPublicAccessBlock with all four settings true; add one", bucket.urn


def _belongs(block: Resource, bucket: Resource) -> bool:
    """Whether it is the bucket's, by the output that the program gave, or by the name."""
    if bucket.urn in block.depends.get("bucket", ()):
        return True
    name = bucket.inputs.get("bucket")
    return name is not None and name is not UNKNOWN and name == block.inputs.get("bucket")


BUCKETS_CLOSED = StackRule(
    name="buckets-closed",
    description="Nobody can open a bucket to the public",
    settings={"except": Setting([], "names of buckets that the public may read")},
    check=_buckets_closed,
)
