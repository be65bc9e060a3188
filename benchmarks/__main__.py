"""`make bench`: measures and prints tables.

`python -m benchmarks PART ...` measures only that: `butane`, `aws`, `rendering`, `stacks` or `fleet`. `stacks` takes
`--machines N` (can be repeated), and with `--json` prints one object: seconds, and bytes of the state for each machine.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks.aws import print_aws
from benchmarks.butane import print_butane
from benchmarks.stacks import COMMANDS, decode_contents, measure, measure_change, stack_values
from diaspora_infra.config import load
from diaspora_infra.host import render
from diaspora_infra.pxe.served import meaning_digest

_TIMES = 200
_MACHINES = (1, 10, 100)
_FLEET = 1000


def main(arguments: Sequence[str]) -> None:
    """Print the tables that are asked for."""
    options = _parser().parse_args(arguments)
    if options.part == "stacks" and options.json:
        (count,) = options.machines or [1]
        print(json.dumps({name: measured.figures() for name, measured in measure(count).items()}))
        return
    tables: dict[str, Callable[[], None]] = {
        "butane": print_butane,
        "aws": print_aws,
        "rendering": _print_rendering,
        "stacks": lambda: _print_stacks(options.machines or _MACHINES),
        "fleet": lambda: _print_fleet(*(options.machines or [_FLEET])[:1]),
    }
    for name in tables if options.part is None else [options.part]:
        tables[name]()
        print(flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("butane", "aws", "rendering", "stacks", "fleet"))
    parser.add_argument("--machines", metavar="N", type=int, action="append", help="number of machines")
    parser.add_argument("--json", action="store_true", help="print the stacks as JSON")
    return parser


def _print_stacks(counts: Sequence[int]) -> None:
    print("Stacks: seconds, and as a ratio to the bare program with contents in the clear / with the same strings")
    print(
        f"{'machines':>8} {'command':<10} {'ours':>7} {'clear':>7} {'same':>7}   {'ours/clear':>10} {'ours/same':>10}"
    )
    for count in counts:
        ours, clear, same = measure(count).values()
        for command in COMMANDS:
            mine, one, other = (getattr(measured, command) for measured in (ours, clear, same))
            seconds = f"{mine:>7.1f} {one:>7.1f} {other:>7.1f}"
            print(f"{count:>8} {command:<10} {seconds}   {mine / one:>10.2f} {mine / other:>10.2f}")
        sizes = [measured.state / count / 1000 for measured in (ours, clear, same)]
        kilobytes = " ".join(f"{size:>7.1f}" for size in sizes)
        print(f"{count:>8} {'state kB':<10} {kilobytes}   {sizes[0] / sizes[1]:>10.2f} {sizes[0] / sizes[2]:>10.2f}")
        sys.stdout.flush()


def _print_fleet(count: int) -> None:
    print(f"A fleet of {count} machines: seconds")
    for name, value in measure_change(count).items():
        print(f"{name:<22} {value:9.1f}")


def _print_rendering() -> None:
    settings = load(stack_values(_TIMES))
    texts = [render(settings, machine, {}).ignition for machine in settings.machines]
    text = texts[0]
    whole = decode_contents(text)
    print(f"One machine: {len(text)} bytes of Ignition, {len(whole)} bytes with every content in the clear")
    machines, different = iter(settings.machines), iter(texts)
    rows = {
        "render a machine": lambda: render(settings, next(machines), {}),
        "hash its meaning": lambda: meaning_digest(next(different)),
    }
    for name, run in rows.items():
        print(f"{name:<20} {_milliseconds(run):7.2f} ms")


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(_TIMES):
        run()
    return (time.perf_counter() - start) * 1000 / _TIMES


if __name__ == "__main__":
    main(sys.argv[1:])
