"""Users and groups of snippets: numbers, homes and passwords with which a machine would not boot or be less safe."""

from typing import Any

import pytest
import yaml

from diaspora_infra.config import load
from diaspora_infra.host.container_users import RELAY_POSTFIX_UID, container_users, named_host_ids, named_users
from tests.host.test_snippet_storage import HEAD, problems
from tests.support.configs import pxe_config

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org"
YESCRYPT = "$y$j9T$A2Z3XXccBJ.Ez8XAVRH/D.$gAoq8tE2OyqVJ3Dz1fDzvYyfP1r6bR2mGq4R8vNQ7i3"


def user(**keys: Any) -> list[str]:
    return problems(HEAD + yaml.safe_dump({"passwd": {"users": [{"name": "a", **keys}]}}))


def group(**keys: Any) -> list[str]:
    return problems(HEAD + yaml.safe_dump({"passwd": {"groups": [{"name": "a", **keys}]}}))


FREE = "choose another from 1001 to 60000, or leave it out"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 is root's, who may do everything"),
        (1000, "1000 is the number of core, so the first boot would stop"),
        (811, "811 is the number of pod-postgresql, to whom files of the pod belong"),
        (813, "813 is the number of pod-diaspora, to whom files of the pod belong"),
        (817, "817 is the number of pod-relay-dkim, to whom files of the pod belong"),
        (RELAY_POSTFIX_UID, "201 is a number of the pod's containers"),
        (400_000, "400000 is a number of the pod's containers"),
        (465_535, "465535 is a number of the pod's containers"),
    ],
)
def test_number_of_somebody_else_is_refused(number: int, said: str) -> None:
    (found,) = user(uid=number)
    assert found == f"line 6: $.passwd.users.0.uid: {said}; {FREE}"
    (found,) = group(gid=number)
    assert found.endswith(f"$.passwd.groups.0.gid: {said}; {FREE}")


@pytest.mark.parametrize("number", [201 - 1, 810, 818, 999, 1001, 60_000, 399_999, 465_536])
def test_other_numbers_are_free(number: int) -> None:
    assert user(uid=number) == group(gid=number) == []


def test_users_keep_their_own_numbers() -> None:
    assert user(name="core", uid=1000) == user(name="root", uid=0) == user(name="pod-nginx", uid=814) == []
    assert user(name="root", uid=5)[0].endswith("the number of root is 0; leave it out")
    assert user(uid=811, should_exist=False) == group(gid=811, should_exist=False) == []


def test_numbers_are_those_of_the_accounts_that_a_pod_makes() -> None:
    accounts = named_users(container_users(load(pxe_config()).pod))
    assert named_host_ids() == {number: name for name, number in accounts.items()}
    assert min(named_host_ids()) == 811


@pytest.mark.parametrize(
    "home",
    ["/", "/etc", "/etc/a", "/usr/a", "/var", "/var/home", "/home", "/var/home/../../etc", "/root", "/tmp/a", "/run/a"],
)
def test_home_of_the_system_is_refused(home: str) -> None:
    (found,) = user(home_dir=home)
    assert found.startswith(f"line 5: $.passwd.users.0.home_dir: {home} is the system's or the pod's, where ")
    assert found.endswith("; allowed: below /home, /var/home, /var/lib, /srv, /var/srv, /opt, /var/opt")


def test_home_in_the_data_of_the_pod_is_refused() -> None:
    assert user(home_dir="/var/mnt/data/a")
    assert user(home_dir="a")[0].endswith("a is not absolute; allowed: such as /var/home/a")


def test_other_homes_are_free() -> None:
    assert user(home_dir="/home/a") == user(home_dir="/var/home/b") == user(home_dir="/var/lib/a") == []
    assert user(name="root", home_dir="/root") == []


def test_home_that_nobody_uses_is_free() -> None:
    assert user(home_dir="/run/a", no_create_home=True) == []
    assert user(home_dir="/run/a", no_create_home=True, ssh_authorized_keys=[KEY])
    assert user(name="core", home_dir="/run/a", no_create_home=True), "usermod moves it all the same"


@pytest.mark.parametrize(
    "password",
    ["secret", "$1$abcdefgh$BKgtIqfzHAjhwGdo.y1BO0", "abJnggxhB/yWI", f"{YESCRYPT}:0:99999", f"{YESCRYPT} ", "$y$"],
)
def test_password_that_is_no_good_hash_is_refused_and_not_shown(password: str) -> None:
    (found,) = user(password_hash=password)
    assert found == (
        "line 6: $.passwd.users.0.password_hash: is no hash that is good today; "
        "allowed: such as that of `mkpasswd --method=yescrypt`"
    )


@pytest.mark.parametrize("password", [YESCRYPT, f"!{YESCRYPT}", "$6$rounds=5000$ab$cd./1", "$2b$12$abc", "*", "!!", ""])
def test_good_hashes_and_no_password_are_free(password: str) -> None:
    assert user(password_hash=password) == []
