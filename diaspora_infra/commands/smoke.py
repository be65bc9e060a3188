"""`diaspora-infra smoke`: ask a running stack on AWS what only AWS can answer."""

import argparse
import json
import sys

from diaspora_infra.config import ConfigError, Problem

_WRONG_USE = 2


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `smoke`."""
    text = "ask a running stack of target aws what only AWS can answer; changes nothing"
    parser = commands.add_parser("smoke", help=text, description=text)
    parser.add_argument("stack", metavar="STACK", help="name of the stack, as `pulumi stack ls` shows it")
    parser.add_argument(
        "--only", metavar="QUESTION", action="append", default=[], help="only this question; can be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_smoke)


def _smoke(options: argparse.Namespace) -> int:
    """Ask; returns 0 where every answer is good, 1 where one is not or is lacking, 2 where nothing could be asked."""
    try:
        return _ask(options)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return _WRONG_USE


def _ask(options: argparse.Namespace) -> int:
    from diaspora_infra.smoke.account import check_packages, clients
    from diaspora_infra.smoke.stack_state import read_stack

    check_packages()
    from diaspora_infra.smoke import report
    from diaspora_infra.smoke.run import QUESTIONS, ask_all
    from diaspora_infra.smoke.world import World, resolver_names

    known = [question.key for question in QUESTIONS]
    unknown = [key for key in options.only if key not in known]
    if unknown:
        raise ConfigError([Problem("--only", f"{unknown[0]!r} is no question; allowed: {', '.join(known)}")])
    chosen = [question for question in QUESTIONS if not options.only or question.key in options.only]
    stack = read_stack(options.stack)
    world = World(stack, clients(stack), resolver_names())
    asked, width = [], max(len(question.key) for question in chosen)
    for question, answer in ask_all(world, chosen):
        asked.append((question, answer))
        if not options.json:
            print(report.line(question, answer, width), flush=True)
    if options.json:
        print(json.dumps(report.data(stack, asked), indent=2))
    else:
        print("\n".join(["", *report.problems(asked), report.summary(asked)]))
    return int(any(report.is_bad(answer) for _, answer in asked))
