"""The meaning of an Ignition config, and configs that matchbox cannot serve."""

import base64
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.pxe.served import NotServableError, check_servable, ignition_url, ipxe_url, meaning, meaning_digest


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


def test_digest_ignores_additions_of_matchbox() -> None:
    ignition = '{"proxy":{},"timeouts":{},"version":"3.4.0"}'
    served = f'{{"ignition":{ignition},"passwd":{{}},"storage":{{"files":[{{"group":{{}},"path":"/x"}}]}}}}'
    assert meaning(served) == {"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/x"}]}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (config("data:,a"), config("data:,b")),
        (config("data:,a"), config("data:,a").replace("/etc/x", "/etc/y")),
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
        with pytest.raises(NotServableError, match=r"^pod1: .* could not decode; allowed: "):
            check_servable(json.dumps({"ignition": ignition}), "pod1")


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
