"""The layers: what may import what."""

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
    "config": set(),
    "host": {"butane", "diaspora_infra.config"},
    "cost": {"diaspora_infra.config"},
    "pxe": {"diaspora_infra.config", "diaspora_infra.host", "diaspora_infra.pulumi_config"},
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
def test_imports_go_one_way(layer: str) -> None:
    files = list((PACKAGE / layer).rglob("*.py"))
    assert files
    for file in files:
        own = {name for name in imports(file) if name == "butane" or name.startswith("diaspora_infra.")}
        assert own <= {*ALLOWED[layer], f"diaspora_infra.{layer}"}, file


def test_butane_imports_yaml_and_the_standard_library_only() -> None:
    files = list(BUTANE.rglob("*.py"))
    assert files
    for file in files:
        assert imports(file) <= {"butane", "yaml", *sys.stdlib_module_names}, file


def test_only_other_programs_use_the_alias() -> None:
    for folder in (PACKAGE, PROJECT / "lab", PROJECT / "benchmarks", PROJECT / "examples"):
        for file in folder.rglob("*.py"):
            if not file.is_relative_to(ALIAS):
                assert "diaspora_infra.butane" not in imports(file), file


@pytest.mark.parametrize("layer", ["config", "host", "cost"])
def test_no_pulumi_below_the_components(layer: str) -> None:
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
    ],
)
def test_nothing_is_imported_that_is_not_needed(module: str, forbidden: str) -> None:
    code = f"import sys, {module}; sys.exit({forbidden!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_at_most_two_files_share_a_name() -> None:
    names = Counter(file.name for file in PACKAGE.rglob("*.py") if not file.name.startswith("__"))
    assert {name for name, files in names.items() if files > 2} == set()


def test_generators_of_documentation_stay_out_of_the_package() -> None:
    for file in PACKAGE.rglob("*.py"):
        assert "generators" not in {name.split(".")[0] for name in imports(file)}, file
