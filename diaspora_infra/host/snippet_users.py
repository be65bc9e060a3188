"""Refuse users in snippets with which a first boot stops, or a user becomes more than its name says.

Ignition runs `useradd`, or `usermod` for a user that is there: both refuse a number that is taken, and then the machine
does not boot. It writes the SSH keys as the user itself, who cannot write everywhere.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import butane
from diaspora_infra.host.container_users import FIRST_OTHER_ID, OTHER_IDS, RELAY_POSTFIX_UID, named_host_ids
from diaspora_infra.host.features.storage import DATA_FOLDER

User = Mapping[str, Any]
Path = tuple[str | int, ...]
Finding = tuple[Path, str]

_CORE_ID = 1000
_HOMES = ("/home", "/var/home", "/var/lib", "/srv", "/var/srv", "/opt", "/var/opt")
"""Folders that homes may be in."""
_HASH = re.compile(r"[*!]+|!?\$(?:y|gy|7|2[aby]|6|5)\$[./A-Za-z0-9$,=]+")
"""What crypt(5) calls hashes: yescrypt, gost-yescrypt, scrypt, bcrypt, SHA-512, SHA-256; or no password."""


def check_users(merged: butane.Merged) -> list[butane.Entry]:
    """Find such users and groups in a merged document, each with its place in a snippet."""
    passwd = merged.ignition.get("passwd", {})
    found = [
        *(finding for index, user in enumerate(passwd.get("users", ())) for finding in _user(user, index)),
        *(finding for index, group in enumerate(passwd.get("groups", ())) for finding in _group(group, index)),
    ]
    return [merged.error(path, message) for path, message in found]


def _user(user: User, index: int) -> Iterator[Finding]:
    at: Path = ("passwd", "users", index)
    name = user.get("name", "")
    if user.get("shouldExist") is False:
        return
    if (number := user.get("uid")) is not None:
        yield from _number(number, name, (*at, "uid"))
    # a home that nobody makes and nobody writes to may be anywhere, as those of services are; that of core is moved
    unused = user.get("noCreateHome") and not user.get("sshAuthorizedKeys") and name != "core"
    if (home := user.get("homeDir")) and not unused:
        yield from _home(home, name, (*at, "homeDir"))
    if (password := user.get("passwordHash")) and not _HASH.fullmatch(password):
        # not shown: it may be the password itself
        message = "is no hash that is good today; allowed: such as that of `mkpasswd --method=yescrypt`"
        yield (*at, "passwordHash"), message


def _group(group: User, index: int) -> Iterator[Finding]:
    if (number := group.get("gid")) is not None and group.get("shouldExist") is not False:
        yield from _number(number, group.get("name", ""), ("passwd", "groups", index, "gid"))


def _number(number: int, name: str, at: Path) -> Iterator[Finding]:
    free = "choose another from 1001 to 60000, or leave it out"
    owner = named_host_ids().get(number)
    if number == 0 and name != "root":
        yield at, f"0 is root's, who may do everything; {free}"
    elif name == "root" and number != 0:
        yield at, "the number of root is 0; leave it out"
    elif number == _CORE_ID and name != "core":
        yield at, f"{number} is the number of core, so the first boot would stop; {free}"
    elif owner is not None and name != owner:
        yield at, f"{number} is the number of {owner}, to whom files of the pod belong; {free}"
    elif number == RELAY_POSTFIX_UID or FIRST_OTHER_ID <= number < FIRST_OTHER_ID + OTHER_IDS:
        yield at, f"{number} is a number of the pod's containers; {free}"


def _home(home: str, name: str, at: Path) -> Iterator[Finding]:
    path = posixpath.normpath(home)
    if not home.startswith("/"):
        yield at, f"{home} is not absolute; allowed: such as /var/home/{name}"
    elif name == "root" and path in {"/root", "/var/roothome"}:
        return
    elif f"{path}/".startswith(f"{DATA_FOLDER}/") or not any(path.startswith(f"{folder}/") for folder in _HOMES):
        allowed = f"allowed: below {', '.join(_HOMES)}"
        yield at, f"{home} is the system's or the pod's, where the user cannot keep its keys; {allowed}"
