"""HttpApi: HTTPS by API Gateway, which reaches the machine inside the VPC."""

import json
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import if_issued, whole_text
from diaspora_infra.aws.defaults import HTTP_API
from diaspora_infra.aws.dns import DnsRecord, create_alias, pending_alias
from diaspora_infra.aws.security_groups import HTTP_PORT
from diaspora_infra.aws.tags import named

INTEGRATION_TIMEOUT_SECONDS = 30
"""The longest that API Gateway waits for an answer; it cannot be raised."""

ACCESS_LOG_FORMAT = {
    "time": "$context.requestTime",
    "id": "$context.requestId",
    "client": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.message",
    "backend": "$context.integrationErrorMessage",
}
"""What the access log says of a request. No query, which may hold a token."""


class HttpApiArgs(TypedDict):
    """What an HttpApi needs."""

    domain: pulumi.Input[str]
    """The pod's domain."""
    zone_id: NotRequired[pulumi.Input[str] | None]
    """Hosted zone for the domain's records, such as `zone_id` of a Dns. Without it another DNS provider answers for the
    domain, and a person has to set `records`."""
    certificate_arn: pulumi.Input[str]
    """Certificate of the domain, in this region."""
    certificate_issued: NotRequired[pulumi.Input[bool] | None]
    """While it is false the domain itself is left out; true when not set."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets of the VPC link, in two zones or more."""
    security_group_id: pulumi.Input[str]
    """Group of the VPC link."""
    address: pulumi.Input[str]
    """IPv4 address of the machine in the VPC."""
    port: NotRequired[pulumi.Input[int]]
    """Port of its web server; 80 when not set."""
    requests_per_second: NotRequired[pulumi.Input[int]]
    """Requests that are let through in a second; 100 when not set. Twice as many are let through at a time. More are
    refused with status 429, so that a flood does not become a bill."""
    log_days: NotRequired[int]
    """Days for which the access log is kept; 14 when not set, and no log is made with 0. A plain value,
    not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class HttpApi(pulumi.ComponentResource):
    """An HTTP API that hands every request to the machine."""

    api_id: pulumi.Output[str]
    """Id of the API."""
    log_group: pulumi.Output[str] | None
    """Name of the access log's group; None with `log_days` 0."""
    records: pulumi.Output[Sequence[DnsRecord]]
    """DNS records that a person has to set; empty with a `zone_id`, and as long as the certificate is not issued."""

    def __init__(self, name: str, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:HttpApi", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        self._tags = named(args.get("tags"), name)
        service = self._service()
        api = aws.apigatewayv2.Api(
            f"{name}-http-api",
            protocol_type="HTTP",
            description=pulumi.Output.concat("HttpApi of ", args["domain"]),
            # the pod answers under its own domain only
            disable_execute_api_endpoint=True,
            tags=self._tags,
            opts=self._child,
        )
        self._route(api, service)
        log = self._log()
        stage = self._stage(api, log)
        target = if_issued(args.get("certificate_issued"), lambda: self._domain(api, stage))
        self.api_id, self.log_group = api.id, None if log is None else log.name
        self.records = self._pending_records(target)
        self.register_outputs({"apiId": self.api_id, "logGroup": self.log_group, "records": self.records})

    def _service(self) -> aws.servicediscovery.Service:
        """Where API Gateway looks up the machine: an address that changes in place when the machine is replaced."""
        name = f"{self._name}-http-api"
        namespace = aws.servicediscovery.HttpNamespace(name, tags=self._tags, opts=self._child)
        service = aws.servicediscovery.Service(
            name, namespace_id=namespace.id, description="The web server of the pod", tags=self._tags, opts=self._child
        )
        aws.servicediscovery.Instance(
            name,
            service_id=service.id,
            instance_id="machine",
            attributes={
                "AWS_INSTANCE_IPV4": self._args["address"],
                "AWS_INSTANCE_PORT": pulumi.Output.from_input(self._args.get("port", HTTP_PORT)).apply(whole_text),
            },
            opts=self._child,
        )
        return service

    def _route(self, api: aws.apigatewayv2.Api, service: aws.servicediscovery.Service) -> None:
        name = f"{self._name}-http-api"
        link = aws.apigatewayv2.VpcLink(
            name,
            subnet_ids=self._args["subnet_ids"],
            security_group_ids=[self._args["security_group_id"]],
            tags=self._tags,
            opts=self._child,
        )
        integration = aws.apigatewayv2.Integration(
            name,
            api_id=api.id,
            integration_type="HTTP_PROXY",
            integration_method="ANY",
            connection_type="VPC_LINK",
            connection_id=link.id,
            integration_uri=service.arn,
            payload_format_version="1.0",
            # the web server must see the pod's own name, whatever name the link reaches it by
            request_parameters={"overwrite:header.host": self._args["domain"]},
            timeout_milliseconds=INTEGRATION_TIMEOUT_SECONDS * 1000,
            opts=self._child,
        )
        aws.apigatewayv2.Route(
            name,
            api_id=api.id,
            route_key="$default",
            target=pulumi.Output.concat("integrations/", integration.id),
            opts=self._child,
        )

    def _log(self) -> aws.cloudwatch.LogGroup | None:
        days = self._args.get("log_days", HTTP_API.log_days)
        if not days:
            return None
        return aws.cloudwatch.LogGroup(
            f"{self._name}-http-api", retention_in_days=days, tags=self._tags, opts=self._child
        )

    def _stage(self, api: aws.apigatewayv2.Api, log: aws.cloudwatch.LogGroup | None) -> aws.apigatewayv2.Stage:
        rate = self._args.get("requests_per_second", HTTP_API.requests_per_second)
        burst = pulumi.Output.from_input(rate).apply(lambda requests: 2 * requests)
        return aws.apigatewayv2.Stage(
            f"{self._name}-http-api",
            api_id=api.id,
            name="$default",
            auto_deploy=True,
            access_log_settings=None
            if log is None
            else {"destination_arn": log.arn, "format": json.dumps(ACCESS_LOG_FORMAT)},
            default_route_settings={"throttling_rate_limit": rate, "throttling_burst_limit": burst},
            tags=self._tags,
            opts=self._child,
        )

    def _pending_records(self, target: pulumi.Output[str | None]) -> pulumi.Output[Sequence[DnsRecord]]:
        if self._args.get("zone_id") is not None:
            return pulumi.Output.from_input([])
        return pending_alias(self._args["domain"], target)

    def _domain(self, api: aws.apigatewayv2.Api, stage: aws.apigatewayv2.Stage) -> pulumi.Output[str | None]:
        """The domain and where it points; returns the name of the target."""
        name = f"{self._name}-http-api"
        domain = aws.apigatewayv2.DomainName(
            name,
            domain_name=self._args["domain"],
            domain_name_configuration={
                "certificate_arn": self._args["certificate_arn"],
                "endpoint_type": "REGIONAL",
                "security_policy": "TLS_1_2",
                "ip_address_type": "dualstack",
            },
            tags=self._tags,
            opts=self._child,
        )
        aws.apigatewayv2.ApiMapping(
            name, api_id=api.id, domain_name=domain.domain_name, stage=stage.name, opts=self._child
        )
        configuration = domain.domain_name_configuration
        zone_id = self._args.get("zone_id")
        if zone_id is not None:
            create_alias(
                name,
                zone_id,
                self._args["domain"],
                configuration.target_domain_name.apply(lambda target: target or ""),
                configuration.hosted_zone_id.apply(lambda zone: zone or ""),
                self._child,
            )
        return configuration.target_domain_name
