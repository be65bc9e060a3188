"""The whole chain: config -> engine -> provider -> matchbox -> what is served to a machine."""

import dataclasses
import json
import subprocess
from pathlib import Path

import pytest

from diaspora_infra.cli import main
from diaspora_infra.config import PxeSettings
from diaspora_infra.host import render
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.served import meaning
from diaspora_infra.pxe.verify import ipxe_script, verify
from lab.engine import PROJECT
from tests.support.configs import machine
from tests.support.stack import Stack
from tests.support.zlibs import other_zlib


def test_stack_is_created_updated_and_destroyed(stack: Stack) -> None:
    stack.machines(machine(1), machine(2), machine(3, install="off"))

    preview = stack.run("preview")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "+ 6 to create" in preview.stdout
    assert stack.files() == {"profiles": [], "groups": []}

    stack.up()
    assert_served_as_meant(stack)
    assert len(stack.files()["profiles"]) == 1, "the machines share it"
    assert len(stack.files()["groups"]) == 2, "the machine that is off has no group"
    assert stack.get("/generic?mac=52:54:00:00:00:03")[0] == 404

    again = stack.up("--expect-no-changes")
    assert "6 unchanged" in again.stdout

    first = stack.files()
    stack.machines(machine(1, hostname="renamed"), machine(2), machine(3, install="off"))
    changed = stack.up()
    assert "+ 1 created" in changed.stdout, "a machine's own change is one of its group alone"
    assert "- 1 deleted" in changed.stdout
    assert_served_as_meant(stack)
    assert "renamed" in json.dumps(meaning(stack.served("52:54:00:00:00:01")))
    assert stack.files()["profiles"] == first["profiles"]
    assert len(set(stack.files()["groups"]) & set(first["groups"])) == 1

    destroy = stack.run("destroy")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert stack.files() == {"profiles": [], "groups": []}
    assert stack.get("/ipxe?mac=52:54:00:00:00:01")[0] == 404


def test_another_zlib_causes_no_change(stack: Stack) -> None:
    """A profile that changed under its own name would be deleted first, and the machine be without a config."""
    stack.values["host"]["snippets"] = [LONG]
    stack.up()
    before = stack.files(), stack.served("52:54:00:00:00:01")
    stack.engine = dataclasses.replace(stack.engine, environment=other_zlib())
    again = stack.up("--expect-no-changes")
    assert "5 unchanged" in again.stdout
    assert (stack.files(), stack.served("52:54:00:00:00:01")) == before


LONG = f"""
variant: fcos
version: 1.5.0
storage:
  files:
    - {{path: /etc/motd, contents: {{inline: {"packed by the translator " * 200}}}}}
"""


def test_refresh_detects_manual_changes_of_the_ignition_config(stack: Stack) -> None:
    """The text is compared, not its meaning alone: so a change of either is seen, and taken back."""
    stack.up()
    (file,) = stack.server.data.glob("generic/*")
    good = file.read_text()
    file.write_text(good.replace("3.4.0", "3.3.0", 1))
    stack.run("refresh")
    stack.up()
    (file,) = stack.server.data.glob("generic/*")
    assert file.read_text() == good
    assert_served_as_meant(stack)


def test_refresh_detects_manual_changes_on_the_server(stack: Stack) -> None:
    stack.up()
    (profile,) = stack.server.data.glob("profiles/*.json")
    content = json.loads(profile.read_text())
    content["boot"]["kernel"] = "http://evil.example.org/kernel"
    profile.write_text(json.dumps(content))
    lines, good = verify(stack.settings(), {})
    differs = "the served iPXE script differs from the settings"
    assert (lines, good) == ([f"pod1: {differs}; run: pulumi refresh, then pulumi up"], False)

    drift = stack.run("refresh", "--expect-no-changes")
    assert drift.returncode != 0
    stack.run("refresh")
    stack.up()
    assert_served_as_meant(stack)


def test_refresh_detects_manual_deletions_on_the_server(stack: Stack) -> None:
    stack.up()
    for file in stack.server.data.glob("*/*.json"):
        file.unlink()
    stack.run("refresh")
    stack.up()
    assert_served_as_meant(stack)


def test_served_config_is_valid_and_equals_output_of_butane(
    stack: Stack, butane_binary: Path, ignition_validate: Path, tmp_path: Path
) -> None:
    stack.up()
    served = tmp_path / "served.ign"
    served.write_text(stack.served("52:54:00:00:00:01"))
    result = subprocess.run([ignition_validate, served], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")

    settings = stack.settings()
    rendered = render(settings, settings.machines[0], {})
    butane = subprocess.run(
        [butane_binary, "--strict"], input=rendered.butane_text(), capture_output=True, text=True, check=False
    )
    assert butane.returncode == 0, butane.stderr
    assert meaning(butane.stdout) == meaning(rendered.ignition) == meaning(served.read_text())


def test_user_secret_is_served_but_encrypted_in_state_and_outputs(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    password = "correct-horse-battery-staple"
    stack.values["pod"]["mail"] = {
        "senderAddress": "pod@example.org",
        "smtp": {"host": "smtp.example.org", "username": "pod"},
    }
    stack.set_secret("smtpPassword", password)
    result = stack.up("--show-sames", "--diff")

    assert password in json.dumps(meaning(stack.served("52:54:00:00:00:01")))
    assert verify(stack.settings(), {"smtpPassword": password})[1]
    places = {
        "engine output": result.stdout + result.stderr,
        "state": json.dumps(stack.state()),
        "outputs": json.dumps(stack.engine.outputs()),
        "matchbox log": stack.server.log.read_text(),
    }
    encoded = stack.rendered("pod1", {"smtpPassword": password})
    for place, text in places.items():
        assert password not in text, place
        assert encoded[-200:] not in text, place
    (profile,) = (entry for entry in stack.state()["resources"] if entry["type"] == "matchbox:index/profile:Profile")
    for side in ("inputs", "outputs"):
        assert "ciphertext" in profile[side]["genericConfig"], side

    _enter_project(stack, tmp_path, monkeypatch)
    stack.values["pod"]["name"] = "Another"
    stack.write()
    (tmp_path / "Pulumi.test.yaml").write_text(stack.engine._config_file().read_text())
    capfd.readouterr()
    assert main(["diff", "test", "--json"]) == 0
    (told,) = json.loads(capfd.readouterr().out)
    assert (told["machine"], told["action"]) == ("pod1", "upgrade")
    assert "/etc/diaspora/diaspora.toml" in told["why"]


def _enter_project(stack: Stack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the program, in which the stack's engine works as a user's would."""
    for name in ("Pulumi.yaml", "__main__.py", ".venv"):
        (folder / name).symlink_to(PROJECT / name)
    monkeypatch.chdir(folder)
    for key, value in stack.engine.variables().items():
        monkeypatch.setenv(key, value)


def test_needs_reinstall_lists_machines_changed_since_installation(stack: Stack) -> None:
    stack.machines(machine(1), machine(2))
    stack.up()
    configs = {name: entry["config"] for name, entry in stack.engine.outputs()["machines"].items()}
    assert stack.engine.outputs()["needsReinstall"] == []

    installed = [machine(number, installedConfig=configs[f"pod{number}"]) for number in (1, 2)]
    stack.machines(*installed)
    stack.up()
    assert stack.engine.outputs()["needsReinstall"] == []

    stack.machines(installed[0], {**installed[1], "hostname": "renamed"})
    stack.up()
    assert stack.engine.outputs()["needsReinstall"] == ["pod2"]


def assert_served_as_meant(stack: Stack) -> None:
    settings = stack.settings()
    lines, good = verify(settings, {})
    assert good, lines
    assert isinstance(settings, PxeSettings)
    for entry in settings.pxe.machines:
        if entry.install != "off":
            assert stack.served(entry.mac) == stack.rendered(entry.name), "byte for byte"
            assert stack.get(f"/ipxe?mac={entry.mac}") == (
                200,
                ipxe_script(install_boot(**install_settings(settings, entry))),
            )
