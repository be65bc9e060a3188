"""Programs of importers under mypy and pyright, both strict: good ones pass, and each mistake is reported."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.languages import examples_on_pages

PROJECT = Path(__file__).resolve().parent.parent.parent
FOLDER = Path(__file__).parent
EXAMPLES = PROJECT / "examples"
KINDS = ("programs", "mistakes")

# one worker: each checker runs once for all programs
pytestmark = [
    pytest.mark.system,
    pytest.mark.xdist_group("typing"),
    pytest.mark.inputs("docs/aws.md", "docs/library.md"),
]

# pulumi_aws is the largest package of all; its types matter to nobody who only uses components
MYPY_SETTINGS = """\
[mypy]
strict = true
show_error_code_links = false
[mypy-pulumi_aws.*]
follow_imports = skip
"""
PYRIGHT_SETTINGS = {"typeCheckingMode": "strict", "include": ["."]}

Lines = dict[tuple[str, int], str]
"""What a checker reports, by program and line."""


def programs() -> dict[str, str]:
    """The programs by a name of their own: those of this folder, of the examples and of the documentation."""
    found = {f"{file.parent.name}_{file.stem}": file for kind in KINDS for file in (FOLDER / kind).glob("*.py")}
    found |= {f"example_{file.parent.name.replace('-', '_')}": file for file in EXAMPLES.glob("*/__main__.py")}
    found_in_docs = {
        f"docs_{page}_{number}": program
        for page in ("aws", "library")
        for number, program in enumerate(python_of(PROJECT / f"docs/{page}.md"), start=1)
    }
    components = "\n".join(examples_on_pages("python").values())
    return {name: file.read_text(encoding="utf-8") for name, file in found.items()} | {
        **found_in_docs,
        "docs_components": components,
    }


def python_of(page: Path) -> list[str]:
    """The Python programs of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


PROGRAMS = programs()
GOOD = sorted(name for name in PROGRAMS if not name.startswith("mistakes_"))
MISTAKEN = sorted(name for name in PROGRAMS if name.startswith("mistakes_"))
CHECKERS = ("mypy", "pyright")
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All programs in a folder outside of the project, as an importer has them."""
    folder = tmp_path_factory.mktemp("importers")
    for name, text in PROGRAMS.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "mypy.ini").write_text(MYPY_SETTINGS, encoding="utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps(PYRIGHT_SETTINGS), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reports(folder: Path) -> dict[str, Lines]:
    found: dict[str, Lines] = {"mypy": {}, "pyright": {}}
    for checker, entries in (("mypy", mypy(folder)), ("pyright", pyright(folder))):
        for place, message in entries:
            found[checker][place] = f"{found[checker].get(place, '')}{message}\n"
    return found


def mypy(folder: Path) -> Iterator[tuple[tuple[str, int], str]]:
    files = [f"{name}.py" for name in PROGRAMS]
    done = run(folder, "mypy", "--config-file=mypy.ini", "--output=json", *files)
    for entry in map(json.loads, done.splitlines()):
        yield (Path(entry["file"]).stem, entry["line"]), entry["message"]


def pyright(folder: Path) -> Iterator[tuple[tuple[str, int], str]]:
    found = json.loads(run(folder, "pyright", "--outputjson", f"--pythonpath={sys.executable}"))
    for entry in found["generalDiagnostics"]:
        yield (Path(entry["file"]).stem, entry["range"]["start"]["line"] + 1), entry["message"]


def run(folder: Path, *command: str) -> str:
    """Run a checker, which must not download anything; it ends with 1, as some programs have mistakes."""
    variables = {**os.environ, "HTTP_PROXY": NOBODY, "HTTPS_PROXY": NOBODY, "http_proxy": NOBODY, "https_proxy": NOBODY}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def of(report: Lines, program: str) -> dict[int, str]:
    return {line: message for (name, line), message in report.items() if name == program}


def lines(text: str, mark: str) -> set[int]:
    return {number for number, line in enumerate(text.splitlines(), start=1) if line.endswith(mark)}


def test_all_examples_are_found() -> None:
    of_docs = {"docs_aws_1", "docs_aws_2", "docs_components", "docs_library_1"}
    assert {*of_docs, "example_own_program", "programs_pxe", "programs_aws"} <= set(GOOD)


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("program", GOOD)
def test_good_programs_pass(reports: dict[str, Lines], program: str, checker: str) -> None:
    assert of(reports[checker], program) == {}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("program", MISTAKEN)
def test_each_mistake_is_reported(reports: dict[str, Lines], program: str, checker: str) -> None:
    expected = lines(PROGRAMS[program], "# mistake")
    assert len(expected) > 10
    reported = of(reports[checker], program)
    assert reported.keys() == expected, reported


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize(
    ("mark", "words"),
    [("nmae", ["nmae", "PodTable"]), ("rootGiB", ["rootGiB", "StorageTable"]), ('2048"}', ["int"])],
)
def test_a_report_names_the_key_and_the_type(
    reports: dict[str, Lines], checker: str, mark: str, words: list[str]
) -> None:
    (line,) = (number for number, text in enumerate(PROGRAMS["mistakes_pxe"].splitlines(), start=1) if mark in text)
    message = reports[checker]["mistakes_pxe", line]
    assert [word for word in words if word not in message] == [], message
