"""Recorded sizes: what may not grow unseen. `make golden` records them again where they have changed by a tenth."""

import json

from tests.support.golden import FILES

_FILE = FILES / "sizes.json"
_MOST = 1.1


def check_size(name: str, size: int, *, update: bool) -> None:
    """Compare a size in bytes with the record; with `update` record one that is larger, or smaller by a tenth."""
    sizes: dict[str, int] = json.loads(_FILE.read_text(encoding="utf-8")) if _FILE.exists() else {}
    known = sizes.get(name, 0)
    if update and not known / _MOST <= size <= known * _MOST:
        sizes[name] = known = size
        _FILE.write_text(f"{json.dumps(sizes, indent=1, sort_keys=True)}\n", encoding="utf-8")
    assert size <= known * _MOST, (
        f"{name}: {size} bytes, {known} recorded; every run of the engine takes longer with it (docs/benchmarks.md): "
        "make it smaller, or record it with `make golden` and say why"
    )
