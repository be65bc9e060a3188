"""The pod in the state of a stack."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import ConfigError
from diaspora_infra.smoke.stack_state import PodStack, pod_stack, read_stack
from tests.smoke.worlds import stack, state

BUCKET = "s3/bucket:Bucket"


def test_recorded_stack_has_its_place_and_its_parts() -> None:
    found = stack("aws-gateway")
    assert (found.domain, found.sender) == ("pod.example.org", "no-reply@pod.example.org")
    assert (found.partition, found.region, found.account, found.profile) == ("aws", "eu-west-1", "123456789012", None)
    assert [bucket.name for bucket in found.all(BUCKET)] == ["pod-backups", "pod-bundles", "pod-uploads"]
    assert [bucket.name for bucket in found.all(BUCKET, "Uploads")] == ["pod-uploads"]
    assert [bucket.name for bucket in found.all(BUCKET, "Load")] == []
    cluster = found.first("rds/cluster:Cluster", "Database")
    assert cluster is not None
    assert cluster.text("arn").startswith("arn:aws:rds:eu-west-1:123456789012:cluster:")
    assert (cluster.text("masterPassword"), cluster.text("arn", "nothing"), cluster.text("nothing")) == ("", "", "")


def test_other_stacks_lack_what_they_lack() -> None:
    assert stack("aws-direct").first("apigatewayv2/api:Api", "HttpApi") is None
    assert stack("aws-on-instance").first("rds/cluster:Cluster", "Database") is None


def test_profile_of_the_provider_is_used_unless_it_is_a_secret() -> None:
    assert with_profile("podmin").profile == "podmin"
    assert with_profile({"ciphertext": "v1:x"}).profile is None


def with_profile(profile: object) -> PodStack:
    recorded = state("aws-gateway")
    (provider,) = (each for each in recorded["deployment"]["resources"] if each["type"] == "pulumi:providers:aws")
    provider["inputs"]["profile"] = profile
    return pod_stack("x", recorded)


def test_resource_that_waits_for_its_deletion_is_left_out() -> None:
    recorded = state("aws-gateway")
    (cluster,) = (each for each in recorded["deployment"]["resources"] if each["type"] == "aws:rds/cluster:Cluster")
    cluster["delete"] = True
    assert pod_stack("x", recorded).first("rds/cluster:Cluster") is None


def no_resources(recorded: Any) -> None:
    del recorded["deployment"]["resources"]


def no_pod(recorded: Any) -> None:
    recorded["deployment"]["resources"] = [
        each for each in recorded["deployment"]["resources"] if each["type"] != "diaspora-infra:index:AwsPod"
    ]


def two_pods(recorded: Any) -> None:
    (pod,) = (each for each in recorded["deployment"]["resources"] if each["type"] == "diaspora-infra:index:AwsPod")
    recorded["deployment"]["resources"].append({**pod, "urn": f"{pod['urn']}-2"})


def no_outputs(recorded: Any) -> None:
    (pod,) = (each for each in recorded["deployment"]["resources"] if each["type"] == "diaspora-infra:index:AwsPod")
    pod["outputs"] = None


def nothing_in_aws(recorded: Any) -> None:
    for each in recorded["deployment"]["resources"]:
        if each["type"] != "diaspora-infra:index:AwsPod":
            each["outputs"] = None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (no_resources, "has no resources; run `pulumi up` first"),
        (no_pod, "0 pods on AWS are in it; give a stack of target aws, with one pod"),
        (two_pods, "2 pods on AWS are in it; give a stack of target aws, with one pod"),
        (no_outputs, "`pulumi up` has not made the pod to its end; run it again first"),
        (nothing_in_aws, "`pulumi up` has not made the pod to its end; run it again first"),
    ],
)
def test_stack_without_one_whole_pod_is_refused(change: Callable[[Any], None], message: str) -> None:
    recorded = state("aws-gateway")
    change(recorded)
    with pytest.raises(ConfigError) as caught:
        pod_stack("dev", recorded)
    assert str(caught.value) == f"stack dev: {message}"


@pytest.mark.parametrize("text", ["null", "[]", "{}", '{"deployment": null}', '{"deployment": {"resources": [1]}}'])
def test_state_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^stack dev: "):
        pod_stack("dev", json.loads(text))


@pytest.mark.system
@pytest.mark.parametrize(
    ("script", "message"),
    [
        (None, "the program pulumi is not on PATH; install it, or see docs/aws.md"),
        ("echo '{'", "what pulumi exports is no JSON; try `pulumi stack export` by hand"),
        (
            "echo warning: old >&2; echo \"error: no stack named 'dev' found\" >&2; exit 255",
            "pulumi says: no stack named 'dev' found; `pulumi stack ls --all` lists the stacks",
        ),
        ("exit 3", "pulumi says: no state; `pulumi stack ls --all` lists the stacks"),
    ],
)
def test_pulumi_that_gives_no_state_is_reported(
    script: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if script is not None:
        (tmp_path / "pulumi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if script else str(tmp_path))
    with pytest.raises(ConfigError) as caught:
        read_stack("dev")
    assert str(caught.value) == f"stack dev: {message}"


@pytest.mark.system
def test_state_comes_from_pulumi_without_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    from tests.states.recorded import PASSPHRASE
    from tools import tool_path

    pulumi = tool_path("pulumi")
    (tmp_path / "state").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: diaspora-infra\nruntime: python\n")
    for name in [name for name in os.environ if name.startswith("PULUMI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/state")
    monkeypatch.setenv("PULUMI_SKIP_UPDATE_CHECK", "1")
    monkeypatch.setenv("PATH", str(pulumi.parent), prepend=":")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "state.json").write_text(json.dumps(state("aws-gateway")))
    for command in (["stack", "init", "aws-gateway"], ["stack", "import", "--force", "--file", "state.json"]):
        subprocess.run(
            [pulumi, *command, "--non-interactive"],
            env={**os.environ, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
            capture_output=True,
            check=True,
            timeout=120,
        )
    found, recorded = read_stack("aws-gateway"), stack("aws-gateway")
    # pulumi encrypts the secrets again
    assert [resource.id for resource in found.resources] == [resource.id for resource in recorded.resources]
    assert replace(found, resources=()) == replace(recorded, resources=())
    with pytest.raises(ConfigError, match="no stack named 'prod' found"):
        read_stack("prod")
