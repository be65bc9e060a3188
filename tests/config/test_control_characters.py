"""No setting takes the character NUL: programs that get such a text stop at it, each at another place."""

from typing import Any

from diaspora_infra.config import SECRET_KEYS, ConfigError, load
from tests.config.test_any_data import full_config, places, put


def at(config: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        config = config[step]
    return config


def is_accepted(config: Any) -> bool:
    try:
        load(config, SECRET_KEYS)
    except ConfigError:
        return False
    return True


def test_no_setting_takes_nul() -> None:
    config = full_config()
    assert is_accepted(config)
    texts = [place for place in places(config) if place and isinstance(at(config, place), str)]
    assert len(texts) > 50
    # snippets are checked where they are merged (tests/host/test_snippet_text.py)
    texts = [place for place in texts if "snippets" not in place]
    with_nul = {place: f"{at(config, place)[:2]}\0{at(config, place)[2:]}" for place in texts}
    assert [place for place, text in with_nul.items() if is_accepted(put(config, place, text))] == []
