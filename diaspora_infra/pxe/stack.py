"""The stack of target `pxe`: one PxePod a machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.config import ConfigError, Pxe, PxeMachine, PxeSettings
from diaspora_infra.config.files import with_file_names
from diaspora_infra.pulumi_config import Secrets, render_known
from diaspora_infra.pxe.groups import Group, is_former, list_groups, other_groups
from diaspora_infra.pxe.install import InstallSettings, install_boot, install_settings
from diaspora_infra.pxe.pxe_pod import PxePod, PxePodArgs
from diaspora_infra.pxe.served import revision_of
from diaspora_infra.pxe.server import check_reachable, read_credentials
from diaspora_infra.pxe.verify import answers, served_faults


def pxe_stack(settings: PxeSettings, secrets: Secrets, folder: Path) -> dict[str, Any]:
    """Put every machine on the matchbox server; returns the stack outputs. Certificate files start at `folder`."""
    pxe = settings.pxe
    provider = _provider(pxe, folder)
    groups = _groups(pxe, folder)
    if not secrets:
        return _place(settings, {}, provider, groups)
    # The names of profiles and groups follow from the configs, so the machines are made where the secrets are known.
    # That is always so, in a preview too: they are part of the stack's config.
    placed: pulumi.Output[dict[str, Any]] = pulumi.Output.unsecret(
        pulumi.Output.all(**secrets).apply(
            lambda values: pulumi.Output.from_input(_place(settings, values, provider, groups))
        )
    )
    return {name: placed[name] for name in ("machines", "needsReinstall")}


@dataclass(frozen=True)
class _Placed:
    """A machine, how it is installed, its Ignition config in the clear, and the name of its group."""

    machine: PxeMachine
    install: InstallSettings
    ignition: str
    own: str
    pod: PxePod


def _place(
    settings: PxeSettings, secrets: Mapping[str, str], provider: matchbox.Provider, groups: Sequence[Group]
) -> dict[str, Any]:
    placed = [_pod(settings, machine, secrets, provider) for machine in settings.pxe.machines]
    _compare(settings, placed, groups)
    return {
        "machines": {entry.machine.name: _machine_outputs(entry.machine, entry.pod) for entry in placed},
        "needsReinstall": pulumi.Output.all(
            **{entry.machine.name: entry.pod.config for entry in placed if entry.machine.installed_config}
        ).apply(lambda configs: _changed(configs, settings.pxe)),
    }


def _compare(settings: PxeSettings, placed: Sequence[_Placed], groups: Sequence[Group]) -> None:
    """Warn of groups that others have put on the server, and of what it serves otherwise than it should."""
    to_ask = []
    for index, entry in enumerate(placed):
        path = with_file_names(f"pxe.machines[{index}]", settings.file_names).removesuffix(": ")
        others = [*_others(entry, groups)]
        for other in others:
            pulumi.log.warn(f"{path}: {other}")
        changes = any(is_former(group.name, entry.own) for group in groups if group.name != entry.own)
        # while its former group is there too, either may be served
        if entry.pod.group is not None and not others and not changes:
            to_ask.append((path, entry))
    if to_ask and not pulumi.runtime.is_dry_run():
        # they answer when all groups are made
        made = pulumi.Output.all(*(entry.pod.group for _, entry in to_ask))
        made.apply(lambda _: _ask(settings.pxe.matchbox.http_url, to_ask))


def _others(entry: _Placed, groups: Sequence[Group]) -> Iterator[str]:
    """Groups for the machine that are neither its own nor about to go."""
    is_there = any(group.name == entry.own for group in groups)
    mac, off = entry.machine.mac, entry.pod.group is None
    for name, first in other_groups(mac, entry.own, groups):
        if is_there or not is_former(name, entry.own):
            which = "and install is off" if off else "which comes first" if first else "which may be served instead"
            yield f"the server has another group for {mac}, {name}, {which}; remove it"


def _ask(http_url: str, entries: Sequence[tuple[str, _Placed]]) -> None:
    """Compare what the server serves with what is meant."""
    if not answers(http_url):
        pulumi.log.warn(f"pxe.matchbox.httpUrl: {http_url} does not answer here, so what it serves was not compared")
        return
    for path, entry in entries:
        for fault in served_faults(entry.install, entry.machine, lambda entry=entry: entry.ignition):  # type: ignore[misc]
            pulumi.log.warn(f"{path}: {fault}; see: diaspora-infra verify")


def _groups(pxe: Pxe, folder: Path) -> list[Group]:
    """The groups on the server before the change. Nothing but a comparison needs them."""
    try:
        return list_groups(pxe.matchbox, folder)
    except ConfigError as error:
        pulumi.log.warn(str(error))
        return []


def _provider(pxe: Pxe, folder: Path) -> matchbox.Provider:
    credentials = read_credentials(pxe.matchbox, folder)
    # The provider connects in every preview too, but what it says of a failure names no remedy.
    check_reachable(pxe.matchbox, folder)
    return matchbox.Provider(
        "matchbox",
        endpoint=pxe.matchbox.rpc_endpoint,
        ca=credentials.ca,
        client_cert=credentials.client_cert,
        client_key=pulumi.Output.secret(credentials.client_key),
    )


def _pod(
    settings: PxeSettings, machine: PxeMachine, secrets: Mapping[str, str], provider: matchbox.Provider
) -> _Placed:
    install = install_settings(settings, machine)
    rendered = render_known(settings, machine, secrets)
    revision = revision_of(machine.name, rendered.ignition, install_boot(**install), secret=rendered.secret)
    args: PxePodArgs = {
        **install,
        "mac": machine.mac,
        "ignition": pulumi.Output.secret(rendered.ignition) if rendered.secret else rendered.ignition,
        "revision": revision,
        "serve": machine.install != "off",
    }
    pod = PxePod(machine.name, args, pulumi.ResourceOptions(providers=[provider]))
    return _Placed(machine, install, rendered.ignition, f"{machine.name}-{revision}", pod)


def _machine_outputs(machine: PxeMachine, pod: PxePod) -> dict[str, Any]:
    addresses = {"ipxe": pod.ipxe_url, "ignition": pod.ignition_url} if machine.install != "off" else {}
    return {"config": pod.config, "profile": pod.profile, **addresses}


def _changed(configs: Mapping[str, str], pxe: Pxe) -> list[str]:
    return [
        machine.name
        for machine in pxe.machines
        if machine.name in configs and configs[machine.name] != machine.installed_config
    ]
