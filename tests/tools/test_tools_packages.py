import os
from pathlib import Path

import pytest

from tools import packages
from tools.packages import is_installed, main, read_packages

WANTED = """# program or file  package
demo-program       demo
{folder}/demo.h    libdemo-dev
"""


@pytest.fixture(autouse=True)
def only_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder of the system beside PATH."""
    monkeypatch.setattr(packages, "SERVER_FOLDERS", "")


@pytest.fixture
def package_list(tmp_path: Path) -> Path:
    file = tmp_path / "packages.txt"
    file.write_text(WANTED.format(folder=tmp_path))
    return file


def test_list_names_programs_and_files(package_list, tmp_path):
    assert read_packages(package_list) == {"demo-program": "demo", f"{tmp_path}/demo.h": "libdemo-dev"}


def test_programs_are_found_on_path_and_files_at_their_path(fake_program, tmp_path):
    assert not is_installed("demo-program")
    fake_program("demo-program")
    assert is_installed("demo-program")
    header = tmp_path / "demo.h"
    assert not is_installed(str(header))
    header.mkdir()
    assert not is_installed(str(header))
    header.rmdir()
    header.write_text("")
    assert is_installed(str(header))


def test_nothing_is_printed_or_installed_when_complete(package_list, fake_program, tmp_path, capsys):
    fake_program("demo-program")
    (tmp_path / "demo.h").write_text("")
    fake_program("apt-get", status=1)
    assert main([str(package_list)]) == 0
    assert capsys.readouterr() == ("", "")


def test_only_missing_packages_are_installed(package_list, fake_program, on_path, tmp_path, monkeypatch):
    fake_program("demo-program")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    log = tmp_path / "apt.log"
    apt = on_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$*" >> {log}\n')
    apt.chmod(0o755)
    assert main([str(package_list)]) == 0
    update, install = log.read_text().splitlines()
    assert update.startswith("update")
    assert install.split()[-1] == "libdemo-dev"
    assert " demo" not in install


@pytest.mark.parametrize(("root", "apt"), [(True, False), (False, True)])
def test_missing_packages_are_reported_without_apt_or_root(
    package_list, fake_program, tmp_path, monkeypatch, capsys, root, apt
):
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    if apt:
        fake_program("apt-get")
    assert main([str(package_list)]) == 1
    assert capsys.readouterr().err == (
        f"missing: {tmp_path}/demo.h, demo-program; run as root: apt-get install demo libdemo-dev (or use your "
        "system's packages)\n"
    )


def test_failed_apt_is_reported_in_one_line_with_its_cause(package_list, on_path, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    apt = on_path / "apt-get"
    apt.write_text("#!/bin/sh\necho 'E: no such package' >&2\nexit 100\n")
    apt.chmod(0o755)
    assert main([str(package_list)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == ("apt-get install demo libdemo-dev failed: E: no such package")


def test_packages_of_the_tests_are_listed():
    committed = read_packages(Path(__file__).parents[1] / "packages.txt")
    assert committed["gcc"] == "gcc"
    assert committed["/usr/include/blkid/blkid.h"] == "libblkid-dev"
