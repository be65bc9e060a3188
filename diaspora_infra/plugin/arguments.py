"""From the inputs of a program in any language to a component's arguments in Python, and back for what is wrong."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi

from diaspora_infra.config.problems import Problem, join_path, unknown_key
from diaspora_infra.pulumi_config import InputError

Schema = Mapping[str, Any]


def python_arguments(inputs: Mapping[str, Any], resource: Schema, types: Schema) -> dict[str, Any]:
    """The arguments of a component. Raises InputError with all that is wrong.

    Names become those of Python; a table of a stack file keeps its own, and all its keys, which the component checks.
    Every number arrives as a float, 12 as 12.0: whole ones are made whole.
    """
    reader = _Reader(types)
    keys = resource["inputProperties"]
    given = {key: value for key, value in inputs.items() if value is not None}
    args: dict[str, Any] = reader.table(given, keys, "", plain=False)
    for key in resource["requiredInputs"]:
        if key not in given:
            sentence = re.split(r"[.;](?: |$)", keys[key]["description"])[0]
            reader.problems.append(Problem(key, f"required; add this input ({sentence})"))
    reader.raise_problems()
    return args


def python_name(key: str) -> str:
    """The name in Python of an input or output: `matchbox_url` of `matchboxUrl`."""
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key)


def property_errors(error: pulumi.RunError) -> tuple[str, list[Any]]:
    """A message and the errors of single inputs, for the engine.

    To a path that it finds among the inputs, the engine adds the value, which may be a password in a wrong place. So
    the paths begin with `inputs`, where it finds none: our messages show what may be shown.
    """
    if not isinstance(error, InputError):
        return str(error), []
    return "the inputs cannot be used:", [
        {"property_path": f"inputs.{_schema_path(problem.path)}", "reason": problem.message}
        for problem in error.problems
    ]


def _schema_path(path: str) -> str:
    """A path with the first name as other languages write it; the parts of tables are so already."""
    first, dot, rest = path.partition(".")
    return re.sub("_([a-z])", lambda found: found[1].upper(), first) + dot + rest


class _Reader:
    def __init__(self, types: Schema) -> None:
        self._types = types
        self.problems: list[Problem] = []

    def raise_problems(self) -> None:
        """Raise InputError with what was found; does nothing where that is nothing."""
        if self.problems:
            raise InputError("\n".join(map(str, self.problems)), self.problems)

    def table(self, values: Mapping[str, Any], keys: Schema, path: str, *, plain: bool) -> dict[str, Any]:
        """Read a table of known keys."""
        table = {}
        for key, value in values.items():
            place = join_path(path, key) if path else key
            if key in keys:
                table[python_name(key)] = self.value(value, keys[key], place, plain=plain)
            else:
                self.problems.append(unknown_key(place, key, keys))
        return table

    def value(self, value: Any, schema: Schema, path: str, *, plain: bool) -> Any:
        """Read a value. `plain` tells that nothing inside it may be an output."""
        type_name = schema.get("$ref", "").rpartition("/")[2]
        is_own = type_name in self._types and "properties" in self._types[type_name] and not is_table(type_name)
        if isinstance(value, pulumi.Output):
            if plain or is_own or schema.get("plain"):
                self.problems.append(Problem(path, "an output given; allowed: a value that the program knows itself"))
            return value.apply(lambda known: _read_later(known, schema, path, self._types))
        if isinstance(value, Mapping):
            if is_own:
                return self.table(value, self._types[type_name]["properties"], path, plain=plain)
            plain = plain or bool(type_name and schema.get("plain"))
            inner = schema.get("additionalProperties", {})
            return {key: self.value(part, inner, join_path(path, key), plain=plain) for key, part in value.items()}
        if isinstance(value, list):
            inner = schema.get("items", {})
            return [self.value(part, inner, join_path(path, i), plain=plain) for i, part in enumerate(value)]
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _read_later(value: Any, schema: Schema, path: str, types: Schema) -> Any:
    """Read what was an output."""
    reader = _Reader(types)
    read = reader.value(value, schema, path, plain=False)
    reader.raise_problems()
    return read


def is_table(type_name: str) -> bool:
    """Tell whether a type is a table of a stack file, whose keys are the same in all languages."""
    return type_name.endswith("Table")
