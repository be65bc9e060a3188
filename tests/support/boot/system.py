"""The small operating system of the virtual machine: what stands in for the image of Fedora CoreOS.

Real are systemd, NetworkManager, sshd, conmon, crun and netavark (Debian's), and podman with Quadlet in the version
that tools.toml pins. Debian's systemd is older than that of Fedora CoreOS and ignores RestartMode=.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.support.boot.container_images import make_store
from tests.support.boot.debian import UNNEEDED, debian_tree, keep_modules, run
from tests.support.ignition_root import new_root
from tools import tool_path

PACKAGES = (
    "aardvark-dns", "bash", "conmon", "coreutils", "crun", "curl", "dbus", "diffutils", "findutils", "grep", "gzip",
    "iproute2", "iptables", "jq", "kmod", "libnss-myhostname", "libpam-systemd", "libseccomp2", "libsqlite3-0",
    "linux-image-cloud-amd64", "login", "mount", "netavark", "network-manager", "nftables", "openssh-server", "passwd",
    "procps", "sed", "sudo", "systemd", "systemd-sysv", "systemd-zram-generator", "tar", "tzdata", "udev",
    "util-linux", "xfsprogs", "zstd",
)  # fmt: skip
MODULES = (
    "virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "xfs", "overlay", "zram", "lzo_rle", "loop",
    # networks of containers, by netavark and iptables-nft
    "bridge", "br_netfilter", "veth", "nf_tables", "nft_compat", "nft_chain_nat", "nft_ct", "nft_limit", "nft_log",
    "nft_reject_inet", "nft_fib_inet", "nf_log_syslog", "xt_MASQUERADE", "xt_addrtype", "xt_comment", "xt_conntrack",
    "xt_mark", "xt_multiport", "xt_nat", "xt_tcpudp",
)  # fmt: skip
IMAGE_MIB = 512
OWN_FILES = Path(__file__).parent / "system"
# Units that wait for something that is not there, or do what nobody looks at.
MASKED = (
    "e2scrub_reap.service", "ldconfig.service", "polkit.service", "systemd-firstboot.service",
    "NetworkManager-dispatcher.service", "serial-getty@.service", "systemd-hwdb-update.service",
"systemd-journal-catalog-update.service", "systemd-timesyncd.service",
)  # fmt: skip
# Debian's choice of units, and what would mount partitions unasked.
UNWANTED = (
    "usr/lib/systemd/system-preset", "usr/lib/systemd/system-generators/systemd-gpt-auto-generator",
    "etc/NetworkManager/dispatcher.d/*", "usr/lib/NetworkManager/dispatcher.d/*",
    "usr/lib/x86_64-linux-gnu/NetworkManager/*/libnm-device-plugin-*", "usr/lib/udev/rules.d/85-hwclock.rules",
)  # fmt: skip
# What Debian's packages do in their scripts.
LINKS = {
    "usr/sbin/iptables": "iptables-nft", "usr/sbin/ip6tables": "ip6tables-nft",
    "usr/lib/systemd/system/sshd.service": "ssh.service", "etc/localtime": "/usr/share/zoneinfo/UTC",
    "var/run": "/run", "usr/lib/systemd/system/default.target": "multi-user.target",
}  # fmt: skip
# systemd-sysusers makes those of systemd itself.
ACCOUNTS = 'u sshd - "OpenSSH" /run/sshd\ng input -\ng kvm -\ng render -\ng sgx -\n'


def make_system(work: Path, tree: Path) -> None:
    """Make the folder `tree`: all of the operating system but our own files, see `add_own_files`."""
    debian_tree(PACKAGES, work, [*UNNEEDED, *UNWANTED]).rename(tree)
    keep_modules(tree, MODULES)
    for name in ("podman", "quadlet"):
        shutil.copy(tool_path(name), tree / "usr/bin" / name)
    generators = tree / "usr/lib/systemd/system-generators"
    (generators / "podman-system-generator").symlink_to("/usr/bin/quadlet")
    shutil.rmtree(tree / "var/run", ignore_errors=True)
    for path, target in LINKS.items():
        (tree / path).unlink(missing_ok=True)
        (tree / path).symlink_to(target)
    (tree / "usr/lib/sysusers.d/tests.conf").write_text(ACCOUNTS, encoding="utf-8")
    make_store(work / "container", tree / "usr/lib/containers/storage", tree / "usr/lib/podman")


def add_own_files(tree: Path) -> Path:
    """Make a folder of accounts and of what is in the folder `system`, to be laid over the operating system."""
    for name in ("dev", "proc", "run", "sys", "tmp", "root", "var/mnt", "var/log/journal", "etc/systemd/system"):
        (tree / name).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    new_root(tree)
    shutil.copytree(OWN_FILES, tree, dirs_exist_ok=True, symlinks=True)
    for name in MASKED:
        (tree / "etc/systemd/system" / name).symlink_to("/dev/null")
    return tree


def make_image(trees: Sequence[Path], image: Path) -> Path:
    """Write folders, one over the other, as the filesystem of the root partition."""
    with image.open("wb") as opened:
        opened.truncate(IMAGE_MIB << 20)
    run("mkfs.xfs", "-q", "-L", "root", image)
    mounted = image.with_suffix(".mounted")
    mounted.mkdir()
    run("mount", "-o", "loop", image, mounted)
    try:
        for tree in trees:
            run("cp", "--archive", f"{tree}/.", mounted)
        run("systemd-sysusers", f"--root={mounted}")
    finally:
        run("umount", mounted)
    return image
