"""Contents as data URLs: written, read back, and written anew whoever packed them."""

import base64
import gzip
import hashlib
import random
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diaspora_infra.host.data_url import (
    MAX_UNPACKED,
    TooLargeError,
    contents,
    decode_contents,
    plain,
    repacked,
    shortest,
    undecodable,
)

LONG = b"a line that comes again\n" * 100


repeated = st.lists(st.sampled_from([b"a", b"bc", b"the same again ", b"\0" * 99, b"\xff\xfe"])).map(b"".join)
some_contents = st.binary(max_size=3000) | repeated


def packed(data: bytes, level: int) -> dict[str, str]:
    """A resource as another program packs it."""
    text = base64.b64encode(gzip.compress(data, level)).decode()
    return {"compression": "gzip", "source": f"data:;base64,{text}"}


def forms_of(data: bytes) -> list[dict[str, str]]:
    """Resources that mean the same, as several programs write them."""
    return [
        packed(data, 1),
        packed(data, 9),
        {"source": f"data:,{quote(data)}"},
        {"source": f"data:text/plain;base64,{base64.b64encode(data).decode()}", "compression": ""},
    ]


@given(some_contents)
@example(b"")
@example(LONG)
@example(bytes(range(256)) * 9)
def test_contents_round_trip(data: bytes) -> None:
    for form in (plain(data), shortest(data)):
        assert contents(form) == data
        assert form["source"].isascii()
        # Go's net/url ends a path at the first, and what follows the second; these are what dataurl refuses
        assert not set(form["source"]) & set('?#<>"{}|\\^[]` ')


def test_shortest_form_is_chosen() -> None:
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


@given(some_contents)
@example(LONG)
def test_only_data_urls_are_rewritten(data: bytes) -> None:
    forms = forms_of(data)
    assert [decode_contents(config(form)) for form in forms] == [config({**plain(data)})] * len(forms)
    assert [repacked(config(form)) for form in forms] == [config({**shortest(data)})] * len(forms)


def test_data_urls_inside_contents_are_kept() -> None:
    data = b'{"ignition": {"config": {"merge": [{"source": "data:,%61"}]}}}'
    assert contents(repacked({"contents": packed(data, 9)})["contents"]) == data
    assert contents(decode_contents({"contents": packed(data, 9)})["contents"]) == data


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
def test_undecodable_data_urls_are_errors(resource: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        contents(resource)
    if resource["source"].startswith("data:"):
        whole = {"a": [{"b": 1}, {"contents": resource}], "c": {"contents": packed(LONG, 9)}}
        assert [(path, str(error)) for path, error in undecodable(whole)] == [("$.a.1.contents", str(caught.value))]


def bomb(size: int) -> dict[str, str]:
    """A resource that unpacks to so many zeros."""
    return packed(bytes(size), 1)


def test_packed_contents_end_at_a_size() -> None:
    """More is refused before it is unpacked."""
    assert len(contents(bomb(MAX_UNPACKED))) == MAX_UNPACKED
    huge = bomb(16 * MAX_UNPACKED)
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match=r"^packed contents of more than 8 MiB$"):
            contents(huge)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_UNPACKED, "not all of it"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("read", [decode_contents, repacked])
def test_all_packed_contents_of_a_config_share_a_size(read: Callable[[Any], Any]) -> None:
    third = bomb(MAX_UNPACKED // 3)
    files = [{"contents": third}, {"append": [third]}, {"contents": third}]
    read({"files": files})
    with pytest.raises(TooLargeError):
        read({"files": [*files, {"contents": packed(LONG, 9)}]})
    found = [path for path, _ in undecodable({"files": [*files, {"contents": packed(LONG, 9)}, {"contents": third}]})]
    assert found == ["$.files.3.contents", "$.files.4.contents"]


def test_packed_bytes_are_fixed() -> None:
    """Another digest here is another config on every server: it is a change that podmins are told of."""
    dice = random.Random(1)
    words = [bytes(dice.choices(b"abcdefghij=/.-", k=dice.randint(1, 9))) for _ in range(200)]
    text = b" ".join(dice.choices(words, weights=range(1, 201), k=20_000))
    data = base64.b64decode(shortest(text)["source"].partition(",")[2])
    assert data[:10].hex() == "1f8b08000000000002ff", "no name, no time, best compression, unknown system"
    assert hashlib.sha256(data).hexdigest() == "6c07c89a815ccc006f68e942d3fa105c2ced3cc9acb61825e2414e523b54f3d0"
    assert len(data) < len(zlib.compress(text, 9))
