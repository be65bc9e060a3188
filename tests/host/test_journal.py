"""The journal: the settings, as systemd reads them."""

import configparser

import pytest

from diaspora_infra.config import ConfigError
from diaspora_infra.host.features import journal
from tests.host.contexts import context, file_text

PATH = "/etc/systemd/journald.conf.d/10-diaspora.conf"


def settings(**changes: object) -> dict[str, str]:
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(file_text(journal(context(**changes)), PATH))
    assert parser.sections() == ["Journal"]
    return dict(parser["Journal"])


def test_journal_is_kept_for_two_weeks() -> None:
    """journald removes whole files: without MaxFileSec one has a month."""
    assert settings() == {"MaxRetentionSec": "14day", "MaxFileSec": "1day", "SystemMaxUse": "512M"}
    assert settings(journal={"days": 7, "maxMib": 100}) == {
        "MaxRetentionSec": "7day",
        "MaxFileSec": "1day",
        "SystemMaxUse": "100M",
    }


@pytest.mark.parametrize("change", [{"days": 0}, {"maxMib": 1}, {"day": 1}])
def test_other_limits_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"host\.journal"):
        settings(journal=change)
