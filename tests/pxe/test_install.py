"""Kernel, initrd and arguments of a network installation."""

import pytest

from diaspora_infra.config import PxeSettings, load
from diaspora_infra.pxe.install import image_names, install_boot, install_settings
from tests.support import configs

URL = "http://matchbox.lan:8080"
VERSION = "44.20260802.3.1"


@pytest.mark.parametrize(
    ("version", "kernel"),
    [
        ("41.20250315.3.0", "fedora-coreos-41.20250315.3.0-live-kernel-aarch64"),
        ("42.20250427.3.0", "fedora-coreos-42.20250427.3.0-live-kernel.aarch64"),
        (VERSION, f"fedora-coreos-{VERSION}-live-kernel.aarch64"),
    ],
)
def test_kernel_file_name_changes_with_release_42(version: str, kernel: str) -> None:
    assert image_names(version, "aarch64").kernel == kernel


def test_images_can_come_from_the_release_servers() -> None:
    boot = install_boot(
        matchbox_url=URL,
        version=VERSION,
        stream="next",
        architecture="aarch64",
        disk="/dev/sda",
        images_from_matchbox=False,
    )
    base = f"https://builds.coreos.fedoraproject.org/prod/streams/next/builds/{VERSION}/aarch64"
    assert boot.kernel == f"{base}/fedora-coreos-{VERSION}-live-kernel.aarch64"
    assert boot.initrds == [f"--name main {base}/fedora-coreos-{VERSION}-live-initramfs.aarch64.img"]
    assert f"coreos.live.rootfs_url={base}/fedora-coreos-{VERSION}-live-rootfs.aarch64.img" in boot.args
    assert not [arg for arg in boot.args if arg.startswith("coreos.inst.image_url")]


def test_images_come_from_matchbox_by_default() -> None:
    boot = install_boot(matchbox_url=URL, version=VERSION, disk="/dev/sda")
    base = f"{URL}/assets/fedora-coreos"
    assert boot.kernel == f"{base}/fedora-coreos-{VERSION}-live-kernel.x86_64"
    assert f"coreos.inst.image_url={base}/fedora-coreos-{VERSION}-metal.x86_64.raw.xz" in boot.args


def test_kernel_arguments_cover_disk_console_and_ignition() -> None:
    boot = install_boot(
        matchbox_url=URL, version=VERSION, disk="/dev/nvme0n1", console=["tty0", "ttyS0"], kernel_arguments=["debug"]
    )
    assert boot.args[0] == "initrd=main", "UEFI finds the initrd by this name"
    assert "coreos.inst.install_dev=/dev/nvme0n1" in boot.args
    assert "coreos.inst.save_partlabel=data" in boot.args, "the data partition survives"
    ignition = "coreos.inst.ignition_url=http://matchbox.lan:8080/ignition?uuid=${uuid}&mac=${mac:hexhyp}"
    assert ignition in boot.args, "iPXE fills in the variables"
    assert boot.args[-3:] == ["console=tty0", "console=ttyS0", "debug"]
    assert "coreos.inst.insecure" not in " ".join(boot.args)


def test_config_comes_from_the_endpoint_where_it_is() -> None:
    boot = install_boot(matchbox_url=URL, version=VERSION, disk="/dev/sda", endpoint="generic")
    assert f"coreos.inst.ignition_url={URL}/generic?uuid=${{uuid}}&mac=${{mac:hexhyp}}" in boot.args


def test_machine_settings_override_common_ones() -> None:
    machines = [configs.machine(1), configs.machine(2, disk="/dev/nvme0n1", architecture="aarch64")]
    settings = load(
        configs.pxe_config(
            host=configs.host(storage={"disk": "/dev/vda"}),
            pxe=configs.pxe(
                *machines, release={"stream": "testing", "version": "44.20260802.2.1", "source": "matchbox"}
            ),
        )
    )
    assert isinstance(settings, PxeSettings)
    first, second = (install_settings(settings, machine) for machine in settings.pxe.machines)
    assert first["endpoint"] == "generic"
    assert (first["disk"], first["architecture"]) == ("/dev/vda", "x86_64")
    assert (second["disk"], second["architecture"]) == ("/dev/nvme0n1", "aarch64")
    assert (second["stream"], second["version"], second["images_from_matchbox"]) == ("testing", "44.20260802.2.1", True)
