"""The metadata of releases: assets that are read, and refused metadata."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.pxe.assets import (
    FOLDER,
    SERVER,
    Asset,
    MetadataError,
    build_assets,
    build_url,
    newest_release,
    range_start,
    stream_assets,
    stream_url,
)
from diaspora_infra.pxe.install import image_names, install_boot
from tests.pxe.releases import OLDER, VERSION, build_metadata, image, sha256, stream_metadata

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def expected_assets(version: str, architecture: str) -> list[Asset]:
    named = vars(image_names(version, architecture))
    return [Asset(name, sha256(image(role, version, architecture))) for role, name in named.items()]


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
@pytest.mark.parametrize("version", [VERSION, "41.20250101.3.0"])
def test_stream_and_build_metadata_give_the_same_assets(version: str, architecture: str) -> None:
    stream, build = stream_metadata(version, "x86_64", "aarch64"), build_metadata(version, architecture)
    assert newest_release(stream, architecture) == version
    assert stream_assets(stream, version, architecture) == expected_assets(version, architecture)
    assert build_assets(build, version, architecture) == expected_assets(version, architecture)


def test_metadata_urls_are_built_from_the_base_url() -> None:
    assert stream_url(SERVER, "next") == "https://builds.coreos.fedoraproject.org/streams/next.json"
    assert build_url("http://mirror.lan/fcos", "stable", OLDER, "x86_64") == (
        f"http://mirror.lan/fcos/prod/streams/stable/builds/{OLDER}/x86_64"
    )


def test_asset_names_match_the_boot_config() -> None:
    boot = install_boot(matchbox_url="http://matchbox.lan", version=VERSION, disk="/dev/sda")
    script = " ".join([boot.kernel, *boot.initrds, *boot.args])
    for asset in expected_assets(VERSION, "x86_64"):
        assert f"http://matchbox.lan/assets/{FOLDER}/{asset.name}" in script


def paths(document: Any) -> list[tuple[str, ...]]:
    """All paths in a document."""
    if not isinstance(document, dict):
        return []
    return [place for key, value in document.items() for place in [(key,), *((key, *rest) for rest in paths(value))]]


def changed(document: Any, place: tuple[str, ...], value: object) -> Any:
    result = copy.deepcopy(document)
    inner = result
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return result


STREAM, BUILD = stream_metadata(VERSION, "x86_64"), build_metadata(VERSION, "x86_64")


@given(st.sampled_from(paths(STREAM)), ANYTHING)
def test_changed_stream_metadata_gives_right_assets_or_an_error(place: tuple[str, ...], value: object) -> None:
    document = changed(STREAM, place, value)
    try:
        found = stream_assets(document, VERSION, "x86_64")
    except MetadataError as error:
        assert "\n" not in str(error)
        assert place[-1] not in {"signature", "stream", "release"}
    else:
        assert found == expected_assets(VERSION, "x86_64")


@given(st.sampled_from(paths(BUILD)), ANYTHING)
def test_changed_build_metadata_gives_right_assets_or_an_error(place: tuple[str, ...], value: object) -> None:
    document = changed(BUILD, place, value)
    try:
        found = build_assets(document, VERSION, "x86_64")
    except MetadataError as error:
        assert "\n" not in str(error)
        assert place != ("buildid",)
    else:
        assert found == expected_assets(VERSION, "x86_64")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("images",), {}, f"no kernel of {VERSION} for x86_64; choose another version"),
        (
            ("images", "metal", "sha256"),
            "abc",
            f"no SHA-256 of fedora-coreos-{VERSION}-metal.x86_64.raw.xz; choose another version",
        ),
        (
            ("images", "live-kernel", "path"),
            "../../vmlinuz",
            f"the name of the kernel is not fedora-coreos-{VERSION}-live-kernel.x86_64; choose another version",
        ),
    ],
)
def test_metadata_errors_name_the_cause(place: tuple[str, ...], value: object, message: str) -> None:
    with pytest.raises(MetadataError) as caught:
        build_assets(changed(BUILD, place, value), VERSION, "x86_64")
    assert str(caught.value) == message


@pytest.mark.parametrize("release", [None, 44, "44", "../../x", "44.1.2.3\n", ""])
def test_invalid_release_is_refused(release: object) -> None:
    place = ("architectures", "x86_64", "artifacts", "metal", "release")
    with pytest.raises(MetadataError, match="no release for x86_64; choose another stream or architecture"):
        newest_release(changed(STREAM, place, release), "x86_64")


@given(st.integers(0, 10**14), st.integers(0, 10**14), st.integers(1, 10**14) | st.just("*"))
def test_content_range_start_is_parsed(start: int, end: int, total: int | str) -> None:
    assert range_start(f"bytes {start}-{end}/{total}") == start


@pytest.mark.parametrize(
    "text", [None, "", "bytes */100", "bytes 1-2", "items 1-2/3", "bytes 1-2/3 ", "bytes \u0661-2/3"]
)
def test_invalid_content_range_gives_none(text: str | None) -> None:
    assert range_start(text) is None
