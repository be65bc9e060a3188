"""The keys of the schema table are those of the reference."""

import subprocess
from pathlib import Path

import pytest

from butane import VERSIONS
from butane.origins import snake
from butane.schema import camel, key_paths, struct

KEYS = Path(__file__).parent / "keys"


@pytest.mark.parametrize("version", VERSIONS)
def test_schema_keys_match_the_committed_lists(version: str) -> None:
    """The lists are written by `go run . keys VERSION | sort` in the folder go."""
    committed = (KEYS / f"{version}.txt").read_text().split()
    assert sorted(key_paths(VERSIONS.index(version))) == committed


@pytest.mark.parametrize("version", VERSIONS)
def test_committed_key_lists_match_the_reference(go_reference: Path, version: str) -> None:
    listed = subprocess.run([go_reference, "keys", version], capture_output=True, text=True, check=True).stdout
    assert sorted(listed.split()) == (KEYS / f"{version}.txt").read_text().split()


@pytest.mark.parametrize("version", VERSIONS)
def test_snake_and_camel_case_convert_both_ways(version: str) -> None:
    for path in key_paths(VERSIONS.index(version)):
        key = path.rpartition(".")[2]
        assert snake(camel(key)) == key


def test_each_version_has_one_definition_of_a_key() -> None:
    for minor in range(len(VERSIONS)):
        for name in ("config", "storage", "luks", "clevis", "clevis_custom", "link", "raid", "ignition_config", "tls"):
            shape = struct(name, minor)
            assert all(field.since <= minor <= field.until for field in shape.fields.values())
            assert len(shape.by_json) == len({field.json for field in shape.by_json.values()})
