"""Render one machine: settings -> Butane document -> Ignition."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import yaml

import butane
from diaspora_infra.config import (
    AwsSettings,
    ConfigError,
    Machine,
    Problem,
    ProvisioningSettings,
    PxeSettings,
    Settings,
)
from diaspora_infra.config.files import with_file_names
from diaspora_infra.config.secrets import secrets_in_ignition
from diaspora_infra.host.bundle import add_bundle, add_own, beside, split
from diaspora_infra.host.data_url import TooLargeError, decode_contents, repacked, undecodable
from diaspora_infra.host.features import machine_part, pod_part
from diaspora_infra.host.features.firewall import provisioning_firewall
from diaspora_infra.host.features.network import network
from diaspora_infra.host.features.provisioning import offered_image, provisioning
from diaspora_infra.host.fragment import (
    Fragment,
    MachineContext,
    PodContext,
    PodMachineContext,
    combine,
    pod_context,
)
from diaspora_infra.host.identity import (
    BUNDLE_FILE,
    MACHINE_FILE,
    as_fragment,
    bundle_text,
    hash_of,
    machine_text,
    with_file,
)
from diaspora_infra.host.own_part import separate
from diaspora_infra.host.snippet_storage import check_storage, disks_of
from diaspora_infra.host.snippet_text import check_text
from diaspora_infra.host.snippet_users import check_users

# What the project itself writes; matchbox 0.11 serves nothing later where a `PxePod` puts it (/ignition).
BUTANE_VERSION = "1.5.0"
# The newest that Fedora CoreOS 44 takes: Ignition 3.6.0.
SNIPPET_VERSION = "1.7.0"


@dataclass(frozen=True)
class Parts:
    """A config in two parts, each of them an Ignition config: what a machine boots from, and its bundle.

    `bundle` is what `diaspora-pod upgrade` reads: the packed bundle, beside the file about the machine's own part.
    `bundle_hash` is the hash by which `diaspora-pod status` names it.
    """

    own: str
    bundle: str
    bundle_hash: str


@dataclass(frozen=True)
class Rendered:
    """A machine's config. `secret` tells whether it contains a secret of the user.

    The texts follow from the settings alone: they have the same bytes on every computer.
    """

    document: dict[str, Any]
    ignition: str
    secret: bool
    parts: "Parts | None" = None
    """On AWS, where the machine gets its config in two parts."""
    own: str = ""
    """What the machine of a network boot has for itself, as it is in `ignition`: packed, in base64. No secret."""

    def butane_text(self) -> str:
        """Write the Butane document (without the user's snippets) as YAML."""
        return document_text(self.document)


def render(settings: Settings | ProvisioningSettings, machine: Machine, secrets: Mapping[str, str]) -> Rendered:
    """Render one machine of a stack.

    `secrets` holds the values of the secret keys. Raises ConfigError when a secret is missing or a snippet is wrong.
    """
    if isinstance(settings, ProvisioningSettings):
        return render_provisioning(settings)
    needed = secrets_in_ignition(settings)
    missing = [
        Problem(secret.key, "the value is required to render; pass it in `secrets`")
        for secret in needed
        if secret.key not in secrets
    ]
    if missing:
        raise ConfigError(missing)
    context = PodMachineContext(settings, machine)
    own = machine_part(context)
    pod = _pod_part(pod_context(settings, machine, secrets))
    rest, bundle = decode_contents(_translate(_document([own]))), pod.ignition
    identity = machine_text(context, rest)
    document = _document([own, as_fragment(MACHINE_FILE, identity), pod.fragment])
    users = snippets(settings, machine)
    if users:
        merged = _merge(settings, machine, document, users)
        # What snippets change in files of the pod belongs to the bundle, everything else to the machine.
        rest, bundle = split(_decoded(merged, users), pod.fragment)
        bundle = with_file(bundle, BUNDLE_FILE, bundle_text(bundle, secret=bool(needed)))
        identity = machine_text(context, rest)
    if isinstance(settings, PxeSettings):
        return _networked(context, document, rest, bundle, identity, secrets)
    rest = with_file(rest, MACHINE_FILE, identity)
    if isinstance(settings, AwsSettings) and not settings.aws.has_groups:
        return Rendered(document, _readable(beside(rest, bundle)), bool(needed), _parts(rest, bundle, identity))
    return Rendered(document, as_text(add_bundle(repacked(rest), bundle)), secret=bool(needed))


def _networked(
    context: PodMachineContext,
    document: dict[str, Any],
    rest: dict[str, Any],
    bundle: dict[str, Any],
    identity: str,
    secrets: Mapping[str, str],
) -> Rendered:
    """Put the config of a network boot together: what differs between machines is apart, or in the clear."""
    needed = secrets_in_ignition(context.settings)
    values = [secrets[secret.key] for secret in needed]
    rest, own = separate(rest, network(context), _without_own_snippets(context, document), values)
    # the file about the machine stays in the clear: it has the machine's name
    ignition, text = with_file(repacked(rest), MACHINE_FILE, identity), ""
    if own is not None:
        ignition, text = add_own(ignition, own)
    return Rendered(document, as_text(add_bundle(ignition, bundle)), secret=bool(needed), own=text)


def _without_own_snippets(context: PodMachineContext, document: dict[str, Any]) -> dict[str, Any] | None:
    """The config without the machine's own snippets, to see what these add; None where they add nothing to it."""
    settings, machine = context.settings, context.machine
    if not machine.snippets:
        return None
    others = snippets(settings, machine)[: len(settings.host.snippets)]
    try:
        return _merge(settings, machine, document, others)
    except ConfigError:
        return None  # a snippet of all machines that stands only beside this one's


def _parts(rest: dict[str, Any], bundle: dict[str, Any], identity: str) -> Parts:
    described = with_file({"ignition": {"version": bundle["ignition"]["version"]}}, MACHINE_FILE, identity)
    # packed as well, because user data has little room
    own = add_bundle({"ignition": {"version": rest["ignition"]["version"]}}, rest)
    return Parts(as_text(own), as_text(add_bundle(described, bundle)), hash_of(bundle))


def render_provisioning(settings: ProvisioningSettings) -> Rendered:
    """Render a provisioning server. Raises ConfigError when a snippet is wrong."""
    context = MachineContext(settings, settings.provisioning)
    own = [machine_part(context), provisioning_firewall(settings)]
    document = _document([*own, provisioning(settings.provisioning), offered_image(settings.provisioning)])
    users = snippets(settings, settings.provisioning)
    merged = _merge(settings, settings.provisioning, document, users)
    return Rendered(document, as_text(repacked(_decoded(merged, users))), secret=False)


Snippets = list[tuple[str, str]]


def _merge(
    settings: Settings | ProvisioningSettings, machine: Machine, document: dict[str, Any], users: Snippets
) -> dict[str, Any]:
    """Merge the snippets over a document. Raises ConfigError when one is wrong, or would cost the machine its data."""
    disks = disks_of(settings, machine)

    def entries(snippets: Snippets) -> tuple[dict[str, Any], butane.Report]:
        try:
            merged = butane.merge(
                [(_OWN, document), *snippets],
                strict=True,
                max_version=SNIPPET_VERSION,
                check=lambda whole: [*check_text(whole), *check_storage(whole, disks), *check_users(whole)],
            )
        except butane.ButaneError as error:
            return {}, error.report
        return merged.ignition, merged.report

    ignition, report = entries(users)
    if not report.is_fatal:
        return ignition
    found = [entry for entry in report if entry.source != _OWN]
    if not found:
        # The place is in what this project generates; the first snippet after which that is wrong is to blame.
        first = next(number for number in range(1, len(users) + 1) if entries(users[:number])[1].is_fatal)
        beside = "with what diaspora-infra writes beside it"
        found = [replace(entry, source=users[first - 1][0], message=f"{entry.message} ({beside})") for entry in report]
    raise ConfigError(_problems(found))


_OWN = "diaspora-infra"
_MOST_PROBLEMS = 20


def _problems(entries: Iterable[butane.Entry]) -> list[Problem]:
    """Write what is wrong with the snippets, of each the first mistakes."""
    groups: dict[str, list[butane.Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.source, []).append(entry)
    problems: list[Problem] = []
    for source, mistakes in groups.items():
        problems += [_problem(entry) for entry in mistakes[:_MOST_PROBLEMS]]
        if len(mistakes) > _MOST_PROBLEMS:
            problems.append(Problem(source, f"{len(mistakes) - _MOST_PROBLEMS} more mistakes; correct the first ones"))
    return problems


def _decoded(ignition: dict[str, Any], users: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Write contents in the clear. Raises ConfigError for a snippet's that are not what they say."""
    try:
        whole: dict[str, Any] = decode_contents(ignition)
    except ValueError:
        # a snippet that stands only beside the others cannot be searched alone
        raise ConfigError([*_undecodable(users)] or _of_ignition("snippets", ignition)) from None
    return whole


def _undecodable(users: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for key, text in users:
        with suppress(butane.ButaneError):
            yield from _of_ignition(key, butane.translate(text, name=key).ignition)


def _of_ignition(key: str, ignition: dict[str, Any]) -> list[Problem]:
    return [Problem(key, f"{path}: {_why_undecodable(error)}") for path, error in undecodable(ignition)]


def _why_undecodable(error: ValueError) -> str:
    if isinstance(error, TooLargeError):
        return f"{error}; let the machine fetch it (source: https://...), or pack less"
    return f"cannot be decoded: {error}; repair the data URL, or its compression"


@dataclass(frozen=True)
class _PodPart:
    fragment: Fragment
    ignition: dict[str, Any]


_pod_parts: dict[PodContext, _PodPart] = {}
_REMEMBERED_PODS = 8


def _pod_part(context: PodContext) -> _PodPart:
    """Render the pod's features; the result is the same on all machines of one architecture."""
    if context not in _pod_parts:
        features = pod_part(context)
        bundle = decode_contents(_translate(_document([features])))
        text = bundle_text(bundle, secret=bool(context.secrets))
        fragment = combine([features, as_fragment(BUNDLE_FILE, text)])
        if len(_pod_parts) >= _REMEMBERED_PODS:
            _pod_parts.clear()
        _pod_parts[context] = _PodPart(fragment, with_file(bundle, BUNDLE_FILE, text))
    return _pod_parts[context]


def _translate(document: dict[str, Any]) -> dict[str, Any]:
    # what is compressed here would be decoded again
    return butane.translate(document, name=_OWN, strict=True, max_version=BUTANE_VERSION, compress=False).ignition


def butane_document(settings: Settings, machine: Machine, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Combine the features of this machine."""
    pod = pod_context(settings, machine, secrets)
    return _document([machine_part(MachineContext(settings, machine)), pod_part(pod)])


def _document(fragments: Iterable[Fragment]) -> dict[str, Any]:
    return {"variant": "fcos", "version": BUTANE_VERSION, **combine(fragments)}


def as_text(ignition: dict[str, Any]) -> str:
    """Write a config as `render` does."""
    return json.dumps(ignition, separators=(",", ":"), ensure_ascii=False)


def _readable(ignition: dict[str, Any]) -> str:
    """Write a config for people too: nothing stores it for many machines, so that its length does not count."""
    return json.dumps(ignition, indent=1, sort_keys=True, ensure_ascii=False)


def _problem(entry: butane.Entry) -> Problem:
    """Point at the snippet, and at the place in it."""
    line = f"line {entry.line}: " if entry.line else ""
    path = f"{entry.path_text}: " if entry.path else ""
    message = entry.message
    if entry.path and entry.path[-1] in _LOCAL_KEYS:
        message = "a snippet cannot read files; write the text itself (contents.inline, ssh_authorized_keys)"
    elif not entry.path and "must be a mapping" in message:
        message = f"{message}; write the text of a Butane document, not the name of a file"
    return Problem(entry.source, f"{line}{path}{message}")


_LOCAL_KEYS = frozenset({"local", "contents_local", "ssh_authorized_keys_local"})


def snippets(settings: Settings | ProvisioningSettings, machine: Machine) -> list[tuple[str, str]]:
    """List the user's snippets in the order of merging: the path in the config, and the text."""
    if isinstance(settings, ProvisioningSettings):
        own = "provisioning.snippets"
    else:
        names = [entry.name for entry in settings.machines]
        own = f"{settings.target}.machines[{names.index(machine.name)}].snippets"
    found = [
        *((f"host.snippets[{index}]", text) for index, text in enumerate(settings.host.snippets)),
        *((f"{own}[{index}]", text) for index, text in enumerate(machine.snippets)),
    ]
    return [(with_file_names(path, settings.file_names), text) for path, text in found]


class _Dumper(yaml.SafeDumper):
    """Readable YAML: multi-line strings as blocks, modes in octal."""


def _yaml_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


class _Mode(int):
    """A file mode, written in octal."""


def _octal(dumper: yaml.SafeDumper, value: _Mode) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:int", f"0{value:o}")


def _with_modes(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _Mode(entry) if key == "mode" else _with_modes(entry) for key, entry in value.items()}
    return [_with_modes(entry) for entry in value] if isinstance(value, list) else value


def _without_alias(_dumper: yaml.SafeDumper, _value: object) -> bool:
    return True


_Dumper.add_representer(str, _yaml_text)
_Dumper.add_representer(_Mode, _octal)
_Dumper.ignore_aliases = _without_alias  # type: ignore[assignment]


def document_text(document: Mapping[str, Any]) -> str:
    """Write a Butane document as YAML."""
    return yaml.dump(_with_modes(document), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
