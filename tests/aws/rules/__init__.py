"""What AWS refuses, or does without a word, though the provider and the simulator accept it.

Each rule looks at all resources of a stack (token, name, inputs) and names what is wrong.
"""

from collections.abc import Iterable

from tests.aws.rules import data, http_api, images, machine, permissions, several
from tests.aws.rules.resources import Asked, Resources, Rule

__all__ = ["RULES", "Asked", "Resources", "Rule", "problems"]

RULES: tuple[Rule, ...] = (
    machine.machines,
    machine.volumes,
    machine.alarms,
    http_api.gateway,
    http_api.routes,
    http_api.links,
    http_api.discovery,
    http_api.names,
    data.clusters,
    data.awake_alarms,
    data.databases,
    data.database_machines,
    data.families,
    data.buckets,
    data.parameters,
    images.repositories,
    images.projects,
    images.starts,
    several.balancers,
    several.listeners,
    several.targets,
    several.templates,
    several.groups,
    several.caches,
    several.cache_parameters,
    permissions.policies,
    permissions.trusts,
    permissions.builds,
    permissions.topics,
    permissions.mails,
    permissions.endpoints,
    permissions.texts,
    permissions.tags,
)


def problems(resources: Iterable[Asked]) -> list[str]:
    """Everything that AWS would refuse."""
    known = list(resources)
    return [problem for rule in RULES for problem in rule(known)]
