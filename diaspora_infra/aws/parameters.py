"""Parameters: what the machine reads at boot from Parameter Store, secrets encrypted, all under one path."""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id, dns_suffix, partition, region
from diaspora_infra.aws.arguments import ArgumentError, checked, last_line
from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.tags import Tags, named

LONGEST_VALUE = 4096
"""Bytes in a standard parameter, which costs nothing (Systems Manager user guide, parameter tiers)."""
_PATH = "(?:/[A-Za-z0-9_.-]+){1,10}"
_NAME = "[A-Za-z0-9_.-]{1,200}"


class ParametersArgs(TypedDict):
    """What Parameters needs."""

    path: pulumi.Input[str]
    """Path of all of them, such as /diaspora/pod.example.org."""
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Secrets by name, which are kept encrypted. The names are plain, the values may be outputs."""
    facts: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Values that are no secrets by name, such as the address of the database. The names are plain, the values may be
    outputs."""
    existing: NotRequired[Mapping[str, str]]
    """Names of parameters that are there already, by the names that the machine knows them by. Plain values, not
    outputs: each is looked for."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of all of them."""


class Parameters(pulumi.ComponentResource):
    """Parameters under one path, and the permission to read exactly these."""

    names: pulumi.Output[Mapping[str, str]]
    """Names in Parameter Store by the names that the machine knows them by."""
    statements: Sequence[Statement]
    """What the machine's role must be allowed to read them."""

    def __init__(self, name: str, args: ParametersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        hidden, facts = args.get("secrets", {}), args.get("facts", {})
        existing = args.get("existing", {})
        _check_names(name, {"secrets": hidden, "facts": facts, "existing": existing})
        path = checked(args["path"], lambda text: _checked_path(name, text))
        super().__init__("diaspora-infra:index:Parameters", name, {}, opts)
        for key, parameter in existing.items():
            self._look_for(name, key, parameter)
        names: dict[str, pulumi.Input[str]] = {**existing}
        for argument, kind, values in (("secrets", "SecureString", hidden), ("facts", "String", facts)):
            for key, value in values.items():
                names[key] = f"{path}/{key}" if isinstance(path, str) else pulumi.Output.concat(path, "/", key)
                aws.ssm.Parameter(
                    f"{name}-{key}",
                    name=names[key],
                    type=kind,
                    value=checked_value(name, f"{argument}.{key}", value),
                    tags=named(args.get("tags"), f"{name} {key}"),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.names = pulumi.Output.all(names).apply(lambda values: {**values[0]})
        self.statements = read_statements(self, path, existing.values())
        self.register_outputs({"names": self.names, "statements": self.statements})

    def _look_for(self, name: str, key: str, parameter: str) -> None:
        """Make sure that an existing parameter is there, without asking what is in it."""
        try:
            aws.ssm.get_parameter(name=parameter, with_decryption=False, opts=pulumi.InvokeOptions(parent=self))
        except Exception as error:
            raise ArgumentError(
                name,
                f"existing.{key}",
                f"no parameter {parameter} in this account and region",
                "create it first",
                last_line(error),
            ) from None


def generated_password(
    name: str,
    parameter: pulumi.Input[str],
    tags: Tags | None,
    opts: pulumi.ResourceOptions,
    generate: Callable[[int], str] = secrets.token_urlsafe,
) -> aws.ssm.Parameter:
    """A random password in Parameter Store, which `generate` makes of 24 random bytes. It is never changed later.

    Every run offers a new value, and `ignore_changes` keeps the one that is in the (encrypted) state. A value that was
    changed in Parameter Store is taken over by the next `pulumi up --refresh`.
    """
    return aws.ssm.Parameter(
        name,
        name=parameter,
        type="SecureString",
        value=pulumi.Output.secret(generate(24)),
        tags=named(tags, name),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["value"])),
    )


def checked_value(component: str, argument: str, value: pulumi.Input[str]) -> pulumi.Output[str]:
    """The value, or an error that names the argument and never shows what is in it."""

    def check(text: str) -> str:
        size = len(text.encode())
        if not 0 < size <= LONGEST_VALUE:
            raise ArgumentError(component, argument, f"{size} bytes", f"allowed: 1 to {LONGEST_VALUE}")
        return text

    return pulumi.Output.from_input(value).apply(check)


def read_statements(
    component: pulumi.Resource, path: pulumi.Input[str], existing: Iterable[str]
) -> Sequence[Statement]:
    """Read the parameters under a path and the ones that are named, and decrypt nothing else.

    The account is that of the component's provider.
    """
    account, here, arn = account_id(component), region(component), pulumi.Output.concat("arn:", partition(component))

    def parameter(name: pulumi.Input[str]) -> pulumi.Output[str]:
        relative = pulumi.Output.from_input(name).apply(lambda text: text.lstrip("/"))
        return pulumi.Output.concat(arn, ":ssm:", here, ":", account, ":parameter/", relative)

    below = pulumi.Output.concat(path, "/*")
    readable = [parameter(below), *(parameter(name) for name in sorted(existing))]
    return [
        {
            "Sid": "ListParameters",
            "Effect": "Allow",
            "Action": "ssm:GetParametersByPath",
            "Resource": [parameter(path), parameter(below)],
        },
        {
            "Sid": "ReadParameters",
            "Effect": "Allow",
            "Action": ["ssm:GetParameter", "ssm:GetParameters"],
            "Resource": readable,
        },
        {
            "Sid": "DecryptParameters",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            # the key of Parameter Store is made by AWS with the first secret of an account, so it has no known id
            "Resource": pulumi.Output.concat(arn, ":kms:", here, ":", account, ":key/*"),
            "Condition": {
                "StringEquals": {"kms:ViaService": pulumi.Output.concat("ssm.", here, ".", dns_suffix(component))},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/ssm"},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": readable},
            },
        },
    ]


def _checked_path(component: str, path: str) -> str:
    if not re.fullmatch(_PATH, path) or path.lower().startswith(("/aws", "/ssm")):
        raise ArgumentError(
            component,
            "path",
            f"{path!r} is no path of parameters",
            "use a path such as /diaspora/pod.example.org, which does not begin with /aws or /ssm",
        )
    return path


def _check_names(component: str, groups: Mapping[str, Mapping[str, object]]) -> None:
    seen: set[str] = set()
    for argument, group in groups.items():
        for key in group:
            if not re.fullmatch(_NAME, key):
                allowed = "allowed: letters, digits and . _ -"
                raise ArgumentError(component, argument, f"{key!r} is no name of a parameter", allowed)
            if key in seen:
                allowed = "give it once, in secrets, facts or existing"
                raise ArgumentError(component, argument, f"{key} is given twice", allowed)
            seen.add(key)
