"""Secrets that the config contains, and refused values."""

import dataclasses
import re

import pytest

from diaspora_infra.config import SECRETS, ConfigError, load, needed_secrets
from diaspora_infra.config.secrets import DATABASE_PASSWORD, GENERATED
from diaspora_infra.host.features.pod_secrets import pod_secrets
from tests.host.pod import SMTP_PASSWORD, Context, containers, files, pod_context, pod_fragment, values
from tests.support.configs import ignition_config, mail, pod

PATH = "/etc/diaspora/secrets/smtp_password"


def test_smtp_password_is_a_root_only_file() -> None:
    storage = pod_secrets(pod_context(with_mail=True).of_pod)["storage"]
    (given,) = [entry for entry in storage["files"] if entry["path"] == PATH]
    assert (given["mode"], given["contents"]["inline"]) == (0o600, SMTP_PASSWORD)
    assert storage["directories"] == [{"path": "/etc/diaspora/secrets", "mode": 0o700}]


def test_smtp_password_is_left_out_without_an_account() -> None:
    context = dataclasses.replace(pod_context(), secrets={"smtpPassword": SMTP_PASSWORD})
    fragment = pod_fragment(context)
    assert SMTP_PASSWORD not in str(fragment)
    web = containers(fragment)["diaspora-web"]["Container"]
    assert not [secret for secret in values(web, "Secret") if "smtp" in secret]


def test_user_secrets_reach_the_application() -> None:
    given = {secret.key: f"value-of-{secret.key}" for secret in SECRETS if secret.variable}
    changes = {
        "mail": mail(),
        "privacy": {"camo": {"root": "https://camo.example.org"}},
        "services": {"twitter": {"key": "k"}, "tumblr": {"key": "k"}, "wordpress": {"clientId": "c"}},
    }
    settings = load(ignition_config(pod=pod(**changes)), given)
    assert set(given) == {secret.key for secret in needed_secrets(settings)}
    fragment = pod_fragment(Context(settings, settings.machines[0], given))
    found = {path.rpartition("/")[2]: text for path, text in files(fragment).items() if "/secrets/" in path}
    assert sorted(found.values()) == sorted(given.values())
    targets = {}
    for secret in values(containers(fragment)["diaspora-sidekiq"]["Container"], "Secret"):
        if match := re.fullmatch("diaspora-(.*),type=env,target=(.*)", secret):
            targets[match[2]] = match[1].replace("-", "_")
    assert {variable: found.get(name) for variable, name in targets.items() if name in found} == {
        secret.variable: given[secret.key] for secret in SECRETS if secret.variable
    }


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "smtpPassword: empty; set a value"),
        ("one,two", "smtpPassword: holds a comma, which diaspora* reads as a list; choose a value without a comma"),
        *(
            (
                text,
                "smtpPassword: blank, true, false or nil, which diaspora* does not read as text; choose another value",
            )
            for text in ("true", "false", "nil", " true ", "  nil", " ")
        ),
        ("line\nbreak", "smtpPassword: holds a line break or control character; allowed: one line of text"),
    ],
)
def test_smtp_password_that_diaspora_misreads_is_refused_without_echo(password: str, problem: str) -> None:
    context = dataclasses.replace(pod_context(with_mail=True), secrets={"smtpPassword": password})
    with pytest.raises(ConfigError) as raised:
        pod_secrets(context.of_pod)
    assert str(raised.value) == problem


def test_make_secrets_generates_only_the_listed_secrets() -> None:
    text = files(pod_fragment(pod_context()))["/usr/local/libexec/diaspora/make-secrets"]
    found = {name: int(number) for name, number in re.findall(r"^keep (\w+) (\d+)$", text, re.MULTILINE)}
    assert found == GENERATED
    assert text.count("\nkeep ") == len(GENERATED)


def test_secret_has_form_user_and_file_name() -> None:
    known = {secret.key: (secret.form, secret.user, secret.file_name) for secret in (*SECRETS, DATABASE_PASSWORD)}
    assert known["smtpPassword"] == ("variable", "application", "smtp_password")
    assert known["smarthostPassword"] == ("line", "relay", "smarthost_password")
    assert known["backupAccessKey"] == ("line", "backup", "backup_access_key")
    assert known["backupSshKey"] == ("key", "backup", "backup_ssh_key")
    assert known["databasePassword"] == ("line", "database", "database_password")
    for secret in SECRETS:
        assert secret.content(secret.stand_in).strip() == secret.stand_in
        assert (secret.owner, secret.form == "variable") == ("user", secret.variable is not None)
