"""The notes of a release, from CHANGES.md."""

import re

from release.errors import ReleaseError

UNRELEASED = "Unreleased"


def release_notes(changes: str, version: str, files_url: str = "") -> str:
    """The section of a version; without one, what is not released yet.

    Links to files of the repository begin with `files_url`, if one is given: notes are read elsewhere.
    """
    sections = sections_of(changes)
    text = sections.get(version) or sections.get(UNRELEASED)
    if not text:
        raise ReleaseError(f"CHANGES.md: no section {version} or {UNRELEASED}; add one")
    if files_url:
        text = re.sub(r"\]\((?!https?:|#)", f"]({files_url.rstrip('/')}/", text)
    return f"{text}\n"


def sections_of(changes: str) -> dict[str, str]:
    """The sections of CHANGES.md by version: `## 0.1.0 - 2026-12-01` and `## [0.1.0]` are both 0.1.0."""
    found: dict[str, str] = {}
    for part in re.split(r"^## ", changes, flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        found[title.split(" ")[0].strip("[]")] = text.strip()
    return found
