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
_MOST_DAYS = 3650
_SERVER = "/etc/matchbox"  # where matchbox looks for its files
_PODMIN = "~/.matchbox"  # where the stack file looks for the podmin's


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `pki init` and `pki renew`."""
    text = "make and renew the certificates of a matchbox server and its podmins"
    parser = commands.add_parser("pki", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "make an authority, a server's and a client's certificate; what is there is kept"
    init = actions.add_parser("init", help=text, description=text)
    init.add_argument("folder", metavar="FOLDER", type=Path, help="where to keep them, on the podmin's computer")
    init.add_argument(
        "--server", metavar="NAME", action="append", required=True, nargs="+", help="names and addresses of the server"
    )
    init.set_defaults(run=_init)
    text = "make the server's and the client's certificate anew where they expire soon; needs the authority's key"
    renew = actions.add_parser("renew", help=text, description=text)
    renew.add_argument("folder", metavar="FOLDER", type=Path, help="the folder of `pki init`")
    renew.add_argument("--within", metavar="N", type=int, default=30, help="how many days are soon (default: 30)")
    renew.set_defaults(run=_renew)
    for action in (init, renew):
        action.add_argument("--days", metavar="N", type=int, default=825, help="how long they last (default: 825)")


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
        what = f"was there already and does not name {', '.join(missing)}; remove it and run this again to make it anew"
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
        print("Restart matchbox when its new files are in place.")
    return 0


def _print(files: "PkiFolder") -> None:
    """Say what lies in the folder and where each file belongs."""
    from diaspora_infra.pxe.pki import host_names, read_certificate

    authority, server, client = (
        read_certificate(path) for path in (files.ca, files.certificate("server"), files.certificate("client"))
    )
    print(f"{files.path}: authority until {_date(authority.not_valid_after_utc)}")
    print(f"  server certificate for {', '.join(host_names(server))}, until {_date(server.not_valid_after_utc)}")
    print(f"  client certificate until {_date(client.not_valid_after_utc)}")
    print("For the server (the key readable by the user of matchbox only):")
    for path in (files.ca, files.certificate("server"), files.key("server")):
        print(f"  {path}  ->  {_SERVER}/{path.name}")
    print("For each podmin:")
    for path in (files.ca, files.certificate("client"), files.key("client")):
        print(f"  {path}  ->  {_PODMIN}/{path.name}")
    print(f"Only here, in a safe place: {files.ca_key}, which signs certificates.")


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
    if 1 <= days <= _MOST_DAYS:
        return []
    return [Problem("--days", f"{days} is out of range; allowed: 1 to {_MOST_DAYS}")]
