"""jq of Debian trixie: 1.7, as Fedora CoreOS has it or later. bookworm's 1.6 takes eight times as long to start."""

from functools import cache
from pathlib import Path

from tests.support.trixie import trixie_root
from tools.cached import cached

# trixie's own loader and libraries: those of this computer may be older
WRAPPER = """#!/bin/sh
exec {root}/lib64/ld-linux-x86-64.so.2 --library-path {root}/usr/lib/x86_64-linux-gnu {root}/usr/bin/jq "$@"
"""


@cache
def jq_folder() -> Path:
    """A folder for PATH in the cache that has jq, and nothing else. Needs what trixie_root needs."""
    wrapper = WRAPPER.format(root=trixie_root())

    def make(folder: Path) -> None:
        (folder / "jq").write_text(wrapper, encoding="ascii")
        (folder / "jq").chmod(0o755)

    return cached("jq", make, wrapper)
