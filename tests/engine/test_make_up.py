"""`make up` and `make down` in a clean clone, as docs/try.md has them."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from diaspora_infra.pxe.served import meaning
from lab.matchbox import free_ports
from tests.support.clone import LAB, Result, make_clone
from tests.support.clone import make as clone_make

pytestmark = pytest.mark.inputs(*LAB)

Make = Callable[[str], Result]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean clone with other ports, so that a running `make up` is not disturbed."""
    folder = make_clone(tmp_path_factory.mktemp("make") / "clone")
    http_port, rpc_port = free_ports(2)
    stack_file = folder / "Pulumi.dev.yaml"
    text = stack_file.read_text().replace("18080", str(http_port)).replace("18081", str(rpc_port))
    stack_file.write_text(text)
    return folder


@pytest.fixture(scope="module")
def make(clone: Path) -> Iterator[Make]:
    yield partial(clone_make, clone)
    clone_make(clone, "down")


def test_make_up_and_down_work_in_a_clean_clone(clone: Path, make: Make) -> None:
    stack_file = (clone / "Pulumi.dev.yaml").read_text()

    first = make("up")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "matchbox: started" in first.stdout
    assert "5 created" in first.stdout
    assert "pod1: served as configured" in first.stdout
    assert "1 machine: 1 new" in first.stdout
    assert re.findall("^  (?:policy|advice): ([a-z-]+)", first.stdout, re.MULTILINE) == ["installs-always"]
    ipxe, ignition = re.findall(r"http://127\.0\.0\.1:\d+/(?:ipxe|generic)\?mac=\S+", first.stdout)
    assert get(ipxe).startswith("#!ipxe\nkernel http://127.0.0.1:")
    served = json.loads(get(ignition))
    assert served["ignition"]["version"] == "3.4.0"
    assert "/etc/containers/systemd/diaspora-web.container" in json.dumps(meaning(get(ignition)))

    second = make("up")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "matchbox: already running" in second.stdout
    assert "nothing changed (5 unchanged)" in second.stdout
    assert (clone / "Pulumi.dev.yaml").read_text() == stack_file, "no line of the stack file is touched"

    (clone / "Pulumi.dev.yaml").write_text(stack_file.replace("rootGib: 12", "rootGib: 20"))
    changed = make("up")
    assert "2 created, - 2 deleted" in changed.stdout, changed.stdout + changed.stderr
    assert "pod1: boot it from the network again: a change of disks" in changed.stdout
    assert json.loads(get(ignition))["storage"]["disks"][0]["partitions"][0]["startMiB"] == 21 * 1024

    (clone / "Pulumi.dev.yaml").write_text(stack_file.replace("rootGib: 12", "rootGib: 2"))
    wrong = make("up")
    assert wrong.returncode != 0
    assert "host.storage.rootGib: 2 is out of range" in wrong.stderr
    assert "Traceback" not in wrong.stdout + wrong.stderr
    (clone / "Pulumi.dev.yaml").write_text(stack_file)

    down = make("down")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "matchbox: stopped" in down.stdout
    with pytest.raises(OSError, match="refused"):
        get(ipxe)
    again = make("down")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "matchbox: was not running" in again.stdout


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        text: str = response.read().decode()
        return text
