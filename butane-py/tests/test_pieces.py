"""Small languages inside documents, many texts in each document: URLs, unit files, numbers, modes, paths."""

import json
import os
import random
from pathlib import Path

import pytest

from butane import ignition_rules, nodes, systemd
from butane.systemd import UnitError, escape_path, sections_with_options
from reference import differences

ROUNDS = max(int(os.environ.get("BUTANE_EXAMPLES", "200")) // 20, 1)
URL_PIECES = [
    "http", "https", "data", "s3", "arn", "gs", "tftp", "HTTP", "ftp", "1", ":", ":", "//", "/", "//", "?", "#",
    "%", "%20", "%zz", "%25", "@", "[", "]", "[::1]", "[fe80::1%25eth0]", "1.2.3.4", "h", "h:80", ":x", "a b", "\u00e9",
    "\x7f", ",",
    ";", "=", ";base64", ",aGk=", ",aGk", "text/plain", "image/", "x-a/b", ';a="b"', ";charset=utf-8",
    "versionId=", "versionId=1",
    "&", "aws:s3:::b/k", "aws:s3:::accesspoint/a", "aws:ec2:::i/j", "!", "'", '"', "<", "\\", "\n", "*", "~",
]  # fmt: skip
UNIT_PIECES = [
    "[Unit]", "[Service]\n", "[Install]", "[x", "]", "\n", "\n", "\r\n", "A=b", "Exec=", "= ", "#c", "; d", " ", "\\",
    "\\\n",
    " \\\n", "\u00e9", "x", "WantedBy=multi-user.target\n", "\t", "a" * 500, "b" * 1100, "c" * 2100,
    "d \u00e9 " * 300,
    "E=" + "f" * 2044, "E=" + "g" * 2045 + "\n",
]  # fmt: skip
NUMBER_PIECES = [
    "0",
    "1",
    "7",
    "8",
    "9",
    "_",
    "x",
    "o",
    "b",
    "B",
    "X",
    "a",
    "F",
    "e",
    "E",
    ".",
    "-",
    "+",
    "00",
    "inf",
    "17",
]
PATH_PIECES = ["/", "/", "a", "b", ".", "..", "//", " ", "-", "\u00e9", "etc", "\\"]


def _joined(dice: random.Random, pieces: list[str], most: int) -> str:
    return "".join(dice.choice(pieces) for _ in range(dice.randint(1, most)))


def _same(butane_binary: Path, minor: int, document: dict[str, object]) -> None:
    text = f"variant: fcos\nversion: 1.{minor}.0\n" + "".join(
        f"{key}: {json.dumps(value)}\n" for key, value in document.items()
    )
    found = differences(butane_binary, text)
    assert not found, text + "\n".join(found)


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_random_urls_give_the_same_result_as_the_reference(butane_binary: Path, round_: int) -> None:
    dice = random.Random(round_)
    urls = [_joined(dice, URL_PIECES, 8) for _ in range(30)]
    urls += ["data:" + _joined(dice, URL_PIECES, 6) for _ in range(20)]
    urls += ["https://" + _joined(dice, URL_PIECES, 5) for _ in range(20)]
    files = [{"path": f"/{index}", "contents": {"source": url}} for index, url in enumerate(urls)]
    proxies = {"proxy": {"http_proxy": urls[0], "https_proxy": urls[-1]}}
    _same(butane_binary, dice.randrange(1, 8), {"storage": {"files": files}, "ignition": proxies})


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_random_units_give_the_same_result_as_the_reference(butane_binary: Path, round_: int) -> None:
    dice = random.Random(round_)
    texts = [dice.choice(["", "[Unit]\n"]) + _joined(dice, UNIT_PIECES, 14) for _ in range(30)]
    units = [{"name": f"u{index}.service", "enabled": True, "contents": text} for index, text in enumerate(texts)]
    units += [
        {"name": f"d{index}.service", "dropins": [{"name": "a.conf", "contents": text}]}
        for index, text in enumerate(texts)
    ]
    _same(butane_binary, dice.randrange(8), {"systemd": {"units": units}})


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_random_numbers_give_the_same_result_as_the_reference(butane_binary: Path, round_: int) -> None:
    dice = random.Random(round_)
    numbers = [_joined(dice, NUMBER_PIECES, 5) for _ in range(60)]
    users = "".join(f"    - {{name: u{index}, uid: {number}}}\n" for index, number in enumerate(numbers))
    text = f"variant: fcos\nversion: 1.5.0\npasswd:\n  users:\n{users}"
    found = differences(butane_binary, text)
    assert not found, text + "\n".join(found)
    # Alone, so that the numbers which are accepted are compared by value too.
    for number in numbers[:5]:
        found = differences(
            butane_binary, f"variant: fcos\nversion: 1.5.0\npasswd: {{users: [{{name: a, uid: {number}}}]}}\n"
        )
        assert not found, number + "\n".join(found)


@pytest.mark.parametrize("start", range(-1, 10_000, 500))
def test_modes_get_the_same_octal_warnings_as_in_the_reference(butane_binary: Path, start: int) -> None:
    """Modes that look like octal numbers written in decimal: all up to 4096, and a part of the larger ones."""
    modes = range(start, start + 500, 1 if start <= 0o10000 else 7)
    files = [{"path": f"/f{mode}", "mode": mode} for mode in modes]
    directories = [{"path": f"/d{mode}", "mode": mode} for mode in modes]
    _same(butane_binary, 5, {"storage": {"files": files, "directories": directories}})


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_random_paths_give_the_same_result_as_the_reference(butane_binary: Path, round_: int) -> None:
    dice = random.Random(round_)
    paths = sorted({_joined(dice, PATH_PIECES, 7) for _ in range(40)})
    filesystems = [
        {"device": f"/dev/{index}{path}", "format": "xfs", "path": path, "with_mount_unit": True}
        for index, path in enumerate(paths)
    ]
    _same(butane_binary, dice.randrange(1, 8), {"storage": {"filesystems": filesystems}})
    good = [
        f"/var/{index}{path.strip('/.')}"
        for index, path in enumerate(paths)
        if ignition_rules.clean_path(f"/{path}") == f"/{path}"
    ]
    units = [{"device": f"/dev{path}", "format": "xfs", "path": path, "with_mount_unit": True} for path in good]
    _same(butane_binary, 5, {"storage": {"filesystems": units}})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "-"),
        ("", "-"),
        ("/var/lib/my data", r"var-lib-my\x20data"),
        ("//var//lib/", "var-lib"),
        ("/.hidden/.x", r"\x2ehidden-.x"),
        ("/a-b", r"a\x2db"),
        ("/é", r"\xc3\xa9"),
    ],
)
def test_paths_are_escaped_as_systemd_does(path: str, name: str) -> None:
    assert escape_path(path) == name


@pytest.mark.parametrize(
    ("contents", "sections"),
    [
        ("", set()),
        ("junk\n[Unit]\nA=b\n", {"Unit"}),
        ("[Unit]\n[Install]\n", set()),
        ("[Unit]\nA=b \\\n[Install]\nC=d\n", {"Unit"}),
        ("# a \\\n[Unit]\nA=b\n", set()),
        ("[Install]\nA=\n", {"Install"}),
    ],
)
def test_unit_sections_with_options_are_found(contents: str, sections: set[str]) -> None:
    assert sections_with_options(contents) == sections


@pytest.mark.parametrize(
    "contents", ["[Unit", "[Unit] x", "[Unit]\nA\n", "[Unit]\nA\r=b\n", "[Unit]\nA=" + "b" * systemd.LINE_MAX]
)
def test_invalid_unit_texts_are_refused(contents: str) -> None:
    with pytest.raises(UnitError):
        sections_with_options(contents)


def test_parser_without_libyaml_gives_the_same_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own scanner is used where libyaml is missing."""
    text = "a: [1, &x {b: c}]\nd: *x\n"
    expected = nodes.compose(text)
    monkeypatch.setattr(nodes, "_EventParser", nodes.yaml.SafeLoader)
    found = nodes.compose(text)

    def flat(node: nodes.Node | None) -> object:
        if node is None or node.kind == nodes.SCALAR:
            return node and (node.value, node.plain, node.line, node.column)
        items = [node.value] if node.kind == nodes.ALIAS else node.value
        return node.kind, node.line, node.column, [flat(item) for item in items]

    assert flat(found) == flat(expected)
    with pytest.raises(nodes.YamlError):
        nodes.compose("a: [b\n")
