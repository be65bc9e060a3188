"""The small operating system of the virtual machine: what stands in for the image of Fedora CoreOS.

Real are systemd, NetworkManager, sshd, nftables, podman with Quadlet, conmon, crun and netavark, all of them Debian's.
"""

import shutil
from pathlib import Path

from tests.support.boot.debian import UNNEEDED, debian_tree, keep_modules, run

PACKAGES = (
    "aardvark-dns", "bash", "conmon", "coreutils", "crun", "curl", "dbus", "diffutils", "findutils", "grep", "gzip",
    "iproute2", "jq", "kmod", "libnss-myhostname", "libpam-systemd", "linux-image-cloud-amd64", "login", "mount",
    "netavark", "network-manager", "nftables", "openssh-server", "passwd", "podman", "procps", "sed", "sudo", "systemd",
    "systemd-sysv", "systemd-zram-generator", "tar", "tzdata", "udev", "util-linux", "xfsprogs", "zstd",
)  # fmt: skip
MODULES = (
    "virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "xfs", "overlay", "zram", "lzo_rle", "loop",
    # networks of containers, by netavark
    "bridge", "br_netfilter", "veth", "nf_tables", "nft_chain_nat", "nft_ct", "nft_fib_inet", "nft_limit", "nft_log",
    "nft_masq", "nft_nat", "nft_reject_inet", "nf_log_syslog",
)  # fmt: skip
# What packages bring and nothing here uses.
UNUSED = ("usr/libexec/podman/podman-testing", "usr/libexec/podman/rootlessport", "usr/bin/pzstd", "usr/bin/dirmngr*")
# Debian's choice of units, and what would mount partitions unasked.
UNWANTED = (
    "usr/lib/systemd/system-preset", "usr/lib/systemd/system-generators/systemd-gpt-auto-generator",
    "etc/NetworkManager/dispatcher.d/*", "usr/lib/NetworkManager/dispatcher.d/*",
    "usr/lib/x86_64-linux-gnu/NetworkManager/*/libnm-device-plugin-*", "usr/lib/udev/rules.d/85-hwclock.rules",
)  # fmt: skip
# What Debian's packages do in their scripts.
LINKS = {
    "etc/localtime": "/usr/share/zoneinfo/UTC", "usr/bin/sh": "bash", "var/run": "/run",
    "usr/lib/systemd/system/default.target": "multi-user.target",
    "usr/lib/systemd/system/sshd.service": "ssh.service",
}  # fmt: skip
# systemd-sysusers makes those of systemd itself.
ACCOUNTS = "g input -\ng kvm -\ng render -\ng sgx -\n"


def make_system(work: Path, tree: Path) -> None:
    """Make the folder `tree`: all of the operating system but the files of the tests (metal_image.py)."""
    debian_tree(PACKAGES, work, [*UNNEEDED, *UNWANTED, *UNUSED]).rename(tree)
    shutil.rmtree(work)
    keep_modules(tree, MODULES)
    shutil.rmtree(tree / "var/run", ignore_errors=True)
    for path, target in LINKS.items():
        (tree / path).unlink(missing_ok=True)
        (tree / path).symlink_to(target)
    (tree / "usr/lib/sysusers.d/tests.conf").write_text(ACCOUNTS, encoding="utf-8")
    run("chroot", tree, "systemd-sysusers")
