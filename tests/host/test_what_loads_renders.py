"""Whatever `load` takes can be rendered: the translation to Ignition refuses nothing that settings made."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diaspora_infra.config import ConfigError, Settings, load, needed_secrets
from diaspora_infra.host import render
from tests.config.mistakes import changed
from tests.config.test_any_data import put
from tests.support import configs

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

BASE = changed(
    configs.ignition_config(),
    {
        "pod.settings": {"welcomeMessage": {"enabled": True, "text": "a"}, "defaultMetas": {"title": "a"}},
        "pod.map.mapbox": {"accessToken": "x"},
        "pod.name": "a",
        "pod.imageLayout": {"home": "/a", "certificateAuthorities": "/b"},
        "host.users[0].groups": ["sudo"],
        "host.kernelArguments": ["quiet"],
        "host.storage": {"disk": "/dev/sda", "rootGib": 12, "dataGib": 0},
        "host.swap": {"fileMib": 0, "zramMib": 0},
        "host.memoryMib": 2048,
        "ignition.machines": [{"name": "a", "hostname": "b", "disk": "/dev/sdb"}],
    },
)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [path, *(leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index)))]
    return [path]


LEAVES = leaves(BASE)
_TEXTS = st.text(max_size=6) | st.text(
    alphabet="a/.:-_@%$\\\"'{}\x00\x1b\x7f\x80\x85\u2028\ufeff\ufffe\uffff 1", max_size=6
)
_VALUES = _TEXTS | st.lists(_TEXTS | st.sampled_from(["sudo", "a", configs.SSH_KEY]), max_size=3) | st.integers()


def renders(values: Any) -> bool:
    try:
        found = load(values)
    except ConfigError:
        return False
    assert isinstance(found, Settings)
    assert not needed_secrets(found)
    render(found, found.machines[0], {})
    return True


def test_base_renders() -> None:
    assert renders(BASE)
    assert len(LEAVES) > 25


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(LEAVES), _VALUES)
def test_whatever_loads_can_be_rendered(place: tuple[str | int, ...], value: Any) -> None:
    renders(put(BASE, place, value))
