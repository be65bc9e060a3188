"""ImageBuild on Pulumi's mocks, and the program that CodeBuild runs, with stand-ins for Docker and the AWS CLI."""

import json
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from diaspora_infra.aws import Architecture, ImageBuild
from diaspora_infra.aws.image_build import BuiltImageArgs, buildspec, lifecycle_policy
from tests.aws.mock_account import MockAccount
from tests.support.mocked import Runner

TOPIC = "arn:aws:sns:eu-west-1:123456789012:topic"
IMAGE: BuiltImageArgs = {
    "containerfile": "ARG BASE\nFROM ${BASE}\nRUN test \"$HOME\" && \\\n    echo 'one  two'\n",
    "arguments": {"BASE": "public.ecr.aws/x:1", "COMMIT": "a" * 40},
    "tag": "1.0-0123456789ab",
    "start": 'test "$(id -u)" = 1000\n',
}
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/pod-app-1a2b"
DIGEST = f"sha256:{'d' * 64}"
AWS = """#!/bin/bash
printf '%s\\n' "aws $*" >> calls
case "$1 $2" in
    "ecr get-login-password") echo token ;;
    "ecr batch-get-image")
        [[ $* == *imageTag=current* && -e first ]] && echo None || echo '{"schemaVersion": 2}' ;;
    "ecr put-image")
        if [[ -e taken ]]; then echo "An error occurred ($(< taken))" >&2; exit 254; fi ;;
    "ssm put-parameter") ;;
    *) exit 1 ;;
esac
"""
DOCKER = f"""#!/bin/bash
printf '%s\\n' "docker $*" >> calls
case "$1 $2" in
    "login --username") [[ $(cat) == token ]] ;;
    "build "*) cp app/Containerfile built ;;
    "run "*) [[ ! -e broken ]] ;;
    "push "*) ;;
    "image inspect") echo "${{INSPECTED:-{REPOSITORY}@{DIGEST}}}" ;;
    *) exit 1 ;;
esac
"""


def made(run: Runner, **changes: Any) -> MockAccount:
    account = MockAccount()

    def program() -> None:
        ImageBuild(
            "one",
            {
                "project": "images-pod",
                "images": {"app": IMAGE},
                "architecture": Architecture.AARCH64,
                "parameters": {"app": "/diaspora/pod.example.org/images/app"},
                "topic_arn": TOPIC,
                **changes,
            },
        )

    run(account, program)
    return account


def test_machine_can_have_images_built_but_not_say_how(run: Runner) -> None:
    found: list[Any] = []

    def program() -> None:
        build = ImageBuild(
            "one",
            {
                "project": "images-pod",
                "images": {"app": IMAGE},
                "architecture": Architecture.AARCH64,
                "parameters": {"app": "/path/images/app"},
            },
        )
        pulumi.Output.from_input([*build.statements]).apply(found.extend)

    account = MockAccount()
    run(account, program)
    allowed = {
        action for each in found for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    assert allowed == {
        "events:PutEvents", "codebuild:ListBuildsForProject", "codebuild:BatchGetBuilds", "ecr:GetAuthorizationToken",
        "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    }  # fmt: skip
    assert found[0]["Condition"] == {"StringEquals": {"events:source": "diaspora-infra.images-pod"}}
    (rule,), (target,) = account.of("EventRule"), account.of("EventTarget")
    pattern = json.loads(rule.inputs["eventPattern"])
    assert pattern == {"source": ["diaspora-infra.images-pod"], "detail-type": ["image missing"]}
    assert target.inputs["input"] == "{}"
    assert target.inputs["retryPolicy"]["maximumRetryAttempts"] == 0


def test_parameter_comes_last_and_keeps_what_the_build_writes(run: Runner) -> None:
    account = made(run)
    (parameter,), (project,), (target,) = account.of("Parameter"), account.of("Project"), account.of("EventTarget")
    assert {project.urn, target.urn} <= set(parameter.request.dependencies)
    assert list(parameter.request.ignoreChanges) == ["value"]
    assert parameter.inputs["value"]["value"] == "none"


@pytest.mark.parametrize(
    ("architecture", "kind", "image"),
    [("aarch64", "ARM_CONTAINER", "aarch64"), ("x86_64", "LINUX_CONTAINER", "x86_64")],
)
def test_project_has_the_architecture_of_the_machine(run: Runner, architecture: str, kind: str, image: str) -> None:
    (project,) = made(run, architecture=Architecture(architecture)).of("Project")
    assert project.inputs["environment"]["type"] == kind
    assert image in project.inputs["environment"]["image"]
    assert project.inputs["concurrentBuildLimit"] == 1


def test_refresh_is_a_schedule_of_its_own(run: Runner) -> None:
    schedules = [each.inputs.get("scheduleExpression") for each in made(run, refresh=True).of("EventRule")]
    assert sorted(filter(None, schedules)) == ["rate(30 days)"]
    assert [each.inputs.get("scheduleExpression") for each in made(run).of("EventRule")] == [None]


def test_failed_build_is_told(run: Runner) -> None:
    (alarm,) = made(run).of("MetricAlarm")
    assert alarm.inputs["metricName"] == "FailedBuilds"
    assert alarm.inputs["dimensions"] == {"ProjectName": "images-pod"}
    assert alarm.inputs["alarmActions"] == [TOPIC]


def test_unusable_texts_are_refused(run: Runner) -> None:
    for changes in ({"start": "true\r\n"}, {"containerfile": "FROM x\nEND-OF-FILE\n"}):
        with pytest.raises(pulumi.RunError, match=r"^one: images\.app: a text holds END-OF-FILE or a carriage return"):
            made(run, images={"app": {**IMAGE, **changes}})
    with pytest.raises(pulumi.RunError, match=r"^one: images: none is given"):
        made(run, images={})


def test_marked_images_never_expire_and_others_do_by_age() -> None:
    current, previous, others = json.loads(lifecycle_policy())["rules"]
    for rule, mark in ((current, "current"), (previous, "previous")):
        assert rule["selection"]["tagPatternList"] == [mark]
        assert (rule["selection"]["countType"], rule["selection"]["countNumber"]) == ("imageCountMoreThan", 1)
        assert rule["rulePriority"] < others["rulePriority"]
    assert others["selection"] == {
        "tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 180,
    }  # fmt: skip


class Build:
    """A folder in which the commands of a buildspec run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = buildspec({"app": IMAGE}, {"app": REPOSITORY}, {"app": "/path/images/app"})
        self.commands: list[str] = yaml.safe_load(text)["phases"]["build"]["commands"]
        (folder / "bin").mkdir()
        for name, program in (("aws", AWS), ("docker", DOCKER)):
            (folder / "bin" / name).write_text(program, encoding="utf-8")
            (folder / "bin" / name).chmod(0o755)

    def run(self, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["/bin/bash", "-e", "-c", "\n".join(self.commands)],
            cwd=self.folder, env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", **variables},
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path)


def test_build_pushes_what_has_started_and_names_its_digest(build: Build) -> None:
    done = build.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (build.folder / "built").read_text(encoding="utf-8") == IMAGE["containerfile"]
    docker = [call for call in build.calls if call.startswith("docker")]
    assert [call.split()[1] for call in docker] == ["build", "run", "login", "push", "image"]
    image = docker[0].split(" --tag ")[1].split()[0]
    assert image.startswith(f"{REPOSITORY}:{IMAGE['tag']}-20")
    assert f"--build-arg BASE=public.ecr.aws/x:1 --build-arg COMMIT={'a' * 40} " in docker[0]
    assert docker[1] == f"docker run --rm --network none {image} sh -e -c {IMAGE['start'].rstrip()}"
    marks = [call.split("--image-tag ")[1].split()[0] for call in build.calls if "put-image" in call]
    assert marks == ["previous", "current"]
    tag = image.rpartition(":")[2]
    assert build.calls[-1] == (
        f"aws ssm put-parameter --name /path/images/app --type String --overwrite --value {REPOSITORY}@{DIGEST} {tag}"
    )


def test_first_image_has_none_before_it(build: Build) -> None:
    (build.folder / "first").touch()
    assert build.run().returncode == 0
    assert [call.split("--image-tag ")[1].split()[0] for call in build.calls if "put-image" in call] == ["current"]


def test_image_that_does_not_start_is_not_pushed(build: Build) -> None:
    (build.folder / "broken").touch()
    assert build.run().returncode != 0
    assert [call for call in build.calls if "push" in call or call.startswith("aws")] == []


def test_registry_without_a_digest_is_reported(build: Build) -> None:
    done = build.run(INSPECTED="registry.example.org/other@sha256:0")
    assert done.returncode != 0
    assert "names no digest" in done.stderr
    assert [call for call in build.calls if "put-parameter" in call] == []


@pytest.mark.parametrize(("answer", "good"), [("ImageAlreadyExistsException", True), ("LimitExceeded", False)])
def test_mark_that_is_there_already_is_no_mistake(build: Build, answer: str, good: bool) -> None:
    (build.folder / "taken").write_text(answer, encoding="utf-8")
    done = build.run()
    assert (done.returncode == 0) == good
    assert ("put-parameter" in build.calls[-1]) == good
    assert (answer in done.stderr) != good


def test_shellcheck_reports_nothing(require_program: Callable[[str, str], str]) -> None:
    shellcheck = require_program("shellcheck", "shellcheck")
    with resources.as_file(resources.files("diaspora_infra.aws").joinpath("build_image.sh")) as program:
        assert subprocess.run([shellcheck, program], capture_output=True, text=True, check=False).stdout == ""
