"""API Gateway, the way to the machine, and DNS."""

import ipaddress
import re
from collections.abc import Iterator

from tests.aws.rules.resources import REGION, Resources, ids, of

RESERVED = re.compile(
    r"access-control-.*|apigw-.*|authorization|connection|content-(encoding|length|location)|forwarded|keep-alive|origin"
    r"|proxy-.*|te|trailers?|transfer-encoding|upgrade|x-amzn?-.*|x-forwarded-(for|host|proto)|via",
    re.IGNORECASE,
)
"""Headers that API Gateway does not let a mapping touch (API Gateway Developer Guide, parameter mapping)."""


def gateway(resources: Resources) -> Iterator[str]:
    links = ids(resources, "aws:apigatewayv2/vpcLink:VpcLink")
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
        if each.inputs.get("connectionId") not in links:
            yield f"{each.name}: no such link"
    closed = any(each.inputs.get("disableExecuteApiEndpoint") for each in of(resources, "aws:apigatewayv2/api:Api"))
    for each in of(resources, "aws:apigatewayv2/stage:Stage"):
        if each.inputs.get("name") != "$default":
            yield f"{each.name}: a stage with a name puts it before every path"
        if closed and not each.inputs.get("autoDeploy"):
            yield f"{each.name}: a closed endpoint of the API is one only with the next deployment"
        shown = each.inputs.get("accessLogSettings", {}).get("format", "")
        if not re.search(r"\$context\.(extendedR|r)equestId", shown) or "\n" in shown:
            yield f"{each.name}: a log is one line with the request's id"


def routes(resources: Resources) -> Iterator[str]:
    targets = {f"integrations/{each}" for each in ids(resources, "aws:apigatewayv2/integration:Integration")}
    for each in of(resources, "aws:apigatewayv2/route:Route"):
        if not re.fullmatch(r"\$default|(ANY|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /\S*", each.inputs["routeKey"]):
            yield f"{each.name}: route key"
        if each.inputs.get("target") not in targets:
            yield f"{each.name}: target"
    issued = list(of(resources, "aws:acm/certificateValidation:CertificateValidation"))
    waits = {each.urn for each in issued}
    for each in of(resources, "aws:apigatewayv2/domainName:DomainName"):
        configuration = each.inputs["domainNameConfiguration"]
        if (configuration["endpointType"], configuration["securityPolicy"]) != ("REGIONAL", "TLS_1_2"):
            yield f"{each.name}: an HTTP API has regional domains with TLS 1.2 only"
        if f":acm:{REGION}:" not in configuration["certificateArn"]:
            yield f"{each.name}: certificate of another region"
        if issued and configuration["certificateArn"] not in [each.inputs["certificateArn"] for each in issued]:
            yield f"{each.name}: no such certificate"
        if waits and not waits & set(each.depends.get("domainNameConfiguration", [])):
            yield f"{each.name}: does not wait for the certificate"


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
    services = ids(resources, "aws:servicediscovery/service:Service")
    for each in of(resources, "aws:servicediscovery/instance:Instance"):
        attributes = each.inputs.get("attributes", {})
        if not _addresses("A", [attributes.get("AWS_INSTANCE_IPV4", "")]):
            yield f"{each.name}: no address"
        if not attributes.get("AWS_INSTANCE_PORT", "").isdigit():
            yield f"{each.name}: no port"
        # or the service would be deleted while it still has an instance, which AWS refuses
        if each.inputs.get("serviceId") not in services:
            yield f"{each.name}: no such service"


def names(resources: Resources) -> Iterator[str]:
    records = list(of(resources, "aws:route53/record:Record"))
    at = [each.inputs["name"] for each in records]
    for each in records:
        if each.inputs["type"] == "CNAME" and at.count(each.inputs["name"]) > 1:
            yield f"{each.name}: a CNAME cannot stand beside another record"
        if each.inputs["type"] == "CNAME" and each.inputs["name"].count(".") < 3 and "_" not in each.inputs["name"]:
            yield f"{each.name}: a CNAME cannot stand at the top of a zone"
        if not each.inputs.get("aliases") and not (each.inputs.get("ttl") and each.inputs.get("records")):
            yield f"{each.name}: no value"
        if not _addresses(each.inputs["type"], each.inputs.get("records") or []):
            yield f"{each.name}: no address"


def _addresses(kind: str, values: list[str]) -> bool:
    """Whether the values of an A or AAAA record are addresses."""
    version = {"A": 4, "AAAA": 6}.get(kind)
    try:
        return version is None or all(ipaddress.ip_address(value).version == version for value in values)
    except ValueError:
        return False
