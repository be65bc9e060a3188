"""The layers: what may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "diaspora_infra"

# what each layer may import of the project, besides itself
ALLOWED = {
    "config": set(),
    "butane": set(),
    "host": {"config", "butane"},
    "cost": {"config"},
    "pxe": {"config", "host", "pulumi_config"},
}


def imports(file: Path) -> set[str]:
    """Top-level names that a module imports; parts of the project as `diaspora_infra.PART`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            own = node.module == "diaspora_infra"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if own else [node.module or ""]
        found |= {".".join(name.split(".")[:2]) if name.startswith("diaspora_infra") else name for name in names}
    return found


@pytest.mark.parametrize("layer", ALLOWED)
def test_imports_go_one_way(layer: str) -> None:
    files = list((PACKAGE / layer).rglob("*.py"))
    assert files
    allowed = {f"diaspora_infra.{part}" for part in (*ALLOWED[layer], layer)}
    for file in files:
        own = {name for name in imports(file) if name.startswith("diaspora_infra.")}
        assert own <= allowed, file


@pytest.mark.parametrize("layer", ["config", "butane", "host", "cost"])
def test_no_pulumi_below_the_components(layer: str) -> None:
    for file in (PACKAGE / layer).rglob("*.py"):
        assert not {name for name in imports(file) if name.split(".")[0].startswith("pulumi")}, file


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("diaspora_infra", "pulumi_aws"),
        ("diaspora_infra.butane", "pydantic"),
        ("diaspora_infra.host", "pulumi"),
        ("diaspora_infra.cost", "pulumi"),
        ("diaspora_infra.cli", "pulumi"),
        ("diaspora_infra.pxe.stack", "pulumi_aws"),
        ("diaspora_infra.ignition", "pulumiverse_matchbox"),
        ("diaspora_infra.pxe", "pulumi"),
        ("diaspora_infra.pxe.provisioning", "pulumiverse_matchbox"),
        ("diaspora_infra.aws", "pulumi"),
    ],
)
def test_nothing_is_imported_that_is_not_needed(module: str, forbidden: str) -> None:
    code = f"import sys, {module}; sys.exit({forbidden!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
