"""The pages: links lead somewhere, and what a reader would copy works."""

import re
from pathlib import Path

import pytest
import yaml

from diaspora_infra.config import load, parse_stack_file
from diaspora_infra.host import render
from lab.engine import PROJECT

PAGES = sorted(
    page
    for page in PROJECT.rglob("*.md")
    if not {".venv", ".lab", "node_modules", ".pytest_cache"} & set(page.relative_to(PROJECT).parts)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as the common forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readmes_stack_file_is_good() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    file = parse_stack_file(block)
    settings = load(file.values, file.secrets)
    assert render(settings, settings.machines[0], {}).ignition


def test_the_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    pages = [(PROJECT / "README.md"), *(PROJECT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)[ `]", page.read_text(encoding="utf-8"))}
    assert named >= {"up", "down", "up-aws", "down-aws", "test", "bench"}
    for name in named:
        assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE), name


def test_ci_runs_what_a_contributor_runs() -> None:
    assert (PROJECT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")


def test_the_example_workflow_is_yaml() -> None:
    assert yaml.safe_load((PROJECT / "examples" / "ci" / "preview.yml").read_text(encoding="utf-8"))["jobs"]
