"""`make up-aws` and `make down-aws` in a clean clone, as docs/try.md has them."""

import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.aws.account import Account
from lab.background import command_line
from tests.support import configs
from tests.support.clone import LAB, Result, make, make_clone

pytestmark = [pytest.mark.system, pytest.mark.inputs(*LAB)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = make_clone(tmp_path_factory.mktemp("aws") / "clone")
    yield folder
    make(folder, "down-aws")


def good(clone: Path, *arguments: str) -> str:
    result = make(clone, *arguments)
    assert result.returncode == 0, said(result)
    return result.stdout


def said(result: Result) -> str:
    return result.stdout + result.stderr


def account(output: str, clone: Path) -> Account:
    """The account whose address is the last line on the screen."""
    label, address = output.splitlines()[-1].split(": ")
    assert label == "simulator"
    return Account(clone / ".lab/aws", int(address.rpartition(":")[2]))


def machines(there: Account) -> list[Any]:
    reservations = there.client("ec2", "eu-west-1").describe_instances()["Reservations"]
    return [instance for each in reservations for instance in each["Instances"]]


def small_stack(clone: Path) -> Path:
    """A stack file with fewer resources, which is quicker."""
    values = configs.aws_config(edge="direct", database={"engine": "onInstance"}, region="eu-west-1")
    config = {f"diaspora-infra:{key}": value for key, value in values.items()}
    file = clone / "Pulumi.small.yaml"
    file.write_text(yaml.safe_dump({"config": config}))
    return file


def kill(there: Account) -> None:
    """End the simulator as a restart of the computer would."""
    pid = int((there.folder / "simulator.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    while command_line(pid):
        time.sleep(0.02)


def test_make_up_aws_and_down_aws_work_in_a_clean_clone(clone: Path) -> None:
    stack_file = clone / "examples/aws/Pulumi.aws.yaml"
    before = stack_file.read_text()

    first = good(clone, "up-aws")
    there = account(first, clone)
    assert f"simulator: started at {there.endpoint}" in first
    assert "created" in first
    assert "policies: diaspora-infra: all kept" in first
    assert first.index("Database awake, hours") < first.index("Outputs:") < first.index("url          https://pod.")
    (machine,) = machines(there)
    assert machine["State"]["Name"] == "running"
    assert f"instance     {machine['InstanceId']}" in first
    assert "stand-in" not in first

    second = good(clone, "up-aws")
    assert f"simulator: already running at {there.endpoint}" in second
    assert "nothing changed" in second
    assert machines(there) == [machine]
    assert stack_file.read_text() == before, "no line of the stack file is touched"

    kill(there)
    anew = good(clone, "up-aws", f"STACK_FILE={small_stack(clone)}")
    assert "was stopped and keeps nothing on disk, so its account is gone" in anew
    assert "deleted" not in anew
    there = account(anew, clone)
    (other,) = machines(there)
    assert other["InstanceId"] != machine["InstanceId"]

    down = good(clone, "down-aws")
    assert "deleted" in down
    assert "kept, as on AWS: volume snapshot snap-" in down
    assert "simulator: stopped" in down
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(there.endpoint, timeout=5)
    assert good(clone, "down-aws").strip() == "simulator: was not running"


def test_stack_of_other_target_is_refused(clone: Path) -> None:
    wrong = make(clone, "up-aws", "STACK_FILE=Pulumi.dev.yaml")
    assert wrong.returncode != 0
    assert "Pulumi.dev.yaml has target pxe; allowed here: aws" in wrong.stderr
    assert "Traceback" not in said(wrong)
