"""What a pod depends on in Sidekiq 7.3, which diaspora* has: Debian trixie's with a Redis that has the pod's config.

The program in the place of diaspora* has Sidekiq 6.4 (test_application.py).
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import skip_unless
from tests.host.aws_pod import group_contexts
from tests.host.pod import LIBEXEC, files, pod_context, pod_fragment
from tests.machine.pod_application import Container, container_command, start_container, wait
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_pod_redis import PASSWORD, Redis, running
from tests.support.rails import HOME, UID
from tests.support.sidekiq import sidekiq_root

pytestmark = pytest.mark.timeout(600)

FRAGMENT = pod_fragment(pod_context())
# what a test adds to the environment of containers
VARIABLES: dict[str, str] = {}
# Each job writes its number down; a slow one when it begins, and when it has ended.
PROGRAM = r"""
require "sidekiq"
Sidekiq.configure_server { |config| config.redis = {url: ENV["ENVIRONMENT_REDIS"]} }
Sidekiq.configure_client { |config| config.redis = {url: ENV["ENVIRONMENT_REDIS"]} }
def note(text) = File.write("/data/done", "#{text}\n", mode: "a")
module Workers
  class Work
    include Sidekiq::Job
    sidekiq_options queue: :urgent, retry: 10
    def perform(number, _padding = "") = note(number)
  end
  class Slow
    include Sidekiq::Job
    sidekiq_options queue: :urgent, retry: 10
    def perform
      note("begun")
      sleep(File.exist?("/data/fast") ? 0 : 60)
      note("ended")
    end
  end
end
require "/data/kept_jobs" if File.exist?("/data/kept_jobs.rb")
"""
# Adds jobs until Redis refuses one, and prints how many it took.
FILL = r"""
number = 0
begin
  loop { Workers::Work.perform_async(number, "j" * 20_000); number += 1 }
rescue RedisClient::CommandError => error
  abort error.message unless error.message.start_with?("OOM command not allowed")
end
puts number
"""


class Sidekiq:
    """A folder that Sidekiq's container and the test share, and the Redis of the pod."""

    def __init__(self, folder: Path, redis: Redis) -> None:
        self.folder = folder
        self.redis = redis
        self.started: list[Container] = []
        (folder / "data").mkdir(exist_ok=True)
        os.chown(folder / "data", UID, UID)
        (folder / "data/program.rb").write_text(PROGRAM)

    def start(self, *words: str, name: str = "diaspora-sidekiq") -> Container:
        (self.folder / name).mkdir(exist_ok=True)
        healthy = self.redis.tree / LIBEXEC / "sidekiq-healthy"
        mounts = [f"{self.folder / 'data'}:/data", f"{healthy}:/usr/local/bin/sidekiq-healthy:ro"]
        command = container_command(self.folder / name, [sidekiq_root()], name, f"/{HOME}", mounts, words)
        url = f"redis://:{PASSWORD}@127.0.0.1:{self.redis.port}/0"
        variables = {"ENVIRONMENT_REDIS": url, "HOME": "/tmp", "LANG": "C.UTF-8", **VARIABLES}
        self.started.append(start_container(command, name, variables, self.folder / f"output-{name}"))
        return self.started[-1]

    def work(self, *options: str) -> Container:
        """Start Sidekiq and wait until its health check is content."""
        started = self.start("sidekiq", "-r", "/data/program.rb", "-q", "urgent", *options)
        wait(lambda: started.succeeds("bash", "/usr/local/bin/sidekiq-healthy"), "Sidekiq", started)
        return started

    def ruby(self, text: str) -> str:
        """Run a client of Sidekiq, which must succeed; returns what it printed."""
        started = self.start("ruby", "-r", "/data/program.rb", "-e", text, name="client")
        assert started.process.wait(timeout=60) == 0, started.said()
        return started.said()

    def done(self) -> list[str]:
        file = self.folder / "data/done"
        return file.read_text().split() if file.exists() else []


@contextmanager
def _sidekiq(folder: Path, require_program: RequireProgram, port: int | None = None) -> Iterator[Sidekiq]:
    with running(folder, FRAGMENT, require_program, port) as redis:
        made = Sidekiq(folder / "sidekiq", redis)
        try:
            yield made
        finally:
            for container in made.started:
                container.kill()


@pytest.fixture
def sidekiq(tmp_path: Path, require_program: RequireProgram) -> Iterator[Sidekiq]:
    skip_unless(os.geteuid() == 0, "needs root: it makes namespaces")
    (tmp_path / "sidekiq").mkdir()
    with _sidekiq(tmp_path, require_program) as made:
        yield made


def test_health_check_follows_sidekiq_and_nothing_is_wrong_with_redis(sidekiq: Sidekiq) -> None:
    worker = sidekiq.work()
    assert "Sidekiq 7.3" in worker.said()
    # it warns where Redis would throw jobs away
    assert "WARN" not in worker.said().upper()
    assert worker.stop() == 0
    other = sidekiq.start("sleep", "60")
    wait(lambda: other.succeeds("true"), "a container without Sidekiq", other)
    assert not other.succeeds("bash", "/usr/local/bin/sidekiq-healthy")


def test_full_redis_refuses_jobs_and_no_acknowledged_one_is_lost(
    tmp_path: Path, sidekiq: Sidekiq, require_program: RequireProgram
) -> None:
    sidekiq.redis.ask("config", "set", "maxmemory", "8mb")
    taken = int(sidekiq.ruby(FILL).splitlines()[-1])
    assert taken > 50
    os.kill(sidekiq.redis.pid, signal.SIGKILL)
    with _sidekiq(tmp_path, require_program) as again:
        worker = again.work()
        wait(lambda: len(again.done()) >= taken, "the jobs", worker)
        assert sorted(map(int, again.done())) == list(range(taken))


def test_job_that_a_stop_interrupts_is_done_later(sidekiq: Sidekiq) -> None:
    """A stop gives jobs 25 seconds, here four. The rest goes back to Redis.

    Not less: other threads wait two seconds for a job, and would take the one that goes back with them.
    """
    worker = sidekiq.work("-t", "4")
    sidekiq.ruby("Workers::Slow.perform_async")
    wait(lambda: sidekiq.done() == ["begun"], "the job", worker)
    assert worker.stop() == 0
    assert sidekiq.redis.ask("llen", "queue:urgent") == "1"
    (sidekiq.folder / "data/fast").touch()
    worker = sidekiq.work()
    wait(lambda: sidekiq.done() == ["begun", "begun", "ended"], "the job", worker)


class TestKeptJobs:
    """What the job machine of a pod on several machines adds."""

    @pytest.fixture
    def kept(self, sidekiq: Sidekiq, monkeypatch: pytest.MonkeyPatch) -> Sidekiq:
        text = files(pod_fragment(group_contexts()["job"]))["/etc/diaspora/kept_jobs.rb"]
        (sidekiq.folder / "data/kept_jobs.rb").write_text(text)
        monkeypatch.setitem(VARIABLES, "DIASPORA_KEPT_SECONDS", "0")
        return sidekiq

    def lose(self, kept: Sidekiq, times: int) -> None:
        """Kill a Sidekiq in the middle of the job, as if it had been silent for a minute."""
        worker = kept.work()
        wait(lambda: kept.done() == ["begun"] * times, "the job", worker)
        self.kill(kept, worker)

    @staticmethod
    def kill(kept: Sidekiq, worker: Container) -> None:
        worker.kill()
        for name in kept.redis.ask("smembers", "processes").split():
            kept.redis.ask("del", name)
            kept.redis.ask("srem", "processes", name)

    def test_job_of_a_killed_machine_is_done_by_the_next_and_ends_among_the_dead(self, kept: Sidekiq) -> None:
        kept.ruby("Workers::Slow.perform_async; Workers::Work.perform_async(7)")
        worker = kept.work()
        wait(lambda: sorted(kept.done()) == ["7", "begun"], "the jobs", worker)
        (kept.folder / "data/done").write_text("begun\n")
        self.kill(kept, worker)
        for times in (2, 3, 4):
            self.lose(kept, times)
        worker = kept.work()
        wait(lambda: kept.redis.ask("zcard", "dead") == "1", "the end", worker)
        assert kept.done() == ["begun"] * 4
        assert kept.redis.ask("smembers", "kept").count("kept:") == 1, "that of the last one"

    def test_job_is_put_back_by_a_stop_and_gone_when_it_is_done(self, kept: Sidekiq) -> None:
        worker = kept.work("-t", "1")
        kept.ruby("Workers::Slow.perform_async; Workers::Work.perform_async(7)")
        wait(lambda: sorted(kept.done()) == ["7", "begun"], "the jobs", worker)
        assert worker.stop() == 0
        assert kept.redis.ask("llen", "queue:urgent") == "1"
        (kept.folder / "data/fast").touch()
        worker = kept.work()
        wait(lambda: kept.done()[-1] == "ended", "the job", worker)
        own = "kept:" + kept.redis.ask("smembers", "processes")
        wait(lambda: kept.redis.ask("llen", own) == "0", "the end of the job")


def test_sidekiq_goes_on_after_redis_was_restarted(
    tmp_path: Path, sidekiq: Sidekiq, require_program: RequireProgram
) -> None:
    worker = sidekiq.work()
    os.kill(sidekiq.redis.pid, signal.SIGKILL)
    with running(tmp_path, FRAGMENT, require_program, sidekiq.redis.port):
        sidekiq.ruby("Workers::Work.perform_async(1)")
        wait(lambda: sidekiq.done() == ["1"], "the job", worker)
