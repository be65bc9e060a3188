"""The pod's part of a machine, for tests: its features, their files as a tree, and Quadlet files read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diaspora_infra.config import AwsSettings, Machine, Settings, load
from diaspora_infra.host.features import pod_part
from diaspora_infra.host.features.data_volume import data_volume
from diaspora_infra.host.features.first_bundle import first_bundle
from diaspora_infra.host.features.group_machine import data_folder
from diaspora_infra.host.features.storage import storage
from diaspora_infra.host.fragment import MachineContext, MachineFeature, PodContext, combine
from diaspora_infra.host.fragment import pod_context as context_of_pod
from tests.support.configs import ignition_config, mail, pod

QUADLETS = "/etc/containers/systemd"
LIBEXEC = "usr/local/libexec/diaspora"
SMTP_PASSWORD = "correct horse=battery/staple"


@dataclass(frozen=True)
class Context:
    """A machine with a pod: the settings, the machine, and the secrets that the user gave."""

    settings: Settings
    machine: Machine
    secrets: Mapping[str, str]

    @property
    def of_machine(self) -> MachineContext:
        """What the features of the machine are given."""
        return MachineContext(self.settings, self.machine)

    @property
    def of_pod(self) -> PodContext:
        """What the features of the pod are given."""
        return context_of_pod(self.settings, self.machine, self.secrets)


def pod_context(*, with_mail: bool = False, secrets: Mapping[str, str] | None = None, **changes: Any) -> Context:
    """The context of a machine whose pod has these changes, and these secrets."""
    given = dict(secrets or {})
    if with_mail:
        changes = {"mail": mail(), **changes}
        given["smtpPassword"] = SMTP_PASSWORD
    settings = load(ignition_config(pod=pod(**changes)), given)
    return Context(settings, settings.machines[0], given)


def pod_fragment(context: Context) -> dict[str, Any]:
    """What the pod's features add to the machine, the data partition under it, and on AWS what fetches the bundle."""
    own: list[MachineFeature] = [storage]
    if isinstance(context.settings, AwsSettings):
        own = [data_folder] if context.settings.aws.has_groups else [data_volume, first_bundle]
    return combine([*(feature(context.of_machine) for feature in own), pod_part(context.of_pod)])


def files(fragment: dict[str, Any]) -> dict[str, str]:
    """Path to text of all files and units."""
    found = {entry["path"]: entry["contents"]["inline"] for entry in fragment["storage"]["files"]}
    for unit in fragment.get("systemd", {}).get("units", []):
        if "contents" in unit:
            found[f"/etc/systemd/system/{unit['name']}"] = unit["contents"]
    return found


def write_tree(fragment: dict[str, Any], root: Path) -> Path:
    """Write files and units below `root`, with their modes."""
    for path, text in files(fragment).items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for entry in fragment["storage"]["files"]:
        (root / entry["path"].lstrip("/")).chmod(entry["mode"])
    return root


def read_quadlet(text: str) -> dict[str, list[tuple[str, str]]]:
    """The sections of a unit file, each a list of keys and values in their order."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.append((key, value))
    return sections


def containers(fragment: dict[str, Any]) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """The .container files, each with the drop-in that podman merges into it."""
    texts = files(fragment)
    shared = read_quadlet(texts[f"{QUADLETS}/diaspora-.container.d/10-application.conf"])
    found = {}
    for path, text in texts.items():
        if path.startswith(QUADLETS) and path.endswith(".container"):
            name = path.removeprefix(f"{QUADLETS}/").removesuffix(".container")
            sections = read_quadlet(text)
            if name.startswith("diaspora-"):
                for section, entries in shared.items():
                    sections.setdefault(section, []).extend(entries)
            found[name] = sections
    return found


def values(entries: list[tuple[str, str]], key: str) -> list[str]:
    """All values of a key."""
    return [value for name, value in entries if name == key]
