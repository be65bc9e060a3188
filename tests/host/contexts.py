"""The context of a feature, from plain settings."""

from typing import Any

from diaspora_infra.config import load
from diaspora_infra.host.fragment import MachineContext, PodContext, pod_context
from tests.support.configs import host, ignition_config


def context(machine: dict[str, Any] | None = None, **host_changes: Any) -> MachineContext:
    """The context of the machine `pod`, with these changes to it and to the key `host`."""
    machines = [{"name": "pod", **(machine or {})}]
    settings = load(ignition_config(host=host(**host_changes), ignition={"machines": machines}))
    return MachineContext(settings, settings.machines[0])


def pod_context_on_host(**host_changes: Any) -> PodContext:
    """The context of a pod, with these changes to the key `host`."""
    settings = load(ignition_config(host=host(**host_changes)))
    return pod_context(settings, settings.machines[0], {})


def file_text(fragment: dict[str, Any], path: str) -> str:
    """The text of the one file at this path."""
    (found,) = [entry for entry in fragment["storage"]["files"] if entry["path"] == path]
    return str(found["contents"]["inline"])
