"""A Python that starts with this folder on its path compresses like another computer's: right, but with other bytes."""

import zlib

_compressobj, _compress = zlib.compressobj, zlib.compress


def _other_compressobj(level=-1, *arguments, **options):  # type: ignore[no-untyped-def]
    return _compressobj(1, *arguments, **options)


def _other_compress(data, /, level=-1, wbits=zlib.MAX_WBITS):  # type: ignore[no-untyped-def]
    return _compress(data, 1, wbits)


zlib.compressobj, zlib.compress = _other_compressobj, _other_compress
