"""The mail settings of a machine on AWS that uses Amazon SES."""

import json
import tomllib

from tests.host.aws_pod import aws_context
from tests.host.pod import containers, files, pod_fragment, values


def test_diaspora_reads_the_ses_login_from_container_secrets() -> None:
    fragment = pod_fragment(aws_context())
    mail = tomllib.loads(files(fragment)["/etc/diaspora/diaspora.toml"])["configuration"]["mail"]
    assert (mail["enable"], mail["sender_address"]) == (True, "no-reply@pod.example.org")
    assert mail["smtp"] == {
        "host": "email-smtp.eu-west-1.amazonaws.com",
        "port": 587,
        "authentication": "plain",
        "starttls_auto": True,
        "domain": "pod.example.org",
        "openssl_verify_mode": "peer",
    }
    for name in ("diaspora-web", "diaspora-sidekiq"):
        secrets = values(containers(fragment)[name]["Container"], "Secret")
        assert "diaspora-smtp-username,type=env,target=MAIL_SMTP_USERNAME" in secrets
        assert "diaspora-smtp-password,type=env,target=MAIL_SMTP_PASSWORD" in secrets


def test_alerts_are_sent_by_ses() -> None:
    texts = files(pod_fragment(aws_context()))
    mail = json.loads(texts["/etc/diaspora/mail.json"])
    assert (mail["from"], mail["to"]) == ("no-reply@pod.example.org", "podmin@example.org")
    assert mail["smtp"] == tomllib.loads(texts["/etc/diaspora/diaspora.toml"])["configuration"]["mail"]["smtp"]


def test_containers_wait_for_ses_username_and_password() -> None:
    texts = files(pod_fragment(aws_context()))
    rows = texts["/etc/diaspora/parameters.conf"].splitlines()
    path = "/diaspora/pod.example.org"
    assert f"{path}/smtpUsername smtpUsername smtp_username variable application" in rows
    assert f"{path}/smtpPassword smtpPassword smtp_password variable application" in rows
    waiting = texts["/etc/containers/systemd/diaspora-.container.d/30-secrets.conf"]
    assert "ConditionPathExists=/var/mnt/data/secrets/provided/smtp_username\n" in waiting


def test_disabled_mail_leaves_out_ses() -> None:
    texts = files(pod_fragment(aws_context(mail={"enabled": False})))
    assert tomllib.loads(texts["/etc/diaspora/diaspora.toml"])["configuration"]["mail"] == {"enable": False}
    assert "smtp" not in texts["/etc/diaspora/parameters.conf"] + texts["/etc/diaspora/secrets.conf"]
    assert "/etc/diaspora/mail.json" not in texts
