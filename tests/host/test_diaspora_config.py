"""diaspora.toml and database.yml."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from diaspora_infra.config import SECRETS, ConfigError, Host, Pod, load
from diaspora_infra.config.pod.diaspora_toml import NOT_SETTINGS
from diaspora_infra.config.problems import model_in
from diaspora_infra.host.diaspora_config import database_yml, diaspora_toml
from diaspora_infra.host.sizes import sizes
from tests.config.diaspora_keys import KEYS
from tests.config.mistakes import changed
from tests.host.pod import SMTP_PASSWORD, files, pod_context, pod_fragment
from tests.support.configs import host, ignition_config, mail, pod

SETTINGS = {
    "enableRegistrations": True,
    "changelogUrl": "https://example.org/changes",
    "liberapayUsername": "pod",
    "bitcoinAddress": "bc1",
    "usernameBlacklist": ["admin", "root"],
    "welcomeMessage": {"enabled": True, "subject": "Hello", "text": 'Hi %{username},\n"welcome" = \\o/'},
    "terms": {"enable": True, "jurisdiction": "Italy", "minimumAge": 16},
    "defaultMetas": {"title": "Pod", "description": "A pod"},
    "csp": {"reportOnly": True, "reportUri": "/csp"},
    "communitySpotlight": {"enable": True, "suggestEmail": "podmin@example.org"},
    "paypalDonations": {"enable": True, "paypalHostedButtonId": "1", "paypalUnhostedButtonEncrypted": "-----BEGIN"},
}
SERVICE = {"key": "k", "authorized": "ann"}
EVERYTHING = {
    "settings": SETTINGS,
    "environment": {
        "imageRedirectUrl": "https://images.example.org",
        "pubsubServer": "https://hub.example.org/",
        "sidekiq": {"retry": 3, "backtrace": 7, "deadJobsLimit": 9, "deadJobsTimeout": 60},
        "assets": {"host": "https://cdn.example.org/pod/"},
        "logging": {"logrotate": {"days": 2}, "debug": {"sql": True, "federation": True}},
    },
    "map": {"mapbox": {"accessToken": "pk.x"}},
    "privacy": {
        "jqueryCdn": True,
        "googleAnalyticsKey": "G-1",
        "piwik": {"host": "stats.example.org", "siteId": 4},
        "statistics": {"userCounts": True},
        "camo": {"root": "https://camo.example.org/", "proxyMarkdownImages": True},
    },
    "services": {"twitter": SERVICE, "tumblr": SERVICE, "wordpress": {"clientId": "c", "authorized": "ann"}},
    "mail": mail(),
}
# what each key of diaspora.toml is in the environment of the containers: its path in capitals
VARIABLES = {"ENVIRONMENT_REDIS", *(secret.variable for secret in SECRETS if secret.variable)}


def leaves(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


HOST = Host.model_validate(host())


def toml(pod: Pod) -> str:
    return diaspora_toml(pod, sizes(pod, HOST.memory_mib, HOST.swap))


def written(**changes: Any) -> dict[str, Any]:
    parsed = tomllib.loads(toml(Pod.model_validate(pod(**changes))))
    assert parsed.pop("production") == {}
    assert set(parsed) == {"configuration"}
    return dict(leaves(parsed["configuration"]))


def table_or_key(path: str) -> set[str]:
    """A key and the tables that it is in."""
    parts = path.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


def test_every_diaspora_key_is_written_or_passed_or_refused() -> None:
    in_file = set(written(**EVERYTHING))
    in_environment = {key for key in KEYS if key.upper().replace(".", "_") in VARIABLES}
    refused = {key for key in KEYS if table_or_key(key) & NOT_SETTINGS.keys()}
    assert in_file <= KEYS
    assert len(in_environment) == len(VARIABLES)
    assert in_file & in_environment == set()
    # the source of a release says it itself: pod.version chooses what is built
    assert KEYS - in_file - in_environment - refused == {"version.number"}


def stack_paths(model: type[BaseModel], path: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        yield from stack_paths(inner, f"{path}.{name}") if inner else [f"{path}.{name}"]


def test_settings_named_like_diaspora_keys_set_those_keys() -> None:
    tables = ("environment", "map", "privacy", "settings", "services", "mail")
    settings = {path for table in tables for path in stack_paths(Pod, "") if path.startswith(f".{table}.")}
    # the relay on the machine is ours; diaspora* only knows its name
    settings = {path for path in settings if not path.startswith(".mail.relay.")}
    assert {path.removeprefix(".") for path in settings} <= set(written(**EVERYTHING))
    assert len(settings) > 70


def test_refused_keys_are_diaspora_keys_and_not_settings() -> None:
    assert NOT_SETTINGS.keys() <= set().union(*map(table_or_key, KEYS))
    settings = set(stack_paths(Pod, ""))
    assert {f".{key}" for key in NOT_SETTINGS} & settings == set()


@pytest.mark.parametrize("key", NOT_SETTINGS)
def test_refused_key_is_reported_with_reason_and_alternative(key: str) -> None:
    *tables, last = (to_camel(part) for part in key.split("."))
    change = {
        "pod.privacy.piwik": {"host": "a.org", "siteId": 1},
        "pod.map.mapbox": {"accessToken": "x"},
        "pod.services": {"twitter": {"key": "k"}, "tumblr": {"key": "k"}, "wordpress": {"clientId": "c"}},
        "pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "c.org"}},
    }
    secrets = {"twitterSecret", "tumblrSecret", "wordpressSecret"}
    values = changed(ignition_config(), change)
    load(values, secrets)
    path = ".".join(["pod", *tables, last])
    with pytest.raises(ConfigError) as caught:
        load(changed(values, {path: True}), secrets)
    reason, remedy = NOT_SETTINGS[key]
    assert str(caught.value) == f"{path}: not a setting, because {reason}; {remedy}"


def test_minimal_config_has_the_required_keys() -> None:
    found = written()
    assert found["environment.url"] == "https://pod.example.org/"
    assert found["environment.certificate_authorities"] == "/etc/ssl/certs/ca-certificates.crt"
    assert found["environment.require_ssl"] is True
    assert found["server.listen"] == "tcp://0.0.0.0:3000"
    assert found["settings.enable_registrations"] is False
    assert found["mail.enable"] is False
    assert found["admins.account"] == "podmin"
    assert "settings.terms.jurisdiction" not in found


def test_settings_are_written_to_diaspora_toml() -> None:
    found = written(settings=SETTINGS, sizing={"sidekiqConcurrency": 9})
    assert found["settings.welcome_message.text"] == 'Hi %{username},\n"welcome" = \\o/'
    assert found["settings.username_blacklist"] == ["admin", "root"]
    assert found["settings.terms.minimum_age"] == 16
    assert found["environment.sidekiq.concurrency"] == 9


def test_mail_with_account_uses_plain_authentication() -> None:
    found = written(mail=mail())
    assert (found["mail.enable"], found["mail.method"]) == (True, "smtp")
    assert (found["mail.smtp.authentication"], found["mail.smtp.username"]) == ("plain", "pod")
    assert found["mail.smtp.openssl_verify_mode"] == "peer"
    assert found["mail.smtp.domain"] == "pod.example.org"


def test_mail_without_account_uses_no_authentication() -> None:
    found = written(mail={"senderAddress": "no-reply@pod.example.org", "smtp": {"host": "relay.lan", "port": 25}})
    assert found["mail.smtp.authentication"] == "none"
    assert "mail.smtp.username" not in found
    assert found["mail.smtp.starttls_auto"] is False


def test_smtp_options_are_written() -> None:
    smtp = {
        "host": "smtp.example.org",
        "username": "pod",
        "authentication": "cram_md5",
        "opensslVerifyMode": "none",
        "domain": "mail.example.org",
    }
    found = written(mail=mail() | {"smtp": smtp})
    assert found["mail.smtp.authentication"] == "cram_md5"
    assert found["mail.smtp.starttls_auto"] is True
    assert found["mail.smtp.openssl_verify_mode"] == "none"
    assert found["mail.smtp.domain"] == "mail.example.org"


def test_other_tables_are_written() -> None:
    found = written(**EVERYTHING, sizing={"sidekiqConcurrency": 9})
    assert (found["environment.sidekiq.concurrency"], found["environment.sidekiq.retry"]) == (9, 3)
    assert found["environment.sidekiq.backtrace"] == 7
    # diaspora* puts paths right behind it
    assert found["environment.assets.host"] == "https://cdn.example.org/pod"
    assert found["environment.logging.debug.federation"] is True
    assert (found["privacy.piwik.enable"], found["privacy.piwik.site_id"]) == (True, 4)
    assert (found["map.mapbox.enabled"], found["map.mapbox.access_token"]) == (True, "pk.x")
    assert found["services.wordpress.client_id"] == "c"
    assert found["services.twitter.authorized"] == "ann"


def test_unset_features_are_off() -> None:
    found = written(environment={"sidekiq": {"backtrace": 0}}, services={"tumblr": {"key": "k"}})
    assert found["environment.sidekiq.backtrace"] is False
    assert found["map.mapbox.enabled"] is found["privacy.piwik.enable"] is found["services.twitter.enable"] is False
    assert (found["services.tumblr.enable"], found["services.tumblr.authorized"]) == (True, True)
    assert [key for key in found if key.startswith("privacy.camo")] == []


def not_blank(text: str) -> bool:
    return text.strip() not in {"", "true", "false", "nil"}


one_line = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(not_blank)
any_text = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\t\n\r"), min_size=1).filter(
    not_blank
)


@given(name=one_line, text=any_text)
def test_any_text_survives_toml(name: str, text: str) -> None:
    name, text = name.translate({ord('"'): "'", ord("\\"): "/"}), text.replace("%", "%%")
    found = written(name=name, settings={"welcomeMessage": {"enabled": True, "text": text}})
    assert found["settings.pod_name"] == name
    assert found["settings.welcome_message.text"] == text


@given(name=one_line)
def test_pod_name_cannot_set_the_rails_environment(name: str) -> None:
    # diaspora* looks for this line with a regular expression before it parses the file
    name = name.translate({ord('"'): "'", ord("\\"): "/"})
    lines = toml(Pod.model_validate(pod(name=name))).splitlines()
    assert [line for line in lines if line.startswith("rails_environment")] == ['rails_environment = "production"']


@pytest.mark.parametrize(
    ("sizing", "pool"),
    [({}, 5), ({"sidekiqConcurrency": 12}, 12), ({"pumaThreads": 8, "sidekiqConcurrency": 2}, 8)],
)
def test_database_yml_has_connection_and_pool_size(sizing: dict[str, int], pool: int) -> None:
    text = database_yml(sizes(Pod.model_validate(pod(sizing=sizing)), HOST.memory_mib, HOST.swap))
    assert yaml.safe_load(text) == {
        "production": {
            "adapter": "postgresql",
            "host": "postgresql",
            "port": 5432,
            "database": "diaspora_production",
            "username": "diaspora",
            "password": "<%= ENV['DB_PASSWORD'] %>",
            "encoding": "unicode",
            "pool": pool,
        }
    }


def test_numeric_password_stays_a_string() -> None:
    sized = sizes(Pod.model_validate(pod()), HOST.memory_mib, HOST.swap)
    text = database_yml(sized).replace("<%= ENV['DB_PASSWORD'] %>", "0123456789")
    assert yaml.safe_load(text)["production"]["password"] == "0123456789"


def test_secrets_are_not_in_config_files() -> None:
    texts = files(pod_fragment(pod_context(with_mail=True)))
    assert [path for path, text in texts.items() if SMTP_PASSWORD in text] == ["/etc/diaspora/secrets/smtp_password"]
