"""gzip in Python: equal contents give equal bytes, whichever Python and whichever zlib a computer has.

zlib does not promise that: its versions, zlib-ng (which some distributions put in its place) and the header that Python
writes differ. The engine compares texts, so that other bytes would be a change of every machine. This is slower than
zlib (0.1 s for a pod's part of a config, once for all machines of a stack), and its result a tenth larger.
"""

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Final

# No name, no time, best compression, unknown system.
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"

_WINDOW: Final = 1 << 15
_LONGEST: Final = 258
_KEY: Final = 5  # bytes that must be equal before a match is looked at; deflate would allow three
_TRIES: Final = 8  # earlier places to look at
_GOOD: Final = 32  # a match of this length is taken at once

_BLOCK: Final = 1 << 15  # symbols that share a code
_END: Final = 256
_CODE_LENGTHS: Final = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # RFC 1951, 3.2.7


def gzip(contents: bytes) -> bytes:
    """Compress; the same contents always give the same bytes."""
    return _HEADER + _deflate(contents) + struct.pack("<II", zlib.crc32(contents), len(contents) & 0xFFFFFFFF)


def _deflate(contents: bytes) -> bytes:
    """Write RFC 1951: blocks with codes of their own. The bits are text, first bit first, which Python joins fast."""
    tokens = _tokens(contents)
    starts = range(0, len(tokens), _BLOCK) or range(1)
    blocks = [_block(tokens[start : start + _BLOCK], final=start == starts[-1]) for start in starts]
    bits = "".join(blocks)
    return int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def _tokens(contents: bytes) -> list[int]:
    """Find repetitions: a byte stays as it is, a match of earlier bytes is `length << 16 | distance`."""
    size = len(contents)
    last: dict[bytes, int] = {}  # where a key was seen last
    before = [-1] * size  # for such a place, the one before it
    tokens: list[int] = []
    start = 0
    while start < size:
        key = contents[start : start + _KEY]
        length, distance = _match(contents, start, last[key], before) if key in last else (0, 0)
        if length < _KEY:
            tokens.append(contents[start])
            length = 1
        else:
            tokens.append(length << 16 | distance)
        # every second place of a match is enough to find most of what follows
        for place in range(start, start + length, 2):
            key = contents[place : place + _KEY]
            before[place] = last.get(key, -1)
            last[key] = place
        start += length
    return tokens


def _match(contents: bytes, start: int, earlier: int, before: list[int]) -> tuple[int, int]:
    """Find the longest match among the last places that have the same key; returns length and distance."""
    best, found = 0, start
    most = min(_LONGEST, len(contents) - start)
    for _ in range(_TRIES):
        if earlier < 0 or start - earlier > _WINDOW:
            break
        if best == 0 or contents[earlier : earlier + best + 1] == contents[start : start + best + 1]:
            length = best
            while (
                length < most
                and contents[earlier + length : earlier + length + 8] == (contents[start + length : start + length + 8])
            ):
                length += 8
            while length < most and contents[earlier + length] == contents[start + length]:
                length += 1
            length = min(length, most)
            if length > best:
                best, found = length, earlier
                if best >= _GOOD:
                    break
        earlier = before[earlier]
    return best, start - found


def _block(tokens: Sequence[int], *, final: bool) -> str:
    counts = Counter(tokens)
    literals, distances = Counter({_END: 1}), Counter[int]()
    for token, count in counts.items():
        if token < _END:
            literals[token] += count
        else:
            literals[_length_code(token >> 16)[0]] += count
            distances[_distance_code(token & 0xFFFF)[0]] += count
    of_literals, of_distances = _lengths(literals, 15), _lengths(distances, 15)
    literal_bits, distance_bits = _codes(of_literals), _codes(of_distances)

    def bits(token: int) -> str:
        if token < _END:
            return literal_bits[token]
        length, length_extra = _length_code(token >> 16)
        distance, distance_extra = _distance_code(token & 0xFFFF)
        return f"{literal_bits[length]}{length_extra}{distance_bits[distance]}{distance_extra}"

    written = {token: bits(token) for token in counts}
    head = f"{int(final)}01{_code_table(of_literals, of_distances)}"
    return f"{head}{''.join([written[token] for token in tokens])}{literal_bits[_END]}"


@cache
def _length_code(length: int) -> tuple[int, str]:
    """Symbol and further bits of a match's length (RFC 1951, 3.2.5)."""
    rest = length - 3
    extra = max(0, rest.bit_length() - 3)
    if length == _LONGEST:
        return 285, ""
    return 257 + (extra << 2) + (rest >> extra), _number(rest & ((1 << extra) - 1), extra)


@cache
def _distance_code(distance: int) -> tuple[int, str]:
    rest = distance - 1
    extra = max(0, rest.bit_length() - 2)
    return (extra << 1) + (rest >> extra), _number(rest & ((1 << extra) - 1), extra)


def _code_table(of_literals: Mapping[int, int], of_distances: Mapping[int, int]) -> str:
    """Write the lengths of both codes, with repetitions, in a third code."""
    literals, distances = max(of_literals) + 1, max(of_distances) + 1
    lengths = [*(of_literals.get(symbol, 0) for symbol in range(literals))]
    lengths += (of_distances.get(symbol, 0) for symbol in range(distances))
    entries = [*_repetitions(lengths)]
    own = _lengths(Counter(symbol for symbol, _ in entries), 7)
    bits = _codes(own)
    used = max(4, *(place + 1 for place, symbol in enumerate(_CODE_LENGTHS) if symbol in own))
    sizes = "".join(_number(own.get(symbol, 0), 3) for symbol in _CODE_LENGTHS[:used])
    counts = f"{_number(literals - 257, 5)}{_number(distances - 1, 5)}{_number(used - 4, 4)}"
    return f"{counts}{sizes}{''.join(bits[symbol] + extra for symbol, extra in entries)}"


def _repetitions(lengths: Sequence[int]) -> Iterator[tuple[int, str]]:
    for length, group in groupby(lengths):
        left = len([*group])
        if length:
            yield length, ""
            left -= 1
        while left >= 3:
            if length:
                run = min(left, 6)
                yield 16, _number(run - 3, 2)
            elif left <= 10:
                run = left
                yield 17, _number(run - 3, 3)
            else:
                run = min(left, 138)
                yield 18, _number(run - 11, 7)
            left -= run
        yield from [(length, "")] * left


def _lengths(counts: Mapping[int, int], limit: int) -> dict[int, int]:
    """Length of each symbol's code, at most `limit`: the best there is (package-merge)."""
    # as in zlib: some programs that unpack want two symbols in every code
    padded = counts if len(counts) > 1 else {0: 1, 1: 1, **counts}
    leaves = sorted((count, (symbol,)) for symbol, count in padded.items())
    packages: list[tuple[int, tuple[int, ...]]] = []
    for _ in range(limit):
        merged = sorted([*leaves, *packages])
        pairs = zip(merged[::2], merged[1::2], strict=False)
        packages = [(one + other, (*symbols, *others)) for (one, symbols), (other, others) in pairs]
    lengths: Counter[int] = Counter()
    for _, symbols in packages[: len(leaves) - 1]:
        lengths.update(symbols)
    return dict(lengths)


def _codes(lengths: Mapping[int, int]) -> dict[int, str]:
    """The canonical code of these lengths (RFC 1951, 3.2.2)."""
    codes, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in lengths.items()):
        code <<= length - before
        codes[symbol] = f"{code:0{length}b}"
        code, before = code + 1, length
    return codes


def _number(value: int, bits: int) -> str:
    """A number, lowest bit first."""
    return f"{value:0{bits}b}"[::-1] if bits else ""
