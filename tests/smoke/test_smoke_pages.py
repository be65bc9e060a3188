"""docs/smoke.md and docs/aws-proofs.md name the questions that there are, no others, and what they need."""

import re
from pathlib import Path

import pytest

from diaspora_infra.smoke.run import QUESTIONS

DOCS = Path(__file__).parent.parent.parent / "docs"
KEYS = {question.key for question in QUESTIONS}


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = re.split(rf"^## {heading}$", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    table = re.findall(r"(?:^\|.*\|\n)+", re.split(r"^## ", section, flags=re.MULTILINE)[0], re.MULTILINE)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return cells[2:]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_question_has_its_row_in_its_order() -> None:
    table = rows("smoke.md", "The questions")
    assert [named(row[0]) for row in table] == [[question.key] for question in QUESTIONS]
    assert [tuple(named(row[3])) for row in table] == [question.permissions for question in QUESTIONS]


def test_every_question_is_in_one_row_of_how_it_is_tested() -> None:
    listed = [key for row in rows("smoke.md", "How it is tested") for key in named(row[1])]
    assert sorted(listed) == sorted(KEYS)


def test_list_of_what_the_simulator_cannot_show_names_the_questions() -> None:
    table = rows("aws-proofs.md", "What the simulator cannot show")
    asked = [key for row in table for key in named(row[1])]
    assert {*asked} == KEYS


def test_each_point_has_a_question_or_a_document_of_aws() -> None:
    for what, asked, documents in rows("aws-proofs.md", "What the simulator cannot show"):
        links = re.findall(r"\]\(([^)]+)\)", documents)
        assert named(asked) or links, what
        assert all(link.startswith("https://docs.aws.amazon.com/") for link in links), what


@pytest.mark.parametrize(
    "point",
    [
        "waits",
        "zones",
        "plans",
        "IAM",
        "KMS",
        "endpoint",
        "traffic",
        "pause and resume",
        "CPU credits",
        "Lifecycle",
        "ACM",
    ],
)
def test_blind_spots_are_in_the_list(point: str) -> None:
    assert any(point in row[0] for row in rows("aws-proofs.md", "What the simulator cannot show"))
