"""How large a stack's config is on its way to the program.

The engine hands the whole config over in one environment variable, and Linux takes no larger one.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from diaspora_infra.config.problems import Problem
from diaspora_infra.config.secrets import NAMESPACE

MAX_BYTES = 131_072 - len("PULUMI_CONFIG=") - 1
"""Linux takes 32 pages of 4096 bytes for one variable, with its name and the zero byte at its end."""

_GO_ESCAPES = str.maketrans({letter: f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"})
_NONCE_TAG_BYTES = 16
_REMEDIES = {
    ("pxe", "machines"): "move machines to files, and name these in pxe.machineFiles",
    ("host", "snippets"): "move snippets to files, and name these in host.snippetFiles",
}


def transport_problems(config: Mapping[str, Any]) -> list[Problem]:
    """Tell that the table `config` of a stack file is too large for the engine, and what to move out of it."""
    size = transported_bytes(config)
    if size <= MAX_BYTES:
        return []
    parts = {place: _part(config, *place) for place in _REMEDIES}
    remedies = [f"{_REMEDIES[place]} ({parts[place]} bytes)" for place in sorted(parts, key=parts.__getitem__)[::-1]]
    useful = [remedy for remedy, bytes_ in zip(remedies, sorted(parts.values())[::-1], strict=True) if bytes_]
    what = f"{size} bytes, and the engine can hand over {MAX_BYTES} at most"
    return [Problem("config", f"{what}; {', and '.join(useful) or 'divide the stack'}")]


def transported_bytes(config: Mapping[str, Any]) -> int:
    """Size of the config as the engine encodes it: a JSON object of texts, where a table is JSON inside a text.

    Of a secret, the text that the program gets is counted, without what JSON escapes in it.
    """
    texts = {key if ":" in key else f"{NAMESPACE}:{key}": _text(value) for key, value in config.items()}
    return _length(texts)


def _text(value: object) -> str:
    """What the engine hands over for a value of the stack file."""
    if isinstance(value, dict) and value.keys() == {"secure"} and isinstance(value["secure"], str):
        return "x" * _plain_bytes(value["secure"])
    return value if isinstance(value, str) else _go_json(value)


def _plain_bytes(encrypted: str) -> int:
    """Length of an encrypted text, `v1:NONCE:CIPHERTEXT` in base64 as the engine writes it."""
    try:
        ciphertext = base64.b64decode(encrypted.rpartition(":")[2], validate=True)
    except ValueError:
        return 0
    return max(len(ciphertext) - _NONCE_TAG_BYTES, 0)


def _part(config: Mapping[str, Any], key: str, name: str) -> int:
    """How many bytes a part of a table takes; 0 where there is none."""
    table = config.get(f"{NAMESPACE}:{key}", config.get(key))
    part = table.get(name) if isinstance(table, dict) else None
    return _length(_go_json(part)) if part else 0


def _length(value: object) -> int:
    return len(_go_json(value).encode("utf-8", "surrogatepass"))


def _go_json(value: object) -> str:
    """Write JSON as Go does, which also escapes what HTML has a meaning for."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES)
