"""The machine's reader of a served config: it unpacks the bundle as Ignition does, and refuses everything else."""

import base64
import copy
import gzip
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.data_url import Budget, contents
from diaspora_infra.host.identity import BUNDLE_FILE
from diaspora_infra.host.templates import templates_folder
from tests.host.pod import LIBEXEC
from tests.machine.former import FORMER
from tests.machine.pod_programs import RequireProgram
from tests.machine.test_ignition_applied import CASES, EVERYTHING, PRESETS, rendered_of
from tests.support.configs import ignition_config, pod
from tests.support.ignition_root import Ignition, Node, applied, read_tree

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root may give files to others")

READER = templates_folder() / "upgrade" / LIBEXEC / "read-bundle"
HASH_FILE = {"path": BUNDLE_FILE, "contents": {"source": "data:," + quote('{"hash":"h","paths":[],"enabled":[]}')}}


@pytest.fixture(scope="module", autouse=True)
def _programs(require_program: RequireProgram) -> None:
    require_program("jq", "jq")


def read(config: Ignition | bytes, folder: Path, reader: Path = READER) -> "subprocess.CompletedProcess[str]":
    """Let the reader unpack a config to `folder`/staged."""
    shutil.rmtree(folder / "staged", ignore_errors=True)
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    (folder / "config.ign").write_bytes(data)
    return subprocess.run(
        ["bash", reader, folder / "config.ign", folder / "staged"],
        env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def staged(config: Ignition, folder: Path) -> dict[str, Node]:
    done = read(config, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return read_tree(folder / "staged" / "files")


@pytest.fixture(scope="module")
def former_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reader that machines of a former version have."""
    former = unpack(json.loads(FORMER.read_text(encoding="utf-8")))
    (entry,) = (file for file in former["storage"]["files"] if file["path"] == f"/{LIBEXEC}/read-bundle")
    path = tmp_path_factory.mktemp("former") / "read-bundle"
    path.write_bytes(contents(entry["contents"], Budget()))
    return path


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("aws")])
def test_machine_of_former_version_takes_the_bundle(name: str, former_reader: Path, tmp_path: Path) -> None:
    done = read(json.loads(rendered_of(CASES[name].config)[1].ignition), tmp_path, former_reader)
    assert done.returncode == 0, done.stderr


# a machine on AWS is replaced where another one takes a bundle
@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("aws")])
def test_reader_gives_the_same_tree_as_ignition(name: str, tmp_path: Path) -> None:
    config = json.loads(rendered_of(CASES[name].config)[1].ignition)
    tree = staged(config, tmp_path)
    with applied(config) as root:
        real = read_tree(root)
    ends = {path: node for path, node in tree.items() if node.kind != "directory"}
    assert {path: real[path] for path in ends} == ends
    folders = {path: node for path, node in tree.items() if node.kind == "directory"}
    assert {path: real[path] for path in folders} == folders
    bundle_file = json.loads(tree[BUNDLE_FILE].content)
    assert set(bundle_file["paths"]) == ends.keys()
    lists = {key: (tmp_path / "staged" / key).read_text().split() for key in ("enable", "disable")}
    assert sorted(lists["enable"]) == bundle_file["enabled"]
    presets = real[PRESETS].content.decode().splitlines()
    assert {f"enable {unit}" for unit in lists["enable"]} <= set(presets)
    assert lists["disable"] == (["diaspora.target"] if name == "pod-stopped" else [])
    assert json.loads((tmp_path / "staged/machine.json").read_text()) == json.loads(
        real["/etc/diaspora/machine.json"].content
    )


def test_contents_in_any_encoding_are_decoded_exactly(tmp_path: Path) -> None:
    chance = random.Random(1)
    odd = [b"", b"%41\\x41\\0&$(x)\x00\n\n", "größe 🐘".encode()]
    payloads = [bytes(range(256)), *odd, *(chance.randbytes(5000) for _ in "ab")]
    files, expected = [], {}
    for number, data in enumerate(payloads):
        ways = {
            "plain": {"source": f"data:,{quote(data)}"},
            "all": {"source": "data:text/plain," + "".join(f"%{byte:02x}" for byte in data), "compression": ""},
            "base64": {"source": f"data:;base64,{base64.b64encode(data).decode()}", "verification": {}},
            "gzip": {"source": f"data:;base64,{base64.b64encode(gzip.compress(data)).decode()}", "compression": "gzip"},
            "both": {"source": f"data:,{quote(gzip.compress(data))}", "compression": "gzip"},
        }
        for way, resource in ways.items():
            path = f"/etc/diaspora/{number}-{way}"
            files.append({"path": path, "mode": 0o604, "contents": resource})
            expected[path] = Node("file", 0o604, (0, 0), data)
    files.append(
        {"path": "/etc/diaspora/long", "contents": {"source": "data:,a"}, "append": [{"source": "data:,b%0A"}]}
    )
    expected["/etc/diaspora/long"] = Node("file", 0o644, (0, 0), b"ab\n")
    tree = staged(with_bundle({"storage": {"files": [HASH_FILE, *files]}}), tmp_path)
    assert {path: tree[path] for path in expected} == expected


def test_units_links_and_owners_are_read(tmp_path: Path) -> None:
    bundle = {
        "storage": {
            "files": [
                HASH_FILE,
                {"path": "/usr/local/bin/x", "mode": 0o755, "user": {"id": 12}, "group": {"name": "root"},
                 "contents": {"source": "data:,x"}},
            ],
            "directories": [{"path": "/etc/diaspora/d", "mode": 0o750, "user": {"id": 7}, "group": {"id": 8}}],
            "links": [{"path": "/etc/diaspora/d/l", "target": "../x y"}],
        },
        "systemd": {"units": [
            {"name": "a.service", "contents": "[Unit]\n# ä\n", "enabled": True},
            {"name": "b@.timer", "mask": True},
            {"name": "c.service", "dropins": [{"name": "1.conf", "contents": "[Unit]\n"}, {"name": "2.conf"}]},
            {"name": "d.timer", "enabled": False},
        ]},
    }  # fmt: skip
    tree = staged(with_bundle(bundle), tmp_path)
    units = "/etc/systemd/system"
    assert tree["/usr/local/bin/x"] == Node("file", 0o755, (12, 0), b"x")
    assert tree["/etc/diaspora/d"] == Node("directory", 0o750, (7, 8))
    assert tree["/etc/diaspora/d/l"].content == b"../x y"
    assert tree[f"{units}/a.service"].content.decode() == "[Unit]\n# ä\n"
    assert tree[f"{units}/b@.timer"].content == b"/dev/null"
    assert [path for path in tree if "c.service" in path] == [f"{units}/c.service.d", f"{units}/c.service.d/1.conf"]
    assert (tmp_path / "staged/enable").read_text() == "a.service\n"
    assert (tmp_path / "staged/disable").read_text() == "d.timer\n"


def with_bundle(bundle: Ignition) -> Ignition:
    """A served config of a machine, with a bundle whose content is not checked."""
    rest = json.loads(rendered_of(ignition_config(pod=pod()))[1].ignition)
    rest["ignition"].pop("config")
    packed = base64.b64encode(gzip.compress(json.dumps({"ignition": {"version": "3.4.0"}, **bundle}).encode())).decode()
    rest["ignition"]["config"] = {"merge": [{"compression": "gzip", "source": f"data:;base64,{packed}"}]}
    whole: Ignition = rest
    return whole


def file_at(path: Any, **changes: Any) -> dict[str, Any]:
    return {"storage": {"files": [HASH_FILE, {"path": path, "contents": {"source": "data:,x"}, **changes}]}}


def here(**changes: Any) -> dict[str, Any]:
    return file_at("/etc/diaspora/x", **changes)


def unit(**changes: Any) -> dict[str, Any]:
    return {"storage": {"files": [HASH_FILE]}, "systemd": {"units": [{"name": "a.service", **changes}]}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "disks": ({"storage": {"disks": [{"device": "/dev/sda"}]}}, "has disks, which only a reinstallation can change"),
    "luks": ({"storage": {"luks": [{"name": "a"}]}}, "has luks"),
    "users": ({"passwd": {"users": [{"name": "x"}]}}, "has passwd"),
    "kernel arguments": ({"kernelArguments": {"shouldExist": ["x"]}}, "has kernelArguments"),
    "another config": ({"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "data:,"}]}}}, "has config"),
    "a proxy": ({"ignition": {"version": "3.4.0", "proxy": {"httpProxy": "http://x"}}}, "has proxy"),
    "/etc/passwd": (file_at("/etc/passwd"), "/etc/passwd is outside the folders of the pod"),
    "dots": (file_at("/etc/diaspora/../passwd"), "is not clean"),
    "dots at the end": (file_at("/usr/local/bin/.."), "is not clean"),
    "a dot": (file_at("/etc/./diaspora/x"), "is not clean"),
    "two slashes": (file_at("/etc/diaspora//x"), "is not clean"),
    "a relative path": (file_at("etc/diaspora/x"), "is not clean"),
    "a unit as a file": (file_at("/etc/systemd/system/x.service"), "outside the folders of the pod"),
    "below the drop-ins": (file_at("/etc/systemd/system/x.service.d/y/z.conf"), "outside the folders of the pod"),
    "no drop-in": (file_at("/etc/systemd/system/x.service.d/z"), "outside the folders of the pod"),
    "a name that begins alike": (file_at("/etc/diaspora-other"), "outside the folders of the pod"),
    "network": (file_at("/etc/NetworkManager/system-connections/x"), "outside the folders of the pod"),
    "a line break": (file_at("/etc/diaspora/x\ny"), "control characters"),
    "a separator": (file_at("/etc/diaspora/x\x1fy"), "control characters"),
    "a number": (file_at(7), "a path is not text"),
    "no contents": (here(contents=None, append=[{"source": "data:,"}]), "no contents"),
    "a file from the network": (here(contents={"source": "http://x/y"}), "not a data URL"),
    "headers": (here(contents={"source": "data:,", "httpHeaders": [{"name": "a"}]}), "httpHeaders"),
    "a hash": (
        here(contents={"source": "data:,", "verification": {"hash": "sha256-0"}}), "verification",
    ),
    "broken base64": (here(contents={"source": "data:;base64,!"}), "cannot be unpacked"),
    "broken percent": (here(contents={"source": "data:,%4"}), "cannot be unpacked"),
    "a backslash": (here(contents={"source": "data:,\\x41"}), "cannot be unpacked"),
    "broken gzip": (here(contents={"source": "data:,x", "compression": "gzip"}), "cannot be unpacked"),
    "another compression": (here(contents={"source": "data:,x", "compression": "xz"}), "unpacked"),
    "a mode": (here(mode=4096), "a mode is wrong"),
    "a mode as text": (here(mode="755"), "a mode is wrong"),
    "an owner": (here(user={"name": "-R"}), "an owner is wrong"),
    "an unknown owner": (here(user={"name": "nobody-here"}), "owner of /etc/diaspora/x is not known"),
    "twice": (
        {"storage": {"files": [HASH_FILE], "directories": [{"path": BUNDLE_FILE}]}}, "appears twice",
    ),
    "through a link": (
        {"storage": {"files": [HASH_FILE, {"path": "/etc/diaspora/l/x", "contents": {"source": "data:,"}}],
                     "links": [{"path": "/etc/diaspora/l", "target": "/"}]}}, "is below /etc/diaspora/l",
    ),
    "a hard link": (
        {"storage": {"files": [HASH_FILE], "links": [{"path": "/etc/diaspora/l", "target": "/x", "hard": True}]}},
        "is a hard link",
    ),
    "a unit elsewhere": (unit(name="../a.service"), "is not the name of a unit"),
    "a drop-in elsewhere": (unit(dropins=[{"name": "../../x.conf", "contents": "x"}]), "a drop-in has no name"),
    "a unit twice": (
        {"storage": {"files": [HASH_FILE]}, "systemd": {"units": [{"name": "a.service"}, {"name": "a.service"}]}},
        "twice",
    ),
    "masked with contents": (unit(mask=True, contents="x"), "masked and has contents"),
    "no bundle.json": ({"storage": {"files": []}}, "bundle.json is missing"),
    "a list": ({"storage": []}, "the bundle is refused"),
    "text for files": ({"storage": {"files": "x"}}, "the bundle is refused"),
    "null paths": ({"storage": {"files": [{"contents": {"source": "data:,"}}]}}, "a path is not text"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_bundle_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    bundle, words = REFUSED[name]
    done = read(with_bundle(bundle), tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert words in done.stderr


def damaged(change: Callable[[Ignition], None]) -> Ignition:
    config = json.loads(rendered_of(EVERYTHING)[1].ignition)
    change(broken := copy.deepcopy(config))
    return dict(broken)


def without_bundle(config: Ignition) -> None:
    config["ignition"].pop("config")


def truncated_bundle(config: Ignition) -> None:
    entry = config["ignition"]["config"]["merge"][0]
    head, _, payload = entry["source"].partition(",")
    entry["source"] = f"{head},{payload[: len(payload) // 8 * 4]}"


def without_machine(config: Ignition) -> None:
    config["storage"]["files"] = [entry for entry in config["storage"]["files"] if "machine.json" not in entry["path"]]


def empty(config: Ignition) -> None:
    config.clear()
    config["ignition"] = {"version": "3.4.0"}


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (b"", "not an Ignition config"),
        (b"<html>", "not an Ignition config"),
        (b'"text"', "not an Ignition config"),
        (b'{"ignition":{"version":"2.2.0"}}', "not an Ignition config"),
        (empty, "/etc/diaspora/machine.json is missing"),
        (without_machine, "/etc/diaspora/machine.json is missing"),
        (without_bundle, "the bundle is missing"),
        (truncated_bundle, "the bundle cannot be unpacked"),
    ],
    ids=["nothing", "html", "text", "old", "empty", "foreign", "no-bundle", "half"],
)
def test_foreign_config_is_refused_in_one_line(
    damage: Callable[[Ignition], None] | bytes, words: str, tmp_path: Path
) -> None:
    done = read(damage if isinstance(damage, bytes) else damaged(damage), tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
    assert words in done.stderr


def test_decompression_bomb_is_refused(tmp_path: Path) -> None:
    bomb = base64.b64encode(gzip.compress(b" " * 40 * 1024 * 1024)).decode()
    config = with_bundle({})
    config["ignition"]["config"]["merge"][0]["source"] = f"data:;base64,{bomb}"
    done = read(config, tmp_path)
    assert (done.returncode, done.stderr) == (1, "the bundle cannot be unpacked\n")


def test_merged_configs_of_the_user_are_not_read_as_bundle(tmp_path: Path) -> None:
    config = json.loads(rendered_of(EVERYTHING)[1].ignition)
    own = {"ignition": {"version": "3.4.0"}, "passwd": {"users": [{"name": "x"}]}}
    config["ignition"]["config"]["merge"] += [{"source": f"data:,{quote(json.dumps(own))}"}]
    tree = staged(config, tmp_path)
    assert tree == staged(json.loads(rendered_of(EVERYTHING)[1].ignition), tmp_path)
