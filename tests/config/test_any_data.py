"""A valid config with any change loads, or is reported in readable lines."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaspora_infra.config import SECRET_KEYS, ConfigError, Settings, WrittenSettings, load
from diaspora_infra.config.problems import fields_of, model_in
from tests.config.message_form import form_faults
from tests.config.mistakes import GOOD, changed, steps
from tests.support import configs

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

# words of pydantic and Python that mean nothing to a person who writes YAML
JARGON = re.compile(
    r"Value error|[Ii]nput should|Input |Keys should|valid (dictionary|string|integer|boolean)|Extra inputs|Field "
    r"required|instance of|type=|pydantic|None|True\b|False\b|dict\b|\bstr\b|object at 0x|docs/config.md says"
)

QUOTED = re.compile(r"""'(\\.|[^'\\])*'|"(\\.|[^"\\])*\"""")

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**18, 10**400])
    | st.floats()
    | st.text(max_size=8)
    | st.text(alphabet="\ud800\x00\n\r\x1b\u2028\u202e\"'\\[].:%{}", max_size=80)
    | st.sampled_from(["pxe", "off", "a.org", "/dev/sda", "a" * 5000, "str", "[key]", "secure"])
)
KEYS = st.text(max_size=8) | st.sampled_from(["str", "[key]", "secure", "password", "eno1", "a.b", "\ud800", "x" * 200])
DATA = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def full_config() -> dict[str, Any]:
    """A config with a value for every key that has a default and for most other keys."""
    config = configs.pxe_config(ignition={"machines": [{"name": "a"}]})
    for change in GOOD:
        config = changed(config, {path: value for path, value in change.items() if value is not None})
    config["pod"]["mail"] = configs.mail()
    return load(config, SECRET_KEYS).model_dump(mode="json", by_alias=True, exclude_none=True)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


CONFIG = full_config()
PLACES = [place for place in places(CONFIG) if place]


def put(config: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """A copy of the config with another value, or one more key, at a place."""
    if not place:
        return value
    copy = list(config) if isinstance(config, list) else dict(config) if isinstance(config, dict) else {}
    inner = copy[place[0]] if isinstance(copy, list) else copy.get(place[0], {})  # type: ignore[index,call-overload]
    copy[place[0]] = put(inner, place[1:], value)  # type: ignore[index,call-overload]
    return copy


def is_known_path(config: Any, path: str) -> bool:
    """Tell whether a path leads to a value of the config, or to a key that may be missing there."""
    *way, last = steps(path)
    place, model = config, WrittenSettings
    for step in way:
        if isinstance(step, str) and model is not None and step in fields_of(model):
            model = model_in(fields_of(model)[step].annotation)
        elif isinstance(step, str):
            model = None
        present = step < len(place) if isinstance(step, int) and isinstance(place, list) else step in place
        place = place[step] if present else {}
    if isinstance(place, list):
        return isinstance(last, int) and last < len(place)
    return last in place or last in fields_of(model) or last in SECRET_KEYS or "networks" in way


def short_keys(value: Any) -> bool:
    """Tell whether paths through a value are written in full, so that they can be followed."""
    if isinstance(value, dict):
        return all(len(json.dumps(key)) < 30 and key.isprintable() and short_keys(value[key]) for key in value)
    return all(map(short_keys, value)) if isinstance(value, list) else True


def check(config: Any, follow: bool) -> None:
    try:
        assert isinstance(load(config, SECRET_KEYS), Settings)
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            line = str(problem)
            assert line.isprintable()
            assert not JARGON.search(QUOTED.sub("", problem.message)), line
            assert form_faults(problem.message) == [], line
            if follow:
                assert is_known_path(config, problem.path), line


def test_full_config_is_valid() -> None:
    assert isinstance(load(CONFIG, SECRET_KEYS), Settings)
    assert len(PLACES) > 100


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.sampled_from(PLACES), DATA)
def test_any_replaced_value_loads_or_is_reported(place: tuple[str | int, ...], value: Any) -> None:
    check(put(CONFIG, place, value), follow=short_keys(value))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(PLACES), KEYS, DATA)
def test_any_added_key_loads_or_is_reported(place: tuple[str | int, ...], key: str, value: Any) -> None:
    if isinstance(place[-1], str):
        check(put(CONFIG, (*place[:-1], key), value), follow=short_keys({key: value}))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS | st.sampled_from(["target", "pod", "host", "pxe", "ignition", "smtpPassword"]), DATA))
def test_arbitrary_data_loads_or_is_reported(config: dict[str, Any]) -> None:
    check(config, follow=False)


@pytest.mark.parametrize("value", [None, True, -1, 1.5, "\x00'\n", [], {}, ["a"], {"a": 1}], ids=repr)
def test_each_kind_of_value_at_each_key_loads_or_is_reported(value: Any) -> None:
    for place in PLACES:
        check(put(CONFIG, place, value), follow=True)
