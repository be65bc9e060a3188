"""The workflow that builds and publishes the image of diaspora*: linted, and its shell steps with a real registry."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.config.images import DIASPORA_COMMITS, DIASPORA_VERSION
from lab.engine import PROJECT
from tests.support.examples import EXAMPLES
from tests.support.private_registry import (
    PASSWORD,
    USERNAME,
    Registry,
    import_image,
    podman_folder,
    running_registry,
)
from tools import tool_path

FILES = [*sorted((EXAMPLES / "ci").glob("*.yml")), *sorted((PROJECT / ".github/workflows").glob("*.yml"))]
WORKFLOW = yaml.safe_load((EXAMPLES / "ci/image.yml").read_text(encoding="utf-8"))
ARCHITECTURES = [entry["architecture"] for entry in WORKFLOW["jobs"]["build"]["strategy"]["matrix"]["include"]]


@pytest.mark.inputs(".github/workflows")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actionlint_reports_nothing(file: Path, require_program: Callable[[str, str], str]) -> None:
    """actionlint also gives the shell steps to shellcheck."""
    shellcheck = require_program("shellcheck", "shellcheck")
    own_runner = 'label "matchbox" is unknown'
    options = ["-no-color", "-oneline", f"-ignore={own_runner}", f"-shellcheck={shellcheck}", "-pyflakes="]
    command = [tool_path("actionlint"), *options, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_workflow_builds_the_default_version() -> None:
    assert WORKFLOW["env"]["VERSION"] == DIASPORA_VERSION
    assert WORKFLOW["env"]["SOURCE_COMMIT"] == DIASPORA_COMMITS[DIASPORA_VERSION]
    for job in WORKFLOW["jobs"].values():
        steps = [step["run"] for step in job["steps"] if "run" in step]
        assert all("${{" not in step for step in steps), "a shell would run what is filled in"
        assert set(job["permissions"]) <= {"contents", "packages", "id-token"}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "id-token" not in WORKFLOW["jobs"]["build"]["permissions"]


# The build, and a program in the image, are the only things that podman does not do.
PODMAN = """#!/bin/bash
printf '%s\\n' "podman $*" >> {folder}/calls
case $1 in
    build) exec {podman} tag {base} "${{@: -2:1}}" ;;
    run) exit ;;
esac
exec {podman} "$@"
"""
STAND_IN = """#!/bin/bash
printf '%s\\n' "${{0##*/}} $*" >> {folder}/calls
[[ -s $DOCKER_CONFIG/config.json ]] || exit 1
list=${{*: -1}}
[[ $1 != scan ]] || echo '{{"spdxVersion": "SPDX-2.3"}}' > "${{list#spdx-json=}}"
"""


class Runner:
    """A runner of GitHub, with a registry in ghcr.io's place."""

    def __init__(self, folder: Path, registry: Registry) -> None:
        self.folder, self.registry = folder, registry
        (folder / "run").mkdir()
        real = podman_folder(folder, folder / "run", registry, ())
        import_image(folder, real / "podman", "localhost/base:1")
        self.programs = folder / "programs"
        self.programs.mkdir()
        shutil.copy(real / "skopeo", self.programs)
        self._write("podman", PODMAN.format(folder=folder, podman=real / "podman", base="localhost/base:1"))
        for name in ("cosign", "syft"):
            self._write(name, STAND_IN.format(folder=folder))

    def _write(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The calls since the last look."""
        file = self.folder / "calls"
        lines = file.read_text().splitlines()
        file.unlink()
        return lines

    def job(self, name: str, **more: str) -> dict[str, str]:
        """Run the `run` steps of a job as a runner does; returns what each has printed."""
        place = self.folder / f"{name}-{len(list(self.folder.glob(f'{name}-*')))}"
        place.mkdir()
        given = {
            **WORKFLOW["env"],
            "GITHUB_ACTOR": USERNAME,
            "GITHUB_ENV": str(place / "env"),
            "GITHUB_REPOSITORY_OWNER": "Example",
            "GITHUB_RUN_NUMBER": "42",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "REGISTRY": self.registry.server,
            "RUNNER_TEMP": str(place),
            **more,
        }
        printed = {}
        for step in WORKFLOW["jobs"][name]["steps"]:
            if "run" not in step:
                continue
            (place / "env").touch()
            lines = (place / "env").read_text().splitlines()
            own = dict.fromkeys(step.get("env", {}), PASSWORD)  # the only one is the token
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                env={**given, **dict(line.split("=", 1) for line in lines), **own},
                cwd=place,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, (step["name"], done.stdout, done.stderr)
            printed[step["name"]] = done.stdout + done.stderr
        return printed

    def ask(self, path: str) -> Any:
        """What the registry has."""
        options = ["--cacert", str(self.registry.authority), "--user", f"{USERNAME}:{PASSWORD}"]
        kinds = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
        url = f"https://{self.registry.server}/v2/{path}"
        command = ["curl", "--silent", "--fail", *options, "--header", f"Accept: {kinds}, */*", url]
        return json.loads(subprocess.check_output(command, text=True))


def test_steps_publish_one_signed_name_for_both_architectures(
    tmp_path: Path, require_program: Callable[[str, str], str]
) -> None:
    require_program("skopeo", "skopeo")
    with running_registry(tmp_path) as registry:
        runner = Runner(tmp_path, registry)
        name = f"{registry.server}/example/diaspora"
        image = f"{name}:{DIASPORA_VERSION}-42"
        texts = []
        for architecture in ARCHITECTURES:
            texts += runner.job("build", ARCHITECTURE=architecture).values()
            commit = f"SOURCE_COMMIT={DIASPORA_COMMITS[DIASPORA_VERSION]}"
            build, look, *_ = runner.calls
            tag = f"{image}-{architecture}"
            assert build == f"podman build --pull=always --build-arg {commit} --tag {tag} containers/diaspora"
            assert look.startswith(f"podman run --rm --network=none {tag} bash -c ")
        texts += runner.job("publish").values()
        assert runner.ask("example/diaspora/tags/list")["tags"] == [
            f"{DIASPORA_VERSION}-42",
            *(f"{DIASPORA_VERSION}-42-{architecture}" for architecture in sorted(ARCHITECTURES)),
        ]
        manifests = runner.ask(f"example/diaspora/manifests/{DIASPORA_VERSION}-42")["manifests"]

    (line,) = [line for line in (tmp_path / "summary.md").read_text().splitlines() if line.startswith("image: ")]
    assert re.fullmatch(rf"image: {re.escape(image)}@sha256:[0-9a-f]{{64}}", line)
    digest = line.rpartition("@")[2]
    others = [call for call in runner.calls if not call.startswith("podman ")]
    temp = tmp_path / "publish-0"
    attested = {entry["digest"] for entry in manifests}
    assert others[0] == f"cosign sign --yes --recursive {name}@{digest}"
    for architecture, scan, attest in zip(ARCHITECTURES, others[1::2], others[2::2], strict=True):
        of_one = scan.partition("@")[2].partition(" ")[0]
        assert of_one in attested
        list_file = temp / f"{architecture}.json"
        assert scan == f"syft scan registry:{name}@{of_one} --output spdx-json={list_file}"
        assert attest == f"cosign attest --yes --type spdxjson --predicate {list_file} {name}@{of_one}"
    assert all(PASSWORD not in text for text in [*texts, *others])
