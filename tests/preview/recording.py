"""Records what the real engine says, for the golden files of the summaries: `python -m tests.preview.recording`.

A stack of target pxe with the real matchbox, and one of target aws in the simulated account, with the policy pack. What
nobody reads is left out: debug messages, outputs, the config, and the inputs of resources but those that the summary
looks at; of a machine's config only the files that the tests are about. Beside them a stand-in stays where a state was.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from diaspora_infra.host.data_url import contents, packed
from diaspora_infra.host.identity import MACHINE_FILE
from diaspora_infra.preview.events import read_run
from diaspora_infra.preview.summary import SHOWN
from lab.aws.account import Account
from lab.matchbox import MatchboxServer, free_ports
from lab.report import POLICIES
from tests.support.aws_stack import AwsStack
from tests.support.configs import machine
from tests.support.stack import Stack

FILES = Path(__file__).parent / "files"
LEFT_OUT = "left out of the record"
STREAM = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
_KEPT = {"args", "initrds", "kernel", "metadata", "name", "profile", "selector"}
_SAME = ("aws:ec2/instance:", "matchbox:")
"""Types of which the summary also tells that nothing changes."""
_FILES = {"/etc/diaspora/diaspora.toml", "/etc/diaspora/pod.json"}


def main() -> None:
    """Record all."""
    FILES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in chain(_pxe(Path(folder) / "pxe"), _aws(Path(folder) / "aws")):
            lines = [json.dumps(event, sort_keys=True) for event in trimmed(text)]
            (FILES / f"{name}.events").write_text("\n".join([*lines, ""]), encoding="utf-8")
            print(f"{name}: {len(text)} bytes, {sum(map(len, lines))} kept, {read_run(text).verdict}")


def _pxe(folder: Path) -> Iterator[tuple[str, str]]:
    server = MatchboxServer(folder, *free_ports(2))
    server.start()
    try:
        stack = Stack(server)
        stack.engine.environment.update(STREAM)
        stack.machines(machine(1), machine(2), machine(3))
        yield "pxe-up", stack.run("up", "--json", *POLICIES).stdout
        stack.machines(machine(1, hostname="other"), machine(2), machine(4))
        stack.values["pod"]["name"] = "Another name"
        yield "pxe-change", stack.run("preview", "--json", *POLICIES).stdout
        stack.machines(machine(1), machine(2), machine(3))
        del stack.values["pod"]["name"]
        yield "pxe-clean", stack.run("preview", "--json").stdout
        stack.values["host"]["storage"]["rootGib"] = 2
        yield "pxe-wrong", stack.run("preview", "--json").stdout
        del stack.values["host"]["storage"]["rootGib"]
        (profile,) = server.data.glob("profiles/*.json")
        profile.write_text(profile.read_text().replace("rd.neednet=1", "rd.neednet=0"))
        next(server.data.glob("groups/pod1*.json")).unlink()
        yield "pxe-drift", stack.run("preview", "--json", "--refresh").stdout
    finally:
        server.stop()
    yield "pxe-unreachable", stack.run("preview", "--json", "--refresh").stdout


def _aws(folder: Path) -> Iterator[tuple[str, str]]:
    account = Account(folder, *free_ports(2))
    account.start()
    try:
        stack = AwsStack(account, folder / "lab")
        stack.engine.environment.update(STREAM)
        stack.client("route53").create_hosted_zone(Name="pod.example.org", CallerReference="podmin")
        stack.values["aws"] |= {"edge": "direct", "database": {"engine": "rds"}, "region": "eu-west-1"}
        stack.good("up")
        stack.values["aws"]["size"] = "small"
        stack.values["pod"]["name"] = "Another name"
        yield "aws-upgrade", stack.run("preview", "--json", *POLICIES).stdout
        stack.values["host"]["timeZone"] = "Europe/Dublin"
        stack.values["aws"]["database"] = {"engine": "onInstance"}
        yield "aws-protected", stack.run("preview", "--json").stdout
        stack.values["aws"]["protect"] = False
        yield "aws-refused", stack.run("preview", "--json", *POLICIES).stdout
    finally:
        account.stop()


def trimmed(text: str) -> Iterator[dict[str, Any]]:
    """The events without what nobody reads."""
    for line in text.splitlines():
        event = json.loads(line)
        event.pop("timestamp", None)
        event.pop("sequence", None)
        (kind,) = event
        content = event[kind]
        if kind.startswith(("policyAnalyze", "policyRemediate")) or (
            kind == "diagnosticEvent" and content["severity"] == "debug"
        ):
            continue
        if kind == "preludeEvent":
            content["config"] = dict.fromkeys(content["config"], LEFT_OUT)
        if kind == "summaryEvent":
            packs = content.get("PolicyPacks") or {}
            content["durationSeconds"] = 0
            content["PolicyPacks"] = {name.partition("|")[0]: version for name, version in packs.items()}
        if metadata := content.get("metadata"):
            stack = metadata["type"] == "pulumi:pulumi:Stack"
            if kind == "resOutputsEvent" and not stack and metadata["op"] != "refresh":
                continue
            if metadata["op"] == "same" and not stack and not metadata["type"].startswith(_SAME):
                continue
            for name in ("old", "new"):
                if metadata.get(name):
                    metadata[name] = _state(metadata[name], outputs=stack, whole=metadata["op"] != "same")
        yield event


def _state(state: dict[str, Any], *, outputs: bool, whole: bool) -> dict[str, Any]:
    kept = {key: state[key] for key in ("type", "urn", "id", "protect", "delete") if key in state}
    inputs = {key: _input(state["type"], key, value) for key, value in state["inputs"].items()}
    if not whole:
        inputs = {key: value for key, value in inputs.items() if value != LEFT_OUT}
    return {**kept, "inputs": inputs, "outputs": state["outputs"] if outputs else {}}


def _input(kind: str, key: str, value: Any) -> Any:
    if kind.startswith("matchbox:") and key in {"genericConfig", "rawIgnition"}:
        return json.dumps(_config(json.loads(value)))
    return value if key in SHOWN or (kind.startswith("matchbox:") and key in _KEPT) else LEFT_OUT


def _config(config: dict[str, Any]) -> dict[str, Any]:
    """The machine's part and the bundle with few files; without what is the same in each version of the project."""
    files = [file for file in config["storage"]["files"] if file["path"] == MACHINE_FILE]
    (bundle,) = (json.loads(contents(part)) for part in config["ignition"]["config"]["merge"])
    few = [file for file in bundle["storage"]["files"] if file["path"] in _FILES]
    part = packed(json.dumps({"ignition": bundle["ignition"], "storage": {"files": few}}).encode())
    return {"ignition": {"version": "3.4.0", "config": {"merge": [part]}}, "storage": {"files": files}}


if __name__ == "__main__":
    sys.exit(main())
