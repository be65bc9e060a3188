"""The form of a message about a mistake: `what is wrong; how to fix it`.

"allowed: " comes before a set of values or a form ("allowed: minimal, small", "allowed: an IPv4 address"), never before
a remedy ("remove it") or a condition ("with engine: rds").
"""

import re

MAX_LENGTH = 250
"""Characters of a message, without the list that an "allowed: " names."""

# what cannot be part of a value's form
_REMEDY = re.compile(
    r"^(?:with|without|apart|once|only|any other|a later)\b"
    r"|\b(?:another|its|their|anything but)\b"
    r"|\b(?:set|use|remove|leave|keep|choose|(?<!a )list|add|run|pulumi|instead|elsewhere|says|which is)\b"
    r"|\bof its own\b|\bone of the two\b|\bone of \w+ and \w+|\bat least one\b|\ba part of its end\b"
    r"|\b(?:mode|method|strategy|stream|a port|a version) \w|\b[a-z]+[.]\w+(?:[.]\w+)*: \w"
)
_VALUES = re.compile(r"[^ ]+(?:, [^ ]+)+")
_CLAUSE = r"(?:^|[;:.,] |\bbecause |\bsince |\band )"
_PRONOUN = re.compile(
    rf"{_CLAUSE}(?:it|they|this|these|that|he|whoever|nobody|none of them|nothing(?! given)|what)\s+[a-z]+"
    r"|\b(?:it is|none of them|nothing uses|nothing keeps|of yours|by itself|anew|told)\b"
)
_QUOTED = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`""")


def form_faults(message: str) -> list[str]:
    """What is wrong with the form of a message (without its key); nothing when the form is kept."""
    text = _QUOTED.sub("X", message)
    what, _, allowed = text.partition("allowed: ")
    faults = []
    if allowed and not _VALUES.fullmatch(allowed) and _REMEDY.search(allowed):
        faults.append(f"a remedy or condition after `allowed: `: {allowed}")
    if _PRONOUN.search(text):
        faults.append("a pronoun without its noun")
    if "; " not in text and not text.startswith("set "):
        faults.append("no remedy after `; `")
    if len(what) > MAX_LENGTH:
        faults.append(f"{len(what)} characters before `allowed: `")
    return faults
