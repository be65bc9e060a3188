"""The pages: links are valid, commands and stack files work, and the site builds."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from diaspora_infra.config import StackFile, Target, load, parse_stack_file
from diaspora_infra.host import render
from lab.engine import PROJECT

PAGES = sorted(
    page
    for page in PROJECT.rglob("*.md")
    if not {".venv", ".lab", ".site", "dist", "node_modules", ".pytest_cache", "sdks", "venv"}
    & set(page.relative_to(PROJECT).parts)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_point_to_existing_files_and_headings(page: Path) -> None:
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


def test_stack_file_for_beginners_is_valid_and_the_same_on_both_pages() -> None:
    """README and docs/first-pod.md show the same one."""
    pages = ("README.md", "docs/first-pod.md")
    first, second = (stack_file(PROJECT / page) for page in pages)
    assert first.values == second.values
    settings = load(first.values, first.secrets)
    assert render(settings, settings.machines[0], {}).ignition


def stack_file(page: Path) -> StackFile:
    (block,) = re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return parse_stack_file(textwrap.dedent(block))


def test_readme_table_has_a_row_for_each_target() -> None:
    rows = re.findall(r"^\| \[`(\w+)`\]\(.*\) \|.*\| (.+) \|$", (PROJECT / "README.md").read_text(), re.MULTILINE)
    assert sorted(target for target, _ in rows) == sorted(Target)


def test_page_of_the_examples_has_a_row_for_each_folder() -> None:
    folder = PROJECT / "examples"
    rows = re.findall(r"^\| \[([\w-]+)\]\(\1/\) \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(page.parent.name for page in folder.glob("*/README.md"))


def test_site_builds_without_warnings_and_without_network(tmp_path: Path) -> None:
    dead_end = "http://127.0.0.1:9"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=PROJECT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": dead_end, "https_proxy": dead_end},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    other_host = re.compile(r"""<(?:script|img|link|iframe)[^>]*(?:src|href)=["']?(?:https?:)?//[^>]*>""")
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = other_host.findall(page.read_text(encoding="utf-8"))
        assert loaded == [], page
    languages = re.compile(r'<div class="tabbed-labels">(.*?)</div>', re.DOTALL)
    for page in ("components/Cache.html", "languages.html"):
        (labels,) = languages.findall((tmp_path / "site" / page).read_text(encoding="utf-8"))[-1:]
        assert re.sub("<[^>]+>|\n", " ", labels).split() == ["Python", "TypeScript", "Go", "YAML"], page


def test_make_commands_in_pages_are_makefile_targets() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    pages = [(PROJECT / "README.md"), *(PROJECT / "docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)[ `]", page.read_text(encoding="utf-8"))}
    assert named >= {"up", "down", "up-aws", "down-aws", "test", "bench"}
    for name in named:
        assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE), name


def test_ci_runs_make_test() -> None:
    assert (PROJECT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")


def test_example_workflow_is_valid_yaml() -> None:
    assert yaml.safe_load((PROJECT / "examples" / "ci" / "preview.yml").read_text(encoding="utf-8"))["jobs"]
