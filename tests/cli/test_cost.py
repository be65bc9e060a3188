"""`diaspora-infra cost`: the table, JSON, and one line for each mistake."""

import json
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


def test_table_ends_with_one_sum_for_each_count_of_awake_hours(cost: Any) -> None:
    code, out, err = cost()
    table = out.split("\n\n")[0].splitlines()
    assert (code, err) == (0, "")
    assert table[0].split() == ["Item", "Unit", "Price", "low", "typical", "busy", "Setting"]
    assert [line.split("awake ")[1].split()[0] for line in table if line.startswith("Sum")] == ["0", "60", "730"]
    assert len({line.find(".") for line in table if "0.0880" in line}) == 1


def test_single_traffic_level_shows_quantities(cost: Any) -> None:
    _, out, _ = cost("--usage", "typical", "--awake", "100")
    assert "Quantity" in out.splitlines()[0]
    (capacity,) = [line for line in out.splitlines() if line.startswith("Aurora capacity")]
    assert capacity.split()[4:] == ["h", "ACU-hour", "0.1400", "50", "7.00", "aws.database.maxAcu"]


def test_always_on_database_has_one_sum(cost: Any) -> None:
    _, out, _ = cost(database={"engine": "rds"})
    assert [line.split()[0] for line in out.splitlines() if line.startswith("Sum")] == ["Sum"]


def test_other_region_gets_a_note_that_prices_differ(cost: Any) -> None:
    note = "Prices are those of eu-west-1; this stack is in us-east-1, where they differ"
    assert note in cost(region="us-east-1")[1].replace("\n  ", " ")
    assert "where they differ" not in cost()[1]


def test_json_lists_every_item_with_source_and_date(cost: Any) -> None:
    code, out, _ = cost("--json", "--usage", "typical", "--awake", "60")
    data = json.loads(out)
    assert (code, data["region"], data["currency"], data["databasePauses"]) == (0, "eu-west-1", "USD", True)
    (found,) = data["costs"]
    assert (found["traffic"], found["databaseAwakeHours"]) == ("typical", 60)
    assert found["usd"] == pytest.approx(sum(item["usd"] for item in found["items"]), abs=0.006)
    assert all(item["source"] and item["date"] for item in found["items"])
    assert {item["confirmed"] for item in found["items"]} == {True, False}


def test_json_covers_all_traffic_levels_and_awake_hours(cost: Any) -> None:
    found = json.loads(cost("--json")[1])["costs"]
    assert [(entry["traffic"], entry["databaseAwakeHours"]) for entry in found] == [
        (traffic, hours) for traffic in ("low", "typical", "busy") for hours in (0, 60, 730)
    ]


@pytest.mark.parametrize("hours", ["731", "-1", "many", "nan"])
def test_impossible_awake_hours_are_reported_in_one_line(cost: Any, hours: str) -> None:
    assert cost(f"--awake={hours}") == (1, "", f"--awake: {hours!r} is not valid; allowed: hours, 0 to 730\n")


def test_other_target_is_reported_in_one_line(cost: Any) -> None:
    assert cost(values=configs.pxe_config()) == (1, "", "target: pxe has no prices; allowed here: aws\n")


def test_mistakes_in_stack_file_are_reported_first(cost: Any) -> None:
    code, out, err = cost(size="huge")
    assert (code, out) == (1, "")
    assert err.startswith("aws.size: 'huge'")
