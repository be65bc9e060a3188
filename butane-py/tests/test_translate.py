"""The interface: inputs, outputs and messages about mistakes."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from butane import VERSIONS, ButaneError, Level, LocalFile, LocalLink, translate
from butane.data_url import encode
from reference import contents

HEAD = "variant: fcos\nversion: 1.5.0\n"


def problems(text: str, **options: Any) -> list[str]:
    with pytest.raises(ButaneError) as caught:
        translate(text, **options)
    assert str(caught.value) == "\n".join(str(entry) for entry in caught.value.report)
    return [str(entry) for entry in caught.value.report]


def test_smallest_document_translates() -> None:
    translation = translate(HEAD)
    assert translation.ignition == {"ignition": {"version": "3.4.0"}}
    assert translation.text() == '{"ignition":{"version":"3.4.0"}}'
    assert translation.text(pretty=True) == '{\n  "ignition": {\n    "version": "3.4.0"\n  }\n}'
    assert translation.version == "1.5.0"
    assert not translation.report.entries


@pytest.mark.parametrize(("version", "ignition"), list(zip(VERSIONS, "01223456", strict=True)))
def test_each_version_maps_to_its_ignition_version(version: str, ignition: str) -> None:
    translation = translate(f"variant: fcos\nversion: {version}\n")
    assert translation.ignition["ignition"]["version"] == f"3.{ignition}.0"


def test_keys_are_in_specification_order() -> None:
    text = HEAD + "storage: {files: [{mode: 0644, path: /a, user: {name: b, id: ~}}], disks: [{device: /dev/a}]}\n"
    storage = translate(text).ignition["storage"]
    assert list(storage) == ["disks", "files"]
    assert list(storage["files"][0]) == ["path", "user", "mode"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "storage:\n  files:\n    - path: etc/a\n      mode: '0644'\n",
            ["config.bu:6:13: $.storage.files.0.mode: must be a whole number, not '0644'"],
        ),
        (
            "storage:\n  files:\n    - path: etc/a\n    - path: /b/\n",
            [
                "config.bu:5:13: $.storage.files.0.path: the path must be absolute",
                "config.bu:6:13: $.storage.files.1.path: the path is not in its simplest form: write /b",
            ],
        ),
        (
            "systemd:\n  units:\n    - name: a.service\n      enabled: ja\n    - nmae: b\n",
            ["config.bu:6:16: $.systemd.units.0.enabled: must be true or false, not 'ja'"],
        ),
        (
            "systemd:\n  units:\n    - nmae: b\n",
            [
                "config.bu:5:7: warning: $.systemd.units.0.nmae: unused key nmae",
                "config.bu:5:7: $.systemd.units.0.name: the name must end in one of .service, .socket, .device, "
                ".mount, .automount, .swap, .target, .path, .timer, .snapshot, .slice, .scope",
            ],
        ),
        ("storage:\n  files: 5\n", ["config.bu:4:10: $.storage.files: must be a list, not '5'"]),
        ("a: 1\nb: 2\na: 3\n", ["config.bu:5:1: $.a: already set on line 3"]),
        ('"a\\nb": {}\nstorage: x\n', ["config.bu:4:10: $.storage: must be a mapping, not 'x'"]),
    ],
)
def test_mistakes_are_reported_with_line_and_path(body: str, expected: list[str]) -> None:
    assert problems(HEAD + body) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "config.bu: $.variant: the variant must be fcos"),
        ("variant: flatcar\nversion: 1.0.0\n", "config.bu:1:10: $.variant: the variant must be fcos, not 'flatcar'"),
        ("variant: fcos\n", "config.bu:1:1: $.version: the version must have the form 1.7.0"),
        ("variant: fcos\nversion: 1.5\n", "config.bu:2:10: $.version: the version must have the form 1.7.0, not '1.5'"),
        (
            "variant: fcos\nversion: 1.9.0\n",
            "config.bu:2:10: $.version: the version must be between 1.0.0 and 1.7.0, not 1.9.0",
        ),
    ],
)
def test_other_variants_and_versions_are_refused(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_max_version_refuses_newer_documents() -> None:
    text = "variant: fcos\nversion: 1.6.0\n"
    assert translate(text, max_version="1.6.0").version == "1.6.0"
    assert problems(text, name="foo.bu", max_version="1.5.0") == [
        "foo.bu:2:10: $.version: version 1.6.0 is above 1.5.0, the newest that is accepted here"
    ]
    with pytest.raises(ValueError, match=r"1\.99\.0"):
        translate(text, max_version="1.99.0")


def test_strict_refuses_warnings() -> None:
    text = HEAD + "storge: {}\n"
    report = translate(text).report
    assert [entry.level for entry in report] == [Level.WARNING]
    assert not report.is_fatal
    assert problems(text, strict=True) == ["config.bu:3:1: $.storge: unused key storge"]


def test_parsed_documents_are_accepted() -> None:
    document = {"variant": "fcos", "version": "1.5.0", "storage": {"files": [{"path": "/etc/a", "mode": 0o644}]}}
    assert translate(document) == translate(json.dumps(document))
    document["storage"] = {"files": [{"path": 5, "mode": "x"}]}
    with pytest.raises(ButaneError) as caught:
        translate(document, name="snippet")
    assert str(caught.value) == "snippet: $.storage.files.0.mode: must be a whole number, not 'x'"


def test_bytes_must_be_utf_8() -> None:
    assert translate(HEAD.encode()) == translate(HEAD)
    with pytest.raises(ButaneError, match=r"config\.bu:2: .*UTF-8"):
        translate(b"variant: fcos\nversion: \xff\n")


def test_local_files_in_memory_are_used() -> None:
    text = HEAD + (
        "passwd: {users: [{name: core, ssh_authorized_keys_local: [keys]}]}\n"
        "storage:\n  files: [{path: /etc/a, contents: {local: dir/a}}]\n  trees: [{local: dir, path: /srv}]\n"
        "systemd: {units: [{name: a.service, contents_local: link}]}\n"
    )
    files = {
        "keys": b"one\n\ntwo\r\n",
        "dir/a": b"A",
        "dir/b/run": LocalFile(b"#!/bin/sh\n", executable=True),
        "dir/to": LocalLink("b/run"),
        "link": LocalLink("dir/../unit"),
        "unit": b"[Unit]\nDescription=a\n",
    }
    ignition = translate(text, files=files).ignition
    assert ignition["passwd"]["users"][0]["sshAuthorizedKeys"] == ["one", "two"]
    nodes = {node["path"]: node for node in ignition["storage"]["files"]}
    assert nodes["/etc/a"]["contents"] == {"compression": "", "source": "data:,A"}
    assert nodes["/srv/a"]["mode"] == 0o644
    assert nodes["/srv/b/run"]["mode"] == 0o755
    assert ignition["storage"]["links"] == [{"path": "/srv/to", "target": "b/run"}]
    assert ignition["systemd"]["units"][0]["contents"] == "[Unit]\nDescription=a\n"


def test_files_in_memory_and_on_disk_give_the_same_result(local_files: Path) -> None:
    text = HEAD + "storage: {trees: [{local: tree}, {local: other, path: /opt}]}\n"
    memory: dict[str, Any] = {}
    for path in local_files.rglob("*"):
        name = str(path.relative_to(local_files))
        if path.is_symlink():
            memory[name] = LocalLink(str(path.readlink()))
        elif path.is_file():
            memory[name] = LocalFile(path.read_bytes(), executable=bool(path.stat().st_mode & 0o111))
    assert translate(text, files=memory) == translate(text, files=local_files)


@pytest.mark.parametrize("kind", ["memory", "disk"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("files: [{path: /a, contents: {local: ../a}}]", "$.storage.files.0.contents.local: the path leads out"),
        ("files: [{path: /a, contents: {local: b}}]", "$.storage.files.0.contents.local: cannot read 'b' in the files"),
        ("trees: [{local: ../x}]", "$.storage.trees.0: the path leads out of the files directory"),
        ("trees: [{local: a}]", "$.storage.trees.0: the root of a tree must be a directory"),
        ("trees: [{local: b}]", "$.storage.trees.0: cannot read 'b' in the files directory: no such"),
    ],
)
def test_unusable_local_files_are_reported(tmp_path: Path, kind: str, body: str, expected: str) -> None:
    (tmp_path / "a").write_text("a")
    files = {"a": b"a"} if kind == "memory" else tmp_path
    (found,) = problems(f"{HEAD}storage:\n  {body}\n", files=files)
    assert expected in found


def test_local_files_require_a_files_directory() -> None:
    body = (
        "storage: {trees: [{local: a}], files: [{path: /a, contents: {local: a}}]}\n"
        "passwd: {users: [{name: a, ssh_authorized_keys_local: [a]}]}\n"
        "systemd: {units: [{name: a.service, contents_local: a}]}\n"
    )
    found = problems(HEAD + body)
    assert len(found) == 4
    assert all("give one with -d/--files-dir" in line for line in found)


@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=400) | st.text(alphabet="ab \n", max_size=3000).map(str.encode))
def test_contents_survive_encoding(data: bytes) -> None:
    text = HEAD + "storage: {files: [{path: /a, contents: {local: a}}]}\n"
    resource = translate(text, files={"a": data}).ignition["storage"]["files"][0]["contents"]
    assert contents(resource).encode("latin-1") == data
    assert len(resource["source"]) <= len("data:;base64,") + 4 * (len(data) + 2) // 3


def test_compression_is_deterministic() -> None:
    source, compression = encode(b"to be or not to be\n" * 100)
    assert compression == "gzip"
    assert encode(b"to be or not to be\n" * 100) == (source, compression)
    raw = base64.b64decode(source.partition(",")[2])
    assert raw[4:8] == bytes(4), "no time stamp"
    assert gzip.decompress(raw) == b"to be or not to be\n" * 100


def test_nothing_is_compressed_where_that_is_not_wanted() -> None:
    """As the Go library does with NoResourceAutoCompression: base64 stays a choice."""
    text, data = "a" * 500, "\0" * 500
    files = [{"path": f"/{each[0].encode().hex()}", "contents": {"inline": each}} for each in (text, data)]
    document = {"variant": "fcos", "version": "1.5.0", "storage": {"files": files, "trees": [{"local": "folder"}]}}
    translation = translate(document, files={"folder/file": text.encode()}, compress=False)
    found = {file["path"]: file["contents"] for file in translation.ignition["storage"]["files"]}
    assert found == {
        "/61": {"source": f"data:,{text}", "compression": ""},
        "/00": {"source": f"data:;base64,{base64.b64encode(data.encode()).decode()}", "compression": ""},
        "/file": {"source": f"data:,{text}", "compression": ""},
    }


def test_compressed_contents_are_not_compressed_again() -> None:
    body = "storage: {files: [{path: /a, contents: {local: a, compression: gzip}}]}\n"
    data = gzip.compress(b"x" * 1000, mtime=0)
    resource = translate(HEAD + body, files={"a": data}).ignition["storage"]["files"][0]["contents"]
    assert resource["compression"] == "gzip"
    assert contents(resource).encode("latin-1") == b"x" * 1000


def test_alias_bombs_are_refused() -> None:
    lines = ["a0: &a0 {path: /x, append: [{inline: x}]}"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 3)]
    text = HEAD + "\n".join(lines) + "\nb: &b [" + ", ".join(["{inline: x}"] * 300) + "]\n"
    text += "storage: {files: [" + ", ".join(["{path: /x, append: *b}"] * 400) + "]}\n"
    assert any("excessive aliasing" in line for line in problems(text))


def test_deep_nesting_is_reported_without_traceback() -> None:
    found = problems(HEAD + "storage: " + "[" * 3000 + "]" * 3000 + "\n")
    assert "must be a mapping, not a list" in found[0]
