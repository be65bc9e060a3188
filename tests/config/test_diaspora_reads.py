"""Every setting of diaspora.toml has a row about what diaspora* does with it, and the checks that follow from that."""

import re
from typing import Any

import pytest

from diaspora_infra.config import SECRETS, ConfigError, load
from tests.config.diaspora_keys import KEYS
from tests.config.diaspora_reads import NOT_TEXT, READS, Read
from tests.config.mistakes import changed, steps
from tests.host.test_diaspora_config import EVERYTHING, VARIABLES, written
from tests.support import configs

BY_KEY = {read.key: read for read in READS}
SECRET_KEYS = {secret.key: secret for secret in SECRETS}
SERVICES = {"twitter": {"key": "k"}, "tumblr": {"key": "k"}, "wordpress": {"clientId": "c"}}
# good settings to put a wrong value into, with what must stand beside it; without mail and a button of PayPal
BASE = changed(
    configs.ignition_config(),
    {
        "pod.map": {"mapbox": {"accessToken": "x"}},
        "pod.privacy": {"piwik": {"host": "a.org", "siteId": 1}, "camo": {"root": "https://camo.example.org"}},
        "pod.services": SERVICES,
    },
)
GIVEN = {secret.key for secret in SECRETS}


def config(read: Read, value: Any) -> dict[str, Any]:
    base = BASE if not read.setting.startswith("pod.mail.") else changed(BASE, {"pod.mail": configs.mail()})
    return changed(base, {read.setting: value})


def of_settings() -> list[Read]:
    return [read for read in READS if read.setting.startswith("pod.")]


def texts() -> list[Read]:
    """The rows whose key is written as text, or comes as a secret."""
    found = written(**EVERYTHING)
    return [read for read in READS if read.setting and isinstance(found.get(read.key, ""), str)]


def refusal(read: Read, value: Any) -> str:
    """The first line about a wrong value of a setting or secret."""
    with pytest.raises(ConfigError) as caught:
        if read.setting in SECRET_KEYS:
            SECRET_KEYS[read.setting].content(value)
        else:
            load(config(read, value), GIVEN)
    return str(caught.value).split("\n")[0]


def test_every_key_of_the_pod_has_one_row() -> None:
    in_environment = {key for key in KEYS if key.upper().replace(".", "_") in VARIABLES}
    assert set(written(**EVERYTHING)) | in_environment == set(BY_KEY)
    assert len(BY_KEY) == len(READS)


def test_every_row_names_a_line_of_the_code() -> None:
    assert [read.key for read in READS if not re.fullmatch(r"[\w/.]+[.](?:rb|yml|haml):[0-9]+", read.where)] == []
    assert [read.key for read in READS if not read.does or not read.check] == []


def test_every_row_of_a_setting_has_wrong_values() -> None:
    assert [read.key for read in READS if bool(read.setting) != bool(read.wrong)] == []


@pytest.mark.parametrize("read", of_settings(), ids=lambda read: read.key)
def test_rows_name_settings(read: Read) -> None:
    # a wrong kind of value is refused with the key of the setting, an unknown key with other words
    line = refusal(read, {"x": 1})
    assert line.startswith(f"{read.setting}: ")
    assert "unknown key" not in line


@pytest.mark.parametrize(("read", "value"), [(read, value) for read in READS for value in read.wrong], ids=repr)
def test_what_breaks_diaspora_is_refused(read: Read, value: Any) -> None:
    index = "[0]" if isinstance(value, list) else ""
    assert refusal(read, value).startswith(f"{read.setting}{index}: ")


@pytest.mark.parametrize("read", texts(), ids=lambda read: read.key)
@pytest.mark.parametrize("value", NOT_TEXT)
def test_what_diaspora_does_not_read_as_text_is_refused(read: Read, value: str) -> None:
    assert refusal(read, value).startswith(f"{read.setting}: ")


def test_report_only_requires_an_address() -> None:
    values = changed(BASE, {"pod.settings.csp.reportOnly": True})
    with pytest.raises(ConfigError) as caught:
        load(values, GIVEN)
    assert str(caught.value) == (
        "pod.settings.csp.reportUri: required with reportOnly: true, because diaspora* sends no policy at all without "
        "it; set an address, or set reportOnly: false"
    )
    load(changed(values, {"pod.settings.csp.reportUri": "/csp?a=b"}), GIVEN)


GOOD = {
    "pod.settings.welcomeMessage.text": ["100%% of %{username}", "a\tb\r\nc\n", "nil is nothing", "%%%{username}"],
    "pod.name": ["nilpod", "true story", "A 'pod' & «more», 100%", "trueish "],
    "pod.settings.defaultColorTheme": [
        "original", "original_white", "dark_green", "magenta", "egyptian_blue", "dark",
    ],
    "pod.settings.autofollowOnJoinUser": ["hq@pod.diaspora.software", "A.b-c_d@Example.ORG"],
    "pod.settings.sourceUrl": ["/source.tar.gz", "https://example.org/a?b=c#d"],
    "pod.settings.usernameBlacklist": [["example_user1dsioaioedfhgoiesajdigtoearogjaidofgjo", "nil"], []],
    "pod.settings.captcha.imageSize": ["10x10", "999x999"],
    "pod.environment.assets.host": ["https://cdn.example.org/pod/"],
    "pod.admin.username": ["niles", "true1"],
    "pod.domain": ["www-a.example.org", "www1.example.org", "ww.example.org"],
    "pod.settings.invitations.count": [0, 2**31 - 1],
}  # fmt: skip


@pytest.mark.parametrize(("setting", "value"), [(key, value) for key, values in GOOD.items() for value in values])
def test_what_diaspora_reads_is_taken(setting: str, value: Any) -> None:
    settings = load(changed(BASE, {setting: value}), GIVEN)
    found: Any = settings.model_dump(by_alias=True)
    for step in steps(setting):
        found = found[step]
    assert found == (value.rstrip("/") if setting.endswith("assets.host") else value)
