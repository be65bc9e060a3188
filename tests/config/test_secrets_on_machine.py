"""Secrets that the podmin places on the machine or sets in the stack, but not both."""

from typing import Any, get_args

import pytest

from diaspora_infra.config import SECRETS, ConfigError, load, needed_secrets
from diaspora_infra.config.pod.pod import PlacedSecret
from tests.support.configs import ignition_config, mail, pod

S3 = {"backup": {"repository": "s3:https://s3.example.org/my-pod"}, "mail": mail()}
KEYS = ["smtpPassword", "backupPassword", "backupAccessKey", "backupSecretKey"]


def config(*names: str, **changes: Any) -> dict[str, Any]:
    return ignition_config(pod=pod(**S3, **changes, secretsOnMachine=list(names)))


def test_setting_accepts_the_name_of_every_secret() -> None:
    assert set(get_args(PlacedSecret)) == {"all", *(secret.key for secret in SECRETS)}


@pytest.mark.parametrize(
    ("names", "given"),
    [((), KEYS), (("all",), []), (KEYS, []), (("backupPassword", "smtpPassword"), KEYS[2:])],
)
def test_secrets_placed_on_machine_are_not_needed_from_the_stack(names: tuple[str, ...], given: list[str]) -> None:
    settings = load(config(*names), given)
    assert [secret.key for secret in needed_secrets(settings)] == given


@pytest.mark.parametrize("repository", ["s3:https://s3.example.org/my-pod", "rest:https://r.example.org/", "local"])
def test_backup_without_secrets_is_refused(repository: str) -> None:
    backup = {"repository": repository, **({"username": "pod"} if repository.startswith("rest") else {})}
    with pytest.raises(ConfigError) as raised:
        load(ignition_config(pod=pod(backup=backup)), ())
    missing_count = {"local": 1, "rest": 2}.get(repository.partition(":")[0], 3)
    assert [problem.path.startswith("backup") for problem in raised.value.problems] == [True] * missing_count


def test_secret_in_stack_and_on_machine_is_refused() -> None:
    with pytest.raises(ConfigError) as raised:
        load(config("all"), ["backupPassword"])
    assert str(raised.value) == (
        "backupPassword: set in the stack, but pod.secretsOnMachine lists it; run: pulumi config rm "
        "diaspora-infra:backupPassword, or remove it from pod.secretsOnMachine"
    )


def test_unknown_secret_name_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"pod\.secretsOnMachine\[0\]: 'password' is not valid; allowed: all, smtpP"):
        load(config("password"), KEYS)
