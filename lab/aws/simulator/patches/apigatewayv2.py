"""API Gateway: what a custom domain answers, and updates of stages, domains and mappings."""

import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote

from moto.apigatewayv2 import models
from moto.apigatewayv2.responses import ApiGatewayV2Response

ZONE = "ZLY8HYME6SFDD"
"""Hosted zone of regional API Gateway names in eu-west-1 (AWS General Reference, endpoints of API Gateway)."""


def apply() -> None:
    """Without: a DomainName never becomes available, its alias has no target, an update is an unknown operation."""
    original = models.DomainName.to_json

    def to_json(self: Any) -> dict[str, Any]:
        answer: dict[str, Any] = original(self)
        region = self.domain_name_arn.split(":")[3]
        digest = hashlib.sha256(self.domain_name.encode()).hexdigest()[:10]
        for configuration in answer["domainNameConfigurations"]:
            configuration.setdefault("apiGatewayDomainName", f"d-{digest}.execute-api.{region}.amazonaws.com")
            configuration.setdefault("hostedZoneId", ZONE)
            configuration.setdefault("domainNameStatus", "AVAILABLE")
        if not answer.get("mutualTlsAuthentication"):
            answer.pop("mutualTlsAuthentication", None)
        return answer

    models.DomainName.to_json = to_json
    ApiGatewayV2Response.update_stage = _update_stage
    ApiGatewayV2Response.update_domain_name = _update_domain_name
    ApiGatewayV2Response.update_api_mapping = _update_api_mapping


def _update_stage(response: Any) -> Any:
    _, api, _, stage = response.path.rsplit("/", 3)
    return _set(
        response,
        response.apigatewayv2_backend.get_stage(api, unquote(stage)),
        ("accessLogSettings", "autoDeploy", "defaultRouteSettings", "description", "routeSettings", "stageVariables"),
    )


def _update_domain_name(response: Any) -> Any:
    domain = response.apigatewayv2_backend.get_domain_name(response.path.split("/")[-1])
    return _set(response, domain, ("domainNameConfigurations", "mutualTlsAuthentication"))


def _update_api_mapping(response: Any) -> Any:
    _, domain, _, mapping = response.path.rsplit("/", 3)
    found = response.apigatewayv2_backend.get_api_mapping(mapping, domain)
    return _set(response, found, ("apiId", "apiMappingKey", "stage"))


def _set(response: Any, thing: Any, names: tuple[str, ...]) -> Any:
    body = json.loads(response.body)
    for name in names:
        if name in body:
            setattr(thing, re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name), body[name])
    return 200, {}, json.dumps(thing.to_json())
