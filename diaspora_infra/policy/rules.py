"""The list of the rules, in the order of the page, and how to ask them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from diaspora_infra.policy import access, bill, boot, storage
from diaspora_infra.policy.resources import NotKnownError, Resource
from diaspora_infra.policy.rule import Rule, StackRule

RULES: tuple[Rule, ...] = (
    storage.DATA_PROTECTED,
    storage.DATABASE_RECOVERABLE,
    storage.ENCRYPTED,
    access.NO_PUBLIC_INGRESS,
    access.METADATA_TOKENS,
    access.NO_STAR,
    boot.CONFIG_FROM_LAN,
    bill.TAGGED,
)
"""Rules on one resource: the engine asks them before it makes the resource."""

STACK_RULES: tuple[StackRule, ...] = (access.BUCKETS_CLOSED, boot.INSTALLS_ALWAYS, bill.BILL)
"""Rules on all resources of a stack: the engine asks them when the program has ended."""


def violations(rule: Rule, resource: Resource, settings: Mapping[str, Any] | None = None) -> list[str]:
    """What is wrong with a resource, as far as its inputs are known."""
    return list(_known(rule, resource, settings or {}))


def unjudged(resource: Resource, rules: Sequence[Rule] = RULES) -> Iterator[str]:
    """The rules that a preview cannot judge, each with the key that is unknown."""
    for rule in rules:
        try:
            list(_asked(rule, resource, {}))
        except NotKnownError as error:
            yield f"{rule.name} could not be judged in the preview: {error}; `pulumi up` judges it"


def _known(rule: Rule, resource: Resource, settings: Mapping[str, Any]) -> Iterator[str]:
    try:
        yield from _asked(rule, resource, settings)
    except NotKnownError:
        return  # `unjudged` tells it


def _asked(rule: Rule, resource: Resource, settings: Mapping[str, Any]) -> Iterator[str]:
    if not rule.kinds or resource.kind in rule.kinds:
        yield from rule.check(resource, rule.defaults | dict(settings))
