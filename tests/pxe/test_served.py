"""What an Ignition config means, and what matchbox cannot serve."""

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
def test_meaning_does_not_depend_on_how_contents_are_packed(text: str) -> None:
    data = text.encode()
    plain = base64.b64encode(data).decode()
    packed = [base64.b64encode(gzip.compress(data, level)).decode() for level in (1, 9)]
    digests = {meaning_digest(config(f"data:;base64,{plain}"))} | {
        meaning_digest(config(f"data:;base64,{entry}", compression="gzip")) for entry in packed
    }
    assert len(digests) == 1


def test_meaning_ignores_what_matchbox_adds() -> None:
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
def test_meaning_tells_real_differences(one: str, other: str) -> None:
    assert meaning_digest(one) != meaning_digest(other)


@pytest.mark.parametrize("version", ["3.0.0", "3.3.0", "3.4.0"])
def test_versions_that_matchbox_serves(version: str) -> None:
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
def test_what_matchbox_would_serve_empty_is_refused_in_one_line(ignition: str) -> None:
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
def test_contents_that_ignition_could_not_decode_are_refused(resource: dict[str, str]) -> None:
    for ignition in (
        {"version": "3.4.0", "config": {"merge": [resource]}},
        {"version": "3.4.0", "config": {"replace": resource}},
    ):
        with pytest.raises(NotServableError, match=r"^pod1: .* cannot decode a data URL .*; fix its encoding"):
            check_servable(json.dumps({"ignition": ignition}), "pod1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_any_config_has_a_stable_meaning(document: dict[str, Any]) -> None:
    document["ignition"] = {"version": "3.4.0"}
    text = json.dumps(document)
    assert meaning_digest(text) == meaning_digest(json.dumps(document, indent=2))


def test_addresses() -> None:
    assert ipxe_url("http://m:8080", "52:54:00:a1:9c:ae") == "http://m:8080/ipxe?mac=52:54:00:a1:9c:ae"
    assert ignition_url("http://m:8080", "52:54:00:a1:9c:ae") == "http://m:8080/ignition?mac=52:54:00:a1:9c:ae"
