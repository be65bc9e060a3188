"""Contents as data URLs: written, read back, and written anew whoever packed them."""

import base64
import gzip
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diaspora_infra.host.data_url import contents, in_the_clear, plain, repacked, shortest

LONG = b"a line that comes again\n" * 100


def packed(data: bytes, level: int) -> dict[str, str]:
    """A resource as another program packs it."""
    text = base64.b64encode(gzip.compress(data, level)).decode()
    return {"compression": "gzip", "source": f"data:;base64,{text}"}


@given(st.binary(max_size=3000))
@example(LONG)
def test_contents_survive(data: bytes) -> None:
    for form in (plain(data), shortest(data)):
        assert contents(form) == data
        assert form["source"].isascii()
        # Go's net/url ends a path at the first, and what follows the second; these are what dataurl refuses
        assert not set(form["source"]) & set('?#<>"{}|\\^[]` ')


def test_short_contents_are_in_the_clear_and_long_ones_as_short_as_can_be() -> None:
    assert plain(b"[Unit]\nA=b: c/d?\n") == {"source": "data:,%5BUnit%5D%0AA=b:%20c/d%3F%0A"}
    assert shortest(b"short") == plain(b"short")
    assert shortest(LONG)["compression"] == "gzip"
    noise = bytes(range(128, 256)) * 2 + bytes(range(0, 256, 3)) * 2
    assert shortest(noise * 2)["source"].startswith("data:;base64,")


def config(resource: dict[str, str]) -> dict[str, Any]:
    return {
        "ignition": {"version": "3.4.0", "config": {"merge": [resource], "replace": {"source": "https://example.org"}}},
        "storage": {
            "files": [
                {"path": "/a", "mode": 0, "contents": {**resource, "verification": {"hash": "sha256-0"}}},
                {"path": "/b", "append": [resource, {"source": "https://example.org"}]},
                {"path": "/c", "contents": {}},
            ]
        },
    }


@pytest.mark.parametrize("data", [b"", b"short", LONG, bytes(range(256)) * 20])
def test_every_data_url_is_written_anew_and_nothing_else(data: bytes) -> None:
    forms = [
        packed(data, 1),
        packed(data, 9),
        {"source": f"data:,{quote(data)}"},
        {"source": f"data:text/plain;base64,{base64.b64encode(data).decode()}", "compression": ""},
    ]
    assert [in_the_clear(config(form)) for form in forms] == [config({**plain(data)})] * len(forms)
    assert [repacked(config(form)) for form in forms] == [config({**shortest(data)})] * len(forms)


def test_contents_that_hold_a_data_url_stay_as_they_are() -> None:
    data = b'{"ignition": {"config": {"merge": [{"source": "data:,%61"}]}}}'
    assert contents(repacked({"contents": packed(data, 9)})["contents"]) == data
    assert contents(in_the_clear({"contents": packed(data, 9)})["contents"]) == data


@pytest.mark.parametrize(
    "resource",
    [
        {"source": "https://example.org"},
        {"source": "data:"},
        {"source": "data:;base64,!!!!"},
        {"source": "data:,plain", "compression": "gzip"},
        {"source": "data:;base64,H4sIAAAA", "compression": "gzip"},
    ],
)
def test_what_cannot_be_decoded_is_an_error(resource: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        contents(resource)
