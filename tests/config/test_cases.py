"""Stack files that passed `check` once and failed later, each with the line that names the key and the way out."""

from typing import Any

import pytest

from diaspora_infra.config import ConfigError, load
from tests.config.mistakes import changed
from tests.support import configs


def lines(change: dict[str, Any], base: dict[str, Any] | None = None, secrets: set[str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(changed(base or configs.ignition_config(), change), secrets or set())
    return str(caught.value).split("\n")


def test_per_cent_sign_in_the_welcome_message() -> None:
    """diaspora* formats the text at each sign-up, and any other per cent sign is an error there."""
    path = "pod.settings.welcomeMessage"
    text = "Hello %{username}, this pod runs on 100% green power."
    assert lines({path: {"enabled": True, "subject": "Welcome", "text": text}}) == [
        f"{path}.text: 'Hello %{{username}}, this pod runs on 100% green power.' is not valid; allowed: text in which "
        "%{username} is the name of the user and %% a per cent sign"
    ]
    load(changed(configs.ignition_config(), {path: {"enabled": True, "text": text.replace("100%", "100%%")}}))


@pytest.mark.parametrize("domain", ["www.example.org", "pod.www.example.org", "awww.example.org"])
def test_domain_with_www(domain: str) -> None:
    """Other pods look for the users at the name without it, where nobody answers."""
    assert lines({"pod.domain": domain}) == [
        f"pod.domain: '{domain}' contains www., which diaspora* removes from the addresses of its users, so that "
        "other pods do not find them; choose a name without it"
    ]


@pytest.mark.parametrize("name", ["\ufffe", "a\uffffb"])
def test_text_that_no_yaml_can_hold(name: str) -> None:
    """The program that translates the config refuses such a text without a key."""
    line = "is not valid; allowed: text in Unicode, without U+FFFE and U+FFFF"
    assert lines({"pod.name": name}) == [f"pod.name: {name!r} {line}"]
