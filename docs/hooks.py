"""Hooks of the documentation site: pages outside of docs/, lists indented as on GitHub, and languages as tabs.

Links in the pages are those that work on GitHub. The site holds README.md as its front page and every file outside of
docs/ that a page links to, under its path in the repository; links are rewritten to lead there.
"""

import posixpath
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from markdown import Markdown
from markdown.blockprocessors import build_block_parser
from markdown.extensions import Extension
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^\s*```")
LANGUAGE = re.compile(r"^\*\*(Python|TypeScript|Go|YAML)\*\*\n\n(```.*?^```)$", re.DOTALL | re.MULTILINE)
TARGET = re.compile(r"(?<=\]\()([^)\s#]+)(?=[)#])")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the extension first, since it replaces the parser to which the others add their parts."""
    config.markdown_extensions = [NarrowLists(), *config.markdown_extensions]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds README.md and what the pages link to outside of docs/, and what those pages link to in turn."""
    known = {f"docs/{file.src_uri}" for file in files}
    waiting = ["README.md", *(name for name in known if name.endswith(".md"))]
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            files.append(File.generated(config, place(name), abs_src_path=str(PROJECT / name)))
        if name.endswith(".md"):
            waiting += [found for found in links(name) if found not in known]
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Rewrites the links of a page to where their files are on the site."""
    folder = posixpath.dirname(page.file.src_uri) or "."
    name = source(page.file.src_uri)

    def replace(match: re.Match[str]) -> str:
        found = file_of(name, match[0])
        return posixpath.relpath(place(found), folder) if found else match[0]

    lines = markdown.splitlines()
    for number in prose(lines):
        lines[number] = TARGET.sub(replace, lines[number])
    return LANGUAGE.sub(tab, "\n".join(lines))


def tab(block: re.Match[str]) -> str:
    """A tab in place of a block of code under the name of its language."""
    language, code = block.groups()
    return f'=== "{language}"\n\n{textwrap.indent(code, "  ")}'


def links(name: str) -> Iterator[str]:
    """The files of the project that a page links to."""
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    for number in prose(lines):
        yield from filter(None, (file_of(name, target) for target in TARGET.findall(lines[number])))


def prose(lines: list[str]) -> Iterator[int]:
    """The numbers of the lines that are in no block of code."""
    inside_fence = False
    for number, line in enumerate(lines):
        if FENCE.match(line):
            inside_fence = not inside_fence
        elif not inside_fence:
            yield number


def file_of(page: str, target: str) -> str:
    """The file of the project that a link shows (of a folder its README.md); empty for other links."""
    if "://" in target or target.startswith("mailto:"):
        return ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    return f"{path}/README.md" if (PROJECT / path).is_dir() else path


def place(name: str) -> str:
    """Where a file of the repository is on the site."""
    return "index.md" if name == "README.md" else name.removeprefix("docs/")


def source(place: str) -> str:
    """Where a page of the site is in the repository."""
    if place == "index.md":
        return "README.md"
    return f"docs/{place}" if (PROJECT / "docs" / place).is_file() else place


class NarrowLists(Extension):
    """Parts of a list item are indented by two or three columns, as in CommonMark, not by four."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Sets the indentation and builds the parser again, which has read the old one."""
        md.tab_length = 2
        md.parser = build_block_parser(md)
