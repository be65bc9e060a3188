"""Generated documents, run through both programs: same verdict, positions, warnings and output.

BUTANE_EXAMPLES sets how many documents are drawn; BUTANE_SEED makes other ones.
"""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from butane import VERSIONS, ButaneError, Translation, check_ignition, merge, translate
from butane.schema import key_paths
from generate import Drawn, documents, seeded_document
from reference import differences, ignition_findings

EXAMPLES = int(os.environ.get("BUTANE_EXAMPLES", "300"))
SEED = int(os.environ.get("BUTANE_SEED", "0"))
ODDNESS = (0, 0, 3, 10, 30, 60)
EMPTY = f"variant: fcos\nversion: {VERSIONS[-1]}\n"

bounded = settings(
    max_examples=EXAMPLES,
    derandomize=not SEED,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@seed(SEED)
@bounded
@given(document=documents())
def test_any_document_gives_the_same_result_as_the_reference(
    butane_binary: Path, local_files: Path, document: Drawn
) -> None:
    found = differences(butane_binary, document.text, local_files)
    assert not found, document.text + "\n".join(found)


@pytest.mark.parametrize("part", range(4))
def test_seeded_documents_give_the_same_result_as_the_reference(
    butane_binary: Path, local_files: Path, part: int
) -> None:
    """Seeds are faster than Hypothesis, so more documents fit in the same time."""
    for number in range(SEED + part, SEED + 2 * EXAMPLES, 4):
        document = seeded_document(number, number % len(VERSIONS), ODDNESS[number // len(VERSIONS) % len(ODDNESS)])
        found = differences(butane_binary, document.text, local_files)
        assert not found, f"seed {number}\n{document.text}" + "\n".join(found)


@pytest.mark.parametrize("minor", range(len(VERSIONS)))
def test_every_key_of_every_version_gives_the_same_result(butane_binary: Path, local_files: Path, minor: int) -> None:
    all_keys, produced = set(key_paths(minor)), set()
    for number, key in enumerate(sorted(all_keys)):
        if key not in produced:
            document = seeded_document(number, minor, forced=key)
            produced |= document.keys
            found = differences(butane_binary, document.text, local_files)
            assert not found, document.text + "\n".join(found)
    assert produced == all_keys


@seed(SEED)
@settings(bounded, max_examples=max(EXAMPLES // 2, 1))
@given(drawn=st.lists(documents(oddness=0), min_size=2, max_size=3))
def test_merged_documents_equal_those_of_the_reference(
    go_reference: Path, local_files: Path, tmp_path_factory: Any, drawn: list[Drawn]
) -> None:
    texts = [document.text for document in drawn] + [EMPTY]  # the reference writes its newest version
    try:
        parts = [translate(text, files=local_files) for text in texts]
        merged = merge([(str(index), text) for index, text in enumerate(texts)], files=local_files)
    except ButaneError:
        return
    theirs = _merged_by_go(go_reference, tmp_path_factory.mktemp("merge"), parts)
    assert _without_advertisements(theirs) == _without_advertisements(merged.ignition)


def _merged_by_go(program: Path, directory: Path, parts: list[Translation]) -> Any:
    files = []
    for index, part in enumerate(parts):
        files.append(directory / f"{index}.ign")
        files[-1].write_text(part.text())
    command = [str(program), "merge", *map(str, files)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _without_advertisements(ignition: Any) -> Any:
    """The reference loses Tang advertisements when it raises 3.4.0 to 3.5.0; ours are kept."""
    if isinstance(ignition, dict):
        return {key: _without_advertisements(value) for key, value in ignition.items() if key != "advertisement"}
    if isinstance(ignition, list):
        return [_without_advertisements(item) for item in ignition]
    return ignition


def test_ignition_documents_get_the_same_verdict_as_the_reference(ignition_validate: Path, local_files: Path) -> None:
    """Ignition documents, most of them damaged: both programs refuse the same ones."""
    checked = 0
    for number in range(SEED, SEED + EXAMPLES):
        try:
            ignition = translate(seeded_document(number, number % len(VERSIONS)).text, files=local_files).ignition
        except ButaneError:
            continue
        text = json.dumps(_damaged(ignition, random.Random(number)))
        accepted, theirs = ignition_findings(ignition_validate, text)
        report = check_ignition(text)
        ours = {(str(entry.level), entry.path_text) for entry in report}
        assert accepted == (not report.is_fatal), f"{text}\n{report}"
        assert theirs == ours or not (accepted or theirs), f"{text}\n{theirs}\n{report}"
        checked += 1
    assert checked > EXAMPLES // 4


def _damaged(document: Any, dice: random.Random) -> Any:
    """Change a few of the values of a document, or drop them."""
    if isinstance(document, dict):
        return {
            key if dice.random() > 0.01 else "unknown": _damaged(value, dice)
            for key, value in document.items()
            if dice.random() > 0.03
        }
    if isinstance(document, list):
        items = [_damaged(item, dice) for item in document]
        return items + items[:1] if dice.random() < 0.05 else items
    return dice.choice(["", "x", 0, 1, True, None, "/a/../b", "3.9.0"]) if dice.random() < 0.04 else document
