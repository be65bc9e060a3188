"""The stack of target `pxe`: a PxeFleet of its machines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.config import ConfigError, Pxe, PxeSettings
from diaspora_infra.config.files import with_file_names
from diaspora_infra.config.secrets import secrets_in_ignition
from diaspora_infra.host import Rendered
from diaspora_infra.pulumi_config import Secrets, render_known
from diaspora_infra.pxe.compare import Meant, compare
from diaspora_infra.pxe.groups import Group, list_groups
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.pxe_fleet import FleetMachine, PxeFleet
from diaspora_infra.pxe.served import meaning_digest, public_hasher
from diaspora_infra.pxe.server import Credentials, connect


def pxe_stack(settings: PxeSettings, secrets: Secrets, folder: Path) -> dict[str, Any]:
    """Put every machine on the matchbox server; returns the stack outputs. Certificate files start at `folder`."""
    pxe = settings.pxe
    # The provider connects in every preview too, but what it says of a failure names no remedy.
    credentials = connect(pxe.matchbox, folder)
    provider = _provider(pxe, credentials)
    groups = _groups(pxe, credentials)
    if not secrets:
        return _place(settings, {}, provider, groups, credentials)
    # The names of profiles and groups follow from the configs, so the machines are made where the secrets are known.
    # That is always so, in a preview too: they are part of the stack's config.
    placed: pulumi.Output[dict[str, Any]] = pulumi.Output.unsecret(
        pulumi.Output.all(**secrets).apply(lambda values: _place(settings, values, provider, groups, credentials))
    )
    return {name: placed[name] for name in ("machines", "needsReinstall")}


def _place(
    settings: PxeSettings,
    secrets: Mapping[str, str],
    provider: matchbox.Provider,
    groups: Sequence[Group],
    credentials: Credentials,
) -> dict[str, Any]:
    pxe = settings.pxe
    rendered = {machine.name: render_known(settings, machine, secrets) for machine in pxe.machines}
    values = [secrets[secret.key] for secret in secrets_in_ignition(settings)]
    meant = [
        Meant(
            with_file_names(f"pxe.machines[{index}]", settings.file_names).removesuffix(": "),
            machine,
            install_settings(settings, machine),
            rendered[machine.name].ignition,
        )
        for index, machine in enumerate(pxe.machines)
    ]
    machines = [_fleet_machine(each, rendered[each.machine.name]) for each in meant if each.machine.install != "off"]
    fleet = PxeFleet("fleet", {"machines": machines, "secrets": values}, pulumi.ResourceOptions(providers=[provider]))
    compare(pxe.matchbox.http_url, meant, fleet, groups, lambda: _groups(pxe, credentials))
    hashed = public_hasher(values, settings.pod.domain)
    configs = {each.machine.name: f"c{hashed(meaning_digest(each.ignition))[1:]}" for each in meant}
    return {
        # addresses follow from the settings: the state would be a twentieth larger with them
        "machines": {name: {"config": config} for name, config in configs.items()},
        "needsReinstall": [
            machine.name for machine in pxe.machines if machine.installed_config not in (None, configs[machine.name])
        ],
    }


def _fleet_machine(meant: Meant, rendered: Rendered) -> FleetMachine:
    boot = install_boot(**meant.install)
    return FleetMachine(meant.machine.name, meant.machine.mac, boot, rendered.ignition, rendered.own)


def _groups(pxe: Pxe, credentials: Credentials) -> list[Group]:
    """The groups on the server. Nothing but a comparison needs them."""
    try:
        return list_groups(pxe.matchbox, credentials)
    except ConfigError as error:
        pulumi.log.warn(str(error))
        return []


def _provider(pxe: Pxe, credentials: Credentials) -> matchbox.Provider:
    return matchbox.Provider(
        "matchbox",
        endpoint=pxe.matchbox.rpc_endpoint,
        ca=credentials.ca,
        client_cert=credentials.client_cert,
        client_key=pulumi.Output.secret(credentials.client_key),
    )
