"""Templates: what is filled in is the machine's config, and metadata never changes anything but its own places."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diaspora_infra.config import load
from diaspora_infra.host import Rendered, render
from diaspora_infra.host.bundle import add_own
from diaspora_infra.host.data_url import contents, plain
from diaspora_infra.host.identity import MACHINE_FILE, machine_file_text, part_hashes
from diaspora_infra.host.render import as_text
from diaspora_infra.pxe.served import meaning
from diaspora_infra.pxe.template import HOSTNAME_FILE, SAFE, TemplateError, filled_in, templated
from tests.support.configs import host, machine, mail, pod, pxe, pxe_config

MAC = "52:54:00:00:00:01"
NETWORKS = {"eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.1/24"}}}
SNIPPET = """
variant: fcos
version: 1.7.0
storage:
  files:
    - path: /etc/motd
      contents: {inline: "%s"}
systemd:
  units:
    - {name: hello.service, contents: "[Service]\\nExecStart=/usr/bin/podman ps --format {{.Names}} {{{ }}\\n"}
"""


def small_config(name: str, hostname: str, own: bool, extra: str, place: str) -> tuple[str, str]:
    """A config as `render` makes it, with any texts in it, and what the machine has for itself."""
    digest = "0123456789abcdef"
    rest: dict[str, Any] = {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": HOSTNAME_FILE, "contents": {**plain(f"{hostname}\n".encode())}}]},
        "systemd": {"units": [{"name": "a.service", "contents": extra}]},
    }
    parts, payload = {HOSTNAME_FILE: digest, place: digest}, ""
    if own:
        config = {"ignition": {"version": "3.4.0"}, "systemd": {"units": [{"name": place, "contents": extra}]}}
        parts |= dict(part_hashes(config))
        rest, payload = add_own(rest, config)
    facts = {"name": name, "config": f"http://m:8080/generic?mac={MAC}", "parts": parts}
    rest["storage"]["files"].append({"path": MACHINE_FILE, "contents": {**plain(machine_file_text(facts).encode())}})
    return as_text(rest), payload


@settings(max_examples=60)
@given(name=st.text(), hostname=st.text(), own=st.booleans(), extra=st.text(), place=st.text())
@example(name="pod1", hostname="pod1", own=True, extra="{{.name}}{{{{{", place="{{")
@example(name="pod1", hostname='we"b,\n2', own=False, extra="}}", place="place0xnamex")
@example(name="{{.request.query.x}}", hostname="{{", own=True, extra='{{"{{"}}', place="-}} {{-")
def test_any_text_is_filled_in_again(name: str, hostname: str, own: bool, extra: str, place: str) -> None:
    ignition, payload = small_config(name, hostname, own, extra, place)
    found = templated(name, MAC, ignition, payload)
    assert filled_in(found.text, {**found.metadata, "mac": MAC}) == ignition
    assert all(SAFE.fullmatch(value) for value in found.metadata.values())


@settings(max_examples=40)
@given(
    st.fixed_dictionaries({key: st.from_regex(SAFE, fullmatch=True) for key in ("name", "hostname", "digest", "mac")})
)
def test_no_safe_value_changes_anything_but_its_own_places(values: dict[str, str]) -> None:
    """Whatever the metadata of a group on the server holds."""
    ignition, _ = small_config("pod1", "pod1", own=False, extra="text", place="x")
    found = templated("pod1", MAC, ignition)
    assert set(found.metadata) == {"name", "hostname", "digest"}
    filled = json.loads(filled_in(found.text, values))
    files = {entry["path"]: entry for entry in filled["storage"]["files"]}
    assert contents(files[HOSTNAME_FILE]["contents"]).decode() == f"{values['hostname']}\n"
    facts = json.loads(contents(files[MACHINE_FILE]["contents"]))
    assert facts == {
        "name": values["name"],
        "config": f"http://m:8080/generic?mac={values['mac']}",
        "parts": {HOSTNAME_FILE: values["digest"], "x": "0123456789abcdef"},
    }
    meant = json.loads(ignition)
    for document in (filled, meant):
        for entry in document["storage"]["files"]:
            del entry["contents"]
    assert filled == meant


def rendered(*machines: dict[str, Any], secrets: dict[str, str] | None = None, **changes: Any) -> list[Rendered]:
    settings = load(pxe_config(pxe=pxe(*machines), **changes), secrets or {})
    return [render(settings, each, secrets or {}) for each in settings.machines]


def templates(*machines: dict[str, Any], **changes: Any) -> list[str]:
    """The template of each machine."""
    found = [
        templated(given["name"], given["mac"], each.ignition, each.own)
        for given, each in zip(machines, rendered(*machines, **changes), strict=True)
    ]
    return [each.text for each in found]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"hostname": "other.example.org"}),
        ({"networks": NETWORKS}, {"networks": {"eno1": {"ipv4": {"method": "auto"}}}}),
        ({"networks": NETWORKS}, {"networks": {"eno2": {"ipv4": {"method": "auto"}}}}),
        ({"snippets": [SNIPPET % "one"]}, {"snippets": [SNIPPET % "other"]}),
    ],
)
def test_machines_that_differ_in_what_is_their_own_share_a_template(one: Any, other: Any) -> None:
    first, second = templates(machine(1, **one), machine(2, **other))
    assert first == second


@pytest.mark.parametrize(
    "other",
    [
        {"console": ["ttyS0"]},
        {"snippets": [SNIPPET % "one"]},
        # it changes what the others have, too
        {"snippets": ["variant: fcos\nversion: 1.5.0\npasswd: {users: [{name: core, shell: /bin/sh}]}\n"]},
        {"snippets": ["variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/hostname, mode: 0600}]}\n"]},
    ],
)
def test_other_machines_have_a_template_of_their_own(other: dict[str, Any]) -> None:
    first, second, third = templates(machine(1), machine(2, **other), machine(3))
    assert first == third != second


def test_what_is_separate_means_the_same_as_beside_the_rest() -> None:
    """The words of the file about the machine, and what Ignition gets, do not depend on it."""
    given = machine(1, networks=NETWORKS, snippets=[SNIPPET % "text"])
    (found,) = rendered(given)
    assert found.own
    whole = meaning(found.ignition)
    files = {entry["path"]: entry for entry in whole["storage"]["files"]}
    assert {"/etc/motd", "/etc/NetworkManager/system-connections/eno1.nmconnection"} < files.keys()
    assert "hello.service" in [unit["name"] for unit in whole["systemd"]["units"]]
    parts = json.loads(files[MACHINE_FILE]["contents"]["data"])["parts"]
    assert {"networks", "/etc/motd", "hello.service", HOSTNAME_FILE} < parts.keys()
    assert len({entry["path"] for entry in whole["storage"]["files"]}) == len(whole["storage"]["files"])


def test_snippet_with_a_secret_is_never_metadata() -> None:
    """Anybody can read metadata, and the hash of what is in it."""
    password = "correct-horse"
    secret = SNIPPET % f"password={password}"
    first, second = rendered(
        machine(1, snippets=[SNIPPET % "none"]), machine(2, snippets=[secret]),
        secrets={"smtpPassword": password}, pod=pod(mail=mail()),
    )  # fmt: skip
    assert first.own
    parts = [templated(f"pod{number}", f"52:54:00:00:00:0{number}", each.ignition, each.own)
             for number, each in enumerate((first, second), start=1)]  # fmt: skip
    motd = json.loads(contents(next(
        entry["contents"] for entry in json.loads(second.ignition)["storage"]["files"] if entry["path"] == MACHINE_FILE
    )))["parts"]["/etc/motd"]  # fmt: skip
    assert motd not in parts[1].metadata.values()
    own = json.loads(contents({"compression": "gzip", "source": f"data:;base64,{second.own}"}))
    assert password not in json.dumps(meaning(json.dumps(own)))
    assert "storage" not in own
    assert parts[0].text != parts[1].text


def test_snippet_of_all_machines_is_in_the_template_with_its_braces() -> None:
    first, second = templates(machine(1), machine(2), host=host(snippets=[SNIPPET % "{{.name}}"]))
    assert first == second
    assert '{{"{{"}}.Names}}' in first


def test_what_is_not_a_template_of_ours_is_refused() -> None:
    for text in ("{{.request.query.x}}", "{{ .name }}", "{{", "{{.missing}}", '{{{"{{"}}'):
        with pytest.raises(TemplateError):
            filled_in(text, {"name": "x"})
