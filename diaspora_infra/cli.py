"""Check a stack file, render it, and calculate its cost."""

import argparse
import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from diaspora_infra.commands import assets, cost, diff, pki, preview_summary, provisioning, smoke, status
from diaspora_infra.config import (
    SECRET_KEYS,
    AwsSettings,
    ConfigError,
    Machine,
    Problem,
    ProvisioningSettings,
    PxeSettings,
    Settings,
    load,
    load_stack,
    needed_secrets,
)
from diaspora_infra.config.problems import file_problem
from diaspora_infra.config.pxe.notes import notes
from diaspora_infra.host import render
from diaspora_infra.stack_files import load_file, load_with_secrets, read_stack_file
from diaspora_infra.version import package_version

# what a shell makes of a program that SIGINT ended
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 is success, 1 a problem that is printed, 2 wrong usage, 130 an interruption.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 1
    except OSError as error:
        print(file_problem(error, "diaspora-infra"), file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        print(error if error.args else "stopped", file=sys.stderr)
        return _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="diaspora-infra", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {package_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "check", "print every mistake in a stack file", _check)
    renders = _command(commands, "render", "write the Ignition config of a machine", _render)
    renders.add_argument("--machine", metavar="NAME", help="machine to render; required when there are several")
    renders.add_argument("--output", metavar="FILE", type=Path, help="file to write; default: standard output")
    renders.add_argument(
        "--butane", action="store_true", help="write the Butane document, without snippets, instead of Ignition"
    )
    verify = _command(commands, "verify", "compare what matchbox serves with the stack file", _verify)
    for command in (renders, verify):
        command.add_argument(
            "--secret",
            metavar="NAME=FILE",
            action="append",
            default=[],
            help="file with the value of a secret; can be repeated",
        )
    pki.add_to(commands)
    assets.add_to(commands)
    cost.add_to(commands)
    diff.add_to(commands)
    preview_summary.add_to(commands)
    provisioning.add_to(commands)
    smoke.add_to(commands)
    status.add_to(commands)
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument("stack_file", metavar="STACK_FILE", type=Path, help="stack file, such as Pulumi.dev.yaml")
    command.set_defaults(run=run)
    return command


def _check(options: argparse.Namespace) -> int:
    file = read_stack_file(options.stack_file)
    try:
        settings = load_file(load_stack, file)
    except ConfigError as error:
        raise ConfigError([*file.transport, *error.problems]) from None
    # the values of secrets do not matter here; rendering checks the snippets
    stand_ins = {secret.key: secret.stand_in for secret in needed_secrets(settings)}
    problems = list(file.transport)
    for machine in settings.machines:
        try:
            render(settings, machine, stand_ins)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    # machines in a group share one config
    count = settings.aws.machine_count if isinstance(settings, AwsSettings) else len(settings.machines)
    print(f"{options.stack_file}: good; {count} machine(s), target {settings.target}")
    if isinstance(settings, PxeSettings):
        for note in notes(settings.pxe):
            print(f"note: {note}")
    return 0


def _render(options: argparse.Namespace) -> int:
    source = read_stack_file(options.stack_file)
    given = _secrets(options.secret)
    settings = load_with_secrets(load_stack, source, given)
    machine = _machine(settings, options.machine)
    rendered = render(settings, machine, _needed(settings, given))
    text = (rendered.butane_text() if options.butane else rendered.ignition + "\n").encode()
    if options.output is None:
        sys.stdout.buffer.write(text)
        return 0
    descriptor = os.open(options.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if rendered.secret else 0o666)
    with os.fdopen(descriptor, "wb") as file:
        if rendered.secret and stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)  # the file may already exist with another mode
        file.write(text)
    return 0


def _verify(options: argparse.Namespace) -> int:
    from diaspora_infra.pxe.verify import verify

    file = read_stack_file(options.stack_file)
    given = _secrets(options.secret)
    settings = load_with_secrets(load, file, given)
    secrets = _needed(settings, given)
    lines, good = verify(settings, secrets)
    for line in lines:
        print(line)
    return 0 if good else 1


def _needed(settings: Settings | ProvisioningSettings, given: Mapping[str, str]) -> Mapping[str, str]:
    """The secrets of the command line, which must be all that the settings need."""
    missing = [secret.key for secret in needed_secrets(settings) if secret.key not in given]
    if missing:
        raise ConfigError(
            [Problem(key, f"encrypted in the stack file; pass the value with --secret {key}=FILE") for key in missing]
        )
    return given


def _secrets(entries: Sequence[str]) -> dict[str, str]:
    found = {}
    for entry in entries:
        name, separator, file = entry.partition("=")
        if not separator:
            raise ConfigError([Problem("--secret", f"{entry!r} is not valid; allowed: NAME=FILE")])
        if name not in SECRET_KEYS:
            raise ConfigError(
                [Problem("--secret", f"{name!r} is not a secret; allowed: {', '.join(sorted(SECRET_KEYS))}")]
            )
        try:
            found[name] = Path(file).read_text(encoding="utf-8").rstrip("\n")
        except UnicodeDecodeError:
            raise ConfigError([Problem(f"--secret {name}", f"{file} is not UTF-8 text; use a text file")]) from None
    return found


def _machine(settings: Settings | ProvisioningSettings, name: str | None) -> Machine:
    machines = {machine.name: machine for machine in settings.machines}
    if name is None and len(machines) == 1:
        return settings.machines[0]
    if name not in machines:
        what = "required" if name is None else f"{name!r} is not in the stack file"
        raise ConfigError([Problem("--machine", f"{what}; allowed: {', '.join(machines)}")])
    return machines[name]
