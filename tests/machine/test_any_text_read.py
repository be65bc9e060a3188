"""Whatever text the settings take: nginx, quadlet and nft still read the files, and see nothing else in them."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.host.test_any_text import base, files, probed
from tests.machine.pod_nginx import Ports, fill, nginx_command, site
from tests.machine.pod_programs import RequireProgram
from tools import tool_path

PORTS = Ports(http=1, https=2, application=3, names=4)
# one for each special sign of the readers; all of them are in the quick tests
PROBES = ["\"'`$(id)", "${HOME} %h", "\\", "a,b;c # c", "{{ a }}", "é" * 250]


@cache
def machine(target: str, probe: str | None) -> list[tuple[str, str]]:
    """Path and text of what a machine gets with this probe in its texts; None: with ordinary texts."""
    return files(base(target)[0] if probe is None else probed(target, probe)[0])


def write(target: str, probe: str | None, root: Path) -> Path:
    """Write what the machine gets."""
    for path, text in machine(target, probe):
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def units(root: Path, made: Path) -> dict[str, list[str]]:
    """The services that quadlet makes: the number of words of each ExecStart, and the keys around it."""
    made.mkdir()
    environment = {"QUADLET_UNIT_DIRS": str(root / "etc/containers/systemd")}
    words = [tool_path("quadlet"), "-no-kmsg-log", made]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[:2000]
    return {file.name: keys(file.read_text(encoding="utf-8")) for file in sorted(made.glob("*.service"))}


def keys(text: str) -> list[str]:
    """The lines of a unit up to their values; of podman's command also the names of its options."""
    found = []
    for line in text.splitlines():
        key, _, value = line.partition("=")
        # sorted, because quadlet writes some of them in another order each time
        options = sorted(re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", value)) if key == "ExecStart" else []
        found.append(" ".join([key, *options]))
    return found


@pytest.mark.parametrize("target", ["pxe", "aws", "provisioning"])
def test_quadlet_makes_the_same_services_of_any_text(target: str, tmp_path: Path) -> None:
    control = units(write(target, None, tmp_path / "control"), tmp_path / "control-made")
    assert len(control) > 1
    for number, probe in enumerate(PROBES):
        root = write(target, probe, tmp_path / f"{number}")
        assert units(root, tmp_path / f"{number}-made") == control, probe


def certificate(prefix: Path) -> None:
    """A key and its certificate where the pod has its own."""
    folder = prefix / "data/tls/current"
    folder.mkdir(parents=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=pod.example.org", "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["pxe", "aws"])
def test_nginx_reads_any_text(target: str, tmp_path: Path, require_program: RequireProgram) -> None:
    nginx = require_program("nginx", "nginx-light")
    require_program("openssl", "openssl")
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    fill(prefix)
    certificate(prefix)
    for probe in (None, *PROBES):
        root = write(target, probe, tmp_path / "root")
        shutil.rmtree(prefix / "conf.d", ignore_errors=True)
        pod = root / "etc/diaspora/nginx/conf.d/pod.conf"
        # the network of the base is not that of the other tests
        pod.write_text(re.sub(r"resolver \S+ valid", "resolver 10.89.71.1 valid", pod.read_text()))
        config = site(root, prefix, PORTS, nginx)
        done = subprocess.run(
            [*nginx_command(nginx, prefix, config), "-t"], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, (probe, done.stderr)
        shutil.rmtree(root)


@pytest.mark.parametrize("target", ["pxe", "aws", "provisioning"])
def test_nft_reads_any_text(target: str, tmp_path: Path, require_program: RequireProgram) -> None:
    nft = require_program("nft", "nftables")
    for number, probe in enumerate((None, *PROBES)):
        rules = write(target, probe, tmp_path / f"{number}") / "etc/diaspora/firewall.nft"
        # in a namespace of its own: even a check asks the kernel for the rules that are there
        words = ["unshare", "--net", nft, "--check", "--file", rules]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, ""), probe
