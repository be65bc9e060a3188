"""The cost of a stack: the target, the sums, and completeness of the priced items."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.config import AwsSettings, ConfigError, Settings, load, parse_stack_file
from diaspora_infra.config.aws.availability import INSTANCE_TYPES, SIZES
from diaspora_infra.config.aws.aws import AwsDatabase
from diaspora_infra.config.aws.parameter_names import machine_parameters
from diaspora_infra.cost import HOURS_A_MONTH, TRAFFIC, Traffic, database_pauses, monthly_items, monthly_usd
from diaspora_infra.cost import items as items_module
from diaspora_infra.cost.items import NO_SETTING, aws_settings
from diaspora_infra.cost.prices import CACHE_NODES, INSTANCES, PRICES, RDS_INSTANCES, SURPLUS_CREDITS
from diaspora_infra.cost.target import PEOPLE_COUNTS, TARGET_USD, hours_of, monthly_cost, usd_of
from diaspora_infra.cost.traffic import traffic_of
from generators.config_reference import reference_text
from generators.cost_page import TARGET_HABITS, TARGET_PEOPLE, UNCONFIRMED_MARGIN, example, page_text
from lab.engine import PROJECT
from tests.support import configs

TYPICAL = TRAFFIC["typical"]
HOURS = st.decimals(0, HOURS_A_MONTH, places=1)
STACKS = st.fixed_dictionaries(
    {
        "size": st.sampled_from(sorted(SIZES)),
        "edge": st.sampled_from(["gateway", "direct"]),
        "uploads": st.sampled_from(["bucket", "volume"]),
        "database": st.sampled_from(
            [
                {},
                {"minAcu": 0.5},
                {"maxAcu": 1.5},
                {"minAcu": 2, "maxAcu": 4},
                {"engine": "rds"},
                {"engine": "rds", "instanceClass": "db.t4g.medium", "storageGib": 100},
                {"engine": "onInstance"},
            ]
        ),
        "dns": st.sampled_from([{}, {"provider": "external"}]),
        "backups": st.fixed_dictionaries(
            {"bucket": st.booleans(), "volumeSnapshotDays": st.integers(0, 365)},
        ),
        "network": st.fixed_dictionaries({"flowLogsDays": st.sampled_from([0, 1, 30])}),
        "instance": st.fixed_dictionaries({"dataGib": st.integers(4, 1000), "rootGib": st.integers(10, 100)}),
    }
)


def settings(**aws: Any) -> Settings:
    table = configs.aws_config(region="eu-west-1", **aws)
    return load({**table, "pod": {**table["pod"], "backup": {}}}, {"backupPassword"})


def names(stack: Settings, traffic: Traffic = TYPICAL, hours: int = 60) -> list[str]:
    return [item.name for item in monthly_items(stack, traffic, Decimal(hours))]


def test_smallest_size_costs_less_than_the_target() -> None:
    assert "size" not in configs.aws_config()["aws"]
    assert usd_of(settings(), TARGET_PEOPLE, TARGET_HABITS) < TARGET_USD
    assert usd_of(settings(database={"engine": "onInstance"}), 20) < TARGET_USD
    assert (TARGET_PEOPLE, TARGET_HABITS, TARGET_USD) == (3, "quiet", 20)


def test_cost_target_holds_with_margin_on_unconfirmed_prices() -> None:
    hours = hours_of(settings(), TARGET_PEOPLE, TARGET_HABITS)
    items = monthly_items(settings(), traffic_of(TARGET_PEOPLE), hours)
    unsure = [item.usd for item in items if not item.price.confirmed]
    assert unsure
    assert sum(item.usd for item in items) + sum(unsure) * (UNCONFIRMED_MARGIN - 1) < TARGET_USD


def test_cost_target_includes_every_volume_bucket_and_address() -> None:
    assert set(names(settings())) >= {
        "Machine t4g.micro",
        "Public IPv4 address",
        "Root volume",
        "Data volume",
        "Snapshots of the data volume",
        "Aurora capacity",
        "Aurora storage",
        "Aurora reads and writes",
        "API Gateway requests",
        "Cloud Map instance",
        "Hosted zone",
        "Uploads in S3",
        "Backups in S3",
        "Mails by SES",
        "Traffic out above 100 GB",
        "Logs",
    }


def test_size_small_costs_more_than_the_target() -> None:
    for traffic in TRAFFIC.values():
        assert monthly_usd(settings(size="small"), traffic, Decimal(60)) > TARGET_USD
    difference = monthly_usd(settings(size="small"), TYPICAL, Decimal(0)) - monthly_usd(settings(), TYPICAL, Decimal(0))
    # the larger machine costs as much again, and has no swap file in its snapshots
    assert difference == Decimal(730) * Decimal("0.0092") - 7 * Decimal("0.05")


def test_several_machines_cost_what_each_of_them_costs() -> None:
    groups, larger = settings(topology="ha"), settings(topology="ha", ha={"webMachines": 4})
    assert 172 < monthly_usd(groups, TYPICAL, Decimal(0)) < 173
    machine = HOURS_A_MONTH * (INSTANCES["t4g.small"].usd + PRICES["public IPv4 address"].usd)
    disk, logs = (
        10 * PRICES["gp3 volume"].usd,
        Decimal("0.5") * (PRICES["logs"].usd + PRICES["logs kept"].usd * 14 / 30),
    )
    secrets = HOURS_A_MONTH * 4 * len(machine_secrets(groups)) * PRICES["KMS requests"].usd / 1000
    more = monthly_usd(larger, TYPICAL, Decimal(0)) - monthly_usd(groups, TYPICAL, Decimal(0))
    assert round(more, 6) == round(2 * (machine + disk + logs + secrets), 6)
    counted = {item.name: item for item in monthly_items(groups, TYPICAL, Decimal(0))}
    assert counted["Public IPv4 addresses"].quantity == 6 * HOURS_A_MONTH
    assert counted["RDS db.t4g.small with a standby"].usd == 2 * HOURS_A_MONTH * RDS_INSTANCES["db.t4g.small"].usd
    assert counted["2 cache nodes cache.t4g.micro"].usd == 2 * HOURS_A_MONTH * CACHE_NODES["cache.t4g.micro"].usd
    assert not {"Data volume", "Snapshots of the data volume", "API Gateway requests", "Cloud Map instance"} & {
        *counted
    }
    aurora = settings(topology="ha", database={"engine": "auroraServerless"})
    (capacity,) = [each for each in monthly_items(aurora, TYPICAL, Decimal(0)) if each.name == "Aurora capacity"]
    # two servers of half an ACU, awake at any hour
    assert capacity.quantity == HOURS_A_MONTH
    two_zones = settings(topology="ha", network={"zones": ["a", "b"]})
    less = monthly_usd(groups, TYPICAL, Decimal(0)) - monthly_usd(two_zones, TYPICAL, Decimal(0))
    assert less == HOURS_A_MONTH * PRICES["public IPv4 address"].usd


def test_example_of_several_machines_costs_what_its_pages_say() -> None:
    file = PROJECT / "examples/aws-ha/Pulumi.aws-ha.yaml"
    found = load(parse_stack_file(file.read_bytes()).values, {"backupPassword"})
    said = f"about {usd_of(found, 1):.0f} dollars a month"
    assert said == "about 172 dollars a month"
    for page in (file, PROJECT / "docs/high-availability.md", PROJECT / "CHANGES.md"):
        assert said in " ".join(page.read_text(encoding="utf-8").split()), page


def machine_secrets(stack: Settings) -> list[str]:
    """Names of the secrets that a machine reads, which are requests to KMS."""
    found = aws_settings(stack)
    return [each.name for each in machine_parameters(found.aws, found.pod) if each.form != "fact"]


def test_monthly_cost_has_sum_and_hours_for_each_number_of_people() -> None:
    counts = [str(people) for people in PEOPLE_COUNTS]
    shown: dict[str, Any] = monthly_cost(settings())
    assert {**shown, "usd": None, "databaseAwakeHours": None} == {
        "usd": None, "databaseAwakeHours": None, "habits": "usual", "currency": "USD", "pricesOf": "eu-west-1",
    }  # fmt: skip
    assert shown["usd"] == {count: float(round(usd_of(settings(), int(count)), 2)) for count in counts}
    assert shown["databaseAwakeHours"] == {count: float(hours_of(settings(), int(count))) for count in counts}
    rds: dict[str, Any] = monthly_cost(settings(database={"engine": "rds"}))
    assert rds["databaseAwakeHours"] == dict.fromkeys(counts, HOURS_A_MONTH)


def test_awake_database_adds_its_hourly_price() -> None:
    asleep, awake = (monthly_usd(settings(), TYPICAL, Decimal(hours)) for hours in (0, HOURS_A_MONTH))
    assert awake - asleep == Decimal("51.10")


def test_sum_of_known_quantities_matches_manual_calculation() -> None:
    stack = settings(
        edge="direct",
        uploads="volume",
        database={"engine": "onInstance"},
        dns={"provider": "external"},
        backups={"bucket": False, "volumeSnapshotDays": 0},
    )
    # machine, address, 20 GiB of volumes, a thousand mails
    by_hand = 730 * 0.0092 + 730 * 0.005 + 20 * 0.088 + 0.16
    assert float(monthly_usd(stack, TYPICAL, Decimal(60))) == pytest.approx(by_hand)


@given(STACKS, st.sampled_from(list(TRAFFIC.values())), HOURS)
def test_sum_equals_its_items_and_no_item_is_negative(aws: dict[str, Any], traffic: Traffic, hours: Decimal) -> None:
    items = monthly_items(settings(**aws), traffic, hours)
    assert all(item.usd >= 0 for item in items)
    assert monthly_usd(settings(**aws), traffic, hours) == sum(item.price.usd * item.quantity for item in items)
    assert len({item.name for item in items}) == len(items)


@given(STACKS, HOURS, HOURS)
def test_cost_grows_with_traffic_and_awake_hours(aws: dict[str, Any], first: Decimal, second: Decimal) -> None:
    stack = settings(**aws)
    sums = [monthly_usd(stack, traffic, first) for traffic in TRAFFIC.values()]
    assert sums == sorted(sums)
    less, more = sorted((first, second))
    assert monthly_usd(stack, TYPICAL, less) <= monthly_usd(stack, TYPICAL, more)
    if not database_pauses(stack):
        assert monthly_usd(stack, TYPICAL, less) == monthly_usd(stack, TYPICAL, more)


@given(STACKS)
def test_item_names_do_not_depend_on_traffic(aws: dict[str, Any]) -> None:
    low, typical, busy = ([*names(settings(**aws), traffic)] for traffic in TRAFFIC.values())
    assert low == typical == busy


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"edge": "direct"}, {"API Gateway requests", "Cloud Map instance", "Cloud Map lookups", "Logs", "Logs kept"}),
        ({"uploads": "volume"}, {"Uploads in S3", "Reads from S3"}),
        ({"dns": {"provider": "external"}}, {"Hosted zone", "DNS queries"}),
        ({"backups": {"bucket": False}}, {"Backups in S3"}),
        ({"backups": {"volumeSnapshotDays": 0}}, {"Snapshots of the data volume"}),
        (
            {"database": {"engine": "onInstance"}},
            {"Aurora capacity", "Aurora storage", "Aurora reads and writes", "Aurora backups"},
        ),
    ],
)
def test_disabled_features_cost_nothing(changes: dict[str, Any], gone: set[str]) -> None:
    before, after = set(names(settings())), set(names(settings(**changes)))
    assert before - after == gone
    assert after <= before


def test_pod_without_backups_pays_nothing_for_backups() -> None:
    without = load(configs.aws_config(region="eu-west-1"))
    assert isinstance(without, AwsSettings) and without.aws.backups.bucket
    assert set(names(settings())) - set(names(without)) == {"Backups in S3"}


def test_disabled_mail_costs_nothing() -> None:
    assert set(names(settings())) - set(names(settings(mail={"enabled": False}))) == {"Mails by SES"}


def test_mail_by_external_relay_costs_nothing() -> None:
    mail = {"senderAddress": "no-reply@pod.example.org", "smtp": {"host": "smtp.example.org"}}
    stack = load(configs.aws_config(region="eu-west-1", pod_changes={"mail": mail, "backup": {}}), {"backupPassword"})
    assert set(names(settings())) - set(names(stack)) == {"Mails by SES"}


def test_database_with_minimum_capacity_is_always_awake() -> None:
    stack = settings(database={"minAcu": 0.5})
    assert not database_pauses(stack)
    assert monthly_usd(stack, TYPICAL, Decimal(0)) == monthly_usd(settings(), TYPICAL, Decimal(HOURS_A_MONTH))


def test_database_capacity_stays_within_its_limits() -> None:
    def capacity(**database: float) -> Decimal:
        traffic = replace(TRAFFIC["busy"], database_acu=Decimal(3))
        items = monthly_items(settings(database=database), traffic, Decimal(10))
        return next(item.quantity for item in items if item.name == "Aurora capacity")

    assert (capacity(), capacity(maxAcu=1.5), capacity(maxAcu=4)) == (10, 15, 30)
    assert (capacity(minAcu=2, maxAcu=4), capacity(minAcu=4, maxAcu=8)) == (3 * HOURS_A_MONTH, 4 * HOURS_A_MONTH)


def test_cpu_above_the_share_is_priced_by_family_and_not_assumed() -> None:
    def surplus(traffic: Traffic, **aws: Any) -> Decimal:
        items = monthly_items(settings(**aws), traffic, Decimal(60))
        return next(item.usd for item in items if item.name == "CPU above the share")

    assert [surplus(traffic) for traffic in TRAFFIC.values()] == [0, 0, 0]
    ten_hours = replace(TYPICAL, surplus_cpu=Decimal(10))
    assert (surplus(ten_hours), surplus(ten_hours, instance={"type": "t3.micro"})) == (Decimal("0.40"), Decimal("0.50"))
    # 730 hours of the 1.8 processors that are not the machine's share
    assert "| Both processors of the t4g.micro busy all the time | 71.22 |" in page_text()


def test_each_refresh_of_a_secret_is_a_request_to_kms() -> None:
    def above(**aws: Any) -> Decimal:
        items = monthly_items(settings(**aws), TYPICAL, Decimal(60))
        return next(item.quantity for item in items if item.name == "KMS requests above 20,000")

    stack = aws_settings(settings())
    secrets = [each for each in machine_parameters(stack.aws, stack.pod) if each.form != "fact"]
    assert {each.name for each in secrets} == {"databasePassword", "backupPassword", "smtpUsername", "smtpPassword"}
    assert above() == 0
    # 4 secrets, 2920 times a month; free are 20,000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(items_module, "FREE_KMS_REQUESTS", 0)
        assert above() == Decimal("11.68")
        patch.setattr(items_module, "FREE_KMS_REQUESTS", 10)
        assert above() == Decimal("1.68")
        assert above(database={"engine": "onInstance"}) == 0
    folder = Path(__file__).parents[2] / "templates/parameters/etc/systemd/system"
    timer = (folder / "diaspora-parameters-refresh.timer").read_text(encoding="utf-8")
    assert f"OnUnitActiveSec={items_module.PARAMETER_MINUTES}min" in timer


def test_snapshot_size_is_used_space_plus_daily_changes() -> None:
    def kept(**aws: Any) -> Decimal:
        items = monthly_items(settings(**aws), TYPICAL, Decimal(60))
        return next(item.quantity for item in items if item.name == "Snapshots of the data volume")

    # 2 GB in use and a swap file of 1 GiB; 0.1 GB and the swap file change
    assert kept() == 3 + 6 * Decimal("1.1")
    assert kept(backups={"volumeSnapshotDays": 1}) == 3
    assert kept(uploads="volume") == 10 + 6 * Decimal("1.1"), "no more than the volume holds"
    assert kept(database={"engine": "onInstance"}) == 7 + 6 * Decimal("1.2")


def test_every_instance_type_and_class_has_a_price() -> None:
    assert set(INSTANCES) == set(INSTANCE_TYPES)
    assert set(SURPLUS_CREDITS) == {name.partition(".")[0] for name in INSTANCE_TYPES}
    classes = [f"db.t4g.{size}" for size in ("micro", "small", "medium")]
    assert set(RDS_INSTANCES) == set(classes)
    for instance_class in classes:
        assert AwsDatabase.model_validate({"engine": "rds", "instanceClass": instance_class})
    assert set(get_args(AwsDatabase.model_fields["engine"].annotation)) == {"auroraServerless", "rds", "onInstance"}


def test_every_price_is_used_and_has_date_and_source() -> None:
    stacks = [
        settings(),
        settings(database={"engine": "rds"}),
        settings(network={"flowLogsDays": 1}),
        settings(topology="ha"),
        example(),
    ]
    used = {id(item.price) for stack in stacks for item in monthly_items(stack, TYPICAL, Decimal(60))}
    assert {name for name, price in PRICES.items() if id(price) not in used} == set()
    for price in (*PRICES.values(), *INSTANCES.values(), *RDS_INSTANCES.values(), *SURPLUS_CREDITS.values()):
        assert price.usd > 0
        assert price.source
        assert price.date.startswith("20")


def test_settings_named_by_items_are_in_reference() -> None:
    text = reference_text()
    stacks = [settings(), settings(database={"engine": "rds"})]
    named = {item.setting for stack in stacks for item in monthly_items(stack, TYPICAL, Decimal(60))} - {NO_SETTING}
    for setting in {part for entry in named for part in entry.split(", ")}:
        table, _, key = setting.rpartition(".")
        section = text.split(f"# {table}\n", 1)[1].split("\n#", 1)[0]
        assert f"| `{key}` |" in section, setting


@pytest.mark.parametrize("hours", ["-1", "730.1", "NaN"])
def test_impossible_awake_hours_are_refused(hours: str) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        monthly_items(settings(), TYPICAL, Decimal(hours))


def test_other_targets_are_refused() -> None:
    with pytest.raises(ConfigError, match="target: ignition has no prices; allowed here: aws"):
        monthly_items(load(configs.ignition_config()), TYPICAL, Decimal(0))
