"""Values that the engine encrypted: `check` and the program give one verdict, and nobody sees what was encrypted."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.cli import main
from lab.engine import Engine
from tests.support import configs
from tests.support.prepared import prepare

PLAIN = "alarm-nobody-may-see@example.org"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path, "test", tmp_path / "Pulumi.test.yaml", preloaded=True)


def write(engine: Engine, config: dict[str, Any]) -> None:
    engine.stack_file.write_text(yaml.safe_dump({"config": config}, sort_keys=False))


# places and the keys that are named; those of one group are reported together
ENCRYPTED = {
    "target": {("diaspora-infra:target",): "target"},
    "tables": {
        ("diaspora-infra:aws", "alertEmail"): "aws",
        ("diaspora-infra:pod", "mail", "smtp", "password"): "pod",
        ("diaspora-infra:host", "snippets"): "host",
    },
    "provider": {("aws:profile",): "aws:profile", ("aws:allowedAccountIds",): "aws:allowedAccountIds"},
}


@pytest.mark.parametrize("name", ENCRYPTED)
def test_check_and_program_refuse_encrypted_values_with_the_same_lines(
    engine: Engine, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    config: dict[str, Any] = {
        "aws:region": "eu-west-1",
        **{f"diaspora-infra:{name}": value for name, value in configs.aws_config(alertEmail="a@example.org").items()},
    }
    write(engine, config)
    prepare(engine)
    # as `pulumi config set --path --secret` leaves it
    encrypted: Any = {"secure": engine.encrypt("diaspora-infra:any", PLAIN)}
    for path in ENCRYPTED[name]:
        table = config
        for part in path[:-1]:
            table = table.setdefault(part, {})
        table[path[-1]] = [encrypted] if path[-1] in {"snippets", "allowedAccountIds"} else encrypted
    write(engine, config)

    assert main(["check", str(engine.stack_file)]) == 1
    lines = capsys.readouterr().err.splitlines()
    for key in ENCRYPTED[name].values():
        assert any(line.startswith(f"{key}: ") for line in lines), key
    for command in ("preview", "up"):
        result = engine.run(command, check=False)
        output = result.stdout + result.stderr
        assert result.returncode != 0
        assert "Traceback" not in output
        printed = [line.strip() for line in output.splitlines()]
        start = max(index for index, line in enumerate(printed) if line.endswith("this stack cannot be used:"))
        assert printed[start + 1 : start + 1 + len(lines)] == lines
        assert PLAIN not in output
    assert engine.outputs() == {}
    state = "".join(file.read_text() for file in engine.folder.glob("state/**/*.json"))
    assert PLAIN not in state
    assert PLAIN not in json.dumps(engine.export())
