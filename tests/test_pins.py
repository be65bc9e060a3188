"""What the project fetches is pinned: packages by hash, actions by commit, images by tag or digest."""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.config.images import IMAGES

PROJECT = Path(__file__).resolve().parent.parent
MEMBERS = {"butane-py": PROJECT / "butane-py/pyproject.toml", "diaspora-infra": PROJECT / "pyproject.toml"}

# A requirement or a workflow, written as a line of each rule's own.
REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+(?:\[[^]]*\])?==[^ ;]+ .*--hash=sha256:[0-9a-f]{64}(?: |$)")
ACTION = re.compile(r"uses: *[\w.-]+/[\w./-]+@[0-9a-f]{40} +# v\d+\.\d+\.\d+$")
IMAGE = re.compile(r"[^ :@]+(?::\d+)?/[^ :@]+(?::(?!latest\b)[\w][\w.-]*|@sha256:[0-9a-f]{64})")
RUNS_DOWNLOAD = re.compile(
    r"\b(?:curl|wget)\b[^|;&\n]*\|\s*(?:sudo\s+)?(?:\S*/)?(?:(?:ba|da|z|k)?sh|python3?|perl|ruby)\b"
    r"|\b(?:ba|da|z|k)?sh\b[^\n|;&]*[<$]\(\s*(?:curl|wget)\b"
)


@cache
def tracked() -> tuple[Path, ...]:
    """The files that git tracks or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    return tuple(PROJECT / name for name in listed.split("\0") if name and (PROJECT / name).is_file())


def lines(file: Path) -> list[str]:
    """The lines of a text file, joined where they end with a backslash; none of a file that is not text."""
    try:
        return file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    except UnicodeDecodeError:
        return []


def unpinned_requirements(text: list[str]) -> list[str]:
    """What is not pinned by hash; a folder of the repository itself is not fetched."""
    kept = [line.strip() for line in text if line.strip() and not line.lstrip().startswith("#")]
    return [line for line in kept if not REQUIREMENT.match(line) and line not in {"..", "../butane-py"}]


def unpinned_actions(text: list[str]) -> list[str]:
    used = [line.strip().removeprefix("- ") for line in text if re.match(r"\s*(?:- )?uses:", line)]
    return [line for line in used if not ACTION.fullmatch(line) and not line.startswith("uses: ./")]


def unpinned_images(text: list[str]) -> list[str]:
    """Images of a Containerfile: of FROM, and the defaults of the arguments that FROM takes."""
    arguments = dict(found.groups() for line in text if (found := re.match(r"ARG (\w+)=(\S+)", line)))
    stages = {found[1] for line in text if (found := re.match(r"FROM \S+ AS (\w+)", line))}
    used = [found[1] for line in text if (found := re.match(r"FROM (?:--\S+ )*(\S+)", line))]
    images = [re.sub(r"\$\{(\w+)\}", lambda name: arguments.get(name[1], ""), image) for image in used]
    return [image for image in images if image not in stages and not IMAGE.fullmatch(image)]


def test_requirements_have_hashes() -> None:
    files = [file for file in tracked() if re.fullmatch(r".*(requirements|constraints).*\.txt", file.name)]
    assert len(files) >= 3
    assert {file: found for file in files if (found := unpinned_requirements(lines(file)))} == {}


def test_every_package_of_the_lock_file_has_hashes() -> None:
    lock = tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))
    packages = [package for package in lock["package"] if "editable" not in package["source"]]
    assert len(packages) > 100
    for package in packages:
        assert package["source"].keys() == {"registry"}, package["name"]
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def settings(name: str) -> dict[str, Any]:
    return tomllib.loads(MEMBERS[name].read_text(encoding="utf-8"))


def test_build_backend_is_the_one_of_the_lock_file() -> None:
    """uv and pip would fetch the latest release of what only `requires` names."""
    lock = tomllib.loads((PROJECT / "uv.lock").read_text(encoding="utf-8"))
    locked = {package["name"]: package.get("version") for package in lock["package"]}
    uv = settings("diaspora-infra")["tool"]["uv"]
    assert set(uv["no-build-isolation-package"]) == MEMBERS.keys()
    assert "build" in uv["default-groups"]
    group = {entry["name"] for entry in _package(lock, "diaspora-infra")["dev-dependencies"]["build"]}
    for name in MEMBERS:
        (requirement,) = settings(name)["build-system"]["requires"]
        backend, _, version = requirement.partition("==")
        assert locked[backend] == version, name
        assert backend in group


def _package(lock: dict[str, Any], name: str) -> dict[str, Any]:
    package: dict[str, Any] = next(package for package in lock["package"] if package["name"] == name)
    return package


def workflows() -> Iterator[Path]:
    for file in tracked():
        if file.suffix in {".yml", ".yaml"} and any(re.match(r"\s*(?:- )?uses:", line) for line in lines(file)):
            yield file


def test_actions_are_pinned_by_commit() -> None:
    files = list(workflows())
    assert PROJECT / "examples/ci/preview.yml" in files
    assert {file: found for file in files if (found := unpinned_actions(lines(file)))} == {}
    for file in files:
        for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
            assert "latest" not in str(job["runs-on"]), file


def test_images_have_a_tag_or_a_digest() -> None:
    containerfiles = [file for file in tracked() if file.name in {"Containerfile", "Dockerfile"}]
    assert len(containerfiles) >= 4
    assert {file: found for file in containerfiles if (found := unpinned_images(lines(file)))} == {}
    defaults = [image.reference for image in IMAGES.values() if image.reference]
    assert [reference for reference in defaults if not IMAGE.fullmatch(reference)] == []
    units = [file for file in tracked() if ".container" in file.name and "templates" in file.parts]
    named = [line for file in units for line in lines(file) if line.startswith("Image=") and "{{" not in line]
    assert [line for line in named if not IMAGE.fullmatch(line.removeprefix("Image="))] == []


def test_no_download_is_run() -> None:
    files = [file for file in tracked() if file != Path(__file__)]
    assert [f"{file}: {line}" for file in files for line in lines(file) if RUNS_DOWNLOAD.search(line)] == []


def test_npm_packages_have_hashes() -> None:
    locks = [file for file in tracked() if file.name == "package-lock.json"]
    assert {file.parent for file in tracked() if file.name == "package.json"} == {file.parent for file in locks}
    for file in locks:
        packages = json.loads(file.read_text(encoding="utf-8"))["packages"]
        assert len(packages) > 100
        assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_go_modules_have_sums() -> None:
    modules = [file for file in tracked() if file.name == "go.mod"]
    assert len(modules) > 5
    assert [file for file in modules if not file.with_name("go.sum").is_file()] == []


# The rules find what they are for.


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (unpinned_requirements, "requests==2.32.0"),
        (unpinned_requirements, "requests>=2 --hash=sha256:" + "a" * 64),
        (unpinned_requirements, "git+https://example.org/requests.git"),
        (unpinned_requirements, "requests==2.32.0 --hash=sha256:abc"),
        (unpinned_actions, "      - uses: actions/checkout@v5"),
        (unpinned_actions, "  uses: actions/checkout@" + "a" * 40),
        (unpinned_actions, "- uses: docker://alpine:3"),
        (unpinned_images, "FROM docker.io/library/debian"),
        (unpinned_images, "FROM docker.io/library/debian:latest AS base"),
        (unpinned_images, "FROM ${IMAGE}"),
    ],
)
def test_rules_find_what_is_not_pinned(rule: Any, line: str) -> None:
    assert len(rule([line])) == 1


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (unpinned_requirements, "requests==2.32.0 --hash=sha256:" + "a" * 64 + " --hash=sha256:" + "b" * 64),
        (unpinned_actions, "      - uses: actions/checkout@" + "a" * 40 + " # v5.0.0"),
        (unpinned_actions, "      - uses: ./.github/actions/mine"),
        (unpinned_images, "FROM docker.io/library/debian@sha256:" + "a" * 64),
        (unpinned_images, "FROM localhost:5000/debian:12"),
    ],
)
def test_rules_accept_what_is_pinned(rule: Any, line: str) -> None:
    assert rule([line]) == []


@pytest.mark.parametrize(
    "line",
    [
        "curl -fsSL https://get.pulumi.com | sh",
        "wget -qO- https://example.org/install | sudo bash -s -- --yes",
        "bash <(curl https://example.org)",
        'sh -c "$(curl -fsSL https://example.org)"',
        "curl https://example.org/install.py | /usr/bin/python3 -",
    ],
)
def test_download_that_is_run_is_found(line: str) -> None:
    assert RUNS_DOWNLOAD.search(line)


@pytest.mark.parametrize("line", ["curl https://example.org | jq .", "curl -o file https://example.org; sh other"])
def test_other_downloads_are_accepted(line: str) -> None:
    assert not RUNS_DOWNLOAD.search(line)
