"""Sizes that follow the machine's memory: concurrency, and a memory limit for each container."""

from dataclasses import dataclass

from diaspora_infra.config import Pod
from diaspora_infra.config.aws.aws import JOB, WEB
from diaspora_infra.config.host.host import Swap, swap_mib

# Of what the containers may take together. Web server and Sidekiq are Rails with a thread for each piece of work; the
# migration, the first administrator and the copy of the public files end before the web server and nginx start, so they
# have the same share; so has a task of the podmin, which is there for a while only.
_SHARES = {
    "diaspora-web": 28,
    "diaspora-sidekiq": 32,
    "postgresql": 20,
    "redis": 8,
    "nginx": 5,
    "certbot": 7,
}
# The same of a machine in a group, which has less to do; beside Sidekiq one task or migration.
_GROUP_SHARES = {
    WEB: {"diaspora-web": 75, "nginx": 10},
    JOB: {"diaspora-sidekiq": 50, "diaspora-web": 35},
}
# Only where the pod has them; the others then take a little less.
_RELAY_SHARES = {"relay": 6, "relay-dkim": 3}
_NODE_EXPORTER_SHARES = {"node-exporter": 4}
_PODMAN_EXPORTER_SHARES = {"podman-exporter": 5}
_SAME_AS = {
    "diaspora-migrate": "diaspora-web",
    "diaspora-administrator": "diaspora-web",
    "diaspora-task": "diaspora-web",
    "public-files": "nginx",
}
# The rest is for the operating system, and for commands by hand.
_PERCENT = 80
# Of the limit of Redis: the rest is for a rewrite of its file, which copies the memory that changes meanwhile.
_REDIS_PERCENT = 60


@dataclass(frozen=True)
class Sizes:
    """`limits` holds MiB of memory by container, without swap; the rest are threads and MiB."""

    puma_threads: int
    sidekiq_concurrency: int
    shared_buffers_mib: int
    redis_mib: int
    limits: dict[str, int]

    @property
    def connections(self) -> int:
        """Maximum database connections of a process: one per thread."""
        return max(self.puma_threads, self.sidekiq_concurrency)


def sizes(pod: Pod, memory_mib: int, swap: Swap, role: str = "pod") -> Sizes:
    """Use the user's values, and derive the others from the memory and the role of the machine."""
    threads = max(3, min(16, memory_mib // 512 + 1))
    together = (memory_mib + swap_mib(memory_mib, swap)) * _PERCENT // 100
    shares = _GROUP_SHARES.get(role, _SHARES) | (_RELAY_SHARES if pod.mail and pod.mail.relay else {})
    shares |= _NODE_EXPORTER_SHARES if pod.monitoring.node_exporter else {}
    shares |= _PODMAN_EXPORTER_SHARES if pod.monitoring.podman_exporter else {}
    limits = {name: together * share // sum(shares.values()) for name, share in shares.items()}
    return Sizes(
        puma_threads=pod.sizing.puma_threads or threads,
        sidekiq_concurrency=pod.sizing.sidekiq_concurrency or threads,
        shared_buffers_mib=min(memory_mib // 16, 4096),
        redis_mib=limits.get("redis", 0) * _REDIS_PERCENT // 100,
        limits=limits | {name: limits[after] for name, after in _SAME_AS.items() if after in limits},
    )
