"""ElastiCache: parameter groups, the end of subnet groups, and the clusters that a replication group consists of.

moto 5.2.5: the operations of parameter groups and DeleteCacheSubnetGroup are unknown; ListTagsForResource refuses what
is no cluster; NumCacheClusters is ignored; DescribeCacheClusters does not show the clusters of a replication group, so
that the provider takes their encryption for off and replaces the group; a deleted group stays in state `deleting`.
AWS: https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateCacheParameterGroup.html (and Describe,
Modify, Delete, DescribeCacheParameters), API_DeleteCacheSubnetGroup.html, API_ListTagsForResource.html,
API_CreateReplicationGroup.html (NumCacheClusters), API_DescribeCacheClusters.html.
Changes moto/elasticache/models.py, moto/elasticache/responses.py.
"""

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.models import CacheCluster, ElastiCacheBackend, ReplicationGroup
from moto.elasticache.responses import ElastiCacheResponse

_original_group = ReplicationGroup.__init__
_original_describe = ElastiCacheBackend.describe_cache_clusters
_original_delete = ElastiCacheBackend.delete_replication_group

_SHARED = (
    "cache_node_type",
    "engine",
    "cache_parameter_group_name",
    "cache_subnet_group_name",
    "security_group_ids",
    "port",
    "snapshot_retention_limit",
    "transit_encryption_enabled",
    "network_type",
    "ip_discovery",
)
"""What a cluster has in common with its replication group."""


class ParameterGroupNotFound(ElastiCacheException):
    """There is no parameter group of this name."""

    code = "CacheParameterGroupNotFound"


def parameter_groups(self: ElastiCacheBackend) -> dict[str, Any]:
    """The parameter groups of a region, by name."""
    return self.__dict__.setdefault("_parameter_groups", {})  # type: ignore[no-any-return]


def list_tags_for_resource(self: ElastiCacheBackend, arn: str) -> dict[str, list[dict[str, str]]]:
    """Tags of anything."""
    return self.tagging_service.list_tags_for_resource(arn)


def init_replication_group(self: ReplicationGroup, *args: Any, **kwargs: Any) -> None:
    """Make a replication group of so many clusters."""
    clusters = kwargs.get("num_cache_clusters") or 1
    if clusters > 1 and not kwargs.get("replicas_per_node_group"):
        kwargs["replicas_per_node_group"] = clusters - 1
    _original_group(self, *args, **kwargs)
    self.auto_minor_version_upgrade = True
    self.transit_encryption_mode = "required" if self.transit_encryption_enabled else None


def describe_cache_clusters(self: ElastiCacheBackend, cache_cluster_id: str | None = None) -> list[CacheCluster]:
    """The clusters, those of replication groups too."""
    members = [
        _member(self, group, name) for group in self.replication_groups.values() for name in group.member_clusters
    ]
    if not cache_cluster_id:
        return [*_original_describe(self), *members]
    own = [each for each in members if each.cache_cluster_id == cache_cluster_id]
    return own or _original_describe(self, cache_cluster_id)


def _member(self: ElastiCacheBackend, group: ReplicationGroup, name: str) -> CacheCluster:
    nothing: dict[str, Any] = {key: None for key in CacheCluster.__init__.__annotations__ if key != "return"}
    given: dict[str, Any] = {
        **{key: getattr(group, key) for key in _SHARED},
        "account_id": self.account_id,
        "region_name": self.region_name,
        "cache_cluster_id": name,
        "num_cache_nodes": 1,
        "replication_group_id": group.replication_group_id,
        "preferred_maintenance_window": group.preferred_maintenance_window or "sun:05:00-sun:06:00",
    }
    cluster: Any = CacheCluster(**{**nothing, **given})
    # AWS shows three numbers, whatever was asked for
    cluster.engine_version = ".".join([*(group.engine_version or "8").split("."), "0", "0"][:3])
    cluster.num_cache_nodes, cluster.replication_group_id = 1, group.replication_group_id
    cluster.at_rest_encryption_enabled = group.at_rest_encryption_enabled
    cluster.auth_token_enabled = group.auth_token_enabled
    cluster.auto_minor_version_upgrade = group.auto_minor_version_upgrade
    cluster.snapshot_window = group.snapshot_window
    parameters = group.cache_parameter_group_name
    cluster.cache_parameter_group = {"CacheParameterGroupName": parameters, "ParameterApplyStatus": "in-sync"}
    groups = group.security_group_ids or []
    cluster.security_groups = [{"SecurityGroupId": each, "Status": "active"} for each in groups]
    return cluster  # type: ignore[no-any-return]


def delete_replication_group(
    self: ElastiCacheBackend, replication_group_id: str, retain_primary_cluster: bool | None
) -> ReplicationGroup:
    """Delete a replication group, and its clusters."""
    group = _original_delete(self, replication_group_id, retain_primary_cluster)
    del self.replication_groups[replication_group_id]
    return group


def _named(self: ElastiCacheResponse) -> Any:
    name = self._get_param("CacheParameterGroupName")
    if name not in self.elasticache_backend.parameter_groups:
        raise ParameterGroupNotFound(f"CacheParameterGroup {name} not found.")
    return self.elasticache_backend.parameter_groups[name]


def create_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """CreateCacheParameterGroup."""
    name, backend = self._get_param("CacheParameterGroupName"), self.elasticache_backend
    group = {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": self._get_param("CacheParameterGroupFamily"),
        "Description": self._get_param("Description"),
        "IsGlobal": False,
        "ARN": f"arn:aws:elasticache:{backend.region_name}:{backend.account_id}:parametergroup:{name}",
    }
    backend.parameter_groups[name] = {"shown": group, "parameters": {}}
    backend.tagging_service.tag_resource(group["ARN"], self._get_param("Tags", []))
    return ActionResult({"CacheParameterGroup": group})


def describe_cache_parameter_groups(self: ElastiCacheResponse) -> ActionResult:
    """DescribeCacheParameterGroups."""
    found = [_named(self)] if self._get_param("CacheParameterGroupName") else _all(self)
    return ActionResult({"CacheParameterGroups": [each["shown"] for each in found]})


def _all(self: ElastiCacheResponse) -> list[Any]:
    return [*self.elasticache_backend.parameter_groups.values()]


def modify_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """ModifyCacheParameterGroup."""
    group = _named(self)
    for each in self._get_param("ParameterNameValues", []):
        group["parameters"][each["ParameterName"]] = each["ParameterValue"]
    return ActionResult({"CacheParameterGroupName": group["shown"]["CacheParameterGroupName"]})


def delete_cache_parameter_group(self: ElastiCacheResponse) -> EmptyResult:
    """DeleteCacheParameterGroup."""
    _named(self)
    del self.elasticache_backend.parameter_groups[self._get_param("CacheParameterGroupName")]
    return EmptyResult()


def describe_cache_parameters(self: ElastiCacheResponse) -> ActionResult:
    """DescribeCacheParameters: those that were set."""
    known = _named(self)["parameters"].items()
    shown = [{"ParameterName": key, "ParameterValue": value, "Source": "user"} for key, value in known]
    return ActionResult({"Parameters": shown})


def delete_cache_subnet_group(self: ElastiCacheResponse) -> EmptyResult:
    """DeleteCacheSubnetGroup."""
    self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
    return EmptyResult()


PATCHES = [
    (ElastiCacheBackend, "parameter_groups", property(parameter_groups)),
    (ElastiCacheBackend, "list_tags_for_resource", list_tags_for_resource),
    (ReplicationGroup, "__init__", init_replication_group),
    (ElastiCacheBackend, "describe_cache_clusters", describe_cache_clusters),
    (ElastiCacheBackend, "delete_replication_group", delete_replication_group),
    (ElastiCacheResponse, "create_cache_parameter_group", create_cache_parameter_group),
    (ElastiCacheResponse, "describe_cache_parameter_groups", describe_cache_parameter_groups),
    (ElastiCacheResponse, "modify_cache_parameter_group", modify_cache_parameter_group),
    (ElastiCacheResponse, "delete_cache_parameter_group", delete_cache_parameter_group),
    (ElastiCacheResponse, "describe_cache_parameters", describe_cache_parameters),
    (ElastiCacheResponse, "delete_cache_subnet_group", delete_cache_subnet_group),
]
