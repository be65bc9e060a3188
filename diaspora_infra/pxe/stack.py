"""The stack of target `pxe`: one PxePod a machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.config import Pxe, PxeMachine, PxeSettings
from diaspora_infra.pulumi_config import Secrets, render_known
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.pxe_pod import PxePod, PxePodArgs
from diaspora_infra.pxe.served import revision_of
from diaspora_infra.pxe.server import check_reachable, read_credentials


def pxe_stack(settings: PxeSettings, secrets: Secrets, folder: Path) -> dict[str, Any]:
    """Put every machine on the matchbox server; returns the stack outputs. Certificate files start at `folder`."""
    pxe = settings.pxe
    provider = _provider(pxe, folder)
    if not secrets:
        return _place(settings, pxe, {}, provider)
    # The names of profiles and groups follow from the configs, so the machines are made where the secrets are known.
    # That is always so, in a preview too: they are part of the stack's config.
    placed: pulumi.Output[dict[str, Any]] = pulumi.Output.unsecret(
        pulumi.Output.all(**secrets).apply(
            lambda values: pulumi.Output.from_input(_place(settings, pxe, values, provider))
        )
    )
    return {name: placed[name] for name in ("machines", "needsReinstall")}


def _place(settings: PxeSettings, pxe: Pxe, secrets: Mapping[str, str], provider: matchbox.Provider) -> dict[str, Any]:
    pods = {machine.name: (machine, _pod(settings, machine, secrets, provider)) for machine in pxe.machines}
    return {
        "machines": {name: _machine_outputs(machine, pod) for name, (machine, pod) in pods.items()},
        "needsReinstall": pulumi.Output.all(
            **{name: pod.config for name, (machine, pod) in pods.items() if machine.installed_config}
        ).apply(lambda configs: _changed(configs, pxe)),
    }


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


def _pod(settings: PxeSettings, machine: PxeMachine, secrets: Mapping[str, str], provider: matchbox.Provider) -> PxePod:
    install = install_settings(settings, machine)
    rendered = render_known(settings, machine, secrets)
    args: PxePodArgs = {
        **install,
        "mac": machine.mac,
        "ignition": pulumi.Output.secret(rendered.ignition) if rendered.secret else rendered.ignition,
        "revision": revision_of(machine.name, rendered.ignition, install_boot(**install), secret=rendered.secret),
        "serve": machine.install != "off",
    }
    return PxePod(machine.name, args, pulumi.ResourceOptions(providers=[provider]))


def _machine_outputs(machine: PxeMachine, pod: PxePod) -> dict[str, Any]:
    addresses = {"ipxe": pod.ipxe_url, "ignition": pod.ignition_url} if machine.install != "off" else {}
    return {"config": pod.config, "profile": pod.profile, **addresses}


def _changed(configs: Mapping[str, str], pxe: Pxe) -> list[str]:
    return [
        machine.name
        for machine in pxe.machines
        if machine.name in configs and configs[machine.name] != machine.installed_config
    ]
