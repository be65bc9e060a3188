"""Compiled templates are kept between runs, and are never those of another text or of other options."""

import importlib.util
from pathlib import Path

import pytest

from diaspora_infra.host import templates
from diaspora_infra.host.templates import render_tree


@pytest.fixture
def template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "feature/etc/name.j2"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(templates, "templates_folder", lambda: tmp_path)
    monkeypatch.setattr(importlib.util, "cache_from_source", lambda _: str(tmp_path / "cache/templates.pyc"))
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    (tmp_path / "cache").mkdir()
    return file


def rendered() -> str:
    templates._sources.cache_clear()
    try:
        (file,) = render_tree("feature", name="a")["storage"]["files"]
    finally:
        templates._sources.cache_clear()
    text: str = file["contents"]["inline"]
    return text


def test_compiled_template_is_kept_and_follows_its_text(template: Path, tmp_path: Path) -> None:
    template.write_text("one {{ name }}\n")
    assert rendered() == rendered() == "one a\n"
    (kept,) = (tmp_path / "cache").iterdir()
    template.write_text("two {{ name }}\n")
    assert rendered() == "two a\n"
    assert [*(tmp_path / "cache").iterdir()] == [kept]


def test_template_compiled_with_other_options_is_not_taken(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template.write_text("{% if name %}\nyes\n{% endif %}\n")
    assert rendered() == "yes\n"
    monkeypatch.setitem(templates._OPTIONS, "trim_blocks", False)
    assert rendered() == "\nyes\n\n"


def test_templates_render_where_nothing_can_be_kept(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template.write_text("one {{ name }}\n")
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert rendered() == "one a\n"
    assert [*(tmp_path / "cache").iterdir()] == []
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    (tmp_path / "cache").rmdir()
    assert rendered() == "one a\n"
