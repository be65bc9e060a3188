"""The identity files of a machine: the address of its config, a hash of each part, the bundle's hash."""

import json
from typing import Any

import pytest

from diaspora_infra.config import load
from diaspora_infra.host import render
from diaspora_infra.host.data_url import contents
from diaspora_infra.host.identity import BUNDLE_FILE, MACHINE_FILE
from tests.support.configs import SSH_KEY, host, ignition_config, machine, mail, pod, pxe, pxe_config

SNIPPET = (
    "variant: fcos\nversion: 1.5.0\nstorage: {{files: [{{path: {path}, overwrite: true, contents: {{inline: x}}}}]}}\n"
)
UPDATES = "/etc/zincati/config.d/55-updates-strategy.toml"


def ignition_of(config: dict[str, Any], index: int = 0, **secrets: str) -> dict[str, Any]:
    settings = load(config, secrets)
    whole: dict[str, Any] = json.loads(render(settings, settings.machines[index], secrets).ignition)
    return whole


def bundle_of(whole: dict[str, Any]) -> dict[str, Any]:
    bundle: dict[str, Any] = json.loads(contents(whole["ignition"]["config"]["merge"][0]))
    return bundle


def file_of(config: dict[str, Any], path: str) -> dict[str, Any]:
    (found,) = [entry for entry in config["storage"]["files"] if entry["path"] == path]
    assert found["mode"] == 0o600
    content: dict[str, Any] = json.loads(contents(found["contents"]))
    return content


def identity(config: dict[str, Any], index: int = 0, **secrets: str) -> tuple[dict[str, Any], dict[str, Any]]:
    whole = ignition_of(config, index, **secrets)
    return file_of(whole, MACHINE_FILE), file_of(bundle_of(whole), BUNDLE_FILE)


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_machine_file_has_the_address_of_its_config() -> None:
    machine_file, _ = identity(pxe_config())
    assert machine_file["config"] == "http://matchbox.lan:8080/generic?mac=52:54:00:00:00:01"
    assert (machine_file["name"], machine_file["domain"]) == ("pod1", "pod.example.org")
    assert identity(ignition_config())[0]["config"] is None
    assert identity(pxe_config(pxe=pxe(machine(install="off"))))[0]["config"] is None


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"host": host(storage={"rootGib": 20})}, {"disks"}),
        ({"host": host(users=[{"name": "core", "sshAuthorizedKeys": [SSH_KEY], "groups": ["wheel"]}])}, {"users"}),
        ({"pxe": pxe(machine(networks={"eno1": {"ipv4": {"method": "auto"}}}))}, {"networks"}),
        ({"pxe": pxe(machine(hostname="other"))}, {"/etc/hostname"}),
        ({"host": host(timeZone="Europe/Berlin")}, {"/etc/localtime", UPDATES}),
        ({"host": host(kernelArguments=["mitigations=off"])}, {"kernel arguments"}),
        ({"host": host(guestAgent=True)}, {"diaspora-guest-agent.service"}),
        ({"host": host(snippets=[SNIPPET.format(path="/etc/motd")])}, {"/etc/motd"}),
        ({"pod": pod(name="Another")}, set()),
        ({"host": host(snippets=[SNIPPET.format(path="/etc/diaspora/redis/redis.conf")])}, set()),
    ],
)  # fmt: skip
def test_machine_changes_are_named_and_pod_changes_change_bundle_hash(changes: dict[str, Any], parts: set[str]) -> None:
    before_machine, before_bundle = identity(pxe_config())
    after_machine, after_bundle = identity(pxe_config(**changes))
    assert changed(before_machine["parts"], after_machine["parts"]) == parts
    assert (before_bundle["hash"] == after_bundle["hash"]) is bool(parts)


def test_machines_of_a_stack_share_their_bundle() -> None:
    config = pxe_config(pxe=pxe(machine(1), machine(2)))
    first, second = ignition_of(config, 0), ignition_of(config, 1)
    assert first["ignition"]["config"] == second["ignition"]["config"]
    assert identity(config, 0)[0]["name"] == "pod1"
    assert identity(config, 1)[0]["name"] == "pod2"


def test_changed_secret_changes_the_slow_bundle_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    config = pxe_config(pod=pod(mail=mail()))
    hashes = {identity(config, smtpPassword=word)[1]["hash"] for word in ("correct horse", "battery staple")}
    assert len(hashes) == 2
    monkeypatch.setattr("diaspora_infra.host.identity._ROUNDS", 1)
    assert identity(config, smtpPassword="another one")[1]["hash"] not in hashes


def test_bundle_lists_its_paths_and_enabled_units() -> None:
    whole = ignition_of(pxe_config())
    bundle = bundle_of(whole)
    bundle_file = file_of(bundle, BUNDLE_FILE)
    files = {entry["path"] for entry in bundle["storage"]["files"]}
    units = {f"/etc/systemd/system/{unit['name']}" for unit in bundle["systemd"]["units"] if "contents" in unit}
    assert set(bundle_file["paths"]) == files | units
    assert bundle_file["enabled"] == sorted(unit["name"] for unit in bundle["systemd"]["units"] if unit.get("enabled"))
    assert {"certbot.timer", "diaspora.target", "podman-auto-update.timer"} <= set(bundle_file["enabled"])


def test_order_of_networks_does_not_change_the_identity() -> None:
    networks = {"eno1": {"ipv4": {"method": "auto"}}, "eno0": {"ipv4": {"method": "disabled"}}}
    one, _ = identity(pxe_config(pxe=pxe(machine(networks=networks))))
    other, _ = identity(pxe_config(pxe=pxe(machine(networks=dict(sorted(networks.items()))))))
    assert one == other


def test_snippets_cannot_override_the_identity_files() -> None:
    config = pxe_config(host=host(snippets=[SNIPPET.format(path=path) for path in (MACHINE_FILE, BUNDLE_FILE)]))
    machine_file, bundle = identity(config)
    assert machine_file["name"] == "pod1"
    assert len(bundle["hash"]) == 16
