"""Kernel modules as an emulated machine loads them soonest: neither packed nor signed."""

import subprocess
from pathlib import Path

from tests.support.boot.debian import run

# include/linux/module_signature.h: behind the signature stand 12 bytes, the last 4 of them its length, and this mark
MARK = b"~Module signature appended~\n"
INFORMATION = 12


def make_plain(tree: Path) -> None:
    """Unpack the modules of a root folder and take off their signatures, which the kernel would check with ECDSA."""
    (folder,) = tree.glob("usr/lib/modules/*")
    packed = list(folder.rglob("*.ko.xz"))
    assert packed
    for file in packed:
        content = subprocess.run(["xz", "--decompress", "--stdout", file], check=True, capture_output=True).stdout
        file.with_suffix("").write_bytes(without_signature(content))
        file.unlink()
    run("depmod", "--basedir", tree, folder.name)


def without_signature(module: bytes) -> bytes:
    if not module.endswith(MARK):
        return module
    end = len(module) - len(MARK)
    return module[: end - INFORMATION - int.from_bytes(module[end - 4 : end], "big")]
