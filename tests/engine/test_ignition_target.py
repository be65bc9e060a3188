"""Target ignition: `pulumi up` exports the config of every machine, the one that `diaspora-infra render` writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.cli import main
from diaspora_infra.host.data_url import contents
from lab.engine import PROJECT, Engine
from tests.cli.test_check import stack_file
from tests.support import configs
from tests.support.prepared import prepare

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine for the project's program; the stack file is Pulumi.test.yaml in `tmp_path`."""
    return Engine(tmp_path / "lab", "test", tmp_path / "Pulumi.test.yaml", PROJECT, preloaded=True)


def rendered(source: Path, output: Path, *arguments: str) -> str:
    assert main(["render", str(source), "--output", str(output), *arguments]) == 0
    return output.read_text().removesuffix("\n")


def state_file(engine: Engine) -> str:
    (file,) = engine.folder.glob("state/.pulumi/stacks/**/test.json")
    return file.read_text()


def test_exported_configs_equal_rendered_ones(engine: Engine, tmp_path: Path) -> None:
    machines: list[dict[str, Any]] = [
        {"name": "pod1"},
        {"name": "pod2", "networks": {"eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.2/24,10.0.0.1"}}}},
        {"name": "pod3", "disk": "/dev/vda", "snippets": ["variant: fcos\nversion: 1.5.0\n"]},
    ]
    pod = configs.pod(name="Ünïcode & 'quotes' # $")
    source = stack_file(tmp_path, configs.ignition_config(pod=pod, ignition={"machines": machines}))
    prepare(engine)

    preview = engine.run("preview")
    assert "+ 1 to create" in preview.stdout
    engine.run("up")
    exported = engine.outputs()["ignition"]
    expected = {entry["name"]: rendered(source, tmp_path / "pod.ign", "--machine", entry["name"]) for entry in machines}
    assert exported == expected
    assert len(set(expected.values())) == 3
    assert "unchanged" in engine.run("up", "--expect-no-changes").stdout
    engine.run("destroy")


def test_config_with_secret_is_a_secret_output(engine: Engine, tmp_path: Path) -> None:
    values = configs.ignition_config(pod=configs.pod(mail=configs.mail()))
    stack_file(tmp_path, values)
    prepare(engine)
    secure = engine.encrypt("diaspora-infra:smtpPassword", PASSWORD)
    source = stack_file(tmp_path, values | {"smtpPassword": {"secure": secure}})
    result = engine.run("up", "--diff")

    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD)
    expected = rendered(source, tmp_path / "pod.ign", "--secret", f"smtpPassword={password_file}")
    (bundle,) = json.loads(expected)["ignition"]["config"]["merge"]
    assert PASSWORD in contents(bundle).decode(), "what is looked for below is really in the config"
    assert engine.outputs(show_secrets=True)["ignition"] == {"pod": expected}

    hidden = engine.outputs()
    assert hidden["ignition"] == {"pod": "[secret]"}
    places = {"engine": result.stdout + result.stderr, "outputs": json.dumps(hidden), "state": state_file(engine)}
    assert "ciphertext" in places["state"]
    for place, text in places.items():
        assert PASSWORD not in text, place
        assert bundle["source"][-200:] not in text, place
