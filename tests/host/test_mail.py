"""The mail settings of the pod's containers and programs."""

import json
import tomllib
from typing import Any

from diaspora_infra.host.sizes import _SAME_AS
from tests.host.pod import SMTP_PASSWORD, containers, files, pod_context, pod_fragment, values
from tests.host.test_sizes import limits

RELAY: dict[str, Any] = {"senderAddress": "no-reply@Example.org", "relay": {"image": "localhost/relay:1"}}


def test_diaspora_and_alerts_use_the_local_relay() -> None:
    texts = files(pod_fragment(pod_context(mail=RELAY)))
    mail = tomllib.loads(texts["/etc/diaspora/diaspora.toml"])["configuration"]["mail"]
    assert mail["enable"] is True
    assert (mail["smtp"]["host"], mail["smtp"]["port"], mail["smtp"]["authentication"]) == ("relay", 25, "none")
    assert mail["smtp"]["starttls_auto"] is False
    assert json.loads(texts["/etc/diaspora/mail.json"])["smtp"] == mail["smtp"]


def test_relay_signs_for_sender_domain_and_greets_with_pod_domain() -> None:
    texts = files(pod_fragment(pod_context(mail=RELAY)))
    assert "\nDomain                  example.org\n" in texts["/etc/diaspora/relay/opendkim.conf"]
    assert "\nmyhostname = pod.example.org\n" in texts["/etc/diaspora/relay/main.cf"]
    assert "inline:{ { example.org = OK } }, reject\n" in texts["/etc/diaspora/relay/main.cf"]


def test_relay_containers_use_configured_image_and_memory_limits() -> None:
    fragment = pod_fragment(pod_context(mail=RELAY))
    found = containers(fragment)
    for name in ("relay", "relay-dkim"):
        assert values(found[name]["Container"], "Image") == ["localhost/relay:1"]
        assert not values(found[name]["Container"], "PublishPort")
    assert set(limits(fragment)) == set(found)
    together = sum(mib for name, mib in limits(fragment).items() if name not in _SAME_AS)
    assert together <= 0.80 * (2048 + 1024)


def test_pod_without_relay_has_no_relay_files() -> None:
    for context in (pod_context(), pod_context(with_mail=True)):
        fragment = pod_fragment(context)
        assert not [path for path in files(fragment) if "relay" in path]
        assert "relay" not in containers(fragment)


def test_smarthost_password_is_not_passed_to_the_application() -> None:
    smarthost = {"host": "smart.example.org", "username": "pod"}
    mail = {**RELAY, "relay": {**RELAY["relay"], "smarthost": smarthost}}
    fragment = pod_fragment(pod_context(mail=mail, secrets={"smarthostPassword": SMTP_PASSWORD}))
    found = containers(fragment)
    assert "diaspora-smarthost-password,mode=0400" in values(found["relay"]["Container"], "Secret")
    for name in ("diaspora-web", "diaspora-sidekiq"):
        assert not [value for value in values(found[name]["Container"], "Secret") if "smarthost" in value]
    holders = [path for path, text in files(fragment).items() if SMTP_PASSWORD in text]
    assert holders == ["/etc/diaspora/secrets/smarthost_password"]
