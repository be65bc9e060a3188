"""Where a machine on AWS finds an image of its stack: the real program and curl, against the simulated account."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host.features.first_bundle import first_bundle
from diaspora_infra.host.features.stack_images import stack_images
from diaspora_infra.host.fragment import AwsContext
from lab.aws.account import Account
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, Context, write_tree
from tests.machine.aws_door import ROLE, TOKEN, Door, record_arguments, signed
from tests.machine.pod_programs import RequireProgram

CONTEXT = aws_context(pod_changes={"image": None})
IMAGE = "localhost/diaspora:0.9.1.0-0123456789ab"
PARAMETER = "/diaspora/pod.example.org/images/diaspora-0.9.1.0-0123456789ab-aarch64"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SOURCE = f"{REGISTRY}/pod-diaspora-1a2b3c4@sha256:{'d' * 64}"
PROJECT = "images-pod-example-org"


def aws_of(context: Context) -> AwsContext:
    pod = context.of_pod
    assert isinstance(pod, AwsContext)
    return pod


@dataclass
class Machine:
    """A machine with the program."""

    folder: Path
    door: Door
    account: Account

    def offer(self, value: str) -> None:
        client = self.account.client("ssm", "eu-west-1")
        client.put_parameter(Name=PARAMETER, Value=value, Type="String", Overwrite=True)

    def ask(self, image: str = IMAGE, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run the program, which leaves no secret in the log, in arguments or in memory."""
        server = f"http://127.0.0.1:{self.door.server_address[1]}"
        services = ("IMDS", "SSM", "ECR", "CODEBUILD", "EVENTS")
        done = subprocess.run(
            ["/bin/bash", self.folder / "root" / LIBEXEC / "stack-image", image, self.folder / "login"],
            env={
                "PATH": f"{self.folder}/bin:/usr/bin:/bin",
                "DIASPORA_RUN": str(self.folder / "run"),
                **{f"DIASPORA_{name}": server for name in services},
                **variables,
            },
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
        output = done.stdout + done.stderr + (self.folder / "arguments").read_text()
        for secret in (ROLE["SecretAccessKey"], ROLE["Token"], TOKEN, "auth-token"):
            assert secret not in output
        assert not list((self.folder / "run").iterdir())
        return done

    def refusal(self, status: int = 1, lines: int = 1) -> str:
        """What the program says on its last line; there is no image then, and no login."""
        done = self.ask()
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", lines), done.stderr
        assert not (self.folder / "login").exists()
        return done.stderr.splitlines()[-1]

    def builds(self, **build: Any) -> None:
        """CodeBuild had one build."""
        shown = {"currentPhase": "COMPLETED", "startTime": time.time() - 600, **build}
        self.door.answers["ListBuildsForProject"] = {"ids": [f"{PROJECT}:1", f"{PROJECT}:0"]}
        self.door.answers["BatchGetBuilds"] = {"builds": [shown]}

    @property
    def events(self) -> list[Any]:
        asked = [body for headers, body in self.door.asked if headers["X-Amz-Target"] == "AWSEvents.PutEvents"]
        return [json.loads(body)["Entries"] for body in asked]


@pytest.fixture
def machine(account: Account, tmp_path: Path, require_program: RequireProgram) -> Iterator[Machine]:
    account.reset()
    curl = require_program("curl", "curl")
    require_program("jq", "jq")
    door = Door(account.endpoint)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    write_tree(first_bundle(CONTEXT.of_machine), tmp_path / "root")
    write_tree(stack_images(aws_of(CONTEXT)), tmp_path / "root")
    for name in ("bin", "run"):
        (tmp_path / name).mkdir()
    record_arguments(curl, tmp_path)
    door.answers["ListBuildsForProject"] = {"ids": []}
    yield Machine(tmp_path, door, account)
    door.shutdown()
    door.server_close()


def test_image_comes_with_a_login_that_only_root_reads(machine: Machine) -> None:
    machine.offer(f"{SOURCE} 0.9.1.0-0123456789ab-202611291953")
    done = machine.ask()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{SOURCE}\n", "")
    login = machine.folder / "login"
    assert login.stat().st_mode & 0o777 == 0o600
    token = base64.b64encode(b"AWS:123456789012-auth-token").decode()
    assert json.loads(login.read_text()) == {"auths": {REGISTRY: {"auth": token}}}
    (parameter, asked), (authorization, empty) = machine.door.asked
    assert signed(parameter, "POST", "/", asked, "ssm")
    assert signed(authorization, "POST", "/", empty, "ecr")


def test_machine_without_an_image_has_it_built(machine: Machine) -> None:
    machine.offer("none")
    assert machine.refusal(75) == f"the image {IMAGE} is not built yet; asked AWS to build it"
    ((event,),) = machine.events
    assert event == {
        "Source": f"diaspora-infra.{PROJECT}",
        "DetailType": "image missing",
        "Detail": json.dumps({"image": IMAGE}, separators=(",", ":")),
    }
    headers, body = machine.door.asked[-1]
    assert signed(headers, "POST", "/", body, "events")


def test_running_build_is_waited_for(machine: Machine) -> None:
    machine.offer("none")
    machine.builds(buildStatus="IN_PROGRESS", currentPhase="BUILD")
    assert machine.refusal(75) == f"AWS builds the image {IMAGE}: BUILD, since 10 minutes"
    assert machine.events == []
    headers, body = machine.door.asked[-1]
    assert json.loads(body) == {"ids": [f"{PROJECT}:1"]}
    assert signed(headers, "POST", "/", body, "codebuild")


def test_failed_build_is_told_and_repeated_after_an_hour(machine: Machine) -> None:
    machine.offer("none")
    machine.builds(buildStatus="FAILED", endTime=time.time() - 1190)
    assert machine.refusal() == (
        f"the build of the image {IMAGE} has failed (FAILED); its log is in CodeBuild, project {PROJECT}; the next one "
        f"starts in 40 minutes, or by: aws codebuild start-build --project-name {PROJECT}"
    )
    assert machine.events == []
    machine.builds(buildStatus="TIMED_OUT", endTime=time.time() - 3700)
    assert "asked AWS to build it" in machine.refusal(75)
    # another image was built before
    machine.builds(buildStatus="SUCCEEDED", endTime=time.time() - 10)
    assert "asked AWS to build it" in machine.refusal(75)
    assert len(machine.events) == 2


def test_image_that_the_stack_does_not_build_is_reported(machine: Machine) -> None:
    assert machine.refusal(lines=3) == (
        f"the parameter {PARAMETER} cannot be read; if the stack builds another version, run: sudo diaspora-pod upgrade"
    )
    assert machine.ask("docker.io/library/redis:7").stderr == "docker.io/library/redis:7 is no image of the stack\n"


def test_refused_requests_are_reported(machine: Machine) -> None:
    machine.offer("none")
    machine.door.answers["PutEvents"] = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
    assert machine.refusal() == f"the build of the image {IMAGE} cannot be asked for: ThrottlingException"
    del machine.door.answers["ListBuildsForProject"]
    assert machine.refusal(lines=2) == "ListBuildsForProject is refused: ResourceNotFoundException"


@pytest.mark.parametrize(
    "value",
    [
        f"{REGISTRY}/pod-diaspora:latest tag",
        f"{SOURCE}",
        f"{SOURCE} tag --tls-verify=false",
        f"-{SOURCE} tag",
        f"{SOURCE}0 tag",
    ],
)
def test_parameter_without_an_image_is_refused(machine: Machine, value: str) -> None:
    machine.offer(value)
    assert machine.refusal() == f"the parameter {PARAMETER} does not name an image"


def test_login_for_another_registry_is_refused(machine: Machine) -> None:
    machine.offer(f"{SOURCE.replace('123456789012', '210987654321')} tag")
    done = machine.ask()
    other = REGISTRY.replace("123456789012", "210987654321")
    assert (done.returncode, done.stderr) == (1, f"the login is for another registry than {other}\n")


def test_shellcheck_reports_nothing(machine: Machine, require_program: RequireProgram) -> None:
    program = machine.folder / "root" / LIBEXEC / "stack-image"
    done = subprocess.run(
        [require_program("shellcheck", "shellcheck"), program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "")
