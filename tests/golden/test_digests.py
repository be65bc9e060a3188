"""The same settings come to the same bytes on every computer: with each Python, and whatever its zlib makes.

`make golden` writes the digests anew; a change of templates changes them, another computer must not.
"""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine import PROJECT
from tests.support.golden import Golden
from tests.support.zlibs import other_zlib
from tools.cache import cache_root
from tools.environment import uv
from tools.error_hints import cause

DIGESTS = "digests.json"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
# the digests are written by the Python of the tests; any other must come to the same
READ_ONLY = Golden(update=False)
PROGRAM = ["-m", "tests.golden.digests"]
# what rendering does not need: the engine's packages are large, and not all are there for every Python
UNUSED = ("pulumi", "pulumi-aws", "pulumiverse-matchbox")
# where `tools.environment` keeps the packages
UV = {"UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(cache_root() / "uv"))}
MODULES = (str(PROJECT), str(PROJECT / "butane-py/src"))
PACKED = ["-c", "import zlib; print(len(zlib.compress(open('README.md', 'rb').read(), 9)))"]


def output(command: list[str], **environment: str) -> str:
    """What a program prints; it runs in the project's folder."""
    everything = {**os.environ, "PYTHONPATH": os.pathsep.join(MODULES), **environment}
    result = subprocess.run(command, cwd=PROJECT, env=everything, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_digests_of_all_targets(golden: Golden) -> None:
    golden.check(DIGESTS, output([sys.executable, *PROGRAM]))


def test_digests_are_equal_with_another_zlib() -> None:
    here, there = (output([sys.executable, *PACKED], **changes) for changes in ({}, other_zlib()))
    assert int(there) > int(here), "it packs to other bytes"
    READ_ONLY.check(DIGESTS, output([sys.executable, *PROGRAM], **other_zlib()))


@pytest.mark.system
@pytest.mark.filterwarnings("default::UserWarning")
def test_digests_are_equal_with_other_pythons(tmp_path: Path) -> None:
    """A Python that is neither installed nor within reach of uv is named in a warning."""
    with_packages = uv_run(tmp_path / "requirements.txt")
    missing = {}
    for version in VERSIONS:
        try:
            python = find_python(version)
        except LookupError as error:
            missing[version] = str(error)
            continue
        program = f"import sys; assert '%d.%d' % sys.version_info[:2] == '{version}'; import tests.golden.digests as it"
        command = [*with_packages, "--python", python, "python", "-c", f"{program}; it.main()"]
        READ_ONLY.check(DIGESTS, output(command, **UV))
    for version, reason in missing.items():
        warnings.warn(f"digests were not tested with Python {version}: {reason}", stacklevel=1)


def uv_run(requirements: Path) -> list[str]:
    """The start of a command that runs another Python with the locked packages; uv has them in its cache."""
    unused = [f"--prune={name}" for name in UNUSED]
    export = [str(uv()), "export", "--quiet", "--locked", "--no-default-groups", "--no-emit-workspace", *unused]
    requirements.write_text(output(export, **UV))
    return [str(uv()), "run", "--quiet", "--isolated", "--no-project", "--with-requirements", str(requirements)]


def find_python(version: str) -> str:
    """A Python of this version: one that is installed, or one that uv brings. Raises LookupError."""
    for program in installed(version):
        # pyenv puts a program on PATH for a version that is not chosen: it only says so
        if subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(program)
    folder = cache_root() / "python"
    environment = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(folder), "UV_HTTP_RETRIES": "1"}
    command = [uv(), "python", "install", "--no-progress", "--no-bin", version]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise LookupError(f"it is not installed, and uv cannot bring it: {cause(result.stderr)}")
    (program,) = folder.glob(f"cpython-{version}.*/bin/python{version}")
    return str(program)


def installed(version: str) -> Iterator[Path]:
    yield from Path("/usr/bin").glob(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    if found := shutil.which(f"python{version}"):
        yield Path(found)
