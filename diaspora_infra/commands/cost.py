"""`diaspora-infra cost`: the monthly cost of a stack of target aws."""

import argparse
import json
import textwrap
from decimal import Decimal, InvalidOperation
from pathlib import Path

from diaspora_infra.config import SECRET_KEYS, ConfigError, Problem, load
from diaspora_infra.cost import HOURS_A_MONTH
from diaspora_infra.cost.awake import HABITS
from diaspora_infra.cost.table import cost_data, cost_table, notes, plain
from diaspora_infra.cost.target import MAX_PEOPLE, PEOPLE_COUNTS, USUAL
from diaspora_infra.stack_files import load_with_secrets, read_stack_file

_WIDTH = 100


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `cost`."""
    text = "print the monthly cost of a stack of target aws, item by item"
    parser = commands.add_parser("cost", help=text, description=text)
    parser.add_argument("stack_file", metavar="STACK_FILE", type=Path, help="stack file, such as Pulumi.dev.yaml")
    parser.add_argument(
        "--people",
        metavar="NUMBER",
        help=f"only a pod with so many people, with quantities; default: {', '.join(map(str, PEOPLE_COUNTS))}",
    )
    parser.add_argument(
        "--habits",
        choices=list(HABITS),
        default=USUAL,
        help=f"how often they use it, and how well connected they are; default: {USUAL}",
    )
    parser.add_argument(
        "--awake",
        metavar="HOURS",
        help="hours per month in which the database is awake, as you measured them; default: an estimate",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with the source of every price")
    parser.set_defaults(run=_cost)


def _cost(options: argparse.Namespace) -> int:
    people = PEOPLE_COUNTS if options.people is None else (_people(options.people),)
    awake = None if options.awake is None else _hours(options.awake)
    # nothing of a secret costs anything
    settings = load_with_secrets(load, read_stack_file(options.stack_file), SECRET_KEYS)
    if options.json:
        print(json.dumps(cost_data(settings, people, options.habits, awake), indent=2))
        return 0
    print("\n".join(plain(cost_table(settings, people, options.habits, awake))), end="\n\n")
    for note in notes(settings, options.habits, awake):
        print(textwrap.fill(note, _WIDTH, subsequent_indent="  "))
    return 0


def _people(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PEOPLE)) and 1 <= int(text) <= MAX_PEOPLE):
        raise ConfigError([Problem("--people", f"{text!r} is not valid; allowed: 1 to {MAX_PEOPLE}")])
    return int(text)


def _hours(text: str) -> Decimal:
    try:
        hours = Decimal(text)
    except InvalidOperation:
        hours = Decimal("NaN")
    if not (hours.is_finite() and 0 <= hours <= HOURS_A_MONTH):
        raise ConfigError([Problem("--awake", f"{text!r} is not valid; allowed: hours, 0 to {HOURS_A_MONTH}")])
    return hours
