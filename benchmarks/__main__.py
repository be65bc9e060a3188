"""`make bench`: measures and prints tables.

`python -m benchmarks 1 10` measures these numbers of machines only, `python -m benchmarks aws` the stack on AWS only.
"""

import sys
import time
from collections.abc import Callable

from benchmarks.aws import print_aws
from benchmarks.butane import print_butane
from benchmarks.stacks import decode_contents, measure_bare, measure_ours, stack_values
from diaspora_infra.config import load
from diaspora_infra.host import render
from diaspora_infra.pxe.served import meaning_digest

_TIMES = 200


def main(counts: list[int]) -> None:
    """Print the table of rendering, then the one of stacks."""
    print_butane()
    print()
    print_aws()
    print()
    _print_rendering()
    print("\nStacks: seconds, and as a ratio to the bare program with contents in the clear / with the same strings")
    print(
        f"{'machines':>8} {'command':<10} {'ours':>7} {'clear':>7} {'same':>7}   {'ours/clear':>10} {'ours/same':>10}"
    )
    for count in counts:
        ours, clear, same = measure_ours(count), measure_bare(count, plain=True), measure_bare(count, plain=False)
        for command in ("preview", "up", "unchanged", "destroy"):
            mine, one, other = (getattr(measured, command) for measured in (ours, clear, same))
            seconds = f"{mine:>7.1f} {one:>7.1f} {other:>7.1f}"
            print(f"{count:>8} {command:<10} {seconds}   {mine / one:>10.2f} {mine / other:>10.2f}")
        sizes = [measured.state / count / 1000 for measured in (ours, clear, same)]
        kilobytes = " ".join(f"{size:>7.1f}" for size in sizes)
        print(f"{count:>8} {'state kB':<10} {kilobytes}   {sizes[0] / sizes[1]:>10.2f} {sizes[0] / sizes[2]:>10.2f}")
        sys.stdout.flush()


def _print_rendering() -> None:
    settings = load(stack_values(_TIMES))
    text = render(settings, settings.machines[0], {}).ignition
    whole = decode_contents(text)
    print(f"One machine: {len(text)} bytes of Ignition, {len(whole)} bytes with every content in the clear")
    machines = iter(settings.machines)
    rows = {
        "render a machine": lambda: render(settings, next(machines), {}),
        "hash its meaning": lambda: meaning_digest(text),
    }
    for name, run in rows.items():
        print(f"{name:<20} {_milliseconds(run):7.2f} ms")


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(_TIMES):
        run()
    return (time.perf_counter() - start) * 1000 / _TIMES


if __name__ == "__main__":
    if sys.argv[1:] == ["aws"]:
        print_aws()
    else:
        main([int(argument) for argument in sys.argv[1:]] or [1, 10, 100])
