"""What is valid of a table with mistakes: a model of which the other values cannot be read.

No default stands for a value that is not valid, because a check of it could find a mistake that is not there. The same
is true of a key that is not there beside an unknown one, which may be that key, misspelt.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter

from diaspora_infra.config.model import InvalidValueError, Model
from diaspora_infra.config.problems import Location, close_names, fields_of, model_in

_Model = TypeVar("_Model", bound=Model)


@dataclass
class Faults:
    """The places of mistakes: whether this one is, and those below, by key or position."""

    here: bool = False
    below: dict[str | int, "Faults"] = field(default_factory=dict)

    def at(self, location: Location) -> "Faults":
        """The mistakes at a place below this one."""
        place = self
        for part in location:
            place = place.below.setdefault(part, Faults())
        return place


_NO_FAULTS = Faults()


def valid_part(model: type[_Model], table: object, faults: Faults) -> _Model:
    """A model of what is valid in a table; InvalidValueError where another value of it is read."""
    if faults.here or not isinstance(table, Mapping):
        return _construct(model, {}, set()).without(model.model_fields)
    keys = _names(model)
    unknown = [str(part) for part in faults.below if part not in keys]
    hidden = {keys[key] for key in meant_keys(unknown, keys.keys() - table.keys())}
    known: dict[str, Any] = {}
    for key, name in keys.items():
        if key in table:
            try:
                known[name] = _value(model, name, table[key], faults.below.get(key, _NO_FAULTS))
            except InvalidValueError:
                hidden.add(name)
    given = {name for key, name in keys.items() if key in table}
    return _construct(model, known, given).without(hidden)


def meant_keys(unknown: Iterable[str], absent: Collection[str]) -> set[str]:
    """The absent keys for which unknown ones may stand: similar ones, or any where none is similar."""
    return {name for key in unknown for name in close_names(key, absent, len(absent)) or absent}


def _construct(model: type[_Model], values: Mapping[str, Any], given: set[str]) -> _Model:
    return cast(_Model, model.model_construct(_fields_set=given, **values))


@cache
def _names(model: type[BaseModel]) -> Mapping[str, str]:
    """The names of the fields, by what stack files call them."""
    return dict(zip(fields_of(model), model.model_fields, strict=True))


def _value(model: type[Model], name: str, value: object, faults: Faults) -> object:
    """What is valid of a value. Raises InvalidValueError where a mistake is in it that no table of its own takes."""
    if faults is _NO_FAULTS:
        return _adapter(model, name).validate_python(value, strict=True, by_alias=True, by_name=False)
    inner = cast(type[Model] | None, model_in(model.model_fields[name].annotation))
    if faults.here or inner is None:
        raise InvalidValueError(name)
    if isinstance(value, list):
        return [valid_part(inner, item, faults.below.get(index, _NO_FAULTS)) for index, item in enumerate(value)]
    return valid_part(inner, value, faults)


@cache
def _adapter(model: type[Model], name: str) -> TypeAdapter[object]:
    """What checks a field alone. `each_text_once` is not part of it, and has passed before."""
    info = model.model_fields[name]
    kind: Any = info.annotation
    for part in info.metadata:
        kind = Annotated[kind, part]
    return TypeAdapter(kind)
