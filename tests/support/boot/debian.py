"""Folders of files made of the packages of one Debian release.

Needs a Debian for x86_64: the packages come from the mirror of its apt.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# systemd 257, podman 5.4.2, netavark 1.14: the release nearest to Fedora CoreOS.
RELEASE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# What packages bring and a virtual machine of the tests does not need.
UNNEEDED = (
    "boot", "etc/init.d", "etc/rc*.d", "etc/cron.*", "usr/share/doc", "usr/share/man", "usr/share/locale",
    "usr/share/perl*", "usr/share/python3*", "usr/share/info", "usr/share/i18n", "usr/share/bash-completion",
    "usr/share/zsh", "usr/share/lintian", "usr/share/initramfs-tools", "usr/share/polkit-1",
    "usr/lib/udev/hwdb.d", "usr/lib/python3*", "usr/lib/initramfs-tools", "usr/lib/klibc", "usr/lib/locale",
    "usr/lib/x86_64-linux-gnu/gconv", "usr/lib/x86_64-linux-gnu/perl*", "usr/lib/x86_64-linux-gnu/libperl*",
    "usr/lib/x86_64-linux-gnu/libicu*", "usr/lib/x86_64-linux-gnu/libpython*",
    "usr/bin/perl*", "usr/bin/python*", "usr/bin/localedef", "usr/bin/dpkg*", "usr/bin/cpan*",
)  # fmt: skip


def debian_tree(
    packages: Sequence[str], work: Path, unneeded: Sequence[str] = UNNEEDED, release: str = RELEASE
) -> Path:
    """Unpack packages and their dependencies into the folder `work`/tree, without running their scripts."""
    tree = work / "tree"
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for package in _download(packages, work / "apt", release):
        # dpkg-deb's own unpacking would replace the links by folders
        content = run("dpkg-deb", "--fsys-tarfile", package)
        run("tar", "--extract", "--keep-directory-symlink", "--directory", tree, content=content)
    for pattern in unneeded:
        for path in tree.glob(pattern):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    run("ldconfig", "-r", tree)
    return tree


def _download(packages: Sequence[str], folder: Path, release: str) -> list[Path]:
    """Download the packages and their dependencies, ignoring the installed packages of this computer."""
    archives = folder / "archives"
    for part in (folder / "lists/partial", archives / "partial"):
        part.mkdir(parents=True)
    (folder / "status").touch()
    state = [f"Dir::State={folder}", f"Dir::State::status={folder / 'status'}", f"Dir::Cache={folder}"]
    apt = _apt(*state)
    sources = folder / "sources.list"
    sources.write_text(
        "".join(
            f"deb [signed-by={KEYRING}] {_mirror(apt)} {suite} main\n" for suite in (release, f"{release}-updates")
        ),
        encoding="utf-8",
    )
    apt = _apt(*state, f"Dir::Etc::SourceList={sources}", "Dir::Etc::SourceParts=-")
    run(*apt, "update")
    run(*apt, "install", "--no-install-recommends", "--download-only", *packages)
    return sorted(archives.glob("*.deb"))


def _apt(*options: str) -> list[str]:
    always = ("APT::Sandbox::User=root", "APT::Architecture=amd64")
    return ["apt-get", "-qq", "-y", *(part for option in (*options, *always) for part in ("-o", option))]


def _mirror(apt: Sequence[str]) -> str:
    """The address of Debian's packages in the sources of this computer.

    apt says which mirror is Debian's only when it has fetched the index; `apt` keeps that index in a folder of its own.
    """
    wanted = ("indextargets", "--format", "$(SITE)", "Created-By: Packages", "Component: main", "Label: Debian")
    found = run("apt-get", *wanted)
    if not found:
        run(*apt, "update")
        found = run(*apt, *wanted)
    assert found, "the sources of apt have no Debian mirror"
    return found.decode().split()[0]


def keep_modules(tree: Path, names: Sequence[str]) -> None:
    """Keep the named kernel modules and their dependencies."""
    (folder,) = tree.glob("usr/lib/modules/*")
    run("depmod", "--basedir", tree, folder.name)
    shown = run("modprobe", "--dirname", tree, "--set-version", folder.name, "--show-depends", "--all", *names)
    lines = [line.strip() for line in shown.decode().splitlines()]
    kept = {Path(line.removeprefix("insmod ")).resolve() for line in lines if line.startswith("insmod ")}
    assert len(kept) >= len(names), lines
    for module in folder.rglob("*.ko*"):
        if module.resolve() not in kept:
            module.unlink()
    run("depmod", "--basedir", tree, folder.name)


def run(*command: str | Path, content: bytes = b"") -> bytes:
    """Run a command, which must succeed; returns what it prints."""
    done = subprocess.run(command, input=content, stdout=subprocess.PIPE, check=True, timeout=300)
    return done.stdout
