"""`diaspora-infra pki`: the certificates between a matchbox server and its podmins."""

import argparse
import datetime
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING

from diaspora_infra.config import ConfigError, Problem

if TYPE_CHECKING:
    from diaspora_infra.pxe.pki import PkiFolder

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAX_DAYS = 3650
_SERVER = "/etc/matchbox"  # where matchbox looks for its files
_PODMIN = "~/.matchbox"  # where the stack file looks for the podmin's


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `pki init` and `pki renew`."""
    text = "create and renew the certificates of a matchbox server and its podmins"
    parser = commands.add_parser("pki", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "create an authority, a server certificate and a client certificate; existing files are kept"
    init = actions.add_parser("init", help=text, description=text)
    init.add_argument("folder", metavar="FOLDER", type=Path, help="where to write them, on the podmin's computer")
    init.add_argument(
        "--server", metavar="NAME", action="append", required=True, nargs="+", help="names and addresses of the server"
    )
    init.set_defaults(run=_init)
    text = "renew server and client certificates that expire soon; needs the authority's key"
    renew = actions.add_parser("renew", help=text, description=text)
    renew.add_argument("folder", metavar="FOLDER", type=Path, help="the folder of `pki init`")
    renew.add_argument(
        "--within", metavar="N", type=int, default=30, help="renew certificates that expire within N days (default: 30)"
    )
    renew.set_defaults(run=_renew)
    for action in (init, renew):
        action.add_argument(
            "--days", metavar="N", type=int, default=825, help="days until the certificates expire (default: 825)"
        )


def _init(options: argparse.Namespace) -> int:
    names = list(dict.fromkeys(name for group in options.server for name in group))
    problems = [problem for name in names if (problem := _name_problem(name))] + _days_problems(options.days)
    if problems:
        raise ConfigError(problems)
    from diaspora_infra.pxe.pki import create_pki, host_names, read_certificate

    files = create_pki(options.folder, names, days=options.days)
    _print(files)
    server = files.certificate("server")
    named = {_canonical(name) for name in host_names(read_certificate(server))}
    missing = [name for name in names if _canonical(name) not in named]
    if missing:
        what = f"an existing certificate without {', '.join(missing)}; remove it, and run the command again"
        raise ConfigError([Problem(str(server), what)])
    return 0


def _renew(options: argparse.Namespace) -> int:
    problems = _days_problems(options.days)
    if options.within < 0:
        problems.append(Problem("--within", f"{options.within} is out of range; allowed: at least 0"))
    if problems:
        raise ConfigError(problems)
    from diaspora_infra.pxe.pki import PkiFolder, renew_pki

    renewed = renew_pki(options.folder, days=options.days, within=options.within)
    files = PkiFolder(options.folder)
    for name in ("server", "client"):
        print(f"{files.certificate(name)}: {'renewed, with a new key' if name in renewed else 'kept'}")
    if renewed:
        _print(files)
    if "server" in renewed:
        print("Copy the new files to the server, then restart matchbox.")
    return 0


def _print(files: "PkiFolder") -> None:
    """Print what the folder contains, and where to copy each file."""
    from diaspora_infra.pxe.pki import host_names, read_certificate

    authority, server, client = (
        read_certificate(path) for path in (files.ca, files.certificate("server"), files.certificate("client"))
    )
    print(f"{files.path}: authority until {_date(authority.not_valid_after_utc)}")
    print(f"  server certificate for {', '.join(host_names(server))}, until {_date(server.not_valid_after_utc)}")
    print(f"  client certificate until {_date(client.not_valid_after_utc)}")
    print("Copy to the server (only the user of matchbox may read the key):")
    for path in (files.ca, files.certificate("server"), files.key("server")):
        print(f"  {path}  ->  {_SERVER}/{path.name}")
    print("Copy to the computer of each podmin:")
    for path in (files.ca, files.certificate("client"), files.key("client")):
        print(f"  {path}  ->  {_PODMIN}/{path.name}")
    print(f"Keep {files.ca_key} secret and do not copy it: it signs certificates.")


def _date(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _name_problem(name: str) -> Problem | None:
    if len(name) <= 253 and re.fullmatch(rf"{_LABEL}([.]{_LABEL})*", name) and not re.fullmatch("[0-9.]+", name):
        return None
    try:
        ipaddress.ip_address(name)
    except ValueError:
        allowed = "a host name such as matchbox.lan, or an IP address, without a port"
        return Problem("--server", f"{name[:60]!r} is not valid; allowed: {allowed}")
    return None


def _canonical(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()


def _days_problems(days: int) -> list[Problem]:
    if 1 <= days <= _MAX_DAYS:
        return []
    return [Problem("--days", f"{days} is out of range; allowed: 1 to {_MAX_DAYS}")]
