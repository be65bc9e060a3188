"""What the engine hands over to the program, and how large that may be: with the real engine."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.cli import main
from diaspora_infra.config.loader.transport import MAX_BYTES, transported_bytes
from lab.engine import PROJECT, Engine
from tests.cli.test_stack_files import big
from tests.support import configs
from tests.support.prepared import prepare

PROGRAM = """
import os
import pulumi
from diaspora_infra.pulumi_config import load_stack_config

pulumi.export("bytes", len(os.environ["PULUMI_CONFIG"].encode()) if "PULUMI_CONFIG" in os.environ else None)
if pulumi.Config().get("pxe"):
    pulumi.export("machines", [machine.name for machine in load_stack_config()[0].machines])
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    program = tmp_path / "program"
    program.mkdir()
    (program / "Pulumi.yaml").write_text(
        "name: diaspora-infra\nruntime: {name: python, options: {virtualenv: .venv}}\n"
    )
    (program / ".venv").symlink_to(PROJECT / ".venv")
    (program / "__main__.py").write_text(PROGRAM)
    variables = {"PYTHONPATH": str(PROJECT)}
    return Engine(tmp_path / "engine", "test", program / "Pulumi.test.yaml", program, variables)


def write(engine: Engine, values: dict[str, Any]) -> dict[str, Any]:
    config = {f"diaspora-infra:{key}": value for key, value in values.items()}
    engine.stack_file.write_text(yaml.safe_dump({"config": config}, sort_keys=False, allow_unicode=True))
    engine.folder.mkdir(exist_ok=True)
    prepare(engine)
    return config


STRANGE = {
    "text": 'plain, <b>&amp;</b>, "quoted" and \\ and \t\u2028 ünï 🦎',
    "table": {"a": ["<>&", "\"'\\", "line\nline", "\u2029\x7f", "🦎"], "b": {"c": True, "d": None, "e": -12, "f": 1.5}},
    "number": 12,
    "flag": True,
    "list": [1, "1", "off"],
}


def test_size_is_counted_as_the_engine_encodes_the_config(engine: Engine) -> None:
    write(engine, STRANGE)
    secret = {"secure": engine.encrypt("diaspora-infra:secret", "hunter2 " * 5)}
    config = write(engine, STRANGE | {"secret": secret})
    engine.run("up")
    assert engine.outputs()["bytes"] == transported_bytes(config)


def test_largest_config_reaches_the_program_and_a_larger_one_does_not(engine: Engine) -> None:
    rest = transported_bytes({"text": ""})
    write(engine, {"text": "x" * (MAX_BYTES - rest)})
    engine.run("up")
    assert engine.outputs()["bytes"] == MAX_BYTES
    if os.sysconf("SC_PAGE_SIZE") == 4096:
        write(engine, {"text": "x" * (MAX_BYTES - rest + 1)})
        result = engine.run("up", check=False)
        assert "argument list too long" in result.stdout + result.stderr


def test_a_thousand_machines_in_files_pass_check_and_reach_the_program(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    machines = engine.project / "machines"
    machines.mkdir()
    for start in range(0, 1000, 250):
        (machines / f"{start:04}.yaml").write_text(yaml.safe_dump(big(1000)[start : start + 250]))
    pxe = {"matchbox": configs.pxe()["matchbox"], "machineFiles": ["machines/*.yaml"]}
    write(engine, configs.pxe_config(pxe=pxe))
    assert main(["check", str(engine.stack_file)]) == 0
    assert "good; 1000 machine(s)" in capsys.readouterr().out
    names = [f"pod{number}" for number in range(1, 1001)]
    engine.run("up")
    assert engine.outputs()["machines"] == names
    (machines / "0750.yaml").unlink()
    replace(engine, preloaded=True).run("up")
    assert engine.outputs()["machines"] == names[:750]
