"""YAML as go-yaml v3 reads it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from butane.nodes import ALIAS, MAPPING, SEQUENCE, YamlError, compose, locate, resolve
from butane.report import Key


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),
        ("0o644", 420),
        ("0x1A", 26),
        ("0b101", 5),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+5", 5),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("9223372036854775808", 2**63),
        ("18446744073709551616", 1.8446744073709552e19),
        ("-9223372036854775809", -9.223372036854776e18),
        ("1e999", "1e999"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("on", "on"),
        ("~", None),
        ("Null", None),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("'12'", "12"),
        ("! 12", 12),
        ("!!str 12", "12"),
        ("!!float 12", 12.0),
        ("!!int '12'", 12),
        ("!custom 12", "12"),
        ("!!binary aGVsbG8=", "hello"),
        ("-.inf", -math.inf),
    ],
)
def test_scalars_resolve_as_in_go_yaml(text: str, value: object) -> None:
    node = compose(text)
    assert node is not None
    found = resolve(node)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["!!int abc", "!!bool yes", "!!float x", "!!binary '@'", "!!null x"])
def test_mismatched_tags_are_refused(text: str) -> None:
    node = compose(text)
    assert node is not None
    with pytest.raises(YamlError, match=r"cannot decode|invalid base64"):
        resolve(node)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b\n\tc: d\n", 2),
        ("a: [b\nc: d\n", 1),
        ("a: 'b\n", 2),
        ("a: *b\n", 1),
        ("x: y\na: {b: c?d}\n", 1),
        ("a: b: c\n", 1),
        ("a: \x01\n", None),
    ],
)
def test_invalid_yaml_is_refused_with_its_line(text: str, line: int | None) -> None:
    with pytest.raises(YamlError) as caught:
        compose(text)
    assert caught.value.line == line


def test_positions_are_found_through_aliases() -> None:
    node = compose("a: &x [1, {b: c}]\nd: *x\n? e\n: f\n")
    assert node is not None
    assert node.kind == MAPPING
    assert locate(node, ("a", 1, "b")) == (1, 15)
    assert locate(node, ("a", 1, Key("b"))) == (1, 12)
    assert locate(node, ("a", 7)) == (1, 4)
    assert locate(node, ("nothing", "here")) == (1, 1)
    alias = node.value[3]
    assert alias.kind == ALIAS
    assert alias.value.kind == SEQUENCE
    assert locate(node, ("d", 0)) == (2, 4)


@pytest.mark.parametrize("start", ["", "\ufeff", "# \ue000\n"])
def test_colons_before_brackets_and_commas_belong_to_the_scalar(start: str) -> None:
    """As in go-yaml; libyaml refuses them."""
    node = compose(start + "a: {b: data:,x, c: [d:], e: 'f:,'}\n")
    assert node is not None
    b, _, c, e = node.value[1].value[1::2]  # the comma ends a text between brackets
    assert b.value == "data:"
    assert c.value[0].value == "d:"
    assert e.value == "f:,"
    assert (c.column, e.column) == (20, 29)


def test_only_the_first_yaml_document_is_read() -> None:
    node = compose("a: b\n---\n]\n")
    assert node is not None
    assert compose("") is None
    assert compose("# nothing\n") is None


@settings(max_examples=300, derandomize=True, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        node = compose(text)
    except YamlError as error:
        assert error.message
        assert error.line is None or error.line >= 1
    else:
        assert node is None or node.line >= 1
