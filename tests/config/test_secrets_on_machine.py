"""Secrets that the podmin places on the machine, or gives to the stack: one of the two."""

from typing import Any, get_args

import pytest

from diaspora_infra.config import SECRETS, ConfigError, load, needed_secrets
from diaspora_infra.config.pod.pod import PlacedSecret
from tests.support.configs import ignition_config, mail, pod

S3 = {"backup": {"repository": "s3:https://s3.example.org/my-pod"}, "mail": mail()}
KEYS = ["smtpPassword", "backupPassword", "backupAccessKey", "backupSecretKey"]


def config(*names: str, **changes: Any) -> dict[str, Any]:
    return ignition_config(pod=pod(**S3, **changes, secretsOnMachine=list(names)))


def test_every_secret_has_a_name_in_the_setting() -> None:
    assert set(get_args(PlacedSecret)) == {"all", *(secret.key for secret in SECRETS)}


@pytest.mark.parametrize(
    ("names", "given"),
    [((), KEYS), (("all",), []), (KEYS, []), (("backupPassword", "smtpPassword"), KEYS[2:])],
)
def test_a_secret_is_given_to_the_stack_or_placed_on_the_machine(names: tuple[str, ...], given: list[str]) -> None:
    settings = load(config(*names), given)
    assert [secret.key for secret in needed_secrets(settings)] == given


@pytest.mark.parametrize("repository", ["s3:https://s3.example.org/my-pod", "rest:https://r.example.org/", "local"])
def test_a_backup_with_neither_is_refused(repository: str) -> None:
    backup = {"repository": repository, **({"username": "pod"} if repository.startswith("rest") else {})}
    with pytest.raises(ConfigError) as raised:
        load(ignition_config(pod=pod(backup=backup)), ())
    wanted = {"local": 1, "rest": 2}.get(repository.partition(":")[0], 3)
    assert [problem.path.startswith("backup") for problem in raised.value.problems] == [True] * wanted


def test_a_secret_at_both_places_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        load(config("all"), ["backupPassword"])
    assert str(raised.value) == (
        "backupPassword: set in the stack, but pod.secretsOnMachine lists it; run: pulumi config rm "
        "diaspora-infra:backupPassword, or remove it from pod.secretsOnMachine"
    )


def test_a_name_that_is_no_secret_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"pod\.secretsOnMachine\[0\]: 'password' is not valid; allowed: all, smtpP"):
        load(config("password"), KEYS)
