"""System tests: what they follow from, when they run, and when they count as unchanged."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import inputs, unchanged
from tests.support.inputs import PROJECT, closure, entries, inputs_of
from tests.support.unchanged import digest


def imported(module: Path) -> Iterator[str]:
    """The names that Python itself finds in a module."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # the search does not know where they start
            assert node.module and not node.level, f"{module}: a relative import"
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"))


def test_search_finds_every_import_of_this_project() -> None:
    modules = [entry for entry in entries() if entry.suffix == ".py"]
    assert len(modules) > 500
    missing = {module: set(imported(module)) - set(inputs.imports(module.read_text("utf-8"))) for module in modules}
    assert {module: names for module, names in missing.items() if names} == {}


def test_a_test_follows_from_modules_files_and_its_own_fixtures() -> None:
    module = PROJECT / "tests/machine/test_operate.py"
    found = {path.relative_to(PROJECT).as_posix() for path in inputs_of(module, ["memory_path"], [PROJECT / "LICENSE"])}
    assert found >= {
        "LICENSE",
        "conftest.py",  # of all folders
        "containers",
        "diaspora_infra/config/images.json",
        "diaspora_infra/host/features/redis.py",
        "docs/machine.md",
        "templates",
        "tests/conftest.py",
        "tests/machine/conftest.py",
        "tests/machine/cheap_restic.py",
        "tests/support/application",
        "tests/support/memory.py",  # of the fixture
        "tests/support/trixie_machine.sh",
    }
    assert not [path for path in found if path.startswith(("diaspora_infra/aws/aws", "lab/aws", "docs/aws"))]
    # the account needs the simulator
    more = {path.relative_to(PROJECT).as_posix() for path in inputs_of(module, ["account"])}
    assert more >= {"lab/aws/account.py", "lab/aws/simulator/server.py", "lab/aws/bridge/plugin.py"}


def test_a_package_that_loads_its_parts_later_counts_with_all_of_them() -> None:
    found = closure([PROJECT / "diaspora_infra/aws/__init__.py"])
    assert set((PROJECT / "diaspora_infra/aws").rglob("*.py")) <= found


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("tests/aws/test_make_up_aws.py", "tools/__main__.py"),  # of the Makefile
        ("tests/engine/test_examples.py", "tools/environment.py"),  # of the examples' pages
        ("tests/engine/test_image_workflow.py", ".github/workflows/ci.yml"),
        ("tests/engine/test_make_up.py", "tools/environment.py"),
        ("tests/engine/test_release.py", "CHANGES.md"),  # notes of a release
        ("tests/lab/test_lab_command.py", "lab/__main__.py"),  # python -m lab
        ("tests/tools/test_tools_build.py", "tools/__main__.py"),
        ("tests/typing/test_importers.py", "docs/library.md"),
    ],
)
def test_what_only_subprocesses_and_computed_names_lead_to_is_followed(
    module: str, path: str, request: pytest.FixtureRequest
) -> None:
    collector = pytest.Module.from_parent(request.session, path=PROJECT / module)
    items = [item for item in collector.collect() if isinstance(item, pytest.Item)]
    for item in items:
        item.add_marker(pytest.mark.system)
    found = {entry for item in items for entry in unchanged.inputs(item)}
    assert not found.isdisjoint((PROJECT / path, *(PROJECT / path).parents))


def test_module_that_cannot_be_read_is_no_module(tmp_path: Path) -> None:
    # an editor leaves such a link while a file is open
    link = tmp_path / ".#test_it.py"
    link.symlink_to("nobody@nowhere")
    assert closure([tmp_path]) == {tmp_path, link}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "folder/inner").mkdir(parents=True)
    (tmp_path / "folder/inner/file").write_text("one")
    (tmp_path / "folder/link").symlink_to("inner/file")
    (tmp_path / "alone").write_text("two")
    return tmp_path


def test_digest_follows_from_paths_contents_modes_links_packages_and_variables(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> str:
        return digest([project / "folder", project / "alone"], project)

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
        lambda: monkeypatch.setenv("BUTANE_EXAMPLES", "1"),
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
        digest([project / "nowhere"], project)


@pytest.fixture
def of_its_own(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.Pytester]:
    """A project with one system test, which names a file, and a cache of its own."""
    for module in (inputs, unchanged):
        monkeypatch.setattr(module, "PROJECT", pytester.path)
    monkeypatch.setattr(unchanged, "COMMON", ())
    monkeypatch.setattr(unchanged, "cache_root", lambda: pytester.path / "cache")
    monkeypatch.delenv("EVERYTHING", raising=False)
    monkeypatch.setattr(unchanged.digest, "__defaults__", (pytester.path,))
    pytester.makeini("[pytest]\nmarkers =\n    system: x\n    network: x\n    inputs(*paths): x\n")
    pytester.makepyfile(
        test_it="""
        import pathlib, pytest

        @pytest.mark.system
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
    for folder in (pytester.path, pytester.mkdir("butane-py")):
        (folder / "pyproject.toml").write_text("[project.scripts]\n")
    yield pytester
    forget()


def forget() -> None:
    """Forget what was found of the files of a project."""
    for function in (
        inputs.entries,
        inputs._commands,
        inputs._definitions,
        inputs._names,
        inputs._of_name,
        inputs._references,
        unchanged._inputs,
        unchanged._first_digest,
    ):
        function.cache_clear()


def outcomes(pytester: pytest.Pytester, *options: str) -> dict[str, int]:
    forget()
    found = pytester.inline_run("-p", "tests.support.unchanged", "-q", *options, plugins=[])
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
    (record,) = (of_its_own.path / "cache/passed").iterdir()
    record.write_text(re.sub(r" \S+", " 0", record.read_text()))
    assert outcomes(of_its_own) == {"passed": 2}


def test_names_with_the_sign_of_a_group_are_not_mixed_up(of_its_own: pytest.Pytester) -> None:
    of_its_own.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.system
        @pytest.mark.parametrize("address", ["ann@one.example", "ann@another.example"])
        def test_of_address(address):
            assert "one" in address
        """
    )
    assert outcomes(of_its_own) == {"passed": 1, "failed": 1}
    assert outcomes(of_its_own) == {"unchanged": 1, "failed": 1}


def test_change_between_two_tests_is_a_change_for_the_later_one(of_its_own: pytest.Pytester) -> None:
    """The process has loaded the module as it was before."""
    of_its_own.makepyfile(
        helper="ANSWER = 1",
        test_it="""
        import pathlib, pytest, helper

        def test_during_which_somebody_writes():
            module = pathlib.Path("helper.py")
            module.write_text(module.read_text().replace("1", "2"))

        @pytest.mark.system
        def test_of_helper():
            assert helper.ANSWER == 1
        """,
    )
    assert outcomes(of_its_own) == {"passed": 2}
    assert not (of_its_own.path / "cache").exists()


def test_input_that_vanishes_while_the_test_runs_is_a_change(of_its_own: pytest.Pytester) -> None:
    of_its_own.makepyfile(
        test_it="""
        import pathlib, pytest

        @pytest.mark.system
        def test_of_input():
            pathlib.Path("input").unlink()
        """
    )
    assert outcomes(of_its_own) == {"passed": 1}
    assert not (of_its_own.path / "cache").exists()


def test_test_of_the_network_always_runs(of_its_own: pytest.Pytester) -> None:
    of_its_own.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.network
        @pytest.mark.system
        def test_of_a_server():
            pass
        """
    )
    assert outcomes(of_its_own) == outcomes(of_its_own) == {"passed": 1}


def test_quick_test_may_have_inputs_too(of_its_own: pytest.Pytester) -> None:
    of_its_own.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.inputs()
        def test_of_many_examples():
            pass
        """
    )
    assert outcomes(of_its_own) == {"passed": 1}
    assert outcomes(of_its_own) == {"unchanged": 1}


def test_run_that_writes_files_is_no_comparison(of_its_own: pytest.Pytester) -> None:
    of_its_own.makeconftest('def pytest_addoption(parser): parser.addoption("--golden-update", action="store_true")')
    assert outcomes(of_its_own, "--golden-update") == outcomes(of_its_own) == {"passed": 2}
    assert outcomes(of_its_own, "--golden-update") == {"passed": 2}


def test_test_whose_fixture_fails_at_its_end_runs_again(of_its_own: pytest.Pytester) -> None:
    of_its_own.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture
        def lent():
            yield
            raise ValueError

        @pytest.mark.system
        def test_of_input(lent):
            pass
        """
    )
    assert outcomes(of_its_own) == outcomes(of_its_own) == {"passed": 1, "failed": 1}


def test_records_of_a_test_are_few(of_its_own: pytest.Pytester) -> None:
    for number in range(unchanged.KEPT_RECORDS + 2):
        (of_its_own.path / "input").write_text(str(number))
        assert outcomes(of_its_own) == {"passed": 2}
    (record,) = (of_its_own.path / "cache/passed").iterdir()
    assert len(record.read_text().splitlines()) == unchanged.KEPT_RECORDS
    (of_its_own.path / "input").write_text("3")
    assert outcomes(of_its_own) == {"unchanged": 1, "passed": 1}
    (of_its_own.path / "input").write_text("0")
    assert outcomes(of_its_own) == {"passed": 2}


def test_fixtures_end_before_a_test_that_does_not_share_them(of_its_own: pytest.Pytester) -> None:
    """Also where a test between does not run, for which they were kept."""
    of_its_own.makepyfile(
        test_it="""
        import pathlib, pytest

        @pytest.fixture(scope="module")
        def lent():
            pathlib.Path("is lent").touch()
            yield
            pathlib.Path("is lent").unlink()

        def test_first(lent):
            pass

        @pytest.mark.system
        @pytest.mark.inputs("input")
        def test_of_input(lent):
            pass
        """,
        test_later="""
        import pathlib

        def test_in_another_module():
            assert not pathlib.Path("is lent").exists()
        """,
    )
    assert outcomes(of_its_own) == {"passed": 3}
    assert outcomes(of_its_own) == {"passed": 2, "unchanged": 1}
