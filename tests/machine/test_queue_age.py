"""How long jobs wait: the real program, openssl, curl and jq, a Redis with TLS, and the simulated account."""

import datetime
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from diaspora_infra.config.aws.parameter_names import QUEUE_AGE, metrics_namespace
from lab.aws.account import Account
from lab.matchbox import free_ports
from tests.host.aws_pod import group_contexts
from tests.host.pod import LIBEXEC, files, pod_fragment, write_tree
from tests.machine.aws_door import ROLE, TOKEN, Door, record_arguments, signed
from tests.machine.pod_application import wait
from tests.machine.pod_mail import certificate
from tests.machine.pod_programs import RequireProgram
from tests.support.processes import stop

CONTEXT = group_contexts()["job"]
NAME, PASSWORD = "localhost", "cache-token-0123456789"
REFUSED = "the cache does not say how long jobs wait:"


@dataclass
class Sender:
    """A job machine and its cache."""

    folder: Path
    root: Path
    door: Door
    port: int
    client: str
    watch: Any

    def redis(self, *words: str) -> str:
        """A command of the test; redis-cli has no name for what it got where it fails."""
        command = [self.client, "--tls", "--cacert", str(self.folder / "keys/ca.pem"), "-p", str(self.port), *words]
        variables = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": PASSWORD}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=20)
        return done.stdout.strip()

    def queue(self, name: str, *enqueued: object) -> None:
        """Add jobs as Sidekiq does, the first one first."""
        self.redis("sadd", "queues", name)
        for since in enqueued:
            job = {"class": "Work", "args": ['it\'s "one"'], "jid": "b4a577edbccf1d805744efa9", "enqueued_at": since}
            self.redis("lpush", f"queue:{name}", json.dumps(job))

    def send(self, token: str = PASSWORD, host: str = NAME, **changes: str) -> "subprocess.CompletedProcess[str]":
        data, door = self.folder / "data", f"http://127.0.0.1:{self.door.server_address[1]}"
        (data / "secrets/provided/cache_token").write_text(token)
        (data / "state/facts/cache_host").write_text(host)
        return subprocess.run(
            ["bash", self.root / LIBEXEC / "send-queue-age"],
            env={
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "DIASPORA_DATA": str(data),
                "DIASPORA_RUN": str(self.folder / "run"), "DIASPORA_IMDS": door, "DIASPORA_CLOUDWATCH": door,
                "DIASPORA_CACHE_PORT": str(self.port), "SSL_CERT_FILE": str(self.folder / "keys/ca.pem"), **changes,
            },
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def sent(self) -> int:
        """Run the program, which must succeed without a word; returns the seconds that CloudWatch gets."""
        done = self.send()
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
        headers, body = self.door.asked[-1]
        assert signed(headers, "POST", "/", body, "monitoring")
        asked = dict(parse_qsl(body.decode()))
        seconds = asked.pop("MetricData.member.1.Value")
        assert asked == {
            "Action": "PutMetricData",
            "Version": "2010-08-01",
            "Namespace": "diaspora-infra/pod.example.org",
            "MetricData.member.1.MetricName": "QueueAge",
            "MetricData.member.1.Unit": "Seconds",
        }
        return int(seconds)

    def refuses(self, said: str, **changes: str) -> None:
        """Run the program, which must fail and tell CloudWatch nothing."""
        before = len(self.door.asked)
        done = self.send(**changes)
        assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", f"{REFUSED} {said}".strip())
        assert len(self.door.asked) == before


@pytest.fixture(scope="module")
def machine(
    account: Account, tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram
) -> Iterator[Sender]:
    account.reset()
    folder, (port,) = tmp_path_factory.mktemp("queue"), free_ports(1)
    for name in ("bin", "run", "data/state/facts", "data/secrets/provided"):
        (folder / name).mkdir(parents=True)
    for name in ("curl", "openssl"):
        record_arguments(require_program(name, name), folder)
    require_program("jq", "jq")
    certificate(folder / "keys", NAME)
    door = Door(account.endpoint)
    threading.Thread(target=door.serve_forever, args=(0.05,), daemon=True).start()
    options = {
        "port": "0", "tls-port": str(port), "tls-auth-clients": "no", "requirepass": PASSWORD, "dir": str(folder),
        "tls-cert-file": str(folder / "keys/server.pem"), "tls-key-file": str(folder / "keys/server.key"),
        "tls-ca-cert-file": str(folder / "keys/ca.pem"), "save": "", "bind": "127.0.0.1 -::1",
    }  # fmt: skip
    words = [word for key, text in options.items() for word in (f"--{key}", text)]
    server = require_program("redis-server", "redis-server")
    root = write_tree(pod_fragment(CONTEXT), folder / "root")
    client = require_program("redis-cli", "redis-tools")
    with subprocess.Popen([server, *words], stdout=subprocess.DEVNULL) as process:
        try:
            made = Sender(folder, root, door, port, client, account.client("cloudwatch", "eu-west-1"))
            wait(lambda: made.redis("ping") == "PONG", "Redis")
            yield made
        finally:
            stop(process)
            door.shutdown()
            door.server_close()


@pytest.fixture
def sender(machine: Sender) -> Sender:
    machine.redis("flushall")
    return machine


def test_longest_time_of_all_queues_in_seconds_and_milliseconds(sender: Sender) -> None:
    assert sender.sent() == 0
    now = time.time()
    # one that was emptied, and one of Sidekiq 7, with a later job behind the one that is next
    sender.queue("empty")
    sender.queue("low", now - 100.25, now - 1)
    assert 100 <= sender.sent() < 110
    # of Sidekiq 8
    sender.queue("mail", int((now - 3000) * 1000))
    assert 3000 <= sender.sent() < 3010
    # those that are worked on do not wait
    sender.redis("lmove", "queue:mail", "kept:1", "right", "left")
    sender.redis("sadd", "kept", "kept:1")
    assert 100 <= sender.sent() < 120
    # by a clock that is ahead
    sender.redis("del", "queue:low")
    sender.queue("low", now + 500)
    assert sender.sent() == 0


def test_nothing_is_told_where_the_answer_is_not_sure(sender: Sender) -> None:
    sender.queue("low", time.time() - 100)
    sender.refuses("", DIASPORA_CACHE_PORT=str(free_ports(1)[0]))
    sender.refuses("-WRONGPASS -NOAUTH +OK", token="another")
    # a server that has not the name, or that nobody vouches for
    sender.refuses("", host="127.0.0.1")
    sender.refuses("", SSL_CERT_FILE="/dev/null")
    sender.queue("strange", "yesterday")
    sender.refuses("+OK -ERR +OK")


def test_no_secret_is_in_arguments(sender: Sender) -> None:
    sender.sent()
    written = (sender.folder / "arguments").read_text()
    assert "s_client" in written
    for secret in (PASSWORD, ROLE["SecretAccessKey"], ROLE["Token"], TOKEN):
        assert secret not in written


def test_refusal_of_cloudwatch_is_an_error(sender: Sender) -> None:
    sender.door.refusals = 1
    assert sender.send().returncode != 0


def test_cloudwatch_takes_what_is_sent(sender: Sender, account: Account) -> None:
    """The simulated one, which then has a value for the metric of the alarm."""
    sender.queue("low", time.time() - 40)
    assert sender.send(DIASPORA_CLOUDWATCH=account.endpoint).returncode == 0
    now = datetime.datetime.now(datetime.UTC)
    (found,) = sender.watch.get_metric_statistics(
        Namespace=metrics_namespace(CONTEXT.settings.pod), MetricName=QUEUE_AGE, Period=300, Statistics=["Maximum"],
        StartTime=now - datetime.timedelta(minutes=10), EndTime=now + datetime.timedelta(minutes=10),
    )["Datapoints"]  # fmt: skip
    assert (40 <= found["Maximum"] < 50, found["Unit"]) == (True, "Seconds")


def test_only_the_job_machine_sends_it() -> None:
    timer = "/etc/systemd/system/diaspora-queue-age.timer"
    found = {role: timer in files(pod_fragment(context)) for role, context in group_contexts().items()}
    assert found == {"web": False, "job": True}
