"""RDS: the old scaling configuration, extended support, and the ids of instances.

moto 5.2.5: a cluster shows a scaling configuration that is empty, which the provider wants to remove at every run; a
cluster and an instance forget EngineLifecycleSupport; all instances have one resource id, so that the provider waits
for ever for one to go while there is another; parameters that were set do not say so, and the provider drops them; a
group of subnets that is changed is gone.
AWS: ScalingConfigurationInfo is there for Aurora Serverless v1 alone, and EngineLifecycleSupport is shown
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html); DbiResourceId is unique in a region
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html), and so is Source
(https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Parameter.html).
Changes moto/rds/models.py.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from moto.rds.models import DBCluster, DBInstance, DBParameterGroup, DBSubnetGroup, RDSBackend

_SUPPORT = "open-source-rds-extended-support"
_original_cluster = DBCluster.__init__
_original_update_parameters = DBParameterGroup.update_parameters
_original_instance = DBInstance.__init__
_original_modify_subnets = RDSBackend.modify_db_subnet_group


def init_cluster(self: DBCluster, *args: Any, **kwargs: Any) -> None:
    """Keep whether support is extended."""
    _original_cluster(self, *args, **kwargs)
    self.engine_lifecycle_support = kwargs.get("engine_lifecycle_support") or _SUPPORT


def init_instance(self: DBInstance, *args: Any, **kwargs: Any) -> None:
    """Keep whether support is extended, and make an id."""
    _original_instance(self, *args, **kwargs)
    self.engine_lifecycle_support = kwargs.get("engine_lifecycle_support") or _SUPPORT
    self.dbi_resource_id = f"db-{uuid.uuid4().hex[:26].upper()}"


def scaling_configuration_info(self: DBCluster) -> dict[str, Any] | None:
    """The scaling configuration, where there is one."""
    configuration = self.scaling_configuration or {}
    info = {
        "MinCapacity": configuration.get("min_capacity"),
        "MaxCapacity": configuration.get("max_capacity"),
        "AutoPause": configuration.get("auto_pause"),
        "SecondsUntilAutoPause": configuration.get("seconds_until_auto_pause"),
        "TimeoutAction": configuration.get("timeout_action"),
        "SecondsBeforeTimeout": configuration.get("seconds_before_timeout"),
    }
    return info if any(value is not None for value in info.values()) else None


def update_parameters(self: DBParameterGroup, new_parameters: Iterable[dict[str, Any]]) -> None:
    """Set parameters, which say that they were set."""
    _original_update_parameters(self, [{**each, "Source": "user"} for each in new_parameters])


def modify_db_subnet_group(self: RDSBackend, subnet_name: str, description: str, subnets: list[Any]) -> DBSubnetGroup:
    """ModifyDBSubnetGroup: the group stays."""
    group = _original_modify_subnets(self, subnet_name, description, subnets)
    self.subnet_groups[subnet_name] = group
    return group


PATCHES = [
    (DBCluster, "__init__", init_cluster),
    (DBInstance, "__init__", init_instance),
    (DBParameterGroup, "update_parameters", update_parameters),
    (RDSBackend, "modify_db_subnet_group", modify_db_subnet_group),
    (DBCluster, "scaling_configuration_info", property(scaling_configuration_info)),
]
