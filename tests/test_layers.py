"""The layers: allowed imports."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "diaspora_infra"
BUTANE = PROJECT / "butane-py/src/butane"
ALIAS = PACKAGE / "butane"

# what each layer may import of the project, besides itself
ALLOWED = {
    "config": {"butane"},
    "host": {"butane", "diaspora_infra.config", "diaspora_infra.version"},
    "cost": {"diaspora_infra.config"},
    "policy": {"diaspora_infra.aws"},
    "preview": {"diaspora_infra.aws", "diaspora_infra.pxe"},
    "pxe": {"diaspora_infra.config", "diaspora_infra.host", "diaspora_infra.pulumi_config", "diaspora_infra.tables"},
}


def imports(file: Path) -> set[str]:
    """Modules that a file imports; parts of the project as `butane` and `diaspora_infra.PART`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            own = node.module == "diaspora_infra"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if own else [node.module or ""]
        found |= {".".join(name.split(".")[: 2 if name.startswith("diaspora_infra") else 1]) for name in names}
    return found


@pytest.mark.parametrize("layer", ALLOWED)
def test_layers_import_only_allowed_layers(layer: str) -> None:
    files = list((PACKAGE / layer).rglob("*.py"))
    assert files
    for file in files:
        own = {name for name in imports(file) if name == "butane" or name.startswith("diaspora_infra.")}
        assert own <= {*ALLOWED[layer], f"diaspora_infra.{layer}"}, file


@pytest.mark.parametrize("folder", ["diaspora_infra", "generators", "lab", "release", "tools"])
def test_nothing_imports_the_tests(folder: str) -> None:
    files = list((PROJECT / folder).rglob("*.py"))
    assert files
    assert [file for file in files if "tests" in imports(file)] == []


def test_config_imports_only_the_yaml_scalar_reader_of_butane() -> None:
    files = [file for file in (PACKAGE / "config").rglob("*.py") if "butane" in imports(file)]
    assert files == [PACKAGE / "config/loader/stack_file.py"]
    (line,) = (
        line for line in files[0].read_text(encoding="utf-8").splitlines() if "import" in line and "butane" in line
    )
    assert line == "from butane.nodes import resolve_plain"


def test_butane_imports_only_yaml_and_the_standard_library() -> None:
    files = list(BUTANE.rglob("*.py"))
    assert files
    for file in files:
        assert imports(file) <= {"butane", "yaml", *sys.stdlib_module_names}, file


def test_the_types_of_the_tables_import_the_standard_library_only() -> None:
    assert imports(PACKAGE / "tables.py") <= sys.stdlib_module_names


def test_project_does_not_import_the_butane_alias() -> None:
    for folder in (PACKAGE, PROJECT / "lab", PROJECT / "benchmarks", PROJECT / "examples"):
        for file in folder.rglob("*.py"):
            if not file.is_relative_to(ALIAS):
                assert "diaspora_infra.butane" not in imports(file), file


@pytest.mark.parametrize("layer", ["config", "host", "cost"])
def test_layers_below_components_do_not_import_pulumi(layer: str) -> None:
    for file in (PACKAGE / layer).rglob("*.py"):
        assert not {name for name in imports(file) if name.split(".")[0].startswith("pulumi")}, file


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("diaspora_infra", "pulumi_aws"),
        ("diaspora_infra.config", "cryptography"),
        ("butane", "diaspora_infra"),
        ("butane", "pydantic"),
        ("butane", "pulumi"),
        ("butane", "jinja2"),
        ("diaspora_infra.butane", "pydantic"),
        ("diaspora_infra.host", "pulumi"),
        ("diaspora_infra.cost", "pulumi"),
        ("diaspora_infra.cli", "pulumi"),
        ("diaspora_infra.pxe.stack", "pulumi_aws"),
        ("diaspora_infra.ignition", "pulumiverse_matchbox"),
        ("diaspora_infra.pxe", "pulumi"),
        ("diaspora_infra.pxe.provisioning_server", "pulumiverse_matchbox"),
        ("diaspora_infra.aws", "pulumi"),
        ("diaspora_infra.policy.rules", "pulumi"),
        ("diaspora_infra.policy.rules", "pulumi_policy"),
        ("diaspora_infra.preview.markdown", "pulumi"),
    ],
)
def test_importing_a_module_does_not_load_unneeded_packages(module: str, forbidden: str) -> None:
    code = f"import sys, {module}; sys.exit({forbidden!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_at_most_two_files_share_a_name() -> None:
    names = Counter(file.name for file in PACKAGE.rglob("*.py") if not file.name.startswith("__"))
    assert {name for name, files in names.items() if files > 2} == set()


def test_package_does_not_import_documentation_generators() -> None:
    for file in PACKAGE.rglob("*.py"):
        assert "generators" not in {name.split(".")[0] for name in imports(file)}, file
