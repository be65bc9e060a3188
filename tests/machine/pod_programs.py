"""Runs the machine's programs as the machine would: with only programs of Fedora CoreOS on PATH."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.host.pod import LIBEXEC

# The programs may use bash, coreutils, systemd, curl, jq and podman. Of these they use:
COREUTILS = ("chgrp", "chmod", "cp", "date", "ln", "mkdir", "mv", "od", "readlink", "rm", "sync", "tr")

# Stands in for podman: writes down its arguments and what it was given, and answers as it is told.
PODMAN = r"""#!/usr/bin/env bash
set -euo pipefail
printf '%s\n' "$*" >> "$PODMAN_RECORD/calls"
case "$1 $2" in
    "secret create")
        name=${*: -2:1} source=${*: -1}
        if [[ $source == - ]]; then
            # as podman does
            [[ -p /dev/stdin ]] || { echo "Error: if \`-\` is used, data must be passed into stdin" >&2; exit 125; }
            source=/dev/stdin
        fi
        IFS= read -r -d '' content < "$source" || true
        printf '%s' "$content" > "$PODMAN_RECORD/secret-$name"
        ;;
    "image inspect")
        [[ -e $PODMAN_RECORD/image-id ]] || exit 125
        printf '%s\n' "$(< "$PODMAN_RECORD/image-id")"
        ;;
    "run "*)
        printf '%s' "$(< "$PODMAN_RECORD/answer")"
        ;;
    *)
        exit 125
        ;;
esac
"""


# How full the disk of the computer with the tests is must not matter: `diaspora-pod status` fails above a limit.
DF = """#!/bin/bash
case " $*" in
    *" --output=pcent "*) printf 'Use%%\\n 42%%\\n' ;;
    *) exec {df} "$@" ;;
esac
"""


def link_programs(folder: Path, names: Sequence[str]) -> None:
    """Fill an empty folder for PATH with programs of this computer; its df says that 42 % of any disk is used."""
    for name in names:
        found = shutil.which(name)
        assert found, name
        if name == "df":
            (folder / name).write_text(DF.format(df=found))
            (folder / name).chmod(0o755)
        else:
            (folder / name).symlink_to(found)


def link_df(folder: Path) -> None:
    """Take the real df in place of the one of `link_programs`."""
    found = shutil.which("df")
    assert found
    (folder / "df").unlink()
    (folder / "df").symlink_to(found)


@dataclass
class Machine:
    """A data folder, a folder of programs for PATH, and a record of podman calls."""

    folder: Path
    programs: Path
    failing: set[str] = field(default_factory=set)
    podman: str = PODMAN
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def given(self) -> Path:
        return self.folder / "given"

    @property
    def record(self) -> Path:
        return self.folder / "record"

    @property
    def calls(self) -> list[str]:
        file = self.record / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def secret(self, name: str) -> str:
        return (self.record / f"secret-{name}").read_text()

    def path(self) -> Path:
        """A folder that holds only the allowed programs."""
        folder = self.folder / "bin"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        link_programs(folder, ("bash", "env", *COREUTILS))
        podman = folder / "podman"
        podman.write_text(self.podman)
        podman.chmod(0o755)
        for name in self.failing:
            (folder / name).unlink()
            (folder / name).write_text("#!/usr/bin/env bash\nexit 1\n")
            (folder / name).chmod(0o755)
        return folder

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a program of /usr/local/libexec/diaspora and returns its result."""
        bash = shutil.which("bash")
        assert bash
        return subprocess.run(
            [bash, str(self.programs / LIBEXEC / program), *arguments],
            env={
                "PATH": str(self.path()),
                "LC_ALL": "C",
                "DIASPORA_DATA": str(self.data),
                "DIASPORA_GIVEN_SECRETS": str(self.given),
                "DIASPORA_CONFIGURATION": str(self.programs / "etc/diaspora"),
                "PODMAN_RECORD": str(self.record),
                **self.variables,
            },
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def succeed(self, program: str, *arguments: str) -> str:
        """Runs a program that must succeed without output on standard error."""
        result = self.run(program, *arguments)
        assert (result.returncode, result.stderr) == (0, ""), result
        return result.stdout


def machine(folder: Path, programs: Path) -> Machine:
    """A machine with an empty data partition."""
    made = Machine(folder, programs)
    for part in (made.data, made.record, made.given, made.data / "state", made.data / "public"):
        part.mkdir(parents=True)
    return made


RequireProgram = Callable[[str, str], str]
