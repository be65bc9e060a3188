"""Parameters: what the machine reads at boot from Parameter Store, secrets encrypted, all under one path."""

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.images import last_line
from diaspora_infra.aws.policy import Statement
from diaspora_infra.aws.tags import named

LONGEST_VALUE = 4096
"""Bytes in a standard parameter, which costs nothing (Systems Manager user guide, parameter tiers)."""
_PATH = "(?:/[A-Za-z0-9_.-]+){1,10}"
_NAME = "[A-Za-z0-9_.-]{1,200}"


class ParametersArgs(TypedDict):
    """What Parameters needs."""

    region: str
    """Region, such as eu-west-1."""
    path: str
    """Path of all of them, such as /diaspora/pod.example.org."""
    secrets: NotRequired[dict[str, pulumi.Input[str]]]
    """Secrets by name, which are kept encrypted."""
    facts: NotRequired[dict[str, pulumi.Input[str]]]
    """Plain values by name, such as the address of the database."""
    existing: NotRequired[dict[str, str]]
    """Names of parameters that are there already, by the names that the machine knows them by."""
    tags: NotRequired[dict[str, str]]
    """Tags of all of them."""


class Parameters(pulumi.ComponentResource):
    """Parameters under one path, and the permission to read exactly these."""

    names: pulumi.Output[dict[str, str]]
    """Names in Parameter Store by the names that the machine knows them by."""
    statements: list[Statement]
    """What the machine's role must be allowed to read them."""

    def __init__(self, name: str, args: ParametersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        hidden, facts = args.get("secrets", {}), args.get("facts", {})
        existing = args.get("existing", {})
        _check(name, args["path"], [hidden, facts, existing])
        super().__init__("diaspora-infra:aws:Parameters", name, {}, opts)
        for key, parameter in existing.items():
            self._look_for(key, parameter)
        names = dict(existing)
        for kind, values in {"SecureString": hidden, "String": facts}.items():
            for key, value in values.items():
                names[key] = f"{args['path']}/{key}"
                aws.ssm.Parameter(
                    f"{name}-{key}",
                    name=names[key],
                    type=kind,
                    value=checked_value(name, key, value),
                    tags=named(args.get("tags", {}), f"{name} {key}"),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=self)).account_id
        self.names = pulumi.Output.from_input(names)
        self.statements = read_statements(args["region"], account, args["path"], existing.values())
        self.register_outputs({"names": self.names, "statements": self.statements})

    def _look_for(self, key: str, parameter: str) -> None:
        """Make sure that an existing parameter is there, without asking what is in it."""
        try:
            aws.ssm.get_parameter(name=parameter, with_decryption=False, opts=pulumi.InvokeOptions(parent=self))
        except Exception as error:
            raise pulumi.RunError(
                f"aws.existingParameters.{key}: no parameter {parameter} in this account and region; allowed: one that "
                f"is there ({last_line(error)})"
            ) from None


def made_once(name: str, parameter: str, tags: Mapping[str, str], opts: pulumi.ResourceOptions) -> aws.ssm.Parameter:
    """A random password in Parameter Store. It is made together with the parameter and never changes by itself.

    Every run offers a new value, and `ignore_changes` keeps the one that is in the (encrypted) state. A value that was
    changed in Parameter Store is taken over by the next `pulumi up --refresh`.
    """
    return aws.ssm.Parameter(
        name,
        name=parameter,
        type="SecureString",
        value=pulumi.Output.secret(secrets.token_urlsafe(24)),
        tags=named(tags, name),
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["value"])),
    )


def checked_value(component: str, key: str, value: pulumi.Input[str]) -> pulumi.Output[str]:
    """The value, or an error that names the parameter and never shows what is in it."""

    def check(text: str) -> str:
        size = len(text.encode())
        if not 0 < size <= LONGEST_VALUE:
            raise pulumi.RunError(f"{component}: {key} has {size} bytes; allowed: 1 to {LONGEST_VALUE}")
        return text

    return pulumi.Output.from_input(value).apply(check)


def read_statements(region: str, account: pulumi.Input[str], path: str, existing: Iterable[str]) -> list[Statement]:
    """Read the parameters under a path and the ones that are named, and decrypt nothing else."""

    def parameter(name: str) -> pulumi.Output[str]:
        return pulumi.Output.concat(f"arn:aws:ssm:{region}:", account, f":parameter/{name.lstrip('/')}")

    readable = [parameter(f"{path}/*"), *(parameter(name) for name in sorted(existing))]
    return [
        {
            "Sid": "ListParameters",
            "Effect": "Allow",
            "Action": "ssm:GetParametersByPath",
            "Resource": [parameter(path), parameter(f"{path}/*")],
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
            "Resource": pulumi.Output.concat(f"arn:aws:kms:{region}:", account, ":key/*"),
            "Condition": {
                "StringEquals": {"kms:ViaService": f"ssm.{region}.amazonaws.com"},
                "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/aws/ssm"},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": readable},
            },
        },
    ]


def _check(component: str, path: str, groups: list[Mapping[str, object]]) -> None:
    if not re.fullmatch(_PATH, path) or path.lower().startswith(("/aws", "/ssm")):
        raise pulumi.RunError(
            f"{component}: path: {path!r} is no path of parameters; allowed: such as /diaspora/pod.example.org, "
            "and neither /aws nor /ssm at its beginning"
        )
    keys = [key for group in groups for key in group]
    for key in keys:
        if not re.fullmatch(_NAME, key):
            raise pulumi.RunError(f"{component}: {key!r} is no name of a parameter; allowed: letters, digits and . _ -")
        if keys.count(key) > 1:
            raise pulumi.RunError(f"{component}: {key} is given twice; allowed: once, in secrets, facts or existing")
