"""diaspora.toml and database.yml."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.config import Pod
from diaspora_infra.host.diaspora_config import database_yml, diaspora_toml
from tests.host.pod import SMTP_PASSWORD, files, pod_context, pod_fragment
from tests.support.configs import mail, pod

# Keys that diaspora* 0.9.1 reads (its config/defaults.yml). It ignores any other without a word.
KNOWN_KEYS = frozenset(
    """
    environment.url environment.certificate_authorities environment.require_ssl environment.sidekiq.concurrency
    server.listen server.rails_environment
    settings.pod_name settings.enable_registrations settings.enable_local_posts_stream settings.autofollow_on_join
    settings.autofollow_on_join_user settings.source_url settings.changelog_url settings.default_color_theme
    settings.typhoeus_concurrency settings.archive_jobs_concurrency settings.liberapay_username
    settings.bitcoin_address settings.username_blacklist
    settings.welcome_message.enabled settings.welcome_message.subject settings.welcome_message.text
    settings.invitations.open settings.invitations.count
    settings.captcha.enable settings.captcha.image_size settings.captcha.captcha_length settings.captcha.image_style
    settings.captcha.distortion
    settings.terms.enable settings.terms.jurisdiction settings.terms.minimum_age
    settings.maintenance.remove_old_users.enable settings.maintenance.remove_old_users.after_days
    settings.maintenance.remove_old_users.warn_days settings.maintenance.remove_old_users.limit_removals_to_per_day
    settings.default_metas.title settings.default_metas.description
    settings.csp.report_only settings.csp.report_uri
    settings.community_spotlight.enable settings.community_spotlight.suggest_email
    mail.enable mail.sender_address mail.method mail.smtp.host mail.smtp.port mail.smtp.authentication
    mail.smtp.username mail.smtp.starttls_auto mail.smtp.domain mail.smtp.openssl_verify_mode
    admins.account admins.podmin_email
    """.split()  # noqa: SIM905  # a list of 60 strings would be a page
)
EVERYTHING = {
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
}


def leaves(table: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def written(**changes: Any) -> dict[str, Any]:
    parsed = tomllib.loads(diaspora_toml(Pod.model_validate(pod(**changes))))
    assert parsed.pop("production") == {}
    assert set(parsed) == {"configuration"}
    return dict(leaves(parsed["configuration"]))


def test_diaspora_knows_every_key_and_we_write_every_key_we_have() -> None:
    assert set(written(settings=EVERYTHING, mail=mail())) == KNOWN_KEYS


def test_the_least() -> None:
    found = written()
    assert found["environment.url"] == "https://pod.example.org/"
    assert found["environment.certificate_authorities"] == "/etc/ssl/certs/ca-certificates.crt"
    assert found["environment.require_ssl"] is True
    assert found["server.listen"] == "tcp://0.0.0.0:3000"
    assert found["settings.enable_registrations"] is False
    assert found["mail.enable"] is False
    assert found["admins.account"] == "podmin"
    assert "settings.terms.jurisdiction" not in found


def test_settings_arrive() -> None:
    found = written(settings=EVERYTHING, sizing={"sidekiqConcurrency": 9})
    assert found["settings.welcome_message.text"] == 'Hi %{username},\n"welcome" = \\o/'
    assert found["settings.username_blacklist"] == ["admin", "root"]
    assert found["settings.terms.minimum_age"] == 16
    assert found["environment.sidekiq.concurrency"] == 9


def test_mail_with_an_account() -> None:
    found = written(mail=mail())
    assert (found["mail.enable"], found["mail.method"]) == (True, "smtp")
    assert (found["mail.smtp.authentication"], found["mail.smtp.username"]) == ("plain", "pod")
    assert found["mail.smtp.openssl_verify_mode"] == "peer"
    assert found["mail.smtp.domain"] == "pod.example.org"


def test_mail_without_an_account() -> None:
    found = written(mail={"senderAddress": "no-reply@pod.example.org", "smtp": {"host": "relay.lan", "port": 25}})
    assert found["mail.smtp.authentication"] == "none"
    assert "mail.smtp.username" not in found


one_line = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)


@given(name=one_line, text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back(name: str, text: str) -> None:
    found = written(name=name, settings={"welcomeMessage": {"enabled": True, "text": text}})
    assert found["settings.pod_name"] == name
    assert found["settings.welcome_message.text"] == text


@given(name=one_line)
def test_a_value_can_not_be_taken_for_the_rails_environment(name: str) -> None:
    # diaspora* looks for this line with a regular expression before it parses the file
    lines = diaspora_toml(Pod.model_validate(pod(name=name))).splitlines()
    assert [line for line in lines if line.startswith("rails_environment")] == ['rails_environment = "production"']


@pytest.mark.parametrize(
    ("sizing", "pool"),
    [({}, 5), ({"sidekiqConcurrency": 12}, 12), ({"pumaThreads": 8, "sidekiqConcurrency": 2}, 8)],
)
def test_database_yml(sizing: dict[str, int], pool: int) -> None:
    text = database_yml(Pod.model_validate(pod(sizing=sizing)))
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


def test_a_password_of_digits_stays_text() -> None:
    text = database_yml(Pod.model_validate(pod())).replace("<%= ENV['DB_PASSWORD'] %>", "0123456789")
    assert yaml.safe_load(text)["production"]["password"] == "0123456789"


def test_no_secret_in_the_files() -> None:
    texts = files(pod_fragment(pod_context(with_mail=True)))
    assert [path for path, text in texts.items() if SMTP_PASSWORD in text] == ["/etc/diaspora/secrets/smtp_password"]
