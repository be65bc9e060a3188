"""`diaspora-infra cost`: the monthly cost of a stack of target aws."""

import argparse
import json
import textwrap
from decimal import Decimal, InvalidOperation
from pathlib import Path

from diaspora_infra.config import ConfigError, Problem, load
from diaspora_infra.cost import HOURS_A_MONTH, TRAFFIC
from diaspora_infra.cost.table import cost_data, cost_table, notes, plain
from diaspora_infra.stack_files import load_file, read_stack_file

_WIDTH = 100


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `cost`."""
    text = "print the monthly cost of a stack of target aws, item by item"
    parser = commands.add_parser("cost", help=text, description=text)
    parser.add_argument("stack_file", metavar="STACK_FILE", type=Path, help="stack file, such as Pulumi.dev.yaml")
    parser.add_argument(
        "--usage", choices=list(TRAFFIC), help="only this amount of traffic, with quantities; default: all"
    )
    parser.add_argument(
        "--awake",
        metavar="HOURS",
        action="append",
        default=[],
        help="hours per month in which the database is awake; can be repeated; default: 0, 60 and 730",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with the source of every price")
    parser.set_defaults(run=_cost)


def _cost(options: argparse.Namespace) -> int:
    hours = [_hours(text) for text in options.awake]
    settings = load_file(load, read_stack_file(options.stack_file))
    traffic = [options.usage] if options.usage else list(TRAFFIC)
    if options.json:
        print(json.dumps(cost_data(settings, traffic, hours), indent=2))
        return 0
    print("\n".join(plain(cost_table(settings, traffic, hours))), end="\n\n")
    for note in notes(settings):
        print(textwrap.fill(note, _WIDTH, subsequent_indent="  "))
    return 0


def _hours(text: str) -> Decimal:
    try:
        hours = Decimal(text)
    except InvalidOperation:
        hours = Decimal("NaN")
    if not (hours.is_finite() and 0 <= hours <= HOURS_A_MONTH):
        raise ConfigError([Problem("--awake", f"{text!r} is not valid; allowed: hours, 0 to {HOURS_A_MONTH}")])
    return hours
