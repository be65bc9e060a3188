"""KVM is used only when a probe machine has just booted with it; a script stands in for QEMU."""

import os
import time
from pathlib import Path

import pytest

from tests.support.boot.accelerator import EMULATION, KVM, Accelerator, choose
from tests.support.boot.virtual_machine import UEFI

BANNER = "echo 'iPXE 1.0.0+git -- Open Source Network Boot Firmware'"
# a program that the script starts would hold its output open when only the script is killed
HANG = "exec sleep 600"


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A file in place of /dev/kvm."""
    device = tmp_path / "kvm"
    device.touch()
    return device


def choose_with_qemu(
    device: Path, folder: Path, *lines: str, bios: str | None = None, seconds: float = 30
) -> Accelerator:
    """The choice with a fake QEMU that runs these lines and writes down its process id and arguments."""
    qemu = folder / "qemu"
    noted = [f"echo $$ > {folder / 'pid'}", f'echo "$*" > {folder / "words"}']
    qemu.write_text("\n".join(["#!/bin/bash", *noted, *lines, ""]), encoding="utf-8")
    qemu.chmod(0o755)
    return choose(bios, device=device, qemu=str(qemu), seconds=seconds)


def assert_killed(folder: Path) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def test_kvm_is_chosen_when_the_probe_script_runs(tmp_path: Path, device: Path) -> None:
    # as a serial port delivers it
    assert choose_with_qemu(device, tmp_path, BANNER, "printf probe-one", "sleep 0.1", "echo -two-three", HANG) == KVM
    assert_killed(tmp_path)


@pytest.mark.parametrize("bios", [None, UEFI])
def test_probe_uses_the_same_firmware_as_the_test(tmp_path: Path, device: Path, bios: str | None) -> None:
    choose_with_qemu(device, tmp_path, bios=bios)
    words = (tmp_path / "words").read_text()
    assert "-machine pc,graphics=off" in words
    assert "-accel kvm -cpu host" in words
    assert (f"-bios {UEFI} " in words) == (bios is not None)


def test_kvm_error_ends_the_probe_immediately(tmp_path: Path, device: Path) -> None:
    start = time.monotonic()
    assert choose_with_qemu(device, tmp_path, BANNER, "echo 'KVM internal error. Suberror: 1' >&2", HANG) == EMULATION
    assert time.monotonic() - start < 20
    assert_killed(tmp_path)


def test_emulation_is_chosen_when_qemu_exits_early(tmp_path: Path, device: Path) -> None:
    lines = ("echo 'failed to initialize kvm: Operation not permitted' >&2", "exit 1")
    assert choose_with_qemu(device, tmp_path, BANNER, *lines) == EMULATION


def test_printing_the_probe_script_does_not_count_as_running(tmp_path: Path, device: Path) -> None:
    show = r"cat $(sed 's/.*tftp=\([^,]*\),.*/\1/' <<< \"$*\")/probe.ipxe".replace('\\"', '"')
    assert choose_with_qemu(device, tmp_path, show) == EMULATION


def test_hanging_probe_is_killed(tmp_path: Path, device: Path) -> None:
    assert choose_with_qemu(device, tmp_path, BANNER, HANG, seconds=1) == EMULATION
    assert_killed(tmp_path)


def test_qemu_is_not_started_without_the_kvm_device(tmp_path: Path) -> None:
    assert choose_with_qemu(tmp_path / "none", tmp_path) == EMULATION
    assert not (tmp_path / "pid").exists()
