"""Plain stack files (`Pulumi.STACK.yaml`), read without an engine."""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from butane.nodes import resolve_plain
from diaspora_infra.config.loader.transport import transport_problems
from diaspora_infra.config.problems import ConfigError, Problem, key_path, quoted, refused
from diaspora_infra.config.secrets import NAMESPACE, SECRET_KEYS
from diaspora_infra.config.types import Target

MAX_VALUES = 100_000
"""Maximum number of values in a file with expanded aliases: a few lines of aliases can expand to billions."""


_MAX_NAMESPACE_LENGTH = 2 * len(NAMESPACE)


@dataclass(frozen=True)
class StackFile:
    """The project's keys of a stack file, and the names of the secrets that it sets.

    A secret key that is given as plain text stays in `values`: `load` refuses it with all the rest.
    """

    values: dict[str, Any]
    secrets: frozenset[str]
    problems: tuple[Problem, ...] = ()
    """Mistakes beside `values`, which `load_file` reports together with those in `values`."""
    file_names: Mapping[str, str] = field(default_factory=dict)
    """Places of the values that are in files of their own, such as pxe.machines[0], and what messages call them."""
    incomplete: frozenset[str] = frozenset()
    """Lists that lack entries because a file was not read; such a list has no mistake of its own."""
    transport: tuple[Problem, ...] = ()
    """What keeps the engine from handing the config over to the program."""


def parse_stack_file(content: str | bytes, name: str = "(file)") -> StackFile:
    """Read the project's keys of a stack file; `name` is the name of the file in messages.

    Raises ConfigError when it is no good YAML in UTF-8, or has no table `config`. What else is wrong beside the values,
    such as a key of the project that the engine would leave out, is in `problems`.
    """
    document = read_yaml(decode_text(content, name), name)
    config = document.get("config") if isinstance(document, dict) else None
    problems = [*_misplaced(document), *_other_namespaces(config)]
    if not isinstance(config, dict):
        missing = Problem("config", f"required; allowed: a table of keys such as {NAMESPACE}:pod")
        raise ConfigError([*problems, missing])
    ours = {
        key.removeprefix(f"{NAMESPACE}:"): value
        for key, value in config.items()
        # the engine, too, takes a key without a namespace as one of the project's
        if key.startswith(f"{NAMESPACE}:") or ":" not in key
    }
    twice = [key for key in ours if {key, f"{NAMESPACE}:{key}"} <= config.keys()]
    problems += [Problem(key, f"set with and without {NAMESPACE}:; remove one of the two") for key in twice]
    # the program learns only which top-level keys hold something encrypted, and both give the same verdict
    ours = {key: ENCRYPTED if key not in SECRET_KEYS and _has_secure(value) else value for key, value in ours.items()}
    account = {
        key.removeprefix("aws:"): ENCRYPTED if _has_secure(value) else value
        for key, value in config.items()
        if key.startswith("aws:")
    }
    add_region(ours, account.get("region"))
    problems += account_problems(account) if ours.get("target") == Target.AWS else ()
    secrets = {key for key, value in ours.items() if key in SECRET_KEYS and is_secure(value)}
    plain = {key: value for key, value in ours.items() if key not in secrets}
    return StackFile(plain, frozenset(secrets), tuple(problems), transport=tuple(transport_problems(config)))


def add_region(values: dict[str, Any], region: object) -> None:
    """Copy the engine's own key `aws:region` to `aws.region`, unless that key is set."""
    aws = values.get("aws", {}) if values.get("target") == Target.AWS else None
    if region is not None and isinstance(aws, dict) and aws != ENCRYPTED and "region" not in aws:
        values["aws"] = {**aws, "region": region}


ACCOUNT_KEYS = ("region", "profile", "allowedAccountIds", "forbiddenAccountIds")
"""Allowed keys of the engine's own namespace `aws:`."""


def account_problems(values: Mapping[str, object]) -> Iterator[Problem]:
    """Problems of the keys of `aws:`. An ignored key could lead to the wrong account."""
    for key, value in values.items():
        path = f"aws:{key}"
        if key not in ACCOUNT_KEYS:
            yield Problem(path, f"unknown key; allowed: {', '.join(f'aws:{name}' for name in ACCOUNT_KEYS)}")
        elif is_secure(value):
            yield Problem(path, ENCRYPTED_MESSAGE)
        elif key.endswith("AccountIds"):
            if (
                not isinstance(value, list)
                or not value
                or not all(_ACCOUNT.fullmatch(str(account)) for account in value)
            ):
                yield Problem(path, 'not a list of accounts; allowed: numbers of 12 digits, such as ["123456789012"]')
        elif not isinstance(value, str) or not value:
            yield Problem(path, refused(value, "text"))


_ACCOUNT = re.compile("[0-9]{12}")


def is_secure(value: object) -> bool:
    """Tell whether a value is an encrypted one, as the engine writes it into a stack file."""
    return isinstance(value, dict) and value.keys() == {"secure"} and isinstance(value["secure"], str)


ENCRYPTED = {"secure": ""}
"""Stands for the value of a key that is not a secret, but is encrypted or has an encrypted value below it."""

ENCRYPTED_MESSAGE = (
    "holds an encrypted value, and only the secrets of docs/config.md can be encrypted; "
    "set it as a plain value, or as one of those secrets"
)


def _has_secure(value: object) -> bool:
    """Tell whether a value is encrypted, or one below it."""
    if is_secure(value):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_secure, parts))


def _misplaced(document: object) -> Iterator[Problem]:
    """Keys of the project outside `config`, which the engine ignores."""
    for key in document if isinstance(document, dict) else ():
        namespace, colon, _ = key.partition(":")
        if colon and _resembles_namespace(namespace):
            yield Problem(key_path(key), "not under config; move it into the table config")


def _other_namespaces(config: object) -> Iterator[Problem]:
    """Keys with a misspelt namespace of the project, which the engine would ignore."""
    for key in config if isinstance(config, dict) else ():
        namespace, colon, name = key.partition(":")
        if colon and namespace != NAMESPACE and _resembles_namespace(namespace):
            suggestion = f"{NAMESPACE}:{name}"
            yield Problem(
                key_path(key), f"unknown namespace (did you mean {quoted(suggestion)}?); allowed: {NAMESPACE}:"
            )


def _resembles_namespace(namespace: str) -> bool:
    return bool(difflib.get_close_matches(namespace[:_MAX_NAMESPACE_LENGTH].lower(), [NAMESPACE], cutoff=0.8))


def decode_text(content: str | bytes, name: str) -> str:
    """The text of a file, which messages call `name`. Raises ConfigError where it is not UTF-8."""
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(name, f"line {line}: not UTF-8; save the file as UTF-8")]) from None


def read_yaml(text: str, name: str = "(file)") -> Any:
    """Read YAML as the engine does; `name` is what messages call the file. Raises ConfigError."""
    reader = _Reader(name)
    try:
        node = yaml.compose(text, yaml.BaseLoader)
        data = reader.read(node, ()) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        if error.problem and r"'\t'" in error.problem:
            raise _unreadable(name, f"{where}a tab", "use spaces") from None
        raise _unreadable(name, f"{where}{error.problem or error.context}") from None
    except yaml.reader.ReaderError as error:
        raise _unreadable(name, f"line {text.count(chr(10), 0, error.position) + 1}: {error.reason}") from None
    except RecursionError:
        raise _unreadable(name, "tables and lists too deep in each other") from None
    except (ValueError, OverflowError):  # the parser's own mistakes, such as with "\UFFFFFFFF"
        raise _unreadable(name, "an escape or a version number out of range") from None
    if reader.problems:
        raise ConfigError(reader.problems)
    return data


def _unreadable(name: str, what: str, remedy: str = "fix the YAML") -> ConfigError:
    return ConfigError([Problem(name, f"{what}; {remedy}")])


_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class _Reader:
    """Converts YAML to plain data as the engine does, and collects what the engine would refuse."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.problems: list[Problem] = []
        self._values = 0

    def read(self, node: yaml.Node, location: tuple[str | int, ...]) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _unreadable(
                self._name, f"more than {MAX_VALUES} values when its aliases are expanded", "use fewer aliases"
            )
        if node.tag not in _PLAIN_TAGS:
            self._note(node, location, f"tag {node.tag}; remove the tag")
        if isinstance(node, yaml.ScalarNode):
            return plain_scalar(node.value) if node.style is None else node.value
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*location, index)) for index, item in enumerate(node.value)]
        return self._table(node, location)

    def _table(self, node: yaml.Node, location: tuple[str | int, ...]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        merged: list[Any] = []
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(key_node, location, "a key that is a list or a table; allowed: text")
                continue
            key, place = key_node.value, (*location, key_node.value)
            value = self.read(value_node, place)
            if key in lines:
                self._note(key_node, place, f"already set in line {lines[key]}; remove one of the two")
            elif key == "<<" and key_node.style is None:
                merged += value if isinstance(value, list) else [value]
                if not all(isinstance(base, dict) for base in merged):
                    self._note(key_node, place, "merges a value that is not a table; allowed: aliases of tables")
            else:
                table[key] = value
            lines.setdefault(key, key_node.start_mark.line + 1)
        for base in merged:
            if isinstance(base, dict):
                table = base | table
        return table

    def _note(self, node: yaml.Node, location: tuple[str | int, ...], what: str) -> None:
        if location[:1] == ("config",) and len(location) > 1:
            location = (str(location[1]).removeprefix(f"{NAMESPACE}:"), *location[2:])
        path = key_path(*location) or self._name
        self.problems.append(Problem(path, f"line {node.start_mark.line + 1}: {what}"))


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Read a scalar without quotes as the engine does: Go's yaml.v3, as Butane, and then JSON.

    52:54:00:12:34:56, 03:00, off and yes are texts, 010 is 8, and JSON makes 12.0 the whole number 12.
    """
    value = resolve_plain(text)
    return int(value) if isinstance(value, float) and value.is_integer() else value
