"""Repositories of images, what builds them, and what starts a build."""

import json
import re
from collections.abc import Iterator

from tests.aws.rules.resources import Resources, of

REPOSITORY, POLICY = "aws:ecr/repository:Repository", "aws:ecr/lifecyclePolicy:LifecyclePolicy"
PROJECT = "aws:codebuild/project:Project"
RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"

KEEP_DAYS = 180
ENVIRONMENTS = {"ARM_CONTAINER": "aarch64", "LINUX_CONTAINER": "x86_64"}
LONGEST_PROJECT = 150
"""Characters of a project's name (CodeBuild user guide, quotas)."""


def repositories(resources: Resources) -> Iterator[str]:
    policies = {each.inputs["repository"]: each.inputs["policy"] for each in of(resources, POLICY)}
    for each in of(resources, REPOSITORY):
        marks = {filter_["filter"] for filter_ in each.inputs.get("imageTagMutabilityExclusionFilters") or ()}
        if not each.inputs.get("imageTagMutability", "").startswith("IMMUTABLE"):
            yield f"{each.name}: a tag may get another image"
        if any("*" in mark for mark in marks):
            yield f"{each.name}: tags of builds may move"
        if not (each.inputs.get("imageScanningConfiguration") or {}).get("scanOnPush"):
            yield f"{each.name}: images are not scanned"
        policy = next((text for name, text in policies.items() if name in {each.id, each.name}), None)
        yield from _expiry(each.name, policy, marks)


def _expiry(name: str, policy: str | None, marks: set[str]) -> Iterator[str]:
    """What expires: by age alone, and nothing that has a mark.

    An image with the tags of a rule is never expired by one behind it (ECR user guide, lifecycle policies).
    """
    kept = set()
    rules = json.loads(policy)["rules"] if policy else []
    for rule in sorted(rules, key=lambda rule: int(rule["rulePriority"])):
        selection = rule["selection"]
        if selection["countType"] == "imageCountMoreThan":
            # of a mark there is one image
            kept |= set(selection["tagPatternList"]) if len(selection["tagPatternList"]) == 1 else set()
        elif kept != marks or selection["countNumber"] < KEEP_DAYS:
            yield f"{name}: an image that a machine needs may expire"
    if not any(rule["selection"]["tagStatus"] == "any" for rule in rules):
        yield f"{name}: images that never expire"


def projects(resources: Resources) -> Iterator[str]:
    for each in of(resources, PROJECT):
        environment = each.inputs["environment"]
        if ENVIRONMENTS.get(environment["type"], "?") not in environment["image"]:
            yield f"{each.name}: the image is of another architecture"
        if not environment.get("privilegedMode"):
            yield f"{each.name}: Docker cannot run"
        if _from_docker_hub(each.inputs["source"]["buildspec"]):
            yield f"{each.name}: Docker Hub limits what unknown addresses pull"
        if not re.fullmatch(f"[A-Za-z0-9][A-Za-z0-9_-]{{1,{LONGEST_PROJECT - 1}}}", each.inputs["name"]):
            yield f"{each.name}: name of a project"
        if not each.inputs["logsConfig"]["cloudwatchLogs"].get("groupName"):
            yield f"{each.name}: a log without an end"


def _from_docker_hub(buildspec: str) -> bool:
    """Whether a base image comes from there: one that is named, or a default that no build argument replaces."""
    rest, defaults = re.sub("ARG .*=docker[.]io/.*", "", buildspec), re.findall("ARG (.*)=docker[.]io/", buildspec)
    return "docker.io" in rest or not all(re.search(f"^ *{name}=", rest, re.MULTILINE) for name in defaults)


def starts(resources: Resources) -> Iterator[str]:
    rules = {each.id: each for each in of(resources, RULE)} | {each.name: each for each in of(resources, RULE)}
    for each in of(resources, TARGET):
        if ":sns:" in each.inputs["arn"]:
            continue  # it starts nothing: a text for the podmin
        if each.inputs.get("input") != "{}":
            yield f"{each.name}: an event says what is built"
        if not each.inputs.get("roleArn"):
            yield f"{each.name}: EventBridge starts builds by a role"
        pattern = json.loads(rules[each.inputs["rule"]].inputs.get("eventPattern") or "{}")
        if pattern.get("source") and any(source.startswith("aws.") for source in pattern["source"]):
            yield f"{each.name}: nobody but AWS sends such events"
