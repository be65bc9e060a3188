"""The rendered Redis config in a real Redis, and the health check of Sidekiq against it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import load
from lab.matchbox import free_ports
from tests.host.pod import LIBEXEC, Context, pod_context, pod_fragment, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.support.configs import host, ignition_config, pod
from tests.support.processes import stop

PASSWORD = "0123456789abcdef"


@dataclass
class Redis:
    """A running Redis with the pod's config."""

    port: int
    client: str
    tree: Path
    data: Path
    pid: int

    def ask(self, *command: str, password: str | None = PASSWORD) -> str:
        environment = {"PATH": os.environ["PATH"]} | ({"REDISCLI_AUTH": password} if password else {})
        return subprocess.run(
            [self.client, "-h", "127.0.0.1", "-p", str(self.port), *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        ).stdout.strip()

    def sidekiq_is_healthy(self, host: str = "container1") -> bool:
        bash = shutil.which("bash")
        assert bash
        url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        done = subprocess.run(
            [bash, self.tree / LIBEXEC / "sidekiq-healthy"],
            env={"PATH": "/nowhere", "ENVIRONMENT_REDIS": url, "HOSTNAME": host},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert PASSWORD not in done.stdout + done.stderr
        return done.returncode == 0


@contextmanager
def running(
    folder: Path, fragment: dict[str, Any], require_program: RequireProgram, port: int | None = None
) -> Iterator[Redis]:
    """A Redis with the config of a pod, on a port or a free one, and with the data of the folder, if there is any."""
    server = require_program("redis-server", "redis-server")
    client = require_program("redis-cli", "redis-tools")
    tree = write_tree(fragment, folder / "tree")
    port = port or free_ports(1)[0]
    (folder / "data").mkdir(exist_ok=True)
    (folder / "redis-auth.conf").write_text(f"requirepass {PASSWORD}\n")
    text = (tree / "etc/diaspora/redis/redis.conf").read_text()
    for old, new in (
        ("bind *", "bind 127.0.0.1"),
        ("port 6379", f"port {port}"),
        ("dir /data", f"dir {folder}/data"),
        ("/run/secrets/redis-auth.conf", f"{folder}/redis-auth.conf"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "redis.conf").write_text(text)
    with subprocess.Popen([server, folder / "redis.conf"], stdout=subprocess.DEVNULL) as process:
        redis = Redis(port, client, tree, folder / "data", process.pid)
        try:
            for _ in range(100):
                if redis.ask("ping") == "PONG":
                    break
                time.sleep(0.05)
            else:
                pytest.fail("Redis does not answer")
            yield redis
        finally:
            stop(process)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Redis]:
    with running(tmp_path_factory.mktemp("redis"), pod_fragment(pod_context()), require_program) as found:
        yield found


def test_redis_requires_the_password(redis: Redis) -> None:
    assert redis.ask("ping", password=None).startswith("NOAUTH")
    assert "PONG" not in redis.ask("ping", password="wrong").splitlines()


def test_redis_keeps_queues_on_disk(redis: Redis) -> None:
    def setting(name: str) -> str:
        return redis.ask("config", "get", name).splitlines()[-1]

    assert setting("maxmemory-policy") == "noeviction"
    assert setting("appendonly") == "yes"
    assert setting("appendfsync") == "everysec"
    assert (redis.data / "appendonlydir").is_dir() or (redis.data / "appendonly.aof").exists()


def test_full_redis_refuses_jobs_and_loses_none(tmp_path: Path, require_program: RequireProgram) -> None:
    """Case: jobs come in faster than Sidekiq works. What was acknowledged is there, even after a kill."""
    swap = {"zramMib": 0}
    settings = load(ignition_config(host=host(memoryMib=1024, swap=swap), pod=pod()))
    fragment = pod_fragment(Context(settings, settings.machines[0], {}))
    push = "for n = 1, 100 do redis.call('lpush', KEYS[1], ARGV[1]) end return 'pushed'"
    job, pushed = "j" * 4000, 0
    with running(tmp_path, fragment, require_program) as redis:
        limit = int(redis.ask("config", "get", "maxmemory").splitlines()[-1])
        while (answer := redis.ask("eval", push, "1", "queue:urgent", job)) == "pushed":
            pushed += 100
            assert pushed * len(job) < limit, "maxmemory has no effect"
        assert "OOM" in answer
        assert redis.ask("lpush", "queue:urgent", job).startswith("OOM command not allowed")
        assert redis.ask("llen", "queue:urgent") == str(pushed)
        os.kill(redis.pid, signal.SIGKILL)
    assert pushed * len(job) > 0.8 * limit
    with running(tmp_path, fragment, require_program) as redis:
        assert redis.ask("llen", "queue:urgent") == str(pushed)
        # Sidekiq goes on, and makes room
        assert redis.ask("lpop", "queue:urgent", "200").count(job) == 200
        assert redis.ask("lpush", "queue:urgent", job) == str(pushed - 199)


def test_redis_health_check_requires_the_password(redis: Redis) -> None:
    """`redis-cli ping | grep -qx PONG`: the exit status of redis-cli alone says nothing."""
    check = f"{redis.client} -p {redis.port} ping | grep -qx PONG"
    for password, status in ((PASSWORD, 0), ("wrong", 1)):
        done = subprocess.run(
            ["sh", "-c", check],
            env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": password},
            capture_output=True,
            check=False,
            timeout=20,
        )
        assert done.returncode == status


def test_sidekiq_is_healthy_while_its_process_reports(redis: Redis) -> None:
    redis.ask("flushall")
    assert not redis.sidekiq_is_healthy(), "nobody reported yet"
    redis.ask("sadd", "processes", "other:1:aaaa", "container1:7:bbbb", "container10:7:cccc")
    redis.ask("hset", "other:1:aaaa", "beat", "1")
    redis.ask("hset", "container10:7:cccc", "beat", "1")
    assert not redis.sidekiq_is_healthy(), "its report is too old"
    redis.ask("hset", "container1:7:bbbb", "beat", "1")
    assert redis.sidekiq_is_healthy()
    assert not redis.sidekiq_is_healthy("container2")
