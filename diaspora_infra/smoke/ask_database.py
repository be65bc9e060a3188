"""Questions about the database that sleeps: does it, and how long does it take to wake up."""

from diaspora_infra.smoke.answer import Answer, UnansweredError, not_asked, not_ok, ok
from diaspora_infra.smoke.ask_machine import metric
from diaspora_infra.smoke.stack_state import Resource
from diaspora_infra.smoke.world import Page, World

GATEWAY_SECONDS = 30
"""So long API Gateway waits for an answer."""
_PAUSE_DAYS = 3
_GIVE_UP_SECONDS = 150
_AWAKE_SECONDS = 5
"""No database wakes up so fast; AWS's documentation says about 15 seconds."""
_PAGES = (200, 301, 302, 303)


def pauses(world: World) -> Answer:
    """A database that never sleeps costs about 50 dollars a month more."""
    cluster = _pausing_cluster(world)
    if isinstance(cluster, Answer):
        return cluster
    points = metric(world, "AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", cluster.id, days=_PAUSE_DAYS)
    if not points:
        raise UnansweredError(
            "CloudWatch has no ServerlessDatabaseCapacity of the database", "ask again when it is an hour old"
        )
    asleep = sum(point["Minimum"] == 0 for point in points)
    seen = f"asleep in {asleep} of {len(points)} periods of {_PAUSE_DAYS} days"
    if asleep:
        return ok(seen)
    return not_ok(
        seen,
        "the database never pauses, so it is paid for all the time",
        "end your own connections to it; other pods write at any hour, and then `database.engine: onInstance` is "
        "cheaper (docs/cost.md)",
    )


def resume(world: World) -> Answer:
    """A page while the database sleeps: visitors get it, or the pod's own words, before the gateway gives up."""
    cluster = _pausing_cluster(world)
    if isinstance(cluster, Answer):
        return cluster
    points = metric(
        world, "AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", cluster.id, days=1 / 48, period=60
    )
    if not points:
        raise UnansweredError(
            "CloudWatch has no ServerlessDatabaseCapacity of the last 30 minutes", "ask again in some minutes"
        )
    capacity = points[-1]["Maximum"]
    seen = f"capacity {capacity:g} ACU at {points[-1]['Timestamp']:%H:%M}"
    if capacity > 0:
        return not_asked(f"the database is awake ({seen}); ask again when nobody has used the pod for a while")
    return _wake(world, seen)


def _wake(world: World, asleep: str) -> Answer:
    started, waits = world.clock(), 0
    while True:
        page = world.page("/", seconds=GATEWAY_SECONDS + 15)
        total = world.clock() - started
        if page.status in _PAGES and total < _AWAKE_SECONDS:
            return not_asked(f"a page after {total:.1f} s: the database was awake, whatever CloudWatch said ({asleep})")
        if page.status in _PAGES:
            return ok(f'{asleep}; a page after {total:.0f} s, and {waits} times "One moment, please" before')
        if not _says_one_moment(page):
            return not_ok(
                f"status {page.status} after {total:.0f} s",
                "visitors who wake the database see an error that the pod has not written",
                f"503 or 504 after {GATEWAY_SECONDS} s is API Gateway's: set `aws.database.minAcu: 0.5` and report it; "
                "otherwise see `sudo diaspora-pod status`",
            )
        if total > _GIVE_UP_SECONDS:
            return not_ok(
                f'no page in {total:.0f} s, {waits + 1} times "One moment, please"',
                "the database does not wake up, or the pod does not reach it",
                "sudo diaspora-pod status",
            )
        waits += 1
        world.pause(10)


def _says_one_moment(page: Page) -> bool:
    """Whether it is the page of nginx on the machine, which asks to come back."""
    return page.status == 503 and "retry-after" in page.headers and b"waking up" in page.body


def _pausing_cluster(world: World) -> Resource | Answer:
    cluster = world.stack.first("rds/cluster:Cluster", "Database")
    if cluster is None:
        return not_asked("the stack has no Aurora cluster")
    scaling = cluster.outputs.get("serverlessv2ScalingConfiguration") or {}
    if scaling.get("minCapacity") != 0:
        return not_asked("the database may not pause (aws.database.minAcu)")
    return cluster
