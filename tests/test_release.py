"""Releases: which tags fit, and what their notes say."""

import pytest

from release.checks import check_tag
from release.errors import ReleaseError
from release.notes import release_notes, sections_of

CHANGES = """# Changelog

## Unreleased

- Something new ([how](docs/new.md)).

## [0.2.0] - 2027-01-01

- Better ([a page](https://example.org/page), [a file](docs/config.md#pod), [here](#top)).

## 0.1.0

- First.
"""


def test_sections_are_found_in_both_forms() -> None:
    assert sections_of(CHANGES).keys() == {"Unreleased", "0.2.0", "0.1.0"}
    assert release_notes(CHANGES, "0.1.0") == "- First.\n"


def test_notes_of_a_version_without_a_section_are_what_is_unreleased() -> None:
    assert release_notes(CHANGES, "0.3.0").startswith("- Something new")
    with pytest.raises(ReleaseError, match=r"no section 0\.3\.0 or Unreleased"):
        release_notes("# Changelog\n", "0.3.0")


def test_links_of_notes_lead_to_the_files_of_the_version() -> None:
    text = release_notes(CHANGES, "0.2.0", "https://example.org/blob/v0.2.0/")
    assert "[a file](https://example.org/blob/v0.2.0/docs/config.md#pod)" in text
    assert "[a page](https://example.org/page)" in text
    assert "[here](#top)" in text


@pytest.mark.parametrize(
    ("tag", "version", "message"),
    [
        ("0.2.0", "0.2.0", "tag 0.2.0: not a version; allowed: such as v0.2.0"),
        ("v0.2", "0.2.0", "tag v0.2: not a version; allowed: such as v0.2.0"),
        ("v0.2.0", "0.1.0", "tag v0.2.0: the version is 0.1.0; change it in pyproject.toml, or the tag"),
        ("v0.3.0", "0.3.0", "CHANGES.md: no section 0.3.0; rename the section Unreleased"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(tag: str, version: str, message: str) -> None:
    with pytest.raises(ReleaseError) as caught:
        check_tag(tag, version, CHANGES)
    assert str(caught.value) == message


def test_a_tag_of_the_version_is_taken() -> None:
    check_tag("v0.2.0", "0.2.0", CHANGES)
