"""The database: does it pause, and does a page come while it wakes up."""

import datetime
from collections.abc import Mapping

import pytest

from diaspora_infra.smoke.answer import Answer, Status
from tests.smoke.test_machine_questions import later, put_metric
from tests.smoke.web import serving
from tests.smoke.worlds import asked, client, planted, stack, with_outputs, without, world

CLUSTER = "rds/cluster:Cluster"
CAPACITY = "ServerlessDatabaseCapacity"
ONE_MOMENT = (503, {"Retry-After": "10"}, b"<p>pod.example.org is waking up.</p>")
GATEWAY_GIVES_UP = (503, {"Content-Type": "application/json"}, b'{"message":"Service Unavailable"}')
PAGE = (200, {}, b"<html>")


def put_capacity(*points: tuple[float, float]) -> None:
    found = stack().first(CLUSTER)
    assert found is not None
    put_metric("AWS/RDS", CAPACITY, "DBClusterIdentifier", found.id, *points)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("points", "status", "observed"),
    [
        (((1, 0.5), (20, 0.0), (40, 0.0)), Status.OK, "asleep in 2 of 3 periods of 3 days"),
        (((1, 0.5), (20, 0.5)), Status.NOT_OK, "asleep in 0 of 2 periods of 3 days"),
        # it did sleep, but not in these days
        (((1, 0.5), (80, 0.0)), Status.NOT_OK, "asleep in 0 of 1 periods of 3 days"),
    ],
)
def test_database_that_never_pauses_is_not_ok(
    points: tuple[tuple[float, float], ...], status: Status, observed: str
) -> None:
    put_capacity(*points)
    answer = asked("pauses", world(client=client))
    assert (answer.status, answer.observed) == (status, observed)


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("key", ["pauses", "resume"])
def test_database_without_data_is_no_good_answer(key: str) -> None:
    answer = asked(key, world(client=client))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert CAPACITY in answer.observed


@pytest.mark.parametrize("key", ["pauses", "resume"])
def test_database_that_may_not_pause_is_not_asked(key: str) -> None:
    awake = with_outputs(stack(), CLUSTER, serverlessv2ScalingConfiguration={"minCapacity": 0.5})
    for found in (awake, without(stack(), CLUSTER), stack("aws-on-instance")):
        answer = asked(key, world(found))
        assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)


@pytest.mark.usefixtures("account")
def test_page_of_an_awake_database_is_not_timed() -> None:
    put_capacity((0.2, 0.0), (0.1, 0.5))
    answer = asked("resume", world(client=client, now=later(0)))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)
    assert answer.observed.startswith("the database is awake (capacity 0.5 ACU at ")


def woken(replies: list[tuple[int, Mapping[str, str], bytes]], *clock: float) -> tuple[Answer, list[float]]:
    """The answer where the web server gives these replies, and the clock shows a time for each; and the pauses."""
    put_capacity((0.2, 0.5), (0.1, 0.0))
    pauses: list[float] = []
    left = iter(replies)

    def web(method: str, path: str, _: bytes) -> tuple[int, Mapping[str, str], bytes]:
        assert (method, path) == ("GET", "/")
        return next(left)

    times = iter((0.0, *clock))
    with serving(web) as connect:
        where = world(client=client, connect=connect, now=later(0), pause=pauses.append, clock=lambda: next(times))
        answer = asked("resume", where)
    assert next(left, None) is None
    return answer, pauses


@pytest.mark.usefixtures("account")
def test_page_within_the_gateways_time_is_ok() -> None:
    answer, pauses = woken([PAGE], 17.4)
    assert answer.status is Status.OK
    assert answer.observed.endswith('; a page after 17 s, and 0 times "One moment, please" before')
    assert answer.observed.startswith("capacity 0 ACU at ")
    assert pauses == []


@pytest.mark.usefixtures("account")
def test_page_after_the_pods_own_words_is_ok() -> None:
    answer, pauses = woken([ONE_MOMENT, ONE_MOMENT, PAGE], 24, 59, 70)
    assert answer.status is Status.OK
    assert answer.observed.endswith('; a page after 70 s, and 2 times "One moment, please" before')
    assert pauses == [10, 10]


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    "reply",
    [GATEWAY_GIVES_UP, (504, {}, b"{}"), (500, {}, b""), (503, {}, b"waking up"), (503, {"Retry-After": "1"}, b"{}")],
)
def test_answer_of_the_gateway_is_not_ok(reply: tuple[int, Mapping[str, str], bytes]) -> None:
    answer, _ = woken([ONE_MOMENT, reply], 24, 64)
    assert (answer.status, answer.observed) == (Status.NOT_OK, f"status {reply[0]} after 64 s")
    assert "aws.database.minAcu: 0.5" in answer.fix


@pytest.mark.usefixtures("account")
def test_database_that_does_not_wake_up_is_not_ok() -> None:
    answer, pauses = woken([ONE_MOMENT] * 3, 24, 64, 151)
    assert (answer.status, answer.observed) == (Status.NOT_OK, 'no page in 151 s, 3 times "One moment, please"')
    assert pauses == [10, 10]


@pytest.mark.usefixtures("account")
def test_page_at_once_is_no_time_of_a_resume() -> None:
    answer, _ = woken([PAGE], 0.3)
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)
    assert answer.observed.startswith("a page after 0.3 s: the database was awake")


def test_metric_is_asked_for_with_few_enough_points() -> None:
    answers = planted("cloudwatch", "get_metric_statistics", {"Datapoints": []})
    requests: list[dict[str, object]] = []
    answers("cloudwatch").meta.events.register(
        "provide-client-params.cloudwatch.GetMetricStatistics", lambda params, **_: requests.append(params)
    )
    asked("pauses", world(client=answers))
    (request,) = requests
    span = request["EndTime"] - request["StartTime"]  # type: ignore[operator]
    assert span == datetime.timedelta(days=3)
    assert int(str(request["Period"])) % 60 == 0
    assert span.total_seconds() / int(str(request["Period"])) <= 1440
