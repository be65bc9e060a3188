"""`diaspora-infra preview-summary`: what a run of the engine changes, for people."""

import argparse
import sys

from diaspora_infra.config import ConfigError, Problem


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `preview-summary`."""
    text = "write Markdown about what `pulumi preview --json` or `pulumi up --json` says on standard input"
    parser = commands.add_parser("preview-summary", help=text, description=f"{text}; never a secret, never a state")
    parser.add_argument("stack", metavar="STACK", help="name of the stack, for the heading and the marker")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--plain", action="store_true", help="write lines for a terminal")
    forms.add_argument(
        "--verdict", action="store_true", help="write one word: clean (nothing changes), changes, or failed"
    )
    parser.set_defaults(run=_summary)


def _summary(options: argparse.Namespace) -> int:
    """Write the summary; returns 1 where an output that is named like a secret is in the clear."""
    from diaspora_infra.preview.events import read_run
    from diaspora_infra.preview.markdown import markdown, marker
    from diaspora_infra.preview.plain import plain
    from diaspora_infra.preview.summary import sum_up

    try:
        marker(options.stack)
    except ValueError as error:
        raise ConfigError([Problem("STACK", f"{error}; allowed: letters, numbers and _ . - /")]) from None
    summary = sum_up(read_run(sys.stdin.buffer.read().decode("utf-8", "replace")))
    if options.verdict:
        text = f"{summary.run.verdict}\n"
    else:
        text = "\n".join([*plain(summary), ""]) if options.plain else markdown(options.stack, summary)
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    for path in summary.open_secrets:
        print(f"output {path}: named like a secret, but in the clear", file=sys.stderr)
    return 1 if summary.open_secrets and not options.verdict else 0
