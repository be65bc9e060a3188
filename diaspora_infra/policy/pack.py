"""The rules as a policy pack of Pulumi, which needs the extra `policy`.

Packs get every secret in the clear and without a mark. So no rule tells a value, and "no secret in an output" is not a
rule: `diaspora-infra preview-summary` sees what the engine hides.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from diaspora_infra.policy.resources import UNKNOWN, Level, Resource
from diaspora_infra.policy.rule import Rule, Setting, StackRule
from diaspora_infra.policy.rules import RULES, STACK_RULES, unjudged, violations

UNJUDGED = "judged-in-preview"
"""Name of the policy that reports what a preview cannot judge."""


class _Seen(Protocol):
    """What both kinds of policies get of a resource."""

    resource_type: str
    name: str
    urn: str
    props: Mapping[str, Any]


def policy_pack() -> PolicyPack:
    """The pack; to make it serves it to the engine."""
    policies = [*map(_resource_policy, RULES), _unjudged_policy(), *map(_stack_policy, STACK_RULES)]
    return PolicyPack("diaspora-infra", policies, EnforcementLevel.MANDATORY)


def _resource_policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not rule.kinds or args.resource_type in rule.kinds:
            resource = _resource(args, protect=bool(args.opts.protect))
            for message in violations(rule, resource, _config(args.get_config())):
                report(message, None)

    return ResourceValidationPolicy(
        rule.name, rule.description, validate, _LEVELS[rule.level], config_schema=_schema(rule.settings)
    )


def _unjudged_policy() -> ResourceValidationPolicy:
    kinds = frozenset().union(*(rule.kinds for rule in RULES))

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type in kinds:
            for message in unjudged(_resource(args, protect=bool(args.opts.protect))):
                report(message, None)

    description = "A preview knows all that a rule needs"
    return ResourceValidationPolicy(UNJUDGED, description, validate, EnforcementLevel.ADVISORY)


def _stack_policy(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = [
            _resource(each, protect=bool(each.opts.protect), depends=_depends(each.property_dependencies))
            for each in args.resources
        ]
        for message, urn in rule.check(resources, rule.defaults | _config(args.get_config())):
            report(message, urn or None)

    return StackValidationPolicy(
        rule.name, rule.description, validate, _LEVELS[rule.level], config_schema=_schema(rule.settings)
    )


_LEVELS: Mapping[Level, EnforcementLevel] = {
    "advisory": EnforcementLevel.ADVISORY,
    "mandatory": EnforcementLevel.MANDATORY,
}


def _depends(dependencies: Mapping[str, Sequence[_Seen]]) -> dict[str, list[str]]:
    return {key: [each.urn for each in found] for key, found in dependencies.items()}


def _resource(seen: _Seen, *, protect: bool, depends: Mapping[str, Sequence[str]] | None = None) -> Resource:
    return Resource(seen.resource_type, seen.name, _plain(seen.props), protect, seen.urn, depends or {})


def _plain(value: Any) -> Any:
    """A value without the wrapper that raises an error where something is unknown; numbers that are whole as such."""
    if isinstance(value, Mapping):
        return {key: _entry(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_entry(value, number) for number in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entry(container: Any, key: Any) -> Any:
    try:
        return _plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def _config(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the config of the pack holds."""
    plain = _plain(given)
    return {key: value for key, value in plain.items() if value is not None}


def _schema(settings: Mapping[str, Setting]) -> PolicyConfigSchema | None:
    if not settings:
        return None
    kinds: dict[type, dict[str, Any]] = {int: {"type": "integer"}, str: {"type": "string"}}
    properties: dict[str, dict[str, Any]] = {}
    for name, setting in settings.items():
        of = kinds.get(type(setting.default))
        items = kinds[type(setting.default[0])] if isinstance(setting.default, list) and setting.default else kinds[str]
        shape: dict[str, Any] = of or {"type": "array", "items": items}
        properties[name] = {**shape, "default": setting.default, "description": setting.description}
    return PolicyConfigSchema(properties=properties)
