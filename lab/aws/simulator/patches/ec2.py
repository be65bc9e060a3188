"""EC2: maintenance options, CPU credits, security groups of an instance, descriptions of rules, and endpoints for SSH.

moto 5.2.5: an instance shows no MaintenanceOptions, and no security groups that its network interface brings; a rule
between groups shows no description; CPU credits are always "standard"; ModifyInstanceMaintenanceOptions,
ModifyInstanceCreditSpecification and the operations of Instance Connect Endpoints
are unknown.
AWS: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMaintenanceOptions.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceCreditSpecification.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceCreditSpecifications.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInstanceConnectEndpoint.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceConnectEndpoints.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteInstanceConnectEndpoint.html.
Changes moto/ec2/models/__init__.py, moto/ec2/models/instances.py, moto/ec2/models/security_groups.py,
moto/ec2/responses/instances.py; the endpoints belong in new files moto/ec2/models/instance_connect_endpoints.py and
moto/ec2/responses/instance_connect_endpoints.py.
"""

import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.instances import Instance
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response

_original_backend = EC2Backend.__init__
_original_run_instances = EC2Response.run_instances


def init_backend(self: EC2Backend, region_name: str, account_id: str) -> None:
    """Keep endpoints."""
    _original_backend(self, region_name, account_id)
    self.instance_connect_endpoints = {}


def modify_instance_maintenance_options(self: EC2Response) -> ActionResult:
    """ModifyInstanceMaintenanceOptions."""
    instance: Any = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    instance.maintenance_options = {"AutoRecovery": self._get_param("AutoRecovery") or "default"}
    return ActionResult({"InstanceId": instance.id, **instance.maintenance_options})


def run_instances(self: EC2Response) -> ActionResult:
    """RunInstances, with CPU credits."""
    answer = _original_run_instances(self)
    credits_of_request = self._get_param("CreditSpecification.CpuCredits")
    for instance in answer.result.instances:
        instance.cpu_credits = credits_of_request or _default_credits(instance.instance_type)
    return answer


def describe_instance_credit_specifications(self: EC2Response) -> ActionResult:
    """DescribeInstanceCreditSpecifications."""
    instances = self.ec2_backend.describe_instance_credit_specifications(self._get_param("InstanceIds", []))
    specifications = [{"InstanceId": each.id, "CpuCredits": each.cpu_credits} for each in instances]
    return ActionResult({"InstanceCreditSpecifications": specifications})


def modify_instance_credit_specification(self: EC2Response) -> ActionResult:
    """ModifyInstanceCreditSpecification."""
    changed = []
    for each in self._get_param("InstanceCreditSpecifications", []):
        instance: Any = self.ec2_backend.get_instance(each["InstanceId"])
        instance.cpu_credits = each["CpuCredits"]
        changed.append({"InstanceId": instance.id})
    return ActionResult({"SuccessfulInstanceCreditSpecifications": changed})


def _default_credits(instance_type: str) -> str:
    return "standard" if instance_type.startswith("t2.") else "unlimited"


def get_security_groups(self: Instance) -> list[Any]:
    """The groups of the instance, or those of its first network interface."""
    own = self.__dict__.get("_security_groups")
    if own:
        return list(own)
    interfaces: list[Any] = list(getattr(self, "nics", {}).values())
    return list(interfaces[0]._group_set) if interfaces else []


def set_security_groups(self: Instance, security_groups: list[Any]) -> None:
    """The groups that are given with the instance itself."""
    self.__dict__["_security_groups"] = security_groups


def description(self: SecurityGroupRule) -> str | None:
    """The description, which comes with the network or with the group."""
    return self.ip_range.get("Description") or self.source_group.get("Description")


def create_instance_connect_endpoint(self: EC2Response) -> ActionResult:
    """CreateInstanceConnectEndpoint."""
    backend, region = self.ec2_backend, self.region
    subnet = backend.get_subnet(self._get_param("SubnetId"))
    endpoint_id = f"eice-{secrets.token_hex(8)}"
    tags = self._parse_tag_specification().get("instance-connect-endpoint", {})
    backend.create_tags([endpoint_id], tags)
    endpoint = {
        "OwnerId": backend.account_id,
        "InstanceConnectEndpointId": endpoint_id,
        "InstanceConnectEndpointArn": (
            f"arn:aws:ec2:{region}:{backend.account_id}:instance-connect-endpoint/{endpoint_id}"
        ),
        "State": "create-complete",
        "DnsName": f"{endpoint_id}.{secrets.token_hex(4)}.ec2-instance-connect-endpoint.{region}.amazonaws.com",
        "NetworkInterfaceIds": [f"eni-{secrets.token_hex(8)}"],
        "VpcId": subnet.vpc_id,
        "AvailabilityZone": subnet.availability_zone,
        "SubnetId": subnet.id,
        "PreserveClientIp": self._get_bool_param("PreserveClientIp", False),
        "SecurityGroupIds": self._get_param("SecurityGroupIds", []),
        "IpAddressType": "ipv4",
    }
    _endpoints(self)[endpoint_id] = endpoint
    return ActionResult({"InstanceConnectEndpoint": {**endpoint, "Tags": _tags(backend, endpoint_id)}})


def describe_instance_connect_endpoints(self: EC2Response) -> ActionResult:
    """DescribeInstanceConnectEndpoints, without filters."""
    endpoint_ids = self._get_param("InstanceConnectEndpointIds", [])
    endpoints = [
        {**endpoint, "Tags": _tags(self.ec2_backend, endpoint_id)}
        for endpoint_id, endpoint in _endpoints(self).items()
        if not endpoint_ids or endpoint_id in endpoint_ids
    ]
    return ActionResult({"InstanceConnectEndpoints": endpoints})


def delete_instance_connect_endpoint(self: EC2Response) -> ActionResult:
    """DeleteInstanceConnectEndpoint."""
    endpoint = _endpoints(self).pop(self._get_param("InstanceConnectEndpointId"))
    return ActionResult({"InstanceConnectEndpoint": {**endpoint, "State": "delete-complete"}})


def _endpoints(response: EC2Response) -> dict[str, dict[str, Any]]:
    backend: Any = response.ec2_backend
    endpoints: dict[str, dict[str, Any]] = backend.instance_connect_endpoints
    return endpoints


def _tags(backend: Any, resource_id: str) -> list[dict[str, str]]:
    tags = backend.describe_tags({"resource-id": [resource_id]})
    return [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]


PATCHES = [
    (EC2Backend, "__init__", init_backend),
    (Instance, "maintenance_options", {"AutoRecovery": "default"}),
    (Instance, "cpu_credits", "standard"),
    (EC2Response, "run_instances", run_instances),
    (EC2Response, "describe_instance_credit_specifications", describe_instance_credit_specifications),
    (EC2Response, "modify_instance_credit_specification", modify_instance_credit_specification),
    (Instance, "security_groups", property(get_security_groups, set_security_groups)),
    (SecurityGroupRule, "description", property(description)),
    (EC2Response, "modify_instance_maintenance_options", modify_instance_maintenance_options),
    (EC2Response, "create_instance_connect_endpoint", create_instance_connect_endpoint),
    (EC2Response, "describe_instance_connect_endpoints", describe_instance_connect_endpoints),
    (EC2Response, "delete_instance_connect_endpoint", delete_instance_connect_endpoint),
]
