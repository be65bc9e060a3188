"""The hours in which the database is awake: the formula beside a simulation, and the numbers that it takes."""

import math
import random
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.config.aws.availability import POLL_SECONDS, POLLS_OPEN_SECONDS
from diaspora_infra.cost.awake import (
    HABITS,
    JOBS_SECONDS,
    RESUME_SECONDS,
    RETRIES,
    awake_hours,
    poll_seconds,
    tail_seconds,
    wakes,
)
from diaspora_infra.cost.items import aws_settings, monthly_usd
from diaspora_infra.cost.target import TARGET_USD, hours_of, most_people, usd_of, weekly_acu_hours
from diaspora_infra.cost.traffic import HOURS_A_MONTH, PEOPLE, TRAFFIC, traffic_of
from diaspora_infra.host.diaspora_config import schedule_yml
from generators.cost_page import TARGET_HABITS, TARGET_PEOPLE, example, with_price

DAY = 24 * 3600
ENGINES = ("auroraServerless", "rds", "onInstance")


def engine(name: str) -> Any:
    return aws_settings(example(database={"engine": name}))


@pytest.mark.parametrize(("people", "habits"), [(1, "quiet"), (5, "usual"), (3, "lively")])
def test_formula_gives_the_union_that_a_simulation_measures(people: int, habits: str) -> None:
    settings, traffic, chance = aws_settings(example()), traffic_of(people), random.Random(7)
    tail = float(tail_seconds(people, HABITS[habits], settings.aws.database))
    classes = [*wakes(people, HABITS[habits], settings, traffic)]
    days, times = 1500, []
    for wake in classes:
        seconds = float(wake.seconds) + tail
        if wake.scheduled:
            offset = chance.random() * DAY
            times += [(day * DAY + offset, seconds) for day in range(days)]
            continue
        at = 0.0
        while (at := at + chance.expovariate(float(wake.times) / DAY)) < days * DAY:
            times.append((at, seconds))
    awake, end = 0.0, 0.0
    for start, seconds in sorted(times):
        awake += max(0.0, start + seconds - max(start, end))
        end = max(end, start + seconds)
    found = float(awake_hours(people, HABITS[habits], settings, traffic))
    assert found == pytest.approx(awake / (days * DAY) * HOURS_A_MONTH, rel=0.03)


@pytest.mark.parametrize("pages", ["0.02", "0.5", "3", "40"])
def test_open_pages_add_what_the_last_poll_of_each_adds(pages: str) -> None:
    mean, chance = float(pages), random.Random(3)
    total, tries = 0.0, 40_000
    for _ in range(tries):
        count, product = 0, chance.random()
        while product > math.exp(-mean):
            count, product = count + 1, product * chance.random()
        # each page polls once in the last 300 of the 360 seconds
        polls = [POLLS_OPEN_SECONDS - chance.random() * POLL_SECONDS for _ in range(count)]
        total += max(polls, default=0)
    assert float(poll_seconds(Decimal(pages))) == pytest.approx(total / tries, rel=0.05)
    assert poll_seconds(Decimal(0)) == 0


def test_one_query_costs_both_idle_times_and_the_resumption() -> None:
    alone = replace(HABITS["quiet"], open_hours=Decimal(0))
    assert tail_seconds(1, alone, aws_settings(example()).aws.database) == RESUME_SECONDS + 60 + 300
    slow = aws_settings(example(database={"autoPauseSeconds": 3600}))
    assert tail_seconds(1, alone, slow.aws.database) == RESUME_SECONDS + 60 + 3600


def test_pod_that_nobody_uses_is_awake_for_its_jobs_and_its_backup() -> None:
    nobody = replace(HABITS["quiet"], strangers=Decimal(0), open_hours=Decimal(0))
    hours = awake_hours(0, nobody, aws_settings(example()), TRAFFIC["low"])
    jobs, backup = JOBS_SECONDS + 390, 60 + 390
    share = Decimal(jobs + backup) / DAY - Decimal(jobs * backup) / DAY**2
    assert hours == round(share * HOURS_A_MONTH, 1)
    assert 13 < hours < 14


def test_jobs_take_as_long_as_the_schedule_of_the_machine() -> None:
    jobs = yaml.safe_load(schedule_yml("pod.example.org", start=90)).values()
    times = [datetime.strptime(" ".join(job[":cron"].split()[:2]), "%M %H") for job in jobs]
    assert (max(times) - min(times)).total_seconds() == JOBS_SECONDS


def test_deliveries_are_repeated_as_often_as_diaspora_does() -> None:
    # environment.sidekiq.retry is 10 (config/defaults.yml), and counts the first delivery
    assert RETRIES == 10 - 1
    (row,) = (wake for wake in wakes(2, HABITS["usual"], engine("rds"), TRAFFIC["low"]) if "Repeated" in wake.name)
    assert row.times == Decimal("1.8")


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(sorted(HABITS)))
def test_more_people_use_more_and_no_month_is_longer(one: int, other: int, habits: str) -> None:
    few, many = sorted((one, other))
    stack = example()
    assert 0 < hours_of(stack, few, habits) <= hours_of(stack, many, habits) <= HOURS_A_MONTH
    assert usd_of(stack, few, habits) <= usd_of(stack, many, habits)


@given(st.integers(1, 300))
def test_livelier_people_keep_the_database_awake_longer(people: int) -> None:
    hours = [hours_of(example(), people, habits) for habits in ("quiet", "usual", "lively")]
    assert hours == sorted(hours)


@pytest.mark.parametrize("name", ["rds", "onInstance"])
def test_engines_that_never_sleep_cost_the_same_with_all_habits(name: str) -> None:
    stack = example(database={"engine": name})
    assert len({usd_of(stack, 20, habits) for habits in HABITS}) == 1
    assert hours_of(stack, 20) == HOURS_A_MONTH


@pytest.mark.parametrize("habits", HABITS)
def test_database_on_the_machine_is_cheapest_for_every_number_of_people(habits: str) -> None:
    """As README.md and docs/cost.md say."""
    for people in (1, 2, 5, 20, 88, 200, 1000):
        sums = {name: usd_of(example(database={"engine": name}), people, habits) for name in ENGINES}
        assert min(sums, key=lambda name: sums[name]) == "onInstance"


@pytest.mark.parametrize("habits", HABITS)
def test_most_people_is_the_last_number_below_the_target(habits: str) -> None:
    found = most_people(example(), habits)
    assert found == 0 or usd_of(example(), found, habits) < TARGET_USD
    assert usd_of(example(), found + 1, habits) >= TARGET_USD


def test_target_of_the_page_holds() -> None:
    assert most_people(example(), TARGET_HABITS) >= TARGET_PEOPLE
    assert most_people(example(database={"engine": "onInstance"}), usd=Decimal(1)) == 0
    assert most_people(example(database={"engine": "onInstance"}), usd=Decimal(10_000)) == 1000


def test_week_has_a_quarter_of_what_the_budget_leaves() -> None:
    def hours(**aws: Any) -> Decimal:
        return weekly_acu_hours(example(**aws))

    asleep = monthly_usd(example(), TRAFFIC["low"], Decimal(0))
    assert hours() == round((20 - asleep) / Decimal("0.14") / 4, 1)
    assert 10 < hours() < 12
    # four such weeks cost the budget, at half an ACU
    assert monthly_usd(example(), TRAFFIC["low"], 4 * 2 * hours()) == pytest.approx(Decimal(20), abs=Decimal("0.05"))
    assert hours(monthlyBudgetUsd=40) == pytest.approx(hours() + Decimal("35.7"), abs=Decimal("0.1"))
    assert hours(monthlyBudgetUsd=5) == 1


def test_traffic_follows_the_three_pods() -> None:
    for name, people in PEOPLE.items():
        assert replace(traffic_of(people), who=TRAFFIC[name].who) == TRAFFIC[name]
    assert replace(traffic_of(1), who="") == replace(TRAFFIC["low"], who="")
    # a third of the way from 5 to 20, and as far beyond 200
    assert (traffic_of(10).database, traffic_of(10).requests) == (2, Decimal("0.1"))
    assert traffic_of(380).requests == Decimal("3.8")
    assert (traffic_of(1).who, traffic_of(2).who) == ("1 person", "2 people")


def test_readme_without_place_for_the_price_is_refused() -> None:
    assert "<!-- price -->calculated: " in with_price("on AWS (<!-- price -->old\nlines<!-- end of price -->)")
    with pytest.raises(ValueError, match="0 sentences on price"):
        with_price("on AWS (cheap)")
