"""What AWS refuses, or does without a word, though the provider and the simulator accept it.

Each rule looks at all resources of a stack (token, name, inputs) and names what is wrong.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from diaspora_infra.aws.user_data import LIMIT


class Asked(NamedTuple):
    """A resource that a program asks for."""

    token: str
    name: str
    inputs: Mapping[str, Any]
    id: str = ""
    urn: str = ""
    depends: Mapping[str, Sequence[str]] = {}
    """URNs of the resources that had a part in an input."""


Resources = list[Asked]
Rule = Callable[[Resources], Iterator[str]]

RESERVED = re.compile(
    r"access-control-.*|apigw-.*|authorization|connection|content-(encoding|length|location)|forwarded|keep-alive|origin"
    r"|proxy-.*|te|trailers?|transfer-encoding|upgrade|x-amzn?-.*|x-forwarded-(for|host|proto)|via",
    re.IGNORECASE,
)
"""Headers that API Gateway does not let a mapping touch (API Gateway Developer Guide, parameter mapping)."""

ALARM_ACTION = re.compile(r"arn:aws[a-z-]*:automate:([a-z0-9-]+):ec2:(recover|reboot|stop|terminate)")
CHECKS = {"recover": "StatusCheckFailed_System", "reboot": "StatusCheckFailed_Instance"}


def of(resources: Resources, *tokens: str) -> Iterator[Asked]:
    return (each for each in resources if each.token in tokens)


def machines(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:ec2/instance:Instance"):
        if len(each.inputs.get("userData", "").encode()) > LIMIT:
            yield f"{each.name}: user data of more than 16 KiB"
        if each.inputs.get("userDataReplaceOnChange") is not True:
            yield f"{each.name}: a new Ignition config would do nothing"
        if each.inputs.get("metadataOptions", {}).get("httpTokens") != "required":
            yield f"{each.name}: IMDSv1"
        if not each.inputs.get("rootBlockDevice", {}).get("encrypted"):
            yield f"{each.name}: root volume in the clear"
        if not each.inputs.get("iamInstanceProfile"):
            yield f"{each.name}: no role"
    zones = {each.inputs["availabilityZone"] for each in of(resources, "aws:ebs/volume:Volume")}
    for each in of(resources, "aws:ebs/volume:Volume"):
        if not each.inputs.get("encrypted"):
            yield f"{each.name}: volume in the clear"
    subnets = {each.name: each.inputs["availabilityZone"] for each in of(resources, "aws:ec2/subnet:Subnet")}
    public = {zone for name, zone in subnets.items() if name.endswith("-public")}
    if zones and public and zones != public:
        yield f"volumes in {sorted(zones)}, the machine in {sorted(public)}"


def alarms(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:cloudwatch/metricAlarm:MetricAlarm"):
        for action in each.inputs.get("alarmActions", []):
            if ":sns:" in action:
                continue
            found = ALARM_ACTION.fullmatch(action)
            if not found or found[1] != "eu-west-1":
                yield f"{each.name}: {action} is no action of this region"
            elif CHECKS.get(found[2]) != each.inputs["metricName"]:
                yield f"{each.name}: {found[2]} does not go with {each.inputs['metricName']}"


def gateway(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:apigatewayv2/integration:Integration"):
        for parameter in each.inputs.get("requestParameters", {}):
            place, _, header = parameter.partition(":")[2].partition(".")
            if place == "header" and RESERVED.fullmatch(header):
                yield f"{each.name}: {header} is reserved"
        if not 50 <= each.inputs.get("timeoutMilliseconds", 30000) <= 30000:
            yield f"{each.name}: timeout"
        if ":servicediscovery:" not in each.inputs.get("integrationUri", ""):
            yield f"{each.name}: the address of a private integration is a service of Cloud Map"
        if each.inputs.get("payloadFormatVersion") != "1.0":
            yield f"{each.name}: a private integration has format 1.0"


def routes(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:apigatewayv2/route:Route"):
        if not re.fullmatch(r"\$default|(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /\S*", each.inputs["routeKey"]):
            yield f"{each.name}: route key"
        if not re.fullmatch(r"integrations/\S+", each.inputs.get("target", "")):
            yield f"{each.name}: target"
    for each in of(resources, "aws:apigatewayv2/domainName:DomainName"):
        configuration = each.inputs["domainNameConfiguration"]
        if (configuration["endpointType"], configuration["securityPolicy"]) != ("REGIONAL", "TLS_1_2"):
            yield f"{each.name}: an HTTP API has regional domains with TLS 1.2 only"
        if ":acm:eu-west-1:" not in configuration["certificateArn"]:
            yield f"{each.name}: certificate of another region"


def links(resources: Resources) -> Iterator[str]:
    groups = {each.name for each in of(resources, "aws:ec2/securityGroup:SecurityGroup")}
    private = {
        each.inputs["availabilityZone"] for each in of(resources, "aws:ec2/subnet:Subnet") if "-private" in each.name
    }
    for each in of(resources, "aws:apigatewayv2/vpcLink:VpcLink"):
        if len(set(each.inputs.get("subnetIds", []))) < 2 or (private and len(private) < 2):
            yield f"{each.name}: a VPC link in one zone"
        if not each.inputs.get("securityGroupIds"):
            yield f"{each.name}: without a group a VPC link is in the default one"
        elif groups and not any(name.endswith("-link") for name in groups):
            yield f"{each.name}: a VPC link without a group of its own"


def discovery(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:servicediscovery/instance:Instance"):
        attributes = each.inputs.get("attributes", {})
        if not re.fullmatch(r"[0-9.]+", attributes.get("AWS_INSTANCE_IPV4", "")):
            yield f"{each.name}: no address"
        if not attributes.get("AWS_INSTANCE_PORT", "").isdigit():
            yield f"{each.name}: no port"


def names(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:route53/record:Record"):
        if each.inputs["type"] == "CNAME" and not re.match(r"_|[a-z0-9]+[.]_", each.inputs["name"]):
            yield f"{each.name}: a CNAME cannot stand at the top of a zone"
        if not each.inputs.get("aliases") and not (each.inputs.get("ttl") and each.inputs.get("records")):
            yield f"{each.name}: no value"


def policies(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:iam/role:Role"):
        for statement in json.loads(each.inputs["assumeRolePolicy"])["Statement"]:
            if not statement.get("Principal", {}).get("Service"):
                yield f"{each.name}: nobody may take this role"
    for each in of(resources, "aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(each.inputs["policy"])["Statement"]:
            for key in ("Action", "Resource"):
                values = statement[key] if isinstance(statement[key], list) else [statement[key]]
                if any(value == "*" or (key == "Action" and value.endswith(":*")) for value in values):
                    yield f"{each.name}: {key} {values}"


def tags(resources: Resources) -> Iterator[str]:
    for each in resources:
        for key, value in (each.inputs.get("tags") or {}).items():
            if len(key) > 128 or len(value) > 256 or key.lower().startswith("aws:"):
                yield f"{each.name}: tag {key}"


RULES: tuple[Rule, ...] = (machines, alarms, gateway, routes, links, discovery, names, policies, tags)


def problems(resources: Iterable[Asked]) -> list[str]:
    """Everything that AWS would refuse."""
    known = list(resources)
    return [problem for rule in RULES for problem in rule(known)]
