"""Text to nodes: YAML with positions, read the way go-yaml v3 reads it.

PyYAML's scanner gives the events; everything above it is ours, because PyYAML resolves scalars by YAML 1.1
(`on` is a boolean, `1:30` a number) while go-yaml v3 decides by the type that the reader wants.
Nodes keep aliases apart from what they point to: a position inside an alias is the position of the alias.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any, Final, NamedTuple

import yaml

from butane.report import Key, Path

# PyYAML without libyaml has no CSafeLoader; its own scanner is slower and gives the same events.
_EventParser: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SCALAR: Final = 0
MAPPING: Final = 1
SEQUENCE: Final = 2
ALIAS: Final = 3

_STARTS: Final = {yaml.ScalarEvent: SCALAR, yaml.MappingStartEvent: MAPPING, yaml.SequenceStartEvent: SEQUENCE}
_TAG_PREFIX = "tag:yaml.org,2002:"
_LOOKAHEAD: Final = 4
_MAX_DEPTH: Final = 10_000  # as in go-yaml: of brackets, and of indented blocks
_MAX_INT = 2**63 - 1
_MIN_INT = -(2**63)
_MAX_UINT = 2**64 - 1
_MAX_DIGITS = 20


class YamlError(Exception):
    """The text is not YAML. `line` counts from 1 and is None where no place is known."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Node:
    """A YAML node.

    `value` is the text of a scalar, the items of a list, the target of an alias, or the keys and values of a
    mapping in turn (`[key, value, key, value, ...]`). `tag` is the explicit tag, if any; of an alias its name.
    `places` maps the keys of a mapping to their indexes in `value`, once something was looked up in it.
    """

    __slots__ = ("column", "kind", "line", "places", "plain", "tag", "value")

    def __init__(self, kind: int, tag: str | None, value: Any, plain: bool, line: int, column: int) -> None:
        self.kind = kind
        self.tag = tag
        self.value = value
        self.plain = plain
        self.line = line
        self.column = column
        self.places: dict[str, int] | None = None


class Composed(NamedTuple):
    """The first document of a text, if there is one, and the line of what stands behind it, which is not read."""

    root: Node | None
    behind: int | None


def compose(text: str) -> Node | None:
    """Read the first document of a YAML text; None when there is none.

    Raises:
        YamlError: The text is not YAML.

    """
    return compose_first(text).root


def compose_first(text: str) -> Composed:
    """Read the first document of a YAML text, and say whether another follows.

    Raises:
        YamlError: The text is not YAML.

    """
    stand_ins = _unused_characters(text)
    text = _hide_marks(text, stand_ins[_MARK])
    hidden = 0
    while True:
        try:
            composed = _compose(_EventParser(text))
        except yaml.scanner.ScannerError as error:
            if error.problem != _COLON_PROBLEM or error.problem_mark is None:
                raise _syntax_error(error) from None
            index = error.problem_mark.index + text.startswith(_MARK)  # libyaml's position does not count it
            text = text[:index] + stand_ins[":"] + text[index + 1 :]
            hidden += 1
            if hidden == _HIDDEN_ONE_BY_ONE:
                text = _COLON_IN_TEXT.sub(stand_ins[":"], text)
        except yaml.parser.ParserError as error:
            raise _syntax_error(_scanner_error_ahead(text, error) or error) from None
        except yaml.reader.ReaderError as error:
            raise YamlError(f"not a YAML text: {error.reason}") from None
        except UnicodeEncodeError:
            raise YamlError("not a YAML text: it holds characters that UTF-8 cannot carry") from None
        else:
            if composed.root is not None and (hidden or stand_ins[_MARK] in text):
                _show(composed.root, stand_ins)
            return composed


# libyaml refuses a colon before a comma or bracket in a plain text between brackets (`{source: data:,x}`), go-yaml
# takes it as part of the text. Such colons are hidden from libyaml behind a character that the text does not have.
_COLON_PROBLEM: Final = "found unexpected ':'"
# Each costs a reading of the whole text; after some, all that can be part of a text are hidden at once.
_HIDDEN_ONE_BY_ONE: Final = 8
_COLON_IN_TEXT = re.compile(r"""(?<=[^\s"'\]}\[{,]):(?=[,?\[\]{}])""")
# libyaml passes over a byte-order mark at the start of every line, go-yaml only at the start of the text.
_MARK: Final = "\ufeff"
_LEADING_MARKS: Final = 2


def _unused_characters(text: str) -> dict[str, str]:
    """Return a character that the text does not have for each one that is hidden from libyaml."""
    used = set(text)
    unused = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in used)
    return {":": next(unused), _MARK: next(unused)}


def _hide_marks(text: str, stand_in: str) -> str:
    if _MARK not in text:
        return text
    rest = text.lstrip(_MARK)
    leading = min(len(text) - len(rest), _LEADING_MARKS)
    return text[:leading] + text[leading:].replace(_MARK, stand_in)


def _show(root: Node, stand_ins: dict[str, str]) -> None:
    """Put what was hidden back into the scalars below a node."""
    below = [root]
    while below:
        node = below.pop()
        if node.kind == SCALAR:
            for character, stand_in in stand_ins.items():
                node.value = node.value.replace(stand_in, character)
        elif node.kind != ALIAS:
            below.extend(node.value)


def _scanner_error_ahead(text: str, error: yaml.MarkedYAMLError) -> yaml.MarkedYAMLError | None:
    """Return the scanner's error when it is so near that go-yaml, which looks further ahead, finds it first."""
    scanner = _EventParser(text)
    ahead = _LOOKAHEAD
    try:
        while ahead and scanner.check_token():
            token = scanner.get_token()
            if error.problem_mark is not None and token.start_mark.index >= error.problem_mark.index:
                ahead -= 1
    except yaml.scanner.ScannerError as found:
        return found
    return None


def _syntax_error(error: yaml.MarkedYAMLError) -> YamlError:
    """Say what is wrong, and where the parser stopped.

    The line is chosen as go-yaml chooses it: that of the construct which is not closed, unless it begins
    on the first line. Errors of its parser (not of its scanner) name the line before; that is kept too.
    """
    marks = [mark for mark in (error.context_mark, error.problem_mark) if mark is not None and mark.line]
    line = 1
    if marks:
        line = marks[0].line + (1 if isinstance(error, yaml.scanner.ScannerError) else 0)
    message = str(error.problem or "it cannot be parsed")
    if error.context:
        message = f"{error.context}: {message}"
    if error.problem_mark is not None:
        message += f" (at line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1})"
    return YamlError(f"not valid YAML: {message}", line)


def _compose(parser: Any) -> Composed:
    get_event = parser.get_event
    get_event()  # the start of the stream
    start = get_event()
    if type(start) is yaml.StreamEndEvent:
        return Composed(None, None)
    _check_version(start)
    anchors: dict[str, Node] = {}
    root: list[Node] = []
    stack = [root]
    flow: list[int] = []  # lines of the flow collections that are open
    while True:
        event = get_event()
        kind = type(event)
        if kind in _STARTS:
            mark = event.start_mark
            if kind is yaml.ScalarEvent:
                node = Node(SCALAR, event.tag, event.value, not event.style, mark.line + 1, mark.column + 1)
                _check_question(node, flow)
            else:
                node = Node(_STARTS[kind], event.tag, [], False, mark.line + 1, mark.column + 1)
                if event.flow_style:
                    flow.append(mark.line)
                _check_depth(max(len(flow), len(stack) - len(flow)), node.line)
            if event.anchor is not None:
                anchors[event.anchor] = node
            stack[-1].append(node)
            if node.kind != SCALAR:
                stack.append(node.value)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            stack.pop()
            if flow:
                flow.pop()
        elif kind is yaml.AliasEvent:
            stack[-1].append(_alias(event, anchors))
        elif kind is yaml.DocumentEndEvent:
            return Composed(root[0], _line_behind(parser, event))


def _check_depth(depth: int, line: int) -> None:
    if depth > _MAX_DEPTH:
        raise YamlError(f"not valid YAML: nested deeper than {_MAX_DEPTH}", line)


def _check_version(start: Any) -> None:
    """Refuse the directive `%YAML 1.2`, which libyaml takes and go-yaml does not."""
    if start.version not in (None, (1, 1)):
        raise YamlError("not valid YAML: found incompatible YAML document", start.start_mark.line + 1)


def _line_behind(parser: Any, end: Any) -> int | None:
    """Return the line of the first content behind a document, None when only markers and comments follow."""
    try:
        while True:
            event = parser.get_event()
            kind = type(event)
            if kind is yaml.StreamEndEvent:
                return None
            empty = kind is yaml.ScalarEvent and not (event.value or event.style or event.tag)
            if (kind in _STARTS or kind is yaml.AliasEvent) and not empty:
                return int(event.start_mark.line) + 1
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or end.end_mark
        return int(mark.line) + 1


def _alias(event: Any, anchors: dict[str, Node]) -> Node:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    if event.anchor not in anchors:
        raise YamlError(f"not valid YAML: unknown anchor '{event.anchor}' referenced", line, column)
    return Node(ALIAS, event.anchor, anchors[event.anchor], False, line, column)


def _check_question(node: Node, flow: list[int]) -> None:
    """Refuse what newer YAML allows and go-yaml does not: a question mark in a plain scalar between brackets."""
    if flow and node.plain and "?" in node.value:
        message = f"not valid YAML: a text with a question mark must be quoted between brackets: {node.value!r}"
        raise YamlError(message, flow[-1] or node.line - 1 or 1)


# --- scalars ---------------------------------------------------------------------------------------------

NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_FLOATS = {
    ".nan": math.nan, ".NaN": math.nan, ".NAN": math.nan,
    ".inf": math.inf, ".Inf": math.inf, ".INF": math.inf,
    "+.inf": math.inf, "+.Inf": math.inf, "+.INF": math.inf,
    "-.inf": -math.inf, "-.Inf": -math.inf, "-.INF": -math.inf,
}  # fmt: skip
_INT = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOT_FLOAT = re.compile(r"\.[0-9](_?[0-9])*([eE][-+]?[0-9](_?[0-9])*)?")
_RESOLVED_TAGS = frozenset(("!!str", "!!bool", "!!int", "!!float", "!!null"))


def short_tag(tag: str | None) -> str:
    """Return an explicit tag in its short form, or nothing when the text leaves the type open."""
    if tag is None or tag == "!":
        return ""
    return "!!" + tag[len(_TAG_PREFIX) :] if tag.startswith(_TAG_PREFIX) else tag


def is_null(node: Node) -> bool:
    """Whether a node stands for nothing (an empty value, `~`, `null`)."""
    if node.kind != SCALAR:
        return False
    tag = short_tag(node.tag)
    if tag == "!!null" and node.value not in NULLS:
        raise YamlError(f"not valid YAML: cannot decode !!str `{node.value}` as a !!null", node.line, node.column)
    return tag == "!!null" if tag else node.plain and node.value in NULLS


def is_merge(node: Node) -> bool:
    """Whether a key is the merge key `<<`."""
    if node.kind != SCALAR or node.value != "<<":
        return False
    tag = short_tag(node.tag)
    return tag == "!!merge" if tag else node.plain


def resolve(node: Node) -> bool | int | float | str | None:
    """Return the value of a scalar when its type is left to the text.

    Raises:
        YamlError: An explicit tag and the text do not fit.

    """
    tag = short_tag(node.tag)
    if tag == "!!str" or (not tag and not node.plain):
        return str(node.value)
    if tag and tag not in _RESOLVED_TAGS:
        return _binary(node.value) if tag == "!!binary" else str(node.value)
    value = resolve_plain(node.value)
    found = _tag_of(value)
    if tag in ("", found):
        return value
    if tag == "!!float" and found == "!!int" and isinstance(value, int) and value <= _MAX_INT:
        return float(value)
    raise YamlError(f"not valid YAML: cannot decode {found} `{node.value}` as a {tag}")


def _binary(value: str) -> str:
    try:
        data = base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise YamlError("not valid YAML: !!binary value contains invalid base64 data") from None
    return data.decode("utf-8", "surrogateescape")


def _tag_of(value: bool | int | float | str | None) -> str:
    if value is None:
        return "!!null"
    return {bool: "!!bool", int: "!!int", float: "!!float", str: "!!str"}[type(value)]


def resolve_plain(text: str) -> bool | int | float | str | None:
    """Return what go-yaml v3 reads in a scalar without quotes and tag.

    `off`, `yes`, `1:30` and `03:00` are text, `010` and `0o10` are 8, and what does not fit into 64 bits is text.
    """
    if text in NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if text in _FLOATS:
        return _FLOATS[text]
    first = text[0]
    if first == ".":
        return _parse_float(text.replace("_", "")) if _DOT_FLOAT.fullmatch(text) else text
    if first not in "0123456789+-":
        return text
    plain = text.replace("_", "")
    number = _parse_int(plain)
    if number is not None:
        return number
    if _FLOAT.fullmatch(plain):
        value = _parse_float(plain)
        if not isinstance(value, str):
            return value
    return text


def _parse_int(plain: str) -> int | None:
    match = _INT.fullmatch(plain)
    if not match:
        return None
    sign, digits = match.groups()
    if digits[0] in "123456789" and len(digits) > _MAX_DIGITS:
        return None  # and Python refuses to read thousands of them
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"  # 0644, as in YAML 1.1
    number = int(digits, 8 if octal else 0)
    if sign == "-":
        return -number if -number >= _MIN_INT else None
    # Past 63 bits only numbers without a sign are read, as unsigned ones.
    return number if number <= (_MAX_INT if sign else _MAX_UINT) else None


def _parse_float(plain: str) -> float | str:
    value = float(plain)
    return plain if math.isinf(value) else value


# --- places ----------------------------------------------------------------------------------------------


def locate(root: Node | None, path: Path) -> tuple[int, int] | None:
    """Return line and column of a place, or of the nearest place around it that the text holds."""
    if root is None:
        return None
    node = root
    for step in path:
        child = _key_of(node, step) if isinstance(step, Key) else child_of(node, step)
        if child is None:
            break
        node = child
    return node.line, node.column


def child_of(node: Node, step: str | int) -> Node | None:
    """Return the value under a key or index, None when there is none or the node is an alias."""
    if node.kind == MAPPING and isinstance(step, str):
        place = _place_of(node, step)
        return None if place is None else node.value[place + 1]
    if node.kind == SEQUENCE and isinstance(step, int) and step < len(node.value):
        return node.value[step]  # type: ignore[no-any-return]
    return None


def _key_of(node: Node, step: str) -> Node | None:
    place = _place_of(node, step) if node.kind == MAPPING else None
    return None if place is None else node.value[place]


def _place_of(node: Node, step: str) -> int | None:
    """Return the index of the last key of that text; looking up a thousand of them takes one pass, not a thousand."""
    if node.places is None:
        node.places = {key_text(key): 2 * index for index, key in enumerate(node.value[::2])}
    return node.places.get(step)


def key_text(key: Node) -> str:
    """Return the text of a key as it is written: an alias' name, nothing for lists and mappings."""
    if key.kind == SCALAR:
        return str(key.value)
    return key.tag or "" if key.kind == ALIAS else ""
