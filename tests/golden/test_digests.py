"""The same settings come to the same bytes on every computer: with each Python, and whatever its zlib makes.

`make golden` writes the digests anew; a change of templates changes them, another computer must not.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine import PROJECT
from tests.support.golden import Golden
from tests.support.zlibs import other_zlib
from tools.cache import cache_root
from tools.causes import cause
from tools.environment import uv

DIGESTS = "digests.json"
# the digests are written by the Python of the tests; any other must come to the same
READ_ONLY = Golden(update=False)
PROGRAM = ["-m", "tests.golden.digests"]
PACKED = ["-c", "import zlib; print(len(zlib.compress(open('README.md', 'rb').read(), 9)))"]


def output(command: list[str], **environment: str) -> str:
    """What a program prints; it runs in the project's folder."""
    everything = {**os.environ, "PYTHONPATH": str(PROJECT), **environment}
    result = subprocess.run(command, cwd=PROJECT, env=everything, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_digests_of_all_targets(golden: Golden) -> None:
    golden.check(DIGESTS, output([sys.executable, *PROGRAM]))


def test_another_zlib_changes_no_digest() -> None:
    here, there = (output([sys.executable, *PACKED], **changes) for changes in ({}, other_zlib()))
    assert int(there) > int(here), "it packs to other bytes"
    READ_ONLY.check(DIGESTS, output([sys.executable, *PROGRAM], **other_zlib()))


@pytest.mark.system
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_another_python_changes_no_digest(version: str, tmp_path: Path) -> None:
    python = find_python(version)
    # what rendering needs: the engine's packages are large, and not all are there for every Python
    unused = [f"--prune={name}" for name in ("pulumi", "pulumi-aws", "pulumiverse-matchbox", "cryptography")]
    export = [str(uv()), "export", "--quiet", "--locked", "--no-default-groups", "--no-emit-project", *unused]
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(output(export))
    run = [str(uv()), "run", "--quiet", "--isolated", "--no-project", "--python", python]
    command = [*run, "--with-requirements", str(requirements), "python"]
    told = output([*command, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    assert told == f"{version}\n"
    READ_ONLY.check(DIGESTS, output([*command, *PROGRAM]))


def find_python(version: str) -> str:
    """A Python of this version: one that is installed, or one that uv brings. Without it the test is skipped."""
    for program in installed(version):
        # pyenv puts a program on PATH for a version that is not chosen: it only says so
        if subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(program)
    folder = cache_root() / "python"
    environment = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(folder)}
    command = [uv(), "python", "install", "--no-progress", "--no-bin", version]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        pytest.skip(f"Python {version} is not installed, and uv cannot bring it: {cause(result.stderr)}")
    (program,) = folder.glob(f"cpython-{version}.*/bin/python{version}")
    return str(program)


def installed(version: str) -> Iterator[Path]:
    yield from Path("/usr/bin").glob(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))
    if found := shutil.which(f"python{version}"):
        yield Path(found)
