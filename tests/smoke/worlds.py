"""A recorded stack, and around it an account, DNS and a web server that answer as a test says."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.stub import Stubber

from diaspora_infra.smoke.answer import Answer
from diaspora_infra.smoke.run import QUESTIONS, ask
from diaspora_infra.smoke.stack_state import PodStack, Resource, pod_stack
from diaspora_infra.smoke.world import World

STATES = Path(__file__).parent.parent / "states/files"
REGION = "eu-west-1"
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def state(name: str) -> Any:
    """What `pulumi stack export` wrote of a stack: `aws-gateway`, `aws-direct`, `aws-on-instance`."""
    return json.loads((STATES / f"{name}.json").read_text())


@cache
def stack(name: str = "aws-gateway") -> PodStack:
    return pod_stack(name, state(name))


def with_outputs(found: PodStack, kind: str, **outputs: Any) -> PodStack:
    """The stack with other properties of its resources of a type."""

    def changed(resource: Resource) -> Resource:
        return (
            replace(resource, outputs={**resource.outputs, **outputs}) if resource.kind == f"aws:{kind}" else resource
        )

    return replace(found, resources=[changed(resource) for resource in found.resources])


def without(found: PodStack, kind: str) -> PodStack:
    """The stack without its resources of a type."""
    return replace(found, resources=[resource for resource in found.resources if resource.kind != f"aws:{kind}"])


def client(service: str, region: str | None = None) -> Any:
    """A client of the simulated account."""
    return boto3.client(service, region_name=region or REGION, **CREDENTIALS)


def no_client(service: str, region: str | None = None) -> Any:
    raise AssertionError(f"{service} in {region} is asked")


def no_names(name: str, kind: str) -> list[str]:
    raise AssertionError(f"{kind} {name} is looked up")


def no_web(host: str, seconds: float) -> Any:
    raise AssertionError(f"{host} is asked, for {seconds} seconds")


def world(found: PodStack | None = None, **parts: Any) -> World:
    """A world in which nothing answers but the given parts."""
    return World(
        **{"stack": found or stack(), "client": no_client, "names": no_names, "connect": no_web, "pause": no_pause}
        | parts
    )


def no_pause(seconds: float) -> None:
    raise AssertionError(f"a pause of {seconds} seconds")


def asked(key: str, where: World) -> Answer:
    """The answer to the question of a name."""
    (question,) = (question for question in QUESTIONS if question.key == key)
    return ask(question, where)


class Planted:
    """Clients with planted answers, each of which must fit botocore's model of the service and be fetched."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._stubbers: dict[tuple[str, str], Stubber] = {}

    def __call__(self, service: str, region: str | None = None) -> Any:
        return self._clients[service, region or REGION]

    def _stubber(self, service: str, region: str) -> Stubber:
        place = service, region
        if place not in self._stubbers:
            self._clients[place] = client(*place)
            self._stubbers[place] = Stubber(self._clients[place])
            self._stubbers[place].activate()
        return self._stubbers[place]

    def more(self, service: str, operation: str, answer: Mapping[str, Any], region: str = REGION) -> "Planted":
        self._stubber(service, region).add_response(operation, dict(answer))
        return self

    def refuse(self, service: str, operation: str, code: str, region: str = REGION) -> "Planted":
        self._stubber(service, region).add_client_error(operation, code, http_status_code=400)
        return self

    def done(self) -> None:
        for stubber in self._stubbers.values():
            stubber.assert_no_pending_responses()


def planted(service: str, operation: str, answer: Mapping[str, Any], region: str = REGION) -> Planted:
    return Planted().more(service, operation, answer, region)


def refusing(service: str, operation: str, code: str, region: str = REGION) -> Planted:
    return Planted().refuse(service, operation, code, region)
