"""Which resources of AWS belong to the pod of a stack, as the engine's state says."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diaspora_infra.config import ConfigError, Problem

_POD = "diaspora-infra:index:AwsPod"
_PROVIDER = "pulumi:providers:aws"
_ARN = re.compile(r"arn:(?P<partition>aws[a-z-]*):[a-z0-9-]+:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):.*")
_EXPORT_SECONDS = 120


@dataclass(frozen=True)
class Resource:
    """A resource of the pod."""

    kind: str
    """Its type, such as `aws:rds/cluster:Cluster`."""
    parents: str
    """The types of the components that it is in, joined by `$`."""
    name: str
    """Its name in the program."""
    id: str
    outputs: Mapping[str, Any]
    """Its properties. A secret one is a table with a ciphertext."""

    def text(self, *path: str) -> str:
        """A property, or one inside of it; empty where it is not there or is no text."""
        found: Any = self.outputs
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else ""


@dataclass(frozen=True)
class PodStack:
    """A stack with a pod in it."""

    name: str
    domain: str
    """The pod's domain."""
    sender: str
    """Address that the pod's mail comes from; empty where Amazon SES does not send it."""
    partition: str
    region: str
    account: str
    profile: str | None
    """Profile of the AWS credentials that the stack was made with; None for those of the environment."""
    resources: Sequence[Resource]
    dns_records: Sequence[Mapping[str, Any]]
    """Records that a person has to set; none where the hosted zone is in Route 53."""

    def all(self, kind: str, component: str = "") -> list[Resource]:
        """All resources of a type, such as `rds/cluster:Cluster`; with a component, such as `Uploads`, those in it."""
        return [
            resource
            for resource in self.resources
            if resource.kind == f"aws:{kind}" and (not component or f":{component}$" in f"{resource.parents}$")
        ]

    def first(self, kind: str, component: str = "") -> Resource | None:
        """The first of them; None where there is none."""
        return next(iter(self.all(kind, component)), None)


def read_stack(name: str) -> PodStack:
    """Ask `pulumi` for the state of a stack, which needs no passphrase. Raises ConfigError."""
    command = ["pulumi", "stack", "export", f"--stack={name}", "--non-interactive"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_EXPORT_SECONDS
        )
    except FileNotFoundError:
        raise _error(name, "the program pulumi is not on PATH; install it, or see docs/aws.md") from None
    except subprocess.TimeoutExpired:
        raise _error(
            name, f"pulumi gave no state in {_EXPORT_SECONDS} seconds; try `pulumi stack export` by hand"
        ) from None
    if done.returncode:
        raise _error(name, f"pulumi says: {_first_error(done.stderr)}; `pulumi stack ls --all` lists the stacks")
    try:
        state = json.loads(done.stdout)
    except ValueError:
        raise _error(name, "what pulumi exports is no JSON; try `pulumi stack export` by hand") from None
    return pod_stack(name, state)


def pod_stack(name: str, state: Any) -> PodStack:
    """Find the pod in the state of a stack. Raises ConfigError where there is not exactly one."""
    try:
        entries = [entry for entry in state["deployment"]["resources"] if not entry.get("delete")]
        pods = [entry for entry in entries if entry["type"] == _POD]
        resources = [*_resources(entries)]
    except (KeyError, TypeError, AttributeError):
        raise _error(name, "has no resources; run `pulumi up` first") from None
    if len(pods) != 1:
        raise _error(name, f"{len(pods)} pods on AWS are in it; give a stack of target aws, with one pod")
    outputs = pods[0].get("outputs") or {}
    place = _place(resources)
    if place is None or not isinstance(outputs.get("url"), str):
        raise _error(name, "`pulumi up` has not made the pod to its end; run it again first")
    records = outputs.get("dnsRecords")
    return PodStack(
        name=name,
        domain=outputs["url"].removeprefix("https://"),
        sender=outputs.get("mailSender") or "",
        partition=place["partition"],
        region=place["region"],
        account=place["account"],
        profile=_profile(entries),
        resources=resources,
        dns_records=records if isinstance(records, list) else (),
    )


def _resources(entries: Sequence[Mapping[str, Any]]) -> Iterator[Resource]:
    """The resources in the pod. A URN ends with the types of all parents, its own type, and its name."""
    for entry in entries:
        types, _, name = entry["urn"].split("::", 2)[2].partition("::")
        *parents, kind = types.split("$")
        if _POD in parents:
            yield Resource(kind, "$".join(parents), name, entry.get("id") or "", entry.get("outputs") or {})


def _place(resources: Sequence[Resource]) -> Mapping[str, str] | None:
    """Partition, region and account of the pod: those of its resources."""
    found = (_ARN.fullmatch(resource.text("arn")) for resource in resources)
    return next((match.groupdict() for match in found if match), None)


def _profile(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """The profile that the stack's own provider has."""
    profiles = [(entry.get("inputs") or {}).get("profile") for entry in entries if entry["type"] == _PROVIDER]
    return next((profile for profile in profiles if isinstance(profile, str) and profile), None)


def _first_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return next(iter([*errors, *lines]), "no state")


def _error(name: str, message: str) -> ConfigError:
    return ConfigError([Problem(f"stack {name}", message)])
