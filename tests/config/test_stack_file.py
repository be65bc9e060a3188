"""Reading a stack file without an engine."""

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diaspora_infra.config import ConfigError, Settings, load, parse_stack_file
from diaspora_infra.config.loader.stack_file import ENCRYPTED_MESSAGE, plain_scalar


def pod_of(yaml_text: str) -> Any:
    """What a value under `diaspora-infra:pod` is read as."""
    return parse_stack_file(f"config:\n  diaspora-infra:pod: {yaml_text}\n").values["pod"]


def lines(text: str) -> list[str]:
    """The mistakes in a file that reading it finds."""
    try:
        problems = parse_stack_file(text).problems
    except ConfigError as error:
        return str(error).split("\n")
    assert problems
    return str(ConfigError(problems)).split("\n")


# what the engine 3.200.0 made of these, seen with `pulumi config --json`
SCALARS = [
    ("52:54:00:12:34:56", "52:54:00:12:34:56"),
    ("03:00", "03:00"),
    ("1:30", "1:30"),
    ("off", "off"),
    ("On", "On"),
    ("yes", "yes"),
    ("y", "y"),
    ("tRue", "tRue"),
    ("TRUE", True),
    ("false", False),
    ("~", None),
    ("NULL", None),
    ("", None),
    ("010", 8),
    ("-010", -8),
    ("0o17", 15),
    ("0o9", "0o9"),
    ("09", 9),
    ("08.5", 8.5),
    ("0b11", 3),
    ("0B1", 1),
    ("0b2", "0b2"),
    ("0x1F", 31),
    ("0X1F", 31),
    ("+0x1F", 31),
    ("0x_1", 1),
    ("0x", "0x"),
    ("0x1ffffffffffffffff", "0x1ffffffffffffffff"),
    ("1_000", 1000),
    ("1__0", 10),
    ("1_0.5", 10.5),
    ("-1_2", -12),
    ("5_", 5),
    ("_1", "_1"),
    ("00", 0),
    ("-0", 0),
    ("+5", 5),
    ("1.0", 1),
    ("3.", 3),
    (".5", 0.5),
    ("-.5", -0.5),
    (".1_0", 0.1),
    (".1_", ".1_"),
    ("._1", "._1"),
    (".", "."),
    ("1e3", 1000),
    ("1E+3", 1000),
    ("1e2.", "1e2."),
    ("1e400", "1e400"),
    ("123e45678901", "123e45678901"),
    ("=", "="),
    ("44.20260802.3.1", "44.20260802.3.1"),
    ("120x20", "120x20"),
    ("123456789012", 123456789012),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_unquoted_scalars_are_parsed_as_pulumi_does(text: str, value: Any) -> None:
    read = pod_of(text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize(("text", "_value"), SCALARS)
def test_quoted_scalars_are_strings(text: str, _value: Any, quote: str) -> None:
    assert pod_of(f"{quote}{text}{quote}") == text


@pytest.mark.parametrize("text", [".inf", "-.Inf", ".nan", ".NaN"])
def test_nan_and_infinity_are_parsed_as_floats(text: str) -> None:
    assert isinstance(pod_of(text), float)


@settings(deadline=None, derandomize=True)
@given(st.text(alphabet="0123456789abcdefxXoObB_+-.eE~nulltrue:", max_size=20))
def test_any_scalar_is_parsed_without_exception(text: str) -> None:
    assert isinstance(plain_scalar(text), str | int | float | None)


@settings(deadline=None, derandomize=True)
@given(st.integers(-(2**53), 2**53))
def test_integers_are_parsed_exactly(number: int) -> None:
    assert plain_scalar(str(number)) == number


def test_bytes_must_be_utf_8() -> None:
    assert parse_stack_file("config: {pod: {name: é}}".encode()).values == {"pod": {"name": "é"}}
    with pytest.raises(ConfigError, match=r"^\(file\): line 2: not UTF-8; save the file as UTF-8$"):
        parse_stack_file(b"config:\n  pod: {name: \xe9}")


def test_only_keys_of_the_project_are_parsed() -> None:
    file = parse_stack_file("config: {aws:region: eu-west-1, 'diaspora-infra:target': pxe, host: {a: 1}}\nsecret: 1\n")
    assert (file.values, file.secrets) == ({"target": "pxe", "host": {"a": 1}}, frozenset())


def test_secrets_are_parsed_as_names_only() -> None:
    file = parse_stack_file("config: {'diaspora-infra:smtpPassword': {secure: 'v1:x'}}")
    assert (file.values, file.secrets) == ({}, frozenset({"smtpPassword"}))


@pytest.mark.parametrize("value", ["hunter2", "{secure: 5}", "{secure: x, more: y}", "[secure]", "null", "5"])
def test_plain_text_secret_is_refused_by_load(value: str) -> None:
    file = parse_stack_file(f"config: {{'diaspora-infra:smtpPassword': {value}}}")
    assert file.secrets == frozenset()
    with pytest.raises(ConfigError, match="smtpPassword: not encrypted; run: pulumi config set --secret"):
        load(file.values, file.secrets)


def test_anchors_aliases_and_merges_are_resolved() -> None:
    text = "{a: &a {x: 1, y: 2}, b: *a, c: {<<: *a, y: 3}, d: {<<: [{y: 4, z: 5}, *a]}, e: {'<<': 1}}"
    one = {"x": 1, "y": 2}
    assert pod_of(text) == {
        "a": one,
        "b": one,
        "c": {"x": 1, "y": 3},
        "d": {"x": 1, "y": 4, "z": 5},
        "e": {"<<": 1},
    }


def test_keys_are_strings() -> None:
    assert pod_of("{1: a, true: b, 0x10: c, ~: d}") == {"1": "a", "true": "b", "0x10": "c", "~": "d"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "config: required; allowed: a table of keys such as diaspora-infra:pod"),
        ("[1, 2]", "config: required; allowed: a table of keys such as diaspora-infra:pod"),
        ("config:\n", "config: required; allowed: a table of keys such as diaspora-infra:pod"),
        ("config: []\n", "config: required; allowed: a table of keys such as diaspora-infra:pod"),
        ("a: [1,\nb: 2", "(file): line 2, column 5: expected ',' or ']', but got '<stream end>'; fix the YAML"),
        ("a: b: c", "(file): line 1, column 5: mapping values are not allowed here; fix the YAML"),
        ("a:\n\tb: 1", "(file): line 2, column 1: a tab; use spaces"),
        ("a: `b", "(file): line 1, column 4: found character '`' that cannot start any token; fix the YAML"),
        ("a: 'b", "(file): line 1, column 6: found unexpected end of stream; fix the YAML"),
        ("a: *b", "(file): line 1, column 4: found undefined alias 'b'; fix the YAML"),
        ("a\n---\nb", "(file): line 2, column 1: but found another document; fix the YAML"),
        ("a: 1\nb: \x07", "(file): line 2: special characters are not allowed; fix the YAML"),
        ("config: {a: !!python/name:os.system x}", "a: line 1: tag tag:yaml.org,2002:python/name:os.system; remove "
                                                   "the tag"),
        ("config: {a: !!int x}", "a: line 1: tag tag:yaml.org,2002:int; remove the tag"),
        ("config: {a: !x y}", "a: line 1: tag !x; remove the tag"),
        ("config: {a: {[1]: 2}}", "a: line 1: a key that is a list or a table; allowed: text"),
        ("config: {a: {<<: 5}}", 'a["<<"]: line 1: merges a value that is not a table; allowed: aliases of tables'),
        (
            "config:\n  diaspora-infra:pod:\n    name: a\n    name: b\n",
            "pod.name: line 4: already set in line 3; remove one of the two",
        ),
        ("config: {}\nconfig: {}", "config: line 2: already set in line 1; remove one of the two"),
        (
            "config: {diaspora-infra:pod: {}, pod: {}}",
            "pod: set with and without diaspora-infra:; remove one of the two",
        ),
        (
            "config: {diaspora_infra:pod: {}}",
            "diaspora_infra:pod: unknown namespace (did you mean 'diaspora-infra:pod'?); allowed: diaspora-infra:",
        ),
        (
            "config: {diaspora-infr:pods: {}}",
            "diaspora-infr:pods: unknown namespace (did you mean 'diaspora-infra:pods'?); allowed: diaspora-infra:",
        ),
        (
            "config: {Diaspora-Infra:pod: {}}",
            "Diaspora-Infra:pod: unknown namespace (did you mean 'diaspora-infra:pod'?); allowed: diaspora-infra:",
        ),
        (
            "config: {}\ndiaspora-infra:pod: {}",
            "diaspora-infra:pod: not under config; move it into the table config",
        ),
        (
            "config: {}\ndiaspora-infa:pod: {}",
            "diaspora-infa:pod: not under config; move it into the table config",
        ),
        ("&a [*a]", "(file): tables and lists too deep in each other; fix the YAML"),
        ("config: &a {b: *a}", "(file): tables and lists too deep in each other; fix the YAML"),
        pytest.param("[" * 5000, "(file): tables and lists too deep in each other; fix the YAML", id="deep"),
        ('a: "\\UFFFFFFFF"', "(file): an escape or a version number out of range; fix the YAML"),
    ],
)  # fmt: skip
def test_unparsable_text_is_reported_in_one_line(text: str, line: str) -> None:
    assert lines(text) == [line]


def test_keys_outside_config_are_reported() -> None:
    assert lines("diaspora-infra:pod: {}") == [
        "config: required; allowed: a table of keys such as diaspora-infra:pod",
        "diaspora-infra:pod: not under config; move it into the table config",
    ]


@pytest.mark.parametrize("key", ["aws:region", "diaspora:pod", "infra:pod", "diaspora:infra", ":pod"])
def test_keys_of_other_projects_are_ignored(key: str) -> None:
    assert parse_stack_file(f"config: {{'{key}': 1}}\n'{key}': 1").values == {}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a:\n\tb: 1", "line 2, column 1: a tab; use spaces"),
        (b"\xff", "line 1: not UTF-8; save the file as UTF-8"),
        ("a: *a", "line 1, column 4: found undefined alias 'a'; fix the YAML"),
        ("a: \x07", "line 1: special characters are not allowed; fix the YAML"),
        pytest.param("[" * 5000, "tables and lists too deep in each other; fix the YAML", id="deep"),
        ("[1]: 2", "line 1: a key that is a list or a table; allowed: text"),
        pytest.param(
            "- &a [" + "1," * 1000 + "]\n" + "- *a\n" * 100,
            "more than 100000 values when its aliases are expanded; use fewer aliases",
            id="aliases",
        ),
    ],
)  # fmt: skip
def test_parse_errors_name_the_file(content: str | bytes, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_stack_file(content, "Pulumi.dev.yaml")
    assert str(caught.value).split("\n")[0] == f"Pulumi.dev.yaml: {what}"


def test_every_duplicate_key_is_reported() -> None:
    text = "config:\n  pod: {a: 1, a: 2}\n  host: {users: [{b: 1, b: 2, b: 3}]}\n  host: {}\n"
    assert lines(text) == [
        "host: line 4: already set in line 3; remove one of the two",
        "host.users[0].b: line 3: already set in line 3; remove one of the two",
        "pod.a: line 2: already set in line 2; remove one of the two",
    ]


@pytest.mark.parametrize(
    "entry", ["[{0},{0},{0},{0},{0},{0},{0},{0},{0}]", "{{<<: [{0},{0},{0},{0},{0},{0},{0},{0},{0}]}}"]
)
def test_alias_bombs_are_refused_quickly(entry: str) -> None:
    levels = ["l0: &l0 {a: 1}"] + [f"l{n}: &l{n} {entry.format(f'*l{n - 1}')}" for n in range(1, 12)]
    start = time.monotonic()
    assert lines("\n".join(levels)) == [
        "(file): more than 100000 values when its aliases are expanded; use fewer aliases"
    ]
    assert time.monotonic() - start < 10


@settings(deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"%@`#?<~0.\\UuxFd \n\t\r\x07\x85\ufeff\ud800é"), max_size=60))
@example("%YAML 1" + "1" * 5000 + "\n---\na")
@example("? [a]\n: b")
@example("a: &x\n  <<: *x")
@example('"\\ud83d\\ude00"')
def test_arbitrary_text_is_parsed_or_reported_in_printable_lines(text: str) -> None:
    for document in (text, f"config:\n  diaspora-infra:pod: {text}"):
        try:
            file = parse_stack_file(document)
            assert not isinstance(load(file.values, file.secrets), Settings)
        except ConfigError as error:
            assert error.problems
            assert all(str(problem).isprintable() for problem in error.problems)


def test_key_aws_region_sets_the_region_of_the_stack() -> None:
    start = "config: {'aws:region': eu-north-1, 'diaspora-infra:target': aws"
    assert parse_stack_file(f"{start}}}").values["aws"] == {"region": "eu-north-1"}
    own = parse_stack_file(f"{start}, 'diaspora-infra:aws': {{region: eu-west-1}}}}")
    assert own.values["aws"] == {"region": "eu-west-1"}


AWS_START = "config: {'diaspora-infra:target': aws, aws:region: eu-west-1"


def test_provider_keys_for_the_account_are_accepted() -> None:
    rest = (
        "aws:profile: pod, aws:allowedAccountIds: ['123456789012', 210987654321], "
        "aws:forbiddenAccountIds: ['000000000001']"
    )
    assert parse_stack_file(f"{AWS_START}, {rest}}}").values["aws"] == {"region": "eu-west-1"}


@pytest.mark.parametrize(
    ("rest", "line"),
    [
        (
            "aws:assumeRoles: []",
            "aws:assumeRoles: unknown key; allowed: aws:region, aws:profile, aws:allowedAccountIds, "
            "aws:forbiddenAccountIds",
        ),
        ("aws:profile: {secure: x}", f"aws:profile: {ENCRYPTED_MESSAGE}"),
        ("aws:allowedAccountIds: [{secure: x}]", f"aws:allowedAccountIds: {ENCRYPTED_MESSAGE}"),
        *(
            (
                f"aws:{key}AccountIds: {value}",
                f'aws:{key}AccountIds: not a list of accounts; allowed: numbers of 12 digits, such as ["123456789012"]',
            )
            for key in ("allowed", "forbidden")
            for value in ("123456789012", "[]", "[12345678901]", "[pod]")
        ),
    ],
)
def test_provider_keys_for_another_account_are_refused(rest: str, line: str) -> None:
    assert lines(f"{AWS_START}, {rest}}}") == [line]
    other = parse_stack_file(f"config: {{'diaspora-infra:target': pxe, {rest}}}")
    assert other.values == {"target": "pxe"}
