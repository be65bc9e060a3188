"""One document for each feature and each mistake, run through both programs."""

from pathlib import Path

import pytest

from butane import ButaneError, translate
from reference import differences

CORPUS = Path(__file__).parent / "corpus"
DOCUMENTS = sorted(CORPUS.glob("*/*.bu"))
NAMES = [str(path.relative_to(CORPUS)) for path in DOCUMENTS]


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_corpus_gives_the_same_result_as_the_reference(butane_binary: Path, local_files: Path, path: Path) -> None:
    found = differences(butane_binary, path.read_text(), local_files)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_corpus_folder_matches_the_verdict(local_files: Path, path: Path) -> None:
    """The folder of a document names the expected verdict."""
    verdict = path.parent.name
    try:
        translation = translate(path.read_bytes(), name=path.name, files=local_files)
    except ButaneError as error:
        assert verdict == "refused", error
        assert error.report.is_fatal
    else:
        assert verdict == ("warned" if len(translation.report) else "accepted"), translation.report
        strict = translation.report.strict()
        assert strict.is_fatal == (verdict == "warned")


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_problem_is_one_line_with_path_and_message(local_files: Path, path: Path) -> None:
    """One line each, with the document, the path and a sentence."""
    try:
        report = translate(path.read_text(), name=path.name, files=local_files).report
    except ButaneError as error:
        report = error.report
    for entry in report:
        text = str(entry)
        assert "\n" not in text
        assert text.startswith(f"{path.name}:")
        assert f" {entry.path_text}: {entry.message}" in text
        assert entry.message
