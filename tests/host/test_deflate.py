"""Our gzip: any program unpacks it, and its bytes never change."""

import gzip
import hashlib
import random
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diaspora_infra.host import deflate


def text(size: int) -> bytes:
    """Something like a config: words that come again."""
    dice = random.Random(size)
    words = [bytes(dice.choices(b"abcdefghij=/.-", k=dice.randint(1, 9))) for _ in range(200)]
    return b" ".join(dice.choices(words, weights=range(1, 201), k=size // 5))[:size]


@given(st.binary(max_size=2000) | st.lists(st.sampled_from([b"a", b"bc", b"the same again ", b"\0" * 9])).map(b"".join))
@example(b"")
@example(b"\0" * 1000)
@example(bytes(range(256)) * 2)
def test_it_is_unpacked_to_what_it_was(data: bytes) -> None:
    assert gzip.decompress(deflate.gzip(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        text(400_000),  # more symbols than one block has, and matches further apart than deflate can tell
        random.Random(1).randbytes(100_000),
        random.Random(1).randbytes(40_000) * 2,
        b"\0" * 1_000_000,
    ],
    ids=["text", "noise", "noise twice", "zeros"],
)
def test_large_data(data: bytes) -> None:
    packed = deflate.gzip(data)
    assert gzip.decompress(packed) == data
    assert len(packed) < 1.25 * len(zlib.compress(data, 9)) + 100


def test_codes_are_no_longer_than_deflate_allows() -> None:
    counts = [1, 1]
    while len(counts) < 24:  # Fibonacci: the longest codes that there can be
        counts.append(counts[-1] + counts[-2])
    data = b"".join(bytes([symbol]) * count for symbol, count in enumerate(counts))
    shuffled = bytes(random.Random(1).sample(data, len(data)))
    assert gzip.decompress(deflate.gzip(shuffled)) == shuffled


def test_the_bytes_are_fixed() -> None:
    """Another digest here is another config on every server: it is a change that podmins are told of."""
    assert deflate.gzip(b"").hex() == EMPTY
    assert hashlib.sha256(deflate.gzip(text(50_000))).hexdigest() == TEXT


EMPTY = "1f8b08000000000002ff05c101010000008090fa7f1a000000000000000000"
TEXT = "103e265b877239302126b657d6e543a05249b7fe33da7bae579d23a9d40dfb37"
