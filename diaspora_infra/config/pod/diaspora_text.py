"""Text of diaspora.toml and of the environment, as diaspora* reads it.

Its library configurate strips each value, and then takes `true` and `false` for truth values, `nil` and blank text for
nothing (special_value_or_string in lib/configurate/lookup_chain.rb of configurate 0.6.0).
"""

from typing import Annotated

from diaspora_infra.config.types import Form

WORDS = ("true", "false", "nil")
"""What diaspora* does not read as text, with or without spaces around it."""

_TEXT = rf"(?!\s*(?:{'|'.join(WORDS)})?\s*$)"
_REASON = "(diaspora* does not read those as text)"
_LINE_ALLOWED = f"one line of text that is not blank, true, false or nil {_REASON}"
_TEXT_ALLOWED = f"text that is not blank, true, false or nil {_REASON}, without control characters"


def is_text(value: str) -> bool:
    """Tell whether diaspora* reads a value as text; control characters are refused before."""
    return value.strip(" ") not in {"", *WORDS}


def text_form(pattern: str, allowed: str) -> Form:
    """The form of text that diaspora* reads: `pattern`, but none of `WORDS` and not blank."""
    return Form(f"{_TEXT}(?:{pattern})", allowed)


DiasporaLine = Annotated[str, text_form(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+", _LINE_ALLOWED)]
DiasporaText = Annotated[str, text_form(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+", _TEXT_ALLOWED)]
DiasporaFormat = Annotated[
    str,
    text_form(
        r"(?:[^%\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|%%|%\{username\})+",
        "text in which %{username} is the name of the user and %% a per cent sign",
    ),
]
"""Text that diaspora* gives to Ruby's `format`; any other `%` is an error there."""
DisplayName = Annotated[
    str,
    text_form(
        r'[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]+',
        r'one line of text without " and \ that is not blank, true, false or nil',
    ),
]
r"""Text that diaspora* puts between quotes into the From line of mails, where `"` and `\` end or change it."""
PageAddress = Annotated[
    str, Form("(?:https?://|/)[!-~]+", "an address without spaces that starts with https://, http:// or /")
]
"""The target of a link: an address, or a path on the pod. Without a scheme or a slash, links lead to other pages."""
