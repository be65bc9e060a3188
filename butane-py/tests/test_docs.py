"""Runs the examples of docs/butane.md and the README."""

import re
from pathlib import Path

import pytest

from butane import VERSIONS, translate
from butane.__main__ import _parser
from butane.schema import IGNITION_MINORS
from reference import differences

PACKAGE = Path(__file__).parents[1]
README = (PACKAGE / "README.md").read_text()
TEXT = (PACKAGE.parent / "docs" / "butane.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README + TEXT, re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("code", PYTHON)
def test_python_examples_run(code: str) -> None:
    exec(compile(code, "page", "exec"), {})


@pytest.mark.parametrize("text", YAML)
def test_yaml_examples_translate_like_the_reference(butane_binary: Path, text: str) -> None:
    translate(text, strict=True)
    assert not differences(butane_binary, text)


def test_page_lists_all_options() -> None:
    for action in _parser()._actions:
        for option in action.option_strings:
            assert option in ("-h", "--help") or f"`{option}" in TEXT


def test_page_lists_all_versions() -> None:
    rows = re.findall(r"^\| (\d\.\d\.\d) \| (\d\.\d\.\d) \|", TEXT, re.MULTILINE)
    assert rows == [(version, f"3.{minor}.0") for version, minor in zip(VERSIONS, IGNITION_MINORS, strict=True)]
