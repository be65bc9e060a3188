"""A whole release, made as `make dist` makes it, and what others do with it."""

import json
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from diaspora_infra.plugin import SCHEMA
from diaspora_infra.version import package_version
from generators.sdks import node_packages, run
from release import __main__, checks, packages
from release.errors import ReleaseError
from tests.support.clone import PACKAGED
from tests.support.examples import EXAMPLES

pytestmark = pytest.mark.inputs(*PACKAGED, "CHANGES.md")

VERSION = package_version()
PLATFORMS = ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release") / "dist"
    assert __main__.main(["--into", str(folder)]) == 0
    return folder


def test_release_is_complete_and_its_checksums_are_right(dist: Path) -> None:
    assert sorted(file.name for file in dist.iterdir()) == [
        "NOTES.md",
        "SHA256SUMS",
        f"butane_py-{VERSION}-py3-none-any.whl",
        f"diaspora-infra-sdk-go-{VERSION}.tar.gz",
        f"diaspora-infra-sdk-nodejs-{VERSION}.tgz",
        f"diaspora_infra-{VERSION}-py3-none-any.whl",
        *(f"pulumi-resource-diaspora-infra-v{VERSION}-{platform}.tar.gz" for platform in PLATFORMS),
        "schema.json",
    ]
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=dist, check=True)
    assert (dist / "schema.json").read_bytes() == SCHEMA.read_bytes()


def test_plugin_requires_this_version(dist: Path) -> None:
    with tarfile.open(dist / f"pulumi-resource-diaspora-infra-v{VERSION}-linux-amd64.tar.gz") as archive:
        assert archive.getnames() == ["PulumiPlugin.yaml", "__main__.py", "requirements.txt"]
        requirements = archive.extractfile("requirements.txt")
        assert requirements is not None
        assert requirements.read() == f"diaspora-infra=={VERSION}\n".encode()


def test_typescript_example_compiles_with_the_packed_sdk(dist: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copytree(EXAMPLES / "typescript", program)
    (tmp_path / "node_modules").symlink_to(node_packages() / "node_modules")
    with tarfile.open(dist / f"diaspora-infra-sdk-nodejs-{VERSION}.tgz") as archive:
        archive.extractall(program / "node_modules/sdk", filter="data")
    (program / "node_modules/sdk/package").rename(program / "node_modules/diaspora-infra")
    package = json.loads((program / "node_modules/diaspora-infra/package.json").read_text())
    assert "scripts" not in package, "nothing runs where it is installed"
    run("tsc", cwd=program)
    load = "const infra = require('diaspora-infra'); console.log(typeof infra.PxePod)"
    assert run("node", "-e", load, cwd=program).strip() == "function"


def test_wheels_that_differ_from_a_second_build_are_refused(dist: Path, tmp_path: Path) -> None:
    wheels = []
    for file in sorted(dist.glob("*.whl")):
        wheels.append(tmp_path / file.name)
        wheels[-1].write_bytes(file.read_bytes() + b"more")
    with pytest.raises(ReleaseError, match="another build gives other bytes"):
        checks.check_same_bytes(wheels)


def test_a_wheel_without_its_code_does_not_pass(dist: Path, tmp_path: Path) -> None:
    for file in dist.glob("*.whl"):
        with zipfile.ZipFile(file) as source, zipfile.ZipFile(tmp_path / file.name, "w") as target:
            for name in source.namelist():
                if name != "diaspora_infra/cli.py":
                    target.writestr(name, source.read(name))
    with pytest.raises(ReleaseError, match="diaspora-infra ended with 1"):
        checks.check_installation(sorted(tmp_path.glob("*.whl")))


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(ReleaseError, match="sh ended with 3:\nout\nerr"):
        packages.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
