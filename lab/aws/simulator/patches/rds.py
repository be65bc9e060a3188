"""RDS: the old scaling configuration."""

from typing import Any

from moto.rds import models


def apply() -> None:
    """Without: a cluster shows an empty scaling configuration, which the provider wants to remove at every run."""
    for cluster in vars(models).values():
        if isinstance(cluster, type) and "scaling_configuration_info" in vars(cluster):
            cluster.scaling_configuration_info = _without_empty(cluster.scaling_configuration_info)


def _without_empty(original: Any) -> property:
    def read(cluster: Any) -> Any:
        answer = original.fget(cluster)
        return answer if any(value is not None for value in answer.values()) else None

    return property(read)
