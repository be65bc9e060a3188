"""Tables of a stack file as the models of the settings describe them: for tests of what any accepted table gives."""

import copy
import re
from collections.abc import Mapping
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import reject
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from diaspora_infra.config import ConfigError, Settings, load, needed_secrets
from diaspora_infra.config.types import Form
from tests.config.mistakes import steps

Strategy = st.SearchStrategy[Any]
Texts = Mapping[str, Strategy]
"""Strategies for fields whose text no pattern describes wholly, by path without positions, such as aws.dns.zone."""

_ASCII = st.characters(min_codepoint=32, max_codepoint=126)


def tables(model: type[BaseModel], path: str, given: Texts) -> Strategy:
    """Tables of a model at a path, with any of its optional keys."""
    required, optional = {}, {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        place = f"{path}.{key}"
        strategy = given[place] if place in given else _values(field.annotation, field.metadata, place, given)
        (required if field.is_required() else optional)[key] = strategy
    return st.fixed_dictionaries(required, optional=optional)


def _values(annotation: Any, metadata: list[Any], path: str, given: Texts) -> Strategy:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(arguments[0], [*arguments[1:], *metadata], path, given)
    if origin in {Union, UnionType}:
        return st.one_of(_values(each, metadata, path, given) for each in arguments if each is not type(None))
    if origin is Literal:
        return st.sampled_from(arguments)
    limits = {
        name: getattr(each, name)
        for each in _flat(metadata)
        for name in ("ge", "le", "multiple_of", "min_length", "max_length")
        if hasattr(each, name)
    }
    if origin is list:
        inner = _values(arguments[0], [], path, given)
        most = limits.get("max_length", limits.get("min_length", 0) + 2)
        return st.lists(inner, min_size=limits.get("min_length", 0), max_size=most, unique_by=repr)
    if origin is dict:
        inner = _values(arguments[1], [], path, given)
        return st.dictionaries(_values(arguments[0], [], path, given), inner, max_size=2)
    return _single(annotation, limits, metadata, path, given)


def _single(kind: Any, limits: Mapping[str, Any], metadata: list[Any], path: str, given: Texts) -> Strategy:
    if issubclass(kind, BaseModel):
        return tables(kind, path, given)
    if issubclass(kind, StrEnum):
        return st.sampled_from([str(each) for each in kind])
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(limits["ge"], limits["le"])
    if kind is float:
        step = limits["multiple_of"]
        numbers = st.integers(int(limits["ge"] / step), int(limits["le"] / step)).map(lambda count: count * step)
        return numbers | numbers.map(str)
    forms = [each.pattern for each in metadata if isinstance(each, Form)]
    assert kind is str and forms, f"{path}: a strategy is missing"
    return st.from_regex(re.compile(forms[-1]), fullmatch=True, alphabet=_ASCII)


def _flat(metadata: list[Any]) -> list[Any]:
    return [each for part in metadata for each in (part.metadata if isinstance(part, FieldInfo) else [part])]


def accepted(values: dict[str, Any], section: str) -> tuple[dict[str, Any], Settings]:
    """The values without the keys of a section that `load` refuses beside the others, and what it makes of them."""
    values = copy.deepcopy(values)
    for _ in range(12):
        try:
            settings = load(values, _ALL_SECRETS)
        except ConfigError as error:
            paths = [problem.path for problem in error.problems if problem.path.startswith(f"{section}.")]
            if not sum(_removed(values, path) for path in paths):
                reject()
        else:
            assert isinstance(settings, Settings)
            return values, settings
    return reject()


_ALL_SECRETS = {"backupPassword"}


def _removed(values: dict[str, Any], path: str) -> bool:
    """Remove a key, or the whole list entry that holds it; False where there is none."""
    *way, last = steps(path)
    place: Any = values
    for step in way:
        place = place[step] if isinstance(step, int) else place.get(step, {})
    if isinstance(last, int) or not isinstance(place, dict) or last not in place:
        return False
    del place[last]
    return True


def secrets_for(settings: Settings) -> dict[str, str]:
    """A value for each secret that the settings need."""
    return {secret.key: f"{secret.key}-of-the-test" for secret in needed_secrets(settings)}
