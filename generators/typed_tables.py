"""The tables of the settings as Python types: `diaspora_infra/tables.py`."""

from collections.abc import Iterator
from keyword import iskeyword
from typing import assert_never

from generators.tables import Key, ListOf, MapOf, Plain, Reference, Table, Type, settings_tables

HEAD = '''\
"""The tables of a stack file as types, for the arguments of components. Their keys are those of docs/config.md.

`make golden` writes this module from diaspora_infra/config. Change the docstrings of the models, not this module.
A table is plain: its values are no outputs. Where a component takes a table as a `pulumi.Input`, the table as a whole
may be an output.
"""

# ruff: noqa: E501  # Pulumi takes docstrings into the schema of a package with their line breaks

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict
'''

_PLAIN = {Plain.TEXT: "str", Plain.INTEGER: "int", Plain.NUMBER: "float", Plain.BOOLEAN: "bool", Plain.ANY: "Any"}


def tables_text() -> str:
    """The text of `diaspora_infra/tables.py`."""
    tables = settings_tables()
    names = "".join(f'    "{name}",\n' for name in sorted(class_name(table.name) for table in tables))
    classes = ("\n".join(_class(table)) for table in tables)
    return "\n\n".join([f"{HEAD}\n__all__ = [\n{names}]\n", *classes])


def class_name(table: str) -> str:
    """The name of a table's type, such as `PodTable`."""
    return f"{table}Table"


def _class(table: Table) -> Iterator[str]:
    """The lines of a type. Keys that are words of Python, such as `from`, are in a base of their own."""
    name, base, description = class_name(table.name), "TypedDict", table.description
    reserved = [key for key in table.keys if iskeyword(key.name)]
    if reserved:
        base = f"_{name}Words"
        entries = ", ".join(f'"{key.name}": {_annotation(key)}' for key in reserved)
        yield from (f'{base} = TypedDict("{base}", {{{entries}}})', "", "")
        # a key in braces takes no docstring
        description += "".join(f" `{key.name}`: {described(key)}" for key in reserved)
    yield from (f"class {name}({base}):", f"    {_docstring(description)}", "")
    for key in table.keys:
        if key not in reserved:
            yield from (f"    {key.name}: {_annotation(key)}", f"    {_docstring(described(key))}")
    yield ""


def _annotation(key: Key) -> str:
    annotation = f"{_python_type(key.type)} | None" if key.nullable else _python_type(key.type)
    return annotation if key.required else f"NotRequired[{annotation}]"


def _python_type(kind: Type) -> str:
    match kind:
        case Plain():
            return _PLAIN[kind]
        case ListOf():
            return f"Sequence[{_python_type(kind.item)}]"
        case MapOf():
            return f"Mapping[str, {_python_type(kind.value)}]"
        case Reference():
            return class_name(kind.table)
    assert_never(kind)


def described(key: Key) -> str:
    """What a key is, the words that it allows, and its default."""
    sentences = [key.description]
    if key.words:
        sentences.append(f"Allowed: {', '.join(map(str, key.words))}.")
    if key.default:
        sentences.append(f"Default: {key.default}.")
    return " ".join(sentences)


def _docstring(text: str) -> str:
    escaped = text.replace("\\", "\\\\")
    if escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    return f'"""{escaped}"""'
