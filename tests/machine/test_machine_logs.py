"""The journal of a machine in a group goes to CloudWatch: the real program, curl and jq, and the simulated account."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.aws.account import Account
from tests.host.aws_pod import group_contexts
from tests.host.pod import LIBEXEC, files, pod_fragment, write_tree
from tests.machine.aws_door import ROLE, TOKEN, Door, record_arguments, signed
from tests.machine.pod_application import wait
from tests.machine.pod_programs import RequireProgram

GROUP = "/diaspora/pod.example.org/machines"
INSTANCE = "i-00000000000000001"
# of systemd's, what the program uses
JOURNALCTL = """#!/usr/bin/env python3
import json, sys
after = [word.partition("=")[2] for word in sys.argv if word.startswith("--after-cursor=")]
lines = [json.loads(line) for line in open("{journal}")]
cursors = [line["__CURSOR"] for line in lines]
for line in lines[cursors.index(after[0]) + 1 if after else 0:]:
    print(json.dumps(line))
"""


@dataclass
class Sender:
    """A machine that sends its journal."""

    folder: Path
    root: Path
    door: Door
    logs: Any

    def write(self, *messages: object) -> None:
        """Add entries to the journal."""
        with (self.folder / "journal").open("a") as journal:
            for message in messages:
                number = journal.tell()
                entry = {
                    "__CURSOR": f"s={number}", "__REALTIME_TIMESTAMP": str(time.time_ns() // 1000 + number),
                    "MESSAGE": message, "_SYSTEMD_UNIT": "nginx.service",
                }  # fmt: skip
                journal.write(json.dumps(entry) + "\n")

    def start(self) -> "subprocess.Popen[str]":
        door = f"http://127.0.0.1:{self.door.server_address[1]}"
        return subprocess.Popen(
            ["bash", self.root / LIBEXEC / "send-logs"],
            env={
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "DIASPORA_DATA": str(self.folder / "data"),
                "DIASPORA_IMDS": door, "DIASPORA_LOGS": door, "DIASPORA_PAUSE": "0.2",
                "DIASPORA_RUN": str(self.folder / "run"),
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def sent(self) -> list[str]:
        try:
            found = self.logs.get_log_events(logGroupName=GROUP, logStreamName=INSTANCE, startFromHead=True)
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].removeprefix("nginx.service: ") for event in found["events"]]


@pytest.fixture
def sender(account: Account, tmp_path: Path, require_program: RequireProgram) -> Iterator[Sender]:
    account.reset()
    logs = account.client("logs", "eu-west-1")
    logs.create_log_group(logGroupName=GROUP)
    door = Door(account.endpoint)
    door.metadata["instance-id"] = INSTANCE
    threading.Thread(target=door.serve_forever, args=(0.05,), daemon=True).start()
    for name in ("bin", "run", "data/state"):
        (tmp_path / name).mkdir(parents=True)
    record_arguments(require_program("curl", "curl"), tmp_path)
    program = tmp_path / "bin/journalctl"
    program.write_text(JOURNALCTL.format(journal=tmp_path / "journal"))
    program.chmod(0o755)
    yield Sender(tmp_path, write_tree(pod_fragment(group_contexts()["job"]), tmp_path / "root"), door, logs)
    door.shutdown()
    door.server_close()


def test_journal_is_sent_once_and_to_its_end(sender: Sender) -> None:
    long = "x" * 5000
    sender.write("one", 'with "quotes" and ü', [104, 105], None, long)
    sender.door.refusals = 2
    process = sender.start()
    first = ["one", 'with "quotes" and ü', "hi", "", long[:4000]]
    wait(lambda: len(sender.sent()) == 5, "the first entries")
    sender.write("two")
    wait(lambda: len(sender.sent()) == 6, "the next entry")
    process.kill()
    assert process.communicate()[0] == ""
    before = len(sender.door.asked)
    process = sender.start()
    wait(lambda: len(sender.door.asked) > before, "another start")
    sender.write("the last one")
    process.terminate()
    assert (process.communicate(timeout=20)[0], process.returncode) == ("", 0)
    assert sender.sent() == [*first, "two", "the last one"]
    written = (sender.folder / "arguments").read_text()
    for secret in (ROLE["SecretAccessKey"], ROLE["Token"], TOKEN):
        assert secret not in written
    for headers, body in sender.door.asked:
        assert signed(headers, "POST", "/", body, "logs")


def test_a_question_has_no_more_than_cloudwatch_takes(sender: Sender) -> None:
    sender.write(*["y" * 4000] * 300)
    process = sender.start()
    wait(lambda: (sender.folder / "data/state/logs-cursor").exists(), "the first part")
    process.terminate()
    process.communicate(timeout=20)
    sizes = [json.loads(body)["logEvents"] for headers, body in sender.door.asked if "Put" in headers["X-Amz-Target"]]
    assert [len(events) for events in sizes] == [222, 78]
    assert all(sum(len(event["message"]) + 26 for event in events) <= 1_048_576 for events in sizes)


def test_nothing_is_installed_where_logs_are_not_kept() -> None:
    assert f"/{LIBEXEC}/send-logs" in files(pod_fragment(group_contexts()["web"]))
    assert f"/{LIBEXEC}/send-logs" not in files(pod_fragment(group_contexts(ha={"logDays": 0})["web"]))
