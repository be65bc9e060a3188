"""Settings and secrets of the running Pulumi stack, and of the tables that components take."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi

from diaspora_infra.config import (
    NAMESPACE,
    SECRET_KEYS,
    ConfigError,
    Machine,
    Problem,
    ProvisioningSettings,
    Settings,
    StackFile,
    Target,
    account_problems,
    add_region,
    load,
    load_stack,
    needed_secrets,
)
from diaspora_infra.config.loader.stack_file import ENCRYPTED
from diaspora_infra.config.problems import join_path, unknown_key
from diaspora_infra.config.secrets import SECRETS
from diaspora_infra.host import Rendered, render
from diaspora_infra.stack_files import add_files, load_file

Secrets = Mapping[str, pulumi.Output[str]]


class InputError(pulumi.RunError):
    """Inputs of a component cannot be used. A path of `problems` begins with the argument's name in Python."""

    def __init__(self, text: str, problems: Iterable[Problem]) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


def load_stack_config() -> tuple[Settings | ProvisioningSettings, Secrets]:
    """Read the stack's config from the engine, and the files that it names. Raises ConfigError with all problems."""
    config = pulumi.Config(NAMESPACE)
    keys = _keys_of(NAMESPACE)
    values = {key: _plain(NAMESPACE, key, _decoded) for key in keys - SECRET_KEYS}
    account = _account_values()
    problems = tuple(account_problems(account)) if values.get("target") == Target.AWS else ()
    add_region(values, account.get("region"))
    # a secret that was set as plain text is passed on as a value, and refused there
    values |= {key: "" for key in keys & SECRET_KEYS if not pulumi.runtime.is_config_secret(f"{NAMESPACE}:{key}")}
    file = add_files(StackFile(values, frozenset((keys & SECRET_KEYS) - values.keys()), problems), Path.cwd())
    settings = load_file(load_stack, file)
    return settings, {secret.key: config.require_secret(secret.key) for secret in needed_secrets(settings)}


def load_account_config() -> dict[str, Any]:
    """Read the engine's own keys `aws:`, without the namespace. Raises ConfigError with all problems."""
    values = _account_values()
    if problems := [*account_problems(values)]:
        raise ConfigError(problems)
    return values


def _account_values() -> dict[str, Any]:
    return {key: _plain("aws", key, _lists) for key in _keys_of("aws")}


def _keys_of(namespace: str) -> set[str]:
    """The keys of a namespace that are set, without it."""
    names = pulumi.runtime.config.CONFIG.get()  # the only list of all keys
    return {name.partition(":")[2] for name in names if name.startswith(f"{namespace}:")}


def _plain(namespace: str, key: str, read: Callable[[str], Any]) -> Any:
    """Read a value, but none that is encrypted in whole or in part: the engine hands it over decrypted."""
    if pulumi.runtime.is_config_secret(f"{namespace}:{key}"):
        return ENCRYPTED
    return read(pulumi.Config(namespace).require(key))


def plain_tables(values: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the tables of a program into what `load` takes: tables, lists, and whole numbers without a fraction.

    Every number from a program in another language arrives as a float, 12 as 12.0.
    """
    return {key: _plain_value(value) for key, value in values.items()}


def load_tables(values: Mapping[str, Any], secrets: Collection[str]) -> Settings:
    """Build the settings from the tables of a component; `secrets` names those that it was given.

    Raises ConfigError with all problems.
    """
    problems = [_unknown_secret(name) for name in secrets if name not in SECRET_KEYS]
    try:
        settings = load(plain_tables(values), SECRET_KEYS.intersection(secrets))
    except ConfigError as error:
        raise ConfigError([*problems, *(_of_argument(problem) for problem in error.problems)]) from None
    if problems:
        raise ConfigError(problems)
    return settings


def render_machine(settings: Settings, machine: Machine, secrets: Secrets) -> pulumi.Input[str]:
    """Render a machine's Ignition; a secret output where it holds a secret."""
    if not secrets:
        return render_known(settings, machine, {}).ignition
    return pulumi.Output.all(**secrets).apply(lambda values: render_known(settings, machine, values).ignition)


def render_known(settings: Settings, machine: Machine, secrets: Mapping[str, str]) -> Rendered:
    """Render a machine where the values of the secrets are known. Raises RunError for what is wrong with the config."""
    try:
        return render(settings, machine, secrets)
    except ConfigError as error:
        raise config_run_error(error, machine.name) from None


def config_run_error(error: ConfigError, what: str) -> InputError:
    """Say what is wrong with a config, in the way that the engine prints without a traceback."""
    return InputError(f"the config of {what} cannot be used:\n{error}", error.problems)


def check_inputs(name: str, inputs: Mapping[str, Any], required: Mapping[str, str]) -> None:
    """Refuse the inputs of a component that lack one of `required`, which says what is allowed for each.

    Raises InputError with all of them, before the component is registered.
    """
    missing = [Problem(key, f"missing; allowed: {what}") for key, what in required.items() if inputs.get(key) is None]
    if missing:
        raise InputError("\n".join(f"{name}: {problem}" for problem in missing), missing)


def _plain_value(value: object) -> object:
    if isinstance(value, Mapping):
        return plain_tables(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain_value(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _of_argument(problem: Problem) -> Problem:
    """Name the argument of a component where a secret is missing, in place of the key of a stack file."""
    secret = next((each for each in SECRETS if each.key == problem.path), None)
    if secret is None:
        return problem
    message = problem.message.replace(f"Run: {secret.command}", "Give it in the argument secrets")
    return Problem(join_path("secrets", secret.key), message)


def _unknown_secret(name: str) -> Problem:
    problem = unknown_key(join_path("secrets", name), name, SECRET_KEYS)
    return Problem(problem.path, problem.message.replace("unknown key", "unknown secret", 1))


def _decoded(text: str) -> Any:
    """Turn what the engine hands over (JSON for tables, bare text for the rest) back into plain data."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _lists(text: str) -> Any:
    """Leave text as it is, a profile's name that is a number too."""
    value = _decoded(text)
    return value if isinstance(value, list) else text
