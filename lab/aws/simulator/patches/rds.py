"""RDS: the old scaling configuration, and what happens to a version whose years are over."""

import uuid
from collections.abc import Callable
from typing import Any

from moto.rds import models


def apply() -> None:
    """Without: a cluster shows an empty scaling configuration, which the provider wants to remove at every run.

    A cluster or instance forgets `EngineLifecycleSupport`, which the provider wants to set at every run. All instances
    have the same resource id, so that the provider waits for ever for one to go while there is another.
    """
    for database in (models.DBCluster, models.DBInstance):
        database.__init__ = _with_lifecycle(database.__init__)
    models.DBInstance.__init__ = _with_own_id(models.DBInstance.__init__)
    for cluster in vars(models).values():
        if isinstance(cluster, type) and "scaling_configuration_info" in vars(cluster):
            cluster.scaling_configuration_info = _without_empty(cluster.scaling_configuration_info)


def _without_empty(original: Any) -> property:
    def read(cluster: Any) -> Any:
        answer = original.fget(cluster)
        return answer if any(value is not None for value in answer.values()) else None

    return property(read)


def _with_lifecycle(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.engine_lifecycle_support = named.get("engine_lifecycle_support") or "open-source-rds-extended-support"

    return make


def _with_own_id(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: Any, *arguments: Any, **named: Any) -> None:
        original(self, *arguments, **named)
        self.dbi_resource_id = f"db-{uuid.uuid4().hex[:26].upper()}"

    return make
