"""Stack files that passed `check` once and failed later, each with the line that names the key and the way out."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from diaspora_infra.config import AwsSettings, ConfigError, WrittenSettings, load
from diaspora_infra.config.problems import model_in
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


def database(**keys: Any) -> dict[str, Any]:
    return configs.aws_config(region="eu-west-1", database=keys)


@pytest.mark.parametrize("value", [0.5, "0.5", 256.5, 1.3, "1.3"])
def test_capacity_that_aurora_does_not_have(value: Any) -> None:
    what = "not valid" if float(value) == 1.3 else "out of range"
    assert lines({}, database(maxAcu=value)) == [
        f"aws.database.maxAcu: {float(value)} is {what}; allowed: 1 to 256 in steps of 0.5"
    ]


@pytest.mark.parametrize(("value", "number"), [("1.5", 1.5), ("16.0", 16), (2, 2), (256, 256)])
def test_number_as_pulumi_config_set_writes_it(value: Any, number: float) -> None:
    settings = load(database(maxAcu=value, minAcu="0.5"))
    assert isinstance(settings, AwsSettings)
    assert (settings.aws.database.max_acu, settings.aws.database.min_acu) == (number, 0.5)


@pytest.mark.parametrize("value", ["1,5", "two", "1.5 ACU", "nan", "1e1", ""])
def test_text_that_is_no_number(value: str) -> None:
    allowed = "a number from 1 to 256 in steps of 0.5, without quotes or unit"
    assert lines({}, database(maxAcu=value)) == [f"aws.database.maxAcu: '{value}' is text; allowed: {allowed}"]


def test_pause_of_a_database_that_never_pauses() -> None:
    load(database(minAcu=0.5))
    load(database(minAcu=0, autoPauseSeconds=600))
    assert lines({}, database(minAcu=0.5, autoPauseSeconds=600)) == [
        "aws.database.autoPauseSeconds: only used with minAcu: 0; remove it"
    ]


def numbers(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if inner := model_in(field.annotation):
            yield from numbers(inner)
        elif field.annotation in (int, float, int | None, float | None):
            yield f"{model.__name__}.{name}", field


def test_every_number_has_a_minimum_and_a_maximum() -> None:
    """A number without a maximum fails where it is used: in a column of the database, or in Butane."""
    found = {
        name: {bound for part in field.metadata for bound in ("ge", "le") if hasattr(part, bound)}
        for name, field in numbers(WrittenSettings)
    }
    assert len(found) > 40
    assert [name for name, bounds in found.items() if bounds != {"ge", "le"}] == []
