"""EC2: maintenance options, the security groups of an instance, descriptions of rules between groups."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import instances, security_groups
from moto.ec2.responses import EC2Response


def apply() -> None:
    """Without: an instance differs at once from what was asked for, and a refresh loses its security groups."""
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
