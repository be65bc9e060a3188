"""The first bundle of a machine on AWS: the real scripts and the real curl, against the simulated account."""

import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.aws.offer import object_key, offer_of
from diaspora_infra.host import Parts, render
from diaspora_infra.host.features.first_bundle import first_bundle
from lab.aws.account import Account
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, files, write_tree
from tests.machine.aws_door import ROLE, TOKEN, Door, record_arguments, signed
from tests.machine.pod_programs import RequireProgram
from tests.machine.pod_upgrade import READER
from tests.support.ignition_root import applied, read_tree

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may change the files of a machine")

BUCKET = "pod-bundles-1a2b"
PARAMETER = "/diaspora/pod.example.org/bundle"
CONTEXT = aws_context()
# fails where the file says so
SYSTEMCTL = """#!/bin/bash
printf '%s\\n' "$*" >> {folder}/systemctl
[[ ! -e {folder}/fails || $* != *$(< {folder}/fails)* ]]
"""


def parts_of(**pod: Any) -> Parts:
    context = aws_context(pod_changes=pod)
    parts = render(context.settings, context.machine, {}).parts
    assert parts is not None
    return parts


@dataclass
class Machine:
    """A machine that has its own part of a config, and nothing else."""

    folder: Path
    door: Door
    account: Account

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def client(self, service: str) -> Any:
        return self.account.client(service, "eu-west-1")

    def store(self, parts: Parts, content: bytes | None = None) -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=object_key(parts.bundle), Body=content or parts.bundle.encode())

    def offer(self, parts: Parts) -> None:
        value = offer_of(BUCKET, parts.bundle, parts.bundle_hash)
        self.client("ssm").put_parameter(Name=PARAMETER, Value=value, Type="String", Overwrite=True)

    def fetch(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        server = f"http://127.0.0.1:{self.door.server_address[1]}"
        return subprocess.run(
            ["/bin/bash", self.root / LIBEXEC / "fetch-bundle", *words],
            env={
                "PATH": f"{self.folder}/bin:/usr/bin:/bin",
                "DIASPORA_IMDS": server, "DIASPORA_SSM": server, "DIASPORA_S3": server,
                "DIASPORA_PAUSE": "0.1", "DIASPORA_ROOT": str(self.root), "DIASPORA_RUN": str(self.folder / "run"),
            },
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip

    def first(self) -> str:
        """Install the bundle, which succeeds, and leaves no secret in the log, in arguments or in memory."""
        done = self.fetch("first")
        assert done.returncode == 0, done.stderr
        output = done.stdout + done.stderr + (self.folder / "arguments").read_text()
        for secret in (ROLE["SecretAccessKey"], ROLE["Token"], TOKEN):
            assert secret not in output
        assert not list((self.folder / "run").iterdir())
        return output

    def called(self) -> list[str]:
        file = self.folder / "systemctl"
        return file.read_text().splitlines() if file.exists() else []

    def has(self, parts: Parts) -> bool:
        """Every file of the bundle is there as the reader unpacks it, with mode and owner."""
        (self.folder / "config.ign").write_text(parts.bundle)
        subprocess.run(["bash", READER, self.folder / "config.ign", self.folder / "staged"], check=True, timeout=60)
        staged = {
            path: node for path, node in read_tree(self.folder / "staged/files").items() if node.kind != "directory"
        }
        there = read_tree(self.root)
        assert len(staged) > 50
        return all(there.get(path) == node for path, node in staged.items())


@pytest.fixture
def machine(account: Account, tmp_path: Path, require_program: RequireProgram) -> Iterator[Machine]:
    account.reset()
    curl = require_program("curl", "curl")
    require_program("jq", "jq")
    door = Door(account.endpoint)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    write_tree(first_bundle(CONTEXT.of_machine), tmp_path / "root")
    for name in ("bin", "run"):
        (tmp_path / name).mkdir()
    record_arguments(curl, tmp_path)
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL.format(folder=tmp_path))
    (tmp_path / "bin/systemctl").chmod(0o755)
    made = Machine(tmp_path, door, account)
    made.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield made
    door.shutdown()
    door.server_close()


def test_machine_boots_from_its_own_part() -> None:
    """The real Ignition unpacks user data to what fetches the bundle, and to nothing of the bundle."""
    with applied(json.loads(parts_of().own)) as root:
        fetcher = root / LIBEXEC / "fetch-bundle"
        assert fetcher.read_text() == files(first_bundle(CONTEXT.of_machine))[f"/{LIBEXEC}/fetch-bundle"]
        assert (root / LIBEXEC / "role-requests").exists()
        assert (root / "etc/systemd/system/diaspora-first-bundle.service").exists()
        (preset,) = (root / "etc/systemd/system-preset").glob("*ignition*")
        assert "enable diaspora-first-bundle.service\n" in preset.read_text()
        machine = json.loads((root / "etc/diaspora/machine.json").read_text())
        assert machine["config"] == f"parameter:{PARAMETER}"
        assert [path.name for path in (root / "etc/diaspora").iterdir()] == ["machine.json"]


def test_first_boot_installs_and_starts_the_bundle(machine: Machine) -> None:
    parts = parts_of()
    machine.store(parts)
    machine.offer(parts)
    assert f"the machine has bundle {parts.bundle_hash}" in machine.first()
    assert machine.has(parts)
    enabled = json.loads((machine.root / "etc/diaspora/bundle.json").read_text())["enabled"]
    assert {"diaspora.target", "diaspora-firewall.service", "diaspora-swap-file.service"} <= set(enabled)
    assert machine.called() == [
        "daemon-reload",
        f"enable --quiet {' '.join(enabled)}",
        f"start --no-block {' '.join(enabled)}",
    ]
    # folders of the system keep what they are
    assert (machine.root / "etc").stat().st_mode & 0o777 == 0o755
    (unit,) = (machine.root / "etc/systemd/system").glob("diaspora-first-bundle.service")
    assert "ConditionPathExists=!/etc/diaspora/bundle.json\n" in unit.read_text()


def test_requests_are_signed_with_role_credentials(machine: Machine) -> None:
    parts = parts_of()
    machine.store(parts)
    machine.offer(parts)
    machine.first()
    assert len(machine.door.asked) == 2
    (asked, body), (got, path) = machine.door.asked
    assert signed(asked, "POST", "/", body, "ssm")
    assert signed(got, "GET", path.decode(), b"", "s3")
    # S3 refuses a request without it
    assert got["x-amz-content-sha256"] == hashlib.sha256(b"").hexdigest()


def test_first_boot_waits_for_the_offer_and_for_the_right_object(machine: Machine) -> None:
    parts = parts_of()
    machine.door.refusals = 2

    def asked_more(count: int) -> None:
        wanted, end = len(machine.door.asked) + count, time.monotonic() + 60
        while len(machine.door.asked) < wanted and time.monotonic() < end:
            time.sleep(0.02)

    def later() -> None:
        asked_more(3)
        machine.offer(parts)
        asked_more(3)
        machine.store(parts, b"{}")
        asked_more(3)
        machine.store(parts)

    with ThreadPoolExecutor() as pool:
        doing = pool.submit(later)
        said = machine.first()
        doing.result()
    for line in ("AccessDeniedException", "ParameterNotFound", "404", "its SHA-512 differs", "waiting for the bundle"):
        assert line in said, said
    assert machine.has(parts)


@pytest.mark.parametrize("call", ["daemon-reload", "enable --quiet"])
def test_interrupted_installation_starts_again(machine: Machine, call: str) -> None:
    parts = parts_of()
    machine.store(parts)
    machine.offer(parts)
    (machine.folder / "fails").write_text(call)
    assert machine.fetch("first").returncode
    assert not (machine.root / "etc/diaspora/bundle.json").exists(), "the unit would not run again"
    (machine.folder / "fails").unlink()
    machine.first()
    assert machine.has(parts)


@pytest.mark.parametrize(
    "value",
    [
        "s3://bucket/other/{key} sha512-{digest} {hash}",
        "s3://bucket/bundles/../{key} sha512-{digest} {hash}",
        "s3://evil.example.org/bundles/{key} sha512-{digest} {hash}",
        "s3://bucket/bundles/{key} sha512-{digest} {hash} --output /etc/passwd",
        "s3://bucket/bundles/{key} sha256-{digest} {hash}",
        "none",
    ],
)
def test_wrong_offer_is_refused(machine: Machine, value: str) -> None:
    text = value.format(key="0" * 32 + ".ign", digest="1" * 128, hash="2" * 16)
    machine.client("ssm").put_parameter(Name=PARAMETER, Value=text, Type="String")
    done = machine.fetch("get", machine.folder / "config.ign")
    assert (done.returncode, done.stderr) == (1, f"the parameter {PARAMETER} does not name a bundle\n")
    assert len(machine.door.asked) == 1
    assert not (machine.folder / "config.ign").exists()
