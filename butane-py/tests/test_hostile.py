"""Texts that nobody writes on purpose, or only to do harm: a result or a ButaneError, in bounded time."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from butane import ButaneError, check_ignition, translate

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

HEAD = "variant: fcos\nversion: 1.5.0\n"
BOUND = 30.0
"""Seconds of CPU, far above what a busy computer needs for what is linear, far below what is not."""


def lines_of(text: str | bytes) -> list[str]:
    """What a translation says, a line each."""
    try:
        return str(translate(text, name="x").report).splitlines()
    except ButaneError as error:
        return str(error).splitlines()


def mode(number: str) -> str:
    return f"{HEAD}storage: {{files: [{{path: /a, mode: {number}}}]}}\n"


@pytest.mark.parametrize(
    "number",
    ["9" * 5000, "-" + "9" * 5000, "0x" + "9" * 5000, "0o" + "7" * 6000, "1e5000"],
    ids=["decimal", "negative", "hexadecimal", "octal", "exponent"],
)
def test_huge_numbers_are_refused_with_their_place(number: str) -> None:
    (line,) = lines_of(mode(number))
    assert line.startswith("x:3:36: $.storage.files.0.mode: must be a whole number, not '")
    assert len(line) < 120


def test_zeros_before_a_number_do_not_count() -> None:
    assert translate(mode("0" * 5000 + "644")).ignition["storage"]["files"][0]["mode"] == 0o644


@pytest.mark.parametrize("version", ["9" * 5000, "1." + "9" * 5000 + ".0"], ids=["a number", "three numbers"])
def test_huge_versions_are_refused_in_one_short_line(version: str) -> None:
    (line,) = lines_of(f"variant: fcos\nversion: {version}\n")
    assert line.startswith("x:2:10: $.version: the version must ")
    assert len(line) < 500
    report = check_ignition(f'{{"ignition": {{"version": "3.{version}.0"}}}}')
    assert "the version must be between 3.0.0 and 3." in str(report)


def test_messages_and_paths_are_cut() -> None:
    (line,) = lines_of(f"{HEAD}? {'k' * 100_000}\n: 1\n")
    assert line.startswith("x:3:3: warning: $.kkk")
    assert len(line) < 600


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{HEAD}x: {'[' * 10_001}{']' * 10_001}\n", 3),
        (f"{HEAD}x: {'[' * 100_000}", 3),
        (f"{HEAD}x: {'{a: ' * 100_000}", 3),
        (f"{HEAD}x:\n{'- ' * 100_000}\n", 4),
        ("[" * 100_000, 1),
    ],
    ids=["one too many", "brackets", "braces", "dashes", "a text of brackets"],
)
def test_nesting_is_limited_as_in_go_yaml(text: str, line: int) -> None:
    assert lines_of(text) == [f"x:{line}: $: not valid YAML: nested deeper than 10000"]


def test_nesting_below_the_limit_is_read() -> None:
    assert lines_of(f"{HEAD}x: {'[' * 9_999}{']' * 9_999}\n") == ["x:3:1: warning: $.x: unused key x"]


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 {}\n" + "".join(f"a{i}: &a{i} {{<<: *a{i - 1}}}\n" for i in range(1, 5000)) + "storage: *a4999\n",
        f"storage: {'{<<: ' * 3000}{{}}{'}' * 3000}\n",
    ],
    ids=["aliases", "mappings"],
)
def test_chains_of_merge_keys_are_limited(text: str) -> None:
    (line,) = lines_of(HEAD + text)
    assert line.endswith(": $: not valid YAML: aliases or merge keys nested deeper than 100")


def test_repeated_anchors_count_from_where_they_are_set() -> None:
    files = "storage:\n  files:\n    - &a {path: /a}\n    - &a {path: /b}\n"
    (line,) = lines_of(f"{HEAD}{files}systemd: {{units: [{{name: a.service, contents: *a}}]}}\n")
    assert line == "x:6:7: $.systemd.units.0.contents: must be text, not a mapping"


@pytest.mark.parametrize("marker", ["---", "...\n---", "--- # more", "...", "%YAML 1.1\n---"])
def test_text_behind_the_first_document_is_remarked(marker: str) -> None:
    (line,) = lines_of(f"{HEAD}{marker}\nstorage: {{files: [{{path: /a}}]}}\n")
    assert line.startswith(f"x:{4 + marker.count(chr(10))}: warning: $: only the first document of a text is read")
    with pytest.raises(ButaneError, match="only the first document"):
        translate(f"{HEAD}{marker}\n]\n", strict=True)


@pytest.mark.parametrize("end", ["---\n", "...\n", "...\n# the end\n", "--- # nothing\n", "---\n---\n"])
def test_markers_alone_end_a_document(end: str) -> None:
    assert lines_of(f"---\n{HEAD}{end}") == []


def test_other_versions_of_yaml_are_refused_as_in_go_yaml() -> None:
    assert lines_of(f"%YAML 1.1\n---\n{HEAD}") == []
    assert lines_of(f"%YAML 1.2\n---\n{HEAD}") == ["x:1: $: not valid YAML: found incompatible YAML document"]


def test_byte_order_marks_are_read_as_in_go_yaml() -> None:
    assert lines_of("\ufeff" + HEAD) == []
    assert lines_of(("\ufeff" + HEAD).encode()) == []
    for encoding in ("utf-16-le", "utf-16-be"):
        assert lines_of(("\ufeff" + HEAD).encode(encoding)) == []
    assert lines_of(f"{HEAD}\ufeffstorage: {{}}\n") == ["x:3:1: warning: $.'\\ufeffstorage': unused key \ufeffstorage"]
    text = f"{HEAD}storage: {{files: [{{path: /a\ufeffb}}, {{path: '/c\ufeff'}}]}}\n"
    assert [file["path"] for file in translate(text).ignition["storage"]["files"]] == ["/a\ufeffb", "/c\ufeff"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD.encode() + b"x: \xe9\n", "x:3: $: not a UTF-8 text"),
        (b"\xff" + HEAD.encode(), "x:1: $: not a UTF-8 text"),
        (b"\xff\xfe" + HEAD.encode("utf-16-le") + b"\x00\xd8", "x:3: $: not a UTF-16-LE text"),
        (HEAD + "x: \ud800\n", "x: $: not a YAML text: it holds characters that UTF-8 cannot carry"),
        (HEAD + "x: \x00\n", "x: $: not a YAML text: control characters are not allowed"),
    ],
)
def test_what_is_no_text_is_refused(text: str | bytes, said: str) -> None:
    assert lines_of(text) == [said]


MANY = 100_000


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"x{number}: 1\n" for number in range(MANY)),
        "x: 1\n" * MANY,
        f"x: [{'a:,' * MANY}]\n",
        f"storage: {{files: [{'{path: /a, x: 1},' * 20_000}]}}\n",
        "".join(f"x{number}: &x{number} 1\n" for number in range(MANY)),
    ],
    ids=["unknown keys", "the same key", "colons", "unknown keys in a list", "anchors"],
)
def test_time_is_linear_in_keys(text: str) -> None:
    start = time.process_time()
    assert lines_of(HEAD + text)
    assert time.process_time() - start < BOUND


def test_aliases_cannot_multiply_without_end() -> None:
    resources = "{inline: x}," * 1000
    text = f"storage:\n  files:\n    - &a {{path: /a, append: [{resources}]}}\n"
    start = time.process_time()
    (line,) = lines_of(HEAD + text + "    - *a\n" * 1000)
    assert line.endswith("document contains excessive aliasing")
    assert time.process_time() - start < BOUND


PIECES = (
    "variant: fcos", "version: 1.5.0", "storage:", "files:", "- ", "path: /a", "mode: ", "0644", "contents: ",
    "inline: ", "source: ", "[", "]", "{", "}", "&a ", "*a", "<<: ", "? ", "---", "...", "%YAML 1.2", "#", "'",
    '"', "\\", "!!int ", "!!binary ", "! ", "-", ">", "|", "~", "\t", "\ufeff", "\x85", "\u2028", "\x00",
    "\ud800", "systemd:", "units:", "name: a.service", "boot_device:", "mirror:", "devices:", "luks:",
    "disks:", "partitions:", "number: ", "9999999999", "1e999", "0x", ":", "ignition:", "config:", "merge:",
    "kernel_arguments:", "should_exist:", "filesystems:", "with_mount_unit: true", "\n", "\n  ", "\n    ", " ",
    ",", "data:,x",
)  # fmt: skip
BROKEN = st.lists(st.sampled_from(PIECES), max_size=40).map(lambda pieces: HEAD + "".join(pieces))


@settings(max_examples=400, derandomize=True, deadline=None)
@given(text=st.one_of(st.text(max_size=80), st.text(max_size=60).map(lambda text: HEAD + text), BROKEN))
@example(text=mode("9" * 5000))
@example(text=HEAD + "x: " + "[" * 2000)
def test_any_text_gives_a_result_or_an_error(text: str) -> None:
    start = time.process_time()
    for line in lines_of(text):
        assert line.startswith("x:")
        assert len(line) < 2000
    assert time.process_time() - start < BOUND


@settings(max_examples=200, derandomize=True, deadline=None)
@given(data=st.one_of(st.binary(max_size=80), st.binary(max_size=40).map(lambda data: HEAD.encode() + data)))
def test_any_bytes_give_a_result_or_an_error(data: bytes) -> None:
    for line in lines_of(data):
        assert line.startswith("x:")
