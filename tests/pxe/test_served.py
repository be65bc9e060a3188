"""The meaning of an Ignition config, and configs that matchbox cannot serve."""

import base64
import gzip
import json
import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diaspora_infra.pxe.install import Boot
from diaspora_infra.pxe.served import (
    NotServableError,
    as_served,
    check_servable,
    ignition_url,
    ipxe_url,
    meaning,
    meaning_digest,
    revision_of,
)
from tests.host.test_data_url import forms_of


def config(source: str, **resource: str) -> str:
    file = {"path": "/etc/x", "contents": {"source": source, **resource}}
    return json.dumps({"ignition": {"version": "3.4.0"}, "storage": {"files": [file]}})


@given(st.text())
def test_digest_is_independent_of_content_encoding(text: str) -> None:
    data = text.encode()
    plain = base64.b64encode(data).decode()
    packed = [base64.b64encode(gzip.compress(data, level)).decode() for level in (1, 9)]
    digests = {meaning_digest(config(f"data:;base64,{plain}"))} | {
        meaning_digest(config(f"data:;base64,{entry}", compression="gzip")) for entry in packed
    }
    assert len(digests) == 1


@given(st.dictionaries(st.text(min_size=1), st.binary(max_size=3000), max_size=4), st.randoms(use_true_random=False))
def test_same_meaning_is_served_as_the_same_bytes(files: dict[str, bytes], dice: random.Random) -> None:
    def written() -> str:
        """The config as one of many programs writes it."""
        entries = [{"contents": dice.choice(forms_of(data)), "path": path} for path, data in files.items()]
        config = {"storage": {"files": [shuffled(entry) for entry in entries]}, "ignition": {"version": "3.4.0"}}
        return json.dumps(shuffled(config), indent=dice.choice([None, 2]), ensure_ascii=dice.choice([True, False]))

    def shuffled(table: dict[str, Any]) -> dict[str, Any]:
        return dict(dice.sample(list(table.items()), len(table)))

    one, other = written(), written()
    assert meaning_digest(one) == meaning_digest(other)
    assert as_served(one) == as_served(other) == as_served(as_served(one))
    boot = Boot("kernel", ["initrd"], ("x",))
    assert revision_of("pod1", one, boot, secret=False) == revision_of("pod1", other, boot, secret=False)


@given(st.binary(max_size=300), st.binary(max_size=300))
@example(b"\xff", b"\xfe")
@example(b"\xff", "\ufffd".encode())
def test_different_contents_have_different_meanings(one: bytes, other: bytes) -> None:
    def digest(data: bytes) -> str:
        return meaning_digest(config(f"data:;base64,{base64.b64encode(data).decode()}"))

    assert (digest(one) == digest(other)) is (one == other)


def test_served_text_keeps_the_meaning_and_is_stable() -> None:
    data = base64.b64encode(gzip.compress(b"a line\n" * 300)).decode()
    ignition = config(f"data:;base64,{data}", compression="gzip")
    served = as_served(ignition)
    assert served != ignition
    assert meaning(served) == meaning(ignition)
    assert as_served(served) == served


def test_revision_depends_on_contents_boot_and_secrecy() -> None:
    def revision(ignition: str = config("data:,a"), *, args: tuple[str, ...] = ("x",), secret: bool = False) -> str:
        return revision_of("pod1", ignition, Boot("kernel", ["initrd"], args), secret=secret)

    packed = [base64.b64encode(gzip.compress(b"a", level)).decode() for level in (1, 9)]
    same = [config("data:;base64,YQ=="), *(config(f"data:;base64,{text}", compression="gzip") for text in packed)]
    assert {revision(each) for each in same} == {revision()}
    assert len({revision(), revision(config("data:,b")), revision(args=("y",)), revision(secret=True)}) == 4


def test_digest_ignores_additions_of_matchbox() -> None:
    ignition = '{"proxy":{},"timeouts":{},"version":"3.4.0"}'
    served = f'{{"ignition":{ignition},"passwd":{{}},"storage":{{"files":[{{"group":{{}},"path":"/x"}}]}}}}'
    assert meaning(served) == {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/x"}]}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (config("data:,a"), config("data:,b")),
        (config("data:,a"), config("data:,a").replace("/etc/x", "/etc/y")),
        (config("data:,%FF"), config("data:,%5Cxff")),
        (config("data:,%FF"), config("data:,ff")),
        (config("data:,a", overwrite="x"), config("data:,a")),
        ('{"ignition":{"version":"3.4.0"},"a":[0]}', '{"ignition":{"version":"3.4.0"},"a":[false]}'),
        ('{"ignition":{"version":"3.4.0"},"mode":0}', '{"ignition":{"version":"3.4.0"}}'),
        ('{"ignition":{"version":"3.4.0"},"enabled":false}', '{"ignition":{"version":"3.4.0"}}'),
    ],
)
def test_digest_differs_for_real_changes(one: str, other: str) -> None:
    assert meaning_digest(one) != meaning_digest(other)


@pytest.mark.parametrize("version", ["3.0.0", "3.3.0", "3.4.0"])
def test_ignition_versions_up_to_3_4_are_servable(version: str) -> None:
    check_servable(json.dumps({"ignition": {"version": version}}), "pod1")


@pytest.mark.parametrize(
    "ignition",
    [
        '{"ignition":{"version":"3.5.0"}}',
        '{"ignition":{"version":"3.10.0"}}',
        '{"ignition":{"version":"2.2.0"}}',
        '{"ignition":{"version":"4.0.0"}}',
        '{"ignition":{"version":"3.5.0-experimental"}}',
        '{"ignition":{"version":3}}',
        '{"ignition":{}}',
        '{"ignition":null}',
        "{}",
        "[]",
        "null",
        "",
        "variant: fcos\nversion: 1.5.0",
    ],
)
def test_unservable_config_is_refused_in_one_line(ignition: str) -> None:
    with pytest.raises(
        NotServableError, match=r"^pod1: .*; allowed: an Ignition config of version 3\.0\.0 to 3\.4\.0$"
    ):
        check_servable(ignition, "pod1")


@pytest.mark.parametrize(
    "resource",
    [
        {"source": "data:;base64,!!!!="},
        {"source": "data:,plain", "compression": "gzip"},
        {"source": "data:;base64,H4sIAAAA", "compression": "gzip"},
    ],
)
def test_undecodable_contents_are_refused(resource: dict[str, str]) -> None:
    for ignition in (
        {"version": "3.4.0", "config": {"merge": [resource]}},
        {"version": "3.4.0", "config": {"replace": resource}},
    ):
        with pytest.raises(NotServableError, match=r"^pod1: .* cannot decode a data URL .*; fix its encoding"):
            check_servable(json.dumps({"ignition": ignition}), "pod1")


def test_config_that_unpacks_to_too_much_is_refused() -> None:
    packed = base64.b64encode(gzip.compress(bytes(64 * 2**20))).decode()
    contents = {"source": f"data:;base64,{packed}", "compression": "gzip"}
    document = {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/a", "contents": contents}]}}
    with pytest.raises(NotServableError, match=r"^pod1: the ignition has packed contents of more than 8 MiB; let"):
        check_servable(json.dumps(document), "pod1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_digest_is_independent_of_json_formatting(document: dict[str, Any]) -> None:
    document["ignition"] = {"version": "3.4.0"}
    text = json.dumps(document)
    assert meaning_digest(text) == meaning_digest(json.dumps(document, indent=2))


def test_urls_are_built_from_base_url_and_mac() -> None:
    assert ipxe_url("http://m:8080", "52:54:00:a1:9c:ae") == "http://m:8080/ipxe?mac=52:54:00:a1:9c:ae"
    assert ignition_url("http://m:8080", "52:54:00:a1:9c:ae") == "http://m:8080/ignition?mac=52:54:00:a1:9c:ae"
