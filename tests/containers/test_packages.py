"""The Containerfiles on Debian 12 have names of packages that are there. That of diaspora* has its own module."""

from pathlib import Path

import pytest

from tests.containers.debian import assert_debian_12_has, installed_packages

CONTAINERS = Path(__file__).resolve().parents[2] / "containers"


@pytest.mark.network
@pytest.mark.system
@pytest.mark.parametrize("name", ["dnsmasq", "relay"])
def test_debian_has_every_package(name: str, tmp_path: Path) -> None:
    text = (CONTAINERS / name / "Containerfile").read_text(encoding="utf-8")
    assert "debian:12." in text
    (names,) = installed_packages(text)
    assert_debian_12_has(names, tmp_path)
