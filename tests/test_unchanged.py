"""Tests with inputs: what they follow from, when they run, and when they count as unchanged."""

import ast
import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import unchanged
from tests.support.unchanged import PROJECT, digest

ROOTS = (PROJECT, PROJECT / "butane-py/src")


@functools.cache
def modules(name: str) -> tuple[Path, ...]:
    bases = (root / name.replace(".", "/") for root in ROOTS)
    return tuple(file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py") if file.is_file())


@functools.cache
def imported(file: Path) -> frozenset[Path]:
    """The modules of this project that a file imports, with their packages."""
    return frozenset(_imported(file))


def _imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                yield from modules(".".join(parts[:end]))


def closure(file: Path) -> set[Path]:
    found: set[Path] = set()
    left = [file]
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left += imported(module)
    return found


def marked_modules() -> list[Path]:
    return [file for file in (PROJECT / "tests").glob("*/test_*.py") if "pytest.mark.inputs(" in file.read_text()]


@pytest.mark.parametrize("module", marked_modules(), ids=lambda module: module.stem)
def test_inputs_contain_every_module_that_the_test_imports(module: Path) -> None:
    """Also those that the imported modules import. What the test reads or starts, its author has to name."""
    calls = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    marks = [node for node in calls if ast.unparse(node.func) == "pytest.mark.inputs"]
    assert marks
    imports = closure(module)
    for mark in marks:
        # without an import of the module, which may bring slow packages
        arguments = eval(ast.unparse(ast.Tuple(mark.args, ast.Load())), vars(unchanged))
        named = [PROJECT / entry for entry in (*unchanged.COMMON, *arguments)]
        missing = {file for file in imports - {module} if not any(file.is_relative_to(entry) for entry in named)}
        assert missing == set()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "folder/inner/file").write_text("one")
    (tmp_path / "folder/link").symlink_to("inner/file")
    (tmp_path / "alone").write_text("two")
    return tmp_path


def test_digest_follows_from_paths_contents_modes_links_and_packages(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> str:
        return digest(["folder", "alone"], project)

    seen = {found()}
    file, link = project / "folder/inner/file", project / "folder/link"
    changes = (
        lambda: file.write_text("other"),
        lambda: file.chmod(0o755),
        lambda: file.rename(file.with_name("renamed")),
        lambda: link.unlink(),
        lambda: link.symlink_to("inner"),
        lambda: (project / "folder/new").write_text(""),
        lambda: monkeypatch.setattr(unchanged, "PACKAGES_OF_COMPUTER", project / "alone"),
    )
    for number, change in enumerate(changes, 2):
        change()
        seen.add(found())
        assert len(seen) == number
    # what Python leaves beside a module is no input
    (project / "folder/__pycache__").mkdir()
    (project / "folder/__pycache__/x.pyc").write_text("")
    assert found() in seen


def test_input_that_is_gone_is_an_error(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        digest(["nowhere"], project)


@pytest.fixture
def of_its_own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with one test that has inputs, and a cache of its own."""
    monkeypatch.setattr(unchanged, "PROJECT", pytester.path)
    monkeypatch.setattr(unchanged, "COMMON", ())
    monkeypatch.setattr(unchanged, "cache_root", lambda: pytester.path / "cache")
    monkeypatch.delenv("EVERYTHING", raising=False)
    monkeypatch.setattr(unchanged.digest, "__defaults__", (pytester.path,))
    pytester.makeini("[pytest]\nmarkers = inputs(*paths): x\n")
    pytester.makepyfile(
        test_it="""
        import pathlib, pytest

        @pytest.mark.inputs("input")
        def test_of_input():
            path = pathlib.Path("input")
            assert path.read_text() != "wrong"
            if path.read_text() == "changes":
                path.write_text("changed")

        def test_without_inputs():
            pass
        """
    )
    (pytester.path / "input").write_text("right")
    return pytester


def outcomes(pytester: pytest.Pytester) -> dict[str, int]:
    unchanged._first_digest.cache_clear()
    found = pytester.inline_run("-p", "tests.support.unchanged", "-q", plugins=[])
    reports = found.getreports("pytest_runtest_logreport")
    ended = [report for report in reports if report.when == "call" or not report.passed]
    kinds = ["unchanged" if "unchanged" in dict(report.user_properties) else report.outcome for report in ended]
    return {kind: kinds.count(kind) for kind in kinds}


def test_only_a_test_that_passed_with_the_same_inputs_does_not_run(
    of_its_own: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcomes(of_its_own) == {"passed": 2}
    assert outcomes(of_its_own) == {"unchanged": 1, "passed": 1}
    monkeypatch.setenv("EVERYTHING", "1")
    assert outcomes(of_its_own) == {"passed": 2}
    monkeypatch.delenv("EVERYTHING")
    # a failure is not remembered
    (of_its_own.path / "input").write_text("wrong")
    assert outcomes(of_its_own) == outcomes(of_its_own) == {"failed": 1, "passed": 1}
    (of_its_own.path / "input").write_text("another")
    assert outcomes(of_its_own) == {"passed": 2}
    # a file that changed while the test ran: it has passed with neither
    for text in ("changes", "changed"):
        (of_its_own.path / "input").write_text(text)
        assert outcomes(of_its_own) == {"passed": 2}
    # back to the first content, but long after it passed
    (of_its_own.path / "input").write_text("right")
    assert outcomes(of_its_own) == {"unchanged": 1, "passed": 1}
    for record in (of_its_own.path / "cache/passed").iterdir():
        os.utime(record, (0, 0))
    assert outcomes(of_its_own) == {"passed": 2}


def test_fixtures_end_before_a_test_that_does_not_share_them(of_its_own: pytest.Pytester) -> None:
    """Also where a test between does not run, for which they were kept."""
    of_its_own.makepyfile(
        test_it="""
        import pathlib, pytest

        @pytest.fixture(scope="module")
        def lent():
            pathlib.Path("lent").touch()
            yield
            pathlib.Path("lent").unlink()

        def test_first(lent):
            pass

        @pytest.mark.inputs("input")
        def test_of_input(lent):
            pass
        """,
        test_later="""
        import pathlib

        def test_in_another_module():
            assert not pathlib.Path("lent").exists()
        """,
    )
    assert outcomes(of_its_own) == {"passed": 3}
    assert outcomes(of_its_own) == {"passed": 2, "unchanged": 1}
