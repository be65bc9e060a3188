"""EC2: maintenance options, security groups of an instance, descriptions of rules, Instance Connect Endpoints."""

import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import instances, security_groups
from moto.ec2.responses import EC2Response


def apply() -> None:
    """Without: an instance differs at once from what was asked for, and a refresh loses its security groups.

    Instance Connect Endpoints are unknown operations.
    """
    instances.Instance.maintenance_options = property(
        lambda instance: {"AutoRecovery": getattr(instance, "_auto_recovery", "default")}
    )
    EC2Response.modify_instance_maintenance_options = _modify_maintenance_options
    instances.Instance.security_groups = property(
        _security_groups, lambda instance, groups: instance.__dict__.__setitem__("_own_groups", groups)
    )
    for rule in vars(security_groups).values():
        if isinstance(rule, type) and "cidr_ipv4" in vars(rule):
            rule.description = property(_description)
    EC2Response.create_instance_connect_endpoint = _create_endpoint
    EC2Response.describe_instance_connect_endpoints = _describe_endpoints
    EC2Response.delete_instance_connect_endpoint = _delete_endpoint


def _modify_maintenance_options(response: Any) -> ActionResult:
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    instance._auto_recovery = response._get_param("AutoRecovery") or "default"
    return ActionResult({"InstanceId": instance.id, "AutoRecovery": instance._auto_recovery})


def _security_groups(instance: Any) -> list[Any]:
    own = instance.__dict__.get("_own_groups")
    if own:
        return list(own)
    interfaces = list(getattr(instance, "nics", {}).values())
    return list(interfaces[0]._group_set) if interfaces else []


def _description(rule: Any) -> Any:
    return rule.ip_range.get("Description") or (rule.source_group or {}).get("Description")


def _endpoints(response: Any) -> dict[str, dict[str, Any]]:
    """Kept in the backend, so that a reset of the simulator forgets them."""
    found: dict[str, dict[str, Any]] = response.ec2_backend.__dict__.setdefault("_instance_connect_endpoints", {})
    return found


def _create_endpoint(response: Any) -> ActionResult:
    backend, region = response.ec2_backend, response.region
    subnet = backend.get_subnet(response._get_param("SubnetId"))
    identifier = f"eice-{secrets.token_hex(8)}"
    tags = response._parse_tag_specification().get("instance-connect-endpoint", {})
    backend.create_tags([identifier], tags)
    endpoint = {
        "OwnerId": backend.account_id,
        "InstanceConnectEndpointId": identifier,
        "InstanceConnectEndpointArn": (
            f"arn:aws:ec2:{region}:{backend.account_id}:instance-connect-endpoint/{identifier}"
        ),
        "State": "create-complete",
        "DnsName": f"{identifier}.{secrets.token_hex(4)}.ec2-instance-connect-endpoint.{region}.amazonaws.com",
        "NetworkInterfaceIds": [f"eni-{secrets.token_hex(8)}"],
        "VpcId": subnet.vpc_id,
        "AvailabilityZone": subnet.availability_zone,
        "SubnetId": subnet.id,
        "PreserveClientIp": response._get_bool_param("PreserveClientIp", False),
        "SecurityGroupIds": response._get_param("SecurityGroupIds", []),
        "IpAddressType": "ipv4",
    }
    _endpoints(response)[identifier] = endpoint
    return ActionResult({"InstanceConnectEndpoint": {**endpoint, "Tags": _tags(backend, identifier)}})


def _describe_endpoints(response: Any) -> ActionResult:
    identifiers = response._get_param("InstanceConnectEndpointIds", [])
    found = [
        {**endpoint, "Tags": _tags(response.ec2_backend, identifier)}
        for identifier, endpoint in _endpoints(response).items()
        if not identifiers or identifier in identifiers
    ]
    return ActionResult({"InstanceConnectEndpoints": found})


def _delete_endpoint(response: Any) -> ActionResult:
    endpoint = _endpoints(response).pop(response._get_param("InstanceConnectEndpointId"))
    return ActionResult({"InstanceConnectEndpoint": {**endpoint, "State": "delete-complete"}})


def _tags(backend: Any, identifier: str) -> list[dict[str, str]]:
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in backend.describe_tags({"resource-id": [identifier]})]
