"""API Gateway: custom domains, updates of stages, domains and mappings, and the zones of VPC links.

moto 5.2.5: a domain never becomes available and has no target for an alias; the updates are unknown operations; a
domain without client certificates shows an empty MutualTlsAuthentication; a VPC link takes subnets in any zone.
AWS: https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname.html,
https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages-stagename.html,
https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname-apimappings-apimappingid.html;
the zones of VPC links: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html, with
AWS's own message (https://github.com/aws/aws-cdk/issues/13569);
the hosted zone of the names: https://docs.aws.amazon.com/general/latest/gr/apigateway.html.
Changes moto/apigatewayv2/models.py, moto/apigatewayv2/responses.py.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from moto.apigatewayv2.exceptions import BadRequestException
from moto.apigatewayv2.models import DomainName
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.responses import TYPE_RESPONSE
from moto.ec2.models import ec2_backends

ZONE = "ZLY8HYME6SFDD"
"""Hosted zone of regional API Gateway names in eu-west-1."""
vpc_link_zones: dict[str, Sequence[str]] = {}
"""The ids of the zones with VPC links, by region; who starts the server fills the table."""

_original_to_json = DomainName.to_json
_original_create_vpc_link = ApiGatewayV2Response.create_vpc_link


def to_json(self: DomainName) -> dict[str, Any]:
    """Add what AWS fills in."""
    answer = _original_to_json(self)
    region = self.domain_name_arn.split(":")[3]
    digest = hashlib.sha256(self.domain_name.encode()).hexdigest()[:10]
    for configuration in answer["domainNameConfigurations"]:
        configuration.setdefault("apiGatewayDomainName", f"d-{digest}.execute-api.{region}.amazonaws.com")
        configuration.setdefault("hostedZoneId", ZONE)
        configuration.setdefault("domainNameStatus", "AVAILABLE")
    if not answer.get("mutualTlsAuthentication"):
        answer.pop("mutualTlsAuthentication", None)
    return answer


def create_vpc_link(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """CreateVpcLink, in zones that have the service."""
    backend = ec2_backends[self.current_account][self.region]
    for subnet_id in json.loads(self.body).get("subnetIds", []):
        zone = str(backend.get_subnet(subnet_id).availability_zone_id)
        if zone not in vpc_link_zones.get(self.region, ()):
            raise BadRequestException(
                f"Subnet '{subnet_id}' is in Availability Zone '{zone}' where service is not available"
            )
    return _original_create_vpc_link(self)


def update_stage(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """UpdateStage."""
    api_id = self.path.split("/")[-3]
    stage_name = unquote(self.path.split("/")[-1])
    stage = self.apigatewayv2_backend.get_stage(api_id, stage_name)
    _update(
        stage,
        self.body,
        ("accessLogSettings", "autoDeploy", "defaultRouteSettings", "description", "routeSettings", "stageVariables"),
    )
    return 200, {}, json.dumps(stage.to_json())


def update_domain_name(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """UpdateDomainName."""
    domain_name = self.apigatewayv2_backend.get_domain_name(domain_name=self.path.split("/")[-1])
    _update(domain_name, self.body, ("domainNameConfigurations", "mutualTlsAuthentication"))
    return 200, {}, json.dumps(domain_name.to_json())


def update_api_mapping(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """UpdateApiMapping."""
    mapping = self.apigatewayv2_backend.get_api_mapping(
        api_mapping_id=self.path.split("/")[-1], domain_name=self.path.split("/")[-3]
    )
    _update(mapping, self.body, ("apiId", "apiMappingKey", "stage"))
    return 200, {}, json.dumps(mapping.to_json())


def _update(resource: Any, body: Any, names: tuple[str, ...]) -> None:
    params = json.loads(body)
    for name in names:
        if name in params:
            setattr(resource, re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name), params[name])


PATCHES = [
    (DomainName, "to_json", to_json),
    (ApiGatewayV2Response, "create_vpc_link", create_vpc_link),
    (ApiGatewayV2Response, "update_stage", update_stage),
    (ApiGatewayV2Response, "update_domain_name", update_domain_name),
    (ApiGatewayV2Response, "update_api_mapping", update_api_mapping),
]
