"""Kernel settings and core dumps: known to this kernel and to systemd."""

import configparser
from pathlib import Path

import pytest

from diaspora_infra.host.features import hardening
from tests.host.contexts import context, file_text

COREDUMP = "/etc/systemd/coredump.conf.d/10-diaspora.conf"


def kernel_settings() -> dict[str, str]:
    """Name to value."""
    lines = file_text(hardening(context()), "/etc/sysctl.d/60-diaspora.conf").splitlines()
    pairs = (line.split(" = ") for line in lines if line and not line.startswith("#"))
    return dict(pairs)


@pytest.mark.parametrize("name", kernel_settings())
def test_kernel_has_every_sysctl_setting(name: str) -> None:
    file = Path("/proc/sys") / name.replace(".", "/")
    assert file.exists()
    assert kernel_settings()[name].isdigit()


def test_settings_needed_by_containers_are_not_changed() -> None:
    """podman forwards packets, and its containers may use namespaces."""
    names = kernel_settings()
    assert not [name for name in names if "forward" in name or "namespaces" in name or "userns" in name]
    # loose: an answer may take another way than the question
    assert {value for name, value in names.items() if name.endswith("rp_filter")} == {"2"}


def test_core_dumps_are_not_stored() -> None:
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(file_text(hardening(context()), COREDUMP))
    assert {section: dict(parser[section]) for section in parser.sections()} == {
        "Coredump": {"Storage": "none", "ProcessSizeMax": "0"}
    }
