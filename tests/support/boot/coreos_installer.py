"""The real coreos-installer, built from its crate with Debian's Rust, and the key that signs the images of the tests.

One thing is changed in it: where the public keys of Fedora are built in stands the key for tests that the crate brings
for its own tests. So the installer checks signatures as it always does.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.boot import debian
from tests.support.boot.debian import debian_tree
from tools.cached import cached

VERSION = "0.26.0"  # 0.27 needs a newer Rust than trixie has
# of the crate; its Cargo.lock holds those of all others
SHA256 = "4d80ee524bc98c032551354e42e80b2f7775684ba601a877211a0f6252796718"
PACKAGES = (
    "bash", "cargo", "coreutils", "gcc", "libc6-dev", "liblzma-dev", "libssl-dev", "libzstd-dev", "pkgconf", "rustc",
)  # fmt: skip
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Without optimization it is built in half the time; what unpacks images is in C libraries.
BUILD = f"""\
set -euo pipefail
mount -t proc proc proc
mount --rbind /dev dev
exec chroot . bash -euo pipefail -c '
cd /root
cargo info --quiet coreos-installer@{VERSION} > info
echo "{SHA256}  $(echo .cargo/registry/cache/*/coreos-installer-{VERSION}.crate)" | sha256sum --check --quiet
cp --recursive .cargo/registry/src/*/coreos-installer-{VERSION} source
cp source/fixtures/verify/test-key.pub.asc source/src/signing-keys.asc
cargo install --quiet --locked --debug --path source --root installed
'
"""


@dataclass(frozen=True)
class CoreosInstaller:
    """The program, the script that its service runs in the live system, and the secret key of the tests."""

    program: Path
    service: Path
    key: Path


def coreos_installer() -> CoreosInstaller:
    """The installer in the cache, built when it is missing: 4 minutes of one core, and 200 MB of packages."""
    entry = cached("coreos-installer", _make, sys.modules[__name__], debian)
    return CoreosInstaller(entry / "coreos-installer", entry / "coreos-installer-service", entry / "key.asc")


def sign(file: Path, key: Path) -> Path:
    """Write the signature of a file beside it."""
    signature = file.with_name(f"{file.name}.sig")
    with TemporaryDirectory(prefix="gpg-") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet"]
        try:
            subprocess.run([*gpg, "--import", key], check=True, timeout=60)
            subprocess.run([*gpg, "--output", signature, "--detach-sign", file], check=True, timeout=120)
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False, timeout=60)
    return signature


def _make(folder: Path) -> None:
    tree = debian_tree(PACKAGES, folder / "work", ())
    for name in ("dev", "proc", "root", "tmp"):
        (tree / name).mkdir(exist_ok=True)
    (tree / "usr/bin/cc").symlink_to("gcc")
    for file in (CERTIFICATES, Path("/etc/resolv.conf"), Path("/etc/hosts")):
        target = tree / file.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    # how cargo reaches its registry from this computer
    own = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    for name in ("config.toml", "config"):
        if (own / name).is_file():
            (tree / "root/.cargo").mkdir(exist_ok=True)
            shutil.copyfile(own / name, tree / "root/.cargo" / name)
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    environment = {
        **proxies,
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "CARGO_HTTP_CAINFO": str(CERTIFICATES),
        "CARGO_PROFILE_DEV_DEBUG": "0",
        "CARGO_PROFILE_DEV_STRIP": "symbols",
    }
    command = ["unshare", "--mount", "bash", "-c", BUILD]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=3600)
    assert done.returncode == 0, done.stderr[-3000:]
    shutil.copy(tree / "root/installed/bin/coreos-installer", folder)
    shutil.copy(tree / "root/source/scripts/coreos-installer-service", folder)
    shutil.copyfile(tree / "root/source/fixtures/verify/test-key.priv.asc", folder / "key.asc")
    shutil.rmtree(folder / "work")
