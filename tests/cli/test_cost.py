"""`diaspora-infra cost`: the table, JSON, and one line for each mistake."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.cli import main
from tests.cli.test_check import stack_file
from tests.support import configs

Cost = tuple[int, str, str]


@pytest.fixture
def cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command on a stack; returns exit code, standard output and standard error."""

    def run(*arguments: str, values: dict[str, Any] | None = None, **aws: Any) -> Cost:
        given = values or configs.aws_config(**{"region": "eu-west-1", **aws})
        code = main(["cost", str(stack_file(tmp_path, given)), *arguments])
        return code, *capsys.readouterr()

    return run


def test_table_ends_with_hours_and_sums_for_each_number_of_people(cost: Any) -> None:
    code, out, err = cost()
    table = out.split("\n\n")[0].splitlines()
    assert (code, err) == (0, "")
    assert re.split("  +", table[0]) == [
        "Item", "Unit", "Price", "1 person", "5 people", "20 people", "200 people", "Setting",
    ]  # fmt: skip
    hours, sums = ([float(cell) for cell in line.split()[-4:]] for line in table[-2:])
    assert table[-2].startswith("Database awake, hours ") and table[-1].startswith("Sum ")
    assert 10 < hours[0] < hours[1] < hours[2] < hours[3] <= 730
    assert 10 < sums[0] < sums[1] < sums[2] < sums[3]
    assert len({line.find(".") for line in table if "0.0880" in line}) == 1


def test_habits_change_the_hours_awake(cost: Any) -> None:
    hours = {}
    for habits in ("quiet", "usual", "lively"):
        _, out, _ = cost("--habits", habits)
        hours[habits] = [
            int(cell) for line in out.splitlines() if line.startswith("Database") for cell in line.split()[-4:]
        ]
        assert f"an estimate for {habits} people" in out
    assert cost()[1] == cost("--habits", "usual")[1]
    assert hours["quiet"][1] < hours["usual"][1] < hours["lively"][1]


def test_single_number_of_people_shows_quantities(cost: Any) -> None:
    _, out, _ = cost("--people", "20", "--awake", "100")
    assert "Quantity" in out.splitlines()[0]
    (capacity,) = [line for line in out.splitlines() if line.startswith("Aurora capacity")]
    assert capacity.split()[2:] == ["ACU-hour", "0.1400", "50", "7.00", "aws.database.maxAcu"]
    (hours,) = [line for line in out.splitlines() if line.startswith("Database awake")]
    assert hours.split()[-1] == "100"
    assert "an estimate" not in out


def test_always_on_database_has_one_sum(cost: Any) -> None:
    _, out, _ = cost(database={"engine": "rds"})
    assert [line.split()[0] for line in out.splitlines() if line.startswith("Sum")] == ["Sum"]
    assert "awake" not in out


def test_other_region_gets_a_note_that_prices_differ(cost: Any) -> None:
    note = "Prices are those of eu-west-1; this stack is in us-east-1, where they differ"
    assert note in cost(region="us-east-1")[1].replace("\n  ", " ")
    assert "where they differ" not in cost()[1]


def test_json_lists_every_item_with_source_and_date(cost: Any) -> None:
    code, out, _ = cost("--json", "--people", "20", "--awake", "60")
    data = json.loads(out)
    assert (code, data["region"], data["currency"], data["databasePauses"]) == (0, "eu-west-1", "USD", True)
    (found,) = data["costs"]
    assert (found["people"], found["databaseAwakeHours"], data["habits"]) == (20, 60, "usual")
    assert found["usd"] == pytest.approx(sum(item["usd"] for item in found["items"]), abs=0.006)
    assert all(item["source"] and item["date"] for item in found["items"])
    assert {item["confirmed"] for item in found["items"]} == {True, False}


def test_json_covers_all_numbers_of_people(cost: Any) -> None:
    found = json.loads(cost("--json")[1])["costs"]
    assert [entry["people"] for entry in found] == [1, 5, 20, 200]
    hours = [entry["databaseAwakeHours"] for entry in found]
    assert hours == sorted(hours)


@pytest.mark.parametrize("people", ["0", "1001", "-1", "many", "1.5", "٣", "9" * 5000])
def test_impossible_numbers_of_people_are_reported_in_one_line(cost: Any, people: str) -> None:
    assert cost(f"--people={people}") == (1, "", f"--people: {people!r} is not valid; allowed: 1 to 1000\n")


@pytest.mark.parametrize("hours", ["731", "-1", "many", "nan"])
def test_impossible_awake_hours_are_reported_in_one_line(cost: Any, hours: str) -> None:
    assert cost(f"--awake={hours}") == (1, "", f"--awake: {hours!r} is not valid; allowed: hours, 0 to 730\n")


def test_secrets_that_are_missing_are_not_needed(cost: Any) -> None:
    pod: dict[str, Any] = {"backup": {}, "mail": configs.mail()}

    def run() -> Cost:
        done: Cost = cost(values=configs.aws_config(region="eu-west-1", pod_changes=pod))
        return done

    code, out, err = run()
    assert (code, err) == (0, "")
    assert "Sum " in out
    pod["secretsOnMachine"] = ["smtpPassword"]
    assert run()[0] == 0
    pod["domain"] = "x"
    code, _, err = run()
    assert (code, err.count("\n"), err.partition(":")[0]) == (1, 1, "pod.domain")


def test_other_target_is_reported_in_one_line(cost: Any) -> None:
    assert cost(values=configs.pxe_config()) == (1, "", "target: pxe has no prices; allowed here: aws\n")


def test_mistakes_in_stack_file_are_reported_first(cost: Any) -> None:
    code, out, err = cost(size="huge")
    assert (code, out) == (1, "")
    assert err.startswith("aws.size: 'huge'")
