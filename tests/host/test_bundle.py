"""The bundle: the pod's part of a config, packed, means the same as before."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diaspora_infra.config import load
from diaspora_infra.host import butane_document, render
from diaspora_infra.host.bundle import pack, unpack
from diaspora_infra.host.data_url import contents
from diaspora_infra.host.features import pod_part
from diaspora_infra.host.fragment import pod_context
from diaspora_infra.pxe.served import meaning
from tests.support.configs import host, ignition_config, machine, pxe, pxe_config

names = st.text(alphabet="abcäß 1", min_size=1, max_size=5)
entries = st.dictionaries(names, st.binary(max_size=50), max_size=6)


def config(files: dict[str, bytes], units: dict[str, bytes]) -> dict[str, Any]:
    return {
        "ignition": {"version": "3.4.0"},
        "storage": {"files": [{"path": f"/{path}", "contents": resource(data)} for path, data in files.items()]},
        "systemd": {"units": [{"name": name, "contents": str(data)} for name, data in units.items()]},
    }


def resource(data: bytes) -> dict[str, str]:
    return {"compression": "", "source": f"data:,{''.join(f'%{byte:02X}' for byte in data)}"}


@given(entries, entries, st.data())
def test_packed_config_means_the_same(files: dict[str, bytes], units: dict[str, bytes], data: st.DataObject) -> None:
    whole = config(files, units)
    pod = {
        "storage": {"files": [entry for entry in whole["storage"]["files"] if data.draw(st.booleans())]},
        "systemd": {"units": [entry for entry in whole["systemd"]["units"] if data.draw(st.booleans())]},
    }
    before = json.dumps(whole)
    packed = pack(whole, pod)
    assert meaning(json.dumps(packed)) == meaning(before)
    assert json.dumps(whole) == before, "the argument stays as it is"
    left = {entry["path"] for entry in packed["storage"].get("files", ())}
    assert left.isdisjoint(entry["path"] for entry in pod["storage"]["files"])


def test_machine_part_is_plain_and_pod_part_is_a_merged_config() -> None:
    settings = load(ignition_config())
    ignition = json.loads(render(settings, settings.machines[0], {}).ignition)
    assert [user["name"] for user in ignition["passwd"]["users"]] == ["core"]
    assert "/etc/hostname" in paths(ignition)
    assert not [path for path in paths(ignition) if path.endswith(".container")]
    (entry,) = ignition["ignition"]["config"]["merge"]
    bundle = json.loads(contents(entry))
    assert bundle["ignition"] == {"version": "3.4.0"}
    assert "/etc/containers/systemd/nginx.container" in paths(bundle)


def test_bundle_is_identical_on_all_machines_and_deterministic() -> None:
    settings = load(pxe_config(pxe=pxe(machine(1), machine(2))))
    first, again, second = (
        json.loads(render(settings, settings.machines[index], {}).ignition)["ignition"]["config"] for index in (0, 0, 1)
    )
    assert first == again == second


def test_empty_snippet_changes_nothing() -> None:
    plain = load(ignition_config())
    with_snippet = load(ignition_config(host=host(snippets=["variant: fcos\nversion: 1.5.0\n"])))
    assert render(plain, plain.machines[0], {}).ignition == render(with_snippet, with_snippet.machines[0], {}).ignition


def test_bundle_depends_only_on_pod_and_memory() -> None:
    """So the bundle can be rendered once for all machines."""
    rich = {
        "networks": {"eno1": {"ipv4": {"method": "auto"}}},
        "disk": "/dev/nvme0n1",
        "hostname": "other",
    }
    hosts = [host(), host(timeZone="Europe/Berlin", storage={"rootGib": 20}, guestAgent=True)]
    fragments = []
    for values, entry in zip(hosts, [machine(1), machine(2, **rich)], strict=True):
        settings = load(pxe_config(host=values, pxe=pxe(entry)))
        fragments.append(pod_part(pod_context(settings, settings.machines[0], {})))
    assert fragments[0] == fragments[1]


@pytest.mark.parametrize("change", [{"memoryMib": 4096}, {"swap": {"zramMib": 0}}])
def test_changed_memory_or_swap_changes_the_bundle(change: dict[str, Any]) -> None:
    def bundle(values: dict[str, Any]) -> Any:
        settings = load(ignition_config(host=values))
        return json.loads(render(settings, settings.machines[0], {}).ignition)["ignition"]["config"]

    assert bundle(host()) == bundle(host()) != bundle(host(**change))
    assert bundle(host()) == bundle(host(memoryMib=2048))


def test_features_do_not_write_the_same_file() -> None:
    settings = load(pxe_config(host=host(guestAgent=True, swap={"zramMib": 64, "fileMib": 64})))
    document = butane_document(settings, settings.machines[0], {})
    for names in (
        [entry["path"] for entry in document["storage"]["files"]],
        [entry["name"] for entry in document["systemd"]["units"]],
    ):
        assert len(names) == len(set(names))


def test_snippet_overrides_files_inside_and_outside_the_bundle() -> None:
    snippet = """
variant: fcos
version: 1.4.0
ignition: {config: {merge: [{source: "https://example.org/more.ign"}]}}
storage:
  files:
    - {path: /etc/hostname, overwrite: true, contents: {inline: mine}}
    - {path: /etc/diaspora/diaspora.toml, overwrite: true, contents: {inline: mine too}}
    - {path: /etc/new, contents: {inline: new}}
systemd: {units: [{name: diaspora.target, dropins: [{name: 10-mine.conf, contents: "[Unit]"}]}]}
"""
    settings = load(ignition_config(host=host(snippets=[snippet])))
    ignition = json.loads(render(settings, settings.machines[0], {}).ignition)
    assert [entry["source"][:8] for entry in ignition["ignition"]["config"]["merge"]] == ["data:;ba", "https://"]
    whole = unpack(ignition)
    files = {entry["path"]: entry for entry in whole["storage"]["files"]}
    for path, text in {
        "/etc/hostname": b"mine",
        "/etc/diaspora/diaspora.toml": b"mine too",
        "/etc/new": b"new",
    }.items():
        assert contents(files[path]["contents"]) == text
    (target,) = (unit for unit in whole["systemd"]["units"] if unit["name"] == "diaspora.target")
    assert target["dropins"] == [{"name": "10-mine.conf", "contents": "[Unit]"}]
    assert "contents" in target


def paths(ignition: dict[str, Any]) -> list[str]:
    return [entry["path"] for entry in ignition["storage"]["files"]]
