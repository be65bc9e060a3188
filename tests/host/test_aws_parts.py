"""A config on AWS has two parts: what a machine boots from, and its bundle, which a machine that runs takes over."""

import json
from typing import Any

import pytest

from diaspora_infra.config import load
from diaspora_infra.host import Parts, render
from diaspora_infra.host.bundle import beside, unpack
from tests.support.configs import SSH_KEY, aws_config, mail

FILE = "{{path: {path}, overwrite: true, contents: {{inline: x}}}}"
SNIPPET = f"{{{{variant: fcos, version: 1.5.0, storage: {{{{files: [{FILE}]}}}}}}}}"


def config(*, pod: dict[str, Any] | None = None, host: dict[str, Any] | None = None, **aws: Any) -> dict[str, Any]:
    values = aws_config(region="eu-west-1", pod_changes=pod, **aws)
    return {**values, "host": {**values["host"], **(host or {})}}


def parts(**changes: Any) -> Parts:
    settings = load(config(**changes), ["smtpPassword", "backupPassword"] if "pod" in changes else [])
    found = render(settings, settings.machines[0], {}).parts
    assert found is not None
    return found


BUNDLE_CHANGES: list[dict[str, Any]] = [
    {"pod": {"name": "Another name"}},
    {"pod": {"image": "registry.example.org/diaspora:2"}},
    {"pod": {"sizing": {"pumaThreads": 4}}},
    {"pod": {"admin": {"username": "other", "email": "other@example.org"}}},
    {"pod": {"upgrade": {"automatic": True}}},
    {"pod": {"dailyJobs": {"time": "07:10"}}},
    {"pod": {"backup": {}}},
    {"pod": {"mail": mail()}},
    {"pod": {"monitoring": {"nodeExporter": True}}},
    {"pod": {"settings": {"enableRegistrations": True}}},
    {"host": {"firewall": {"open": [{"port": 9100}]}}},
    {"host": {"swap": {"fileMib": 512}}},
    {"host": {"snippets": [SNIPPET.format(path="/etc/diaspora/diaspora.toml")]}},
    # an instance changes its type where it is: from 1 GiB of memory to 2, without the swap file
    {"size": "small"},
    {"database": {"minAcu": 0.5}},
    {"uploadsImage": "registry.example.org/s3fs:2"},
]
OWN_CHANGES: list[dict[str, Any]] = [
    {"host": {"timeZone": "Europe/Dublin"}},
    {"host": {"users": [{"name": "core", "sshAuthorizedKeys": [SSH_KEY.replace("podmin", "other")]}]}},
    {"host": {"journal": {"days": 3}}},
    {"host": {"kernelArguments": ["quiet"]}},
    {"host": {"swap": {"zramMib": 512}}},
    {"host": {"snippets": [SNIPPET.format(path="/etc/motd")]}},
    # what stands around the machine, and where its data is
    {"parameterPath": "/another/path"},
    {"database": {"engine": "rds"}},
    {"database": {"engine": "onInstance"}},
    {"edge": "direct"},
    {"uploads": "volume", "uploadsImage": None},
    {"pod": {"domain": "other.example.org"}},
]


@pytest.mark.parametrize("changes", BUNDLE_CHANGES, ids=str)
def test_change_of_the_bundle_leaves_the_part_that_a_machine_boots_from(changes: dict[str, Any]) -> None:
    before, after = parts(), parts(**changes)
    assert after.own == before.own
    assert after.bundle != before.bundle
    assert after.bundle_hash != before.bundle_hash


@pytest.mark.parametrize("changes", OWN_CHANGES, ids=str)
def test_change_of_the_machine_s_own_part_is_another_machine(changes: dict[str, Any]) -> None:
    given = {key: value for key, value in changes.items() if value is not None}
    assert parts(**given).own != parts().own


def test_both_parts_are_the_whole_config() -> None:
    settings = load(config(), [])
    rendered = render(settings, settings.machines[0], {})
    assert rendered.parts is not None
    own, bundle = unpack(json.loads(rendered.parts.own)), unpack(json.loads(rendered.parts.bundle))
    described = [entry["path"] for entry in json.loads(rendered.parts.bundle)["storage"]["files"]]
    assert described == ["/etc/diaspora/machine.json"]
    bundle["storage"]["files"] = [entry for entry in bundle["storage"]["files"] if entry["path"] not in described]
    del own["ignition"]["config"]
    assert beside(own, bundle) == json.loads(rendered.ignition)
