"""Errors of components in the words of a stack file: AwsPod is used with its keys."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from diaspora_infra.aws.arguments import ArgumentError
from diaspora_infra.config.problems import Problem
from diaspora_infra.pulumi_config import InputError


class StackKey(NamedTuple):
    """The key of the stack config that an argument is taken from; `fix` replaces what the component says."""

    key: str
    fix: str | None = None


DNS = {
    "zone": StackKey(
        "aws.dns.zone",
        "create one (and only one) of that name, or set createZone: true or provider: external",
    )
}
MACHINE = {
    "image.version": StackKey("aws.instance.release"),
    "image.id": StackKey("aws.instance.imageId"),
}
MAIL = {"existing_identity": StackKey("aws.mail.existingIdentity")}
PARAMETERS = {"existing": StackKey("aws.existingParameters")}


@contextmanager
def in_stack_keys(keys: Mapping[str, StackKey]) -> Iterator[None]:
    """Turn an ArgumentError for one of these arguments, or for a part of it, into an InputError that names the key."""
    try:
        yield
    except ArgumentError as error:
        part = error.argument
        while part not in keys and part:
            part = part.rpartition(".")[0]
        if not part:
            raise
        key, fix = keys[part]
        problem = Problem(f"{key}{error.argument.removeprefix(part)}", error.sentence(fix))
        raise InputError(str(problem), [problem]) from None
