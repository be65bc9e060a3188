"""The state that Terraform's core proposes to a provider: what was there, with the new configuration laid over it.

It follows the rules of `objchange.ProposedNew` in Terraform's core, since a provider's plan depends on them: what the
configuration does not say keeps its old value where the provider computes it, and blocks find their old selves by
position in lists and by likeness in sets.
"""

from typing import Any

from lab.aws.bridge.shapes import Field, Many, Record, Table
from lab.aws.bridge.values import UNKNOWN, same, sorted_sets


def propose(record: Record, prior: Any, config: Any) -> Any:
    """Lay the configuration over the prior state; both are Terraform objects, `prior` None for a new resource."""
    if config is UNKNOWN or config is None:
        return config
    before = prior if isinstance(prior, dict) else _empty(record)
    return {name: _field(field, before.get(name), config.get(name)) for name, field in record.fields.items()}


def _field(field: Field, prior: Any, config: Any) -> Any:
    if not field.block:
        if field.write_only:
            return None
        return prior if config is None and field.computed else config
    if config is UNKNOWN or config is None:
        return config
    if isinstance(field.shape, Record):
        return propose(field.shape, prior, config)
    if isinstance(field.shape, Table):
        before = prior if isinstance(prior, dict) else {}
        return {
            key: _element(field.shape.element, before.get(key), element_config)
            for key, element_config in config.items()
        }
    if isinstance(field.shape, Many) and field.shape.is_set:
        return _set(field.shape.element, prior, config)
    old = prior if isinstance(prior, list) else []
    return [
        _element(field.shape.element, old[index] if index < len(old) else None, element_config)  # type: ignore[union-attr]
        for index, element_config in enumerate(config)
    ]


def _set(element: Any, prior: Any, config: list[Any]) -> list[Any]:
    left = list(prior) if isinstance(prior, list) else []
    proposed = []
    for element_config in config:
        candidates = [old for old in left if isinstance(old, dict)] if element_config is not UNKNOWN else []
        likely = next(
            (old for old in candidates if isinstance(element, Record) and _fits(element, old, element_config)), None
        )
        if likely is not None:
            left.remove(likely)
        proposed.append(_element(element, likely, element_config))
    return proposed


def _element(element: Any, prior: Any, config: Any) -> Any:
    return propose(element, prior, config) if isinstance(element, Record) else config


def _fits(record: Record, prior: dict[str, Any], config: dict[str, Any]) -> bool:
    """Whether the old element of a set may be what this configuration led to."""
    return all(_field_fits(field, prior.get(name), config.get(name)) for name, field in record.fields.items())


def _field_fits(field: Field, prior: Any, config: Any) -> bool:
    if config is UNKNOWN:
        return False
    if field.block and isinstance(field.shape, Many) and isinstance(prior, list):
        left = list(config or [])
        for old in prior:
            inner = field.shape.element
            match = next((new for new in left if isinstance(inner, Record) and _fits(inner, old, new)), None)
            if match is None:
                return False
            left.remove(match)
        return not left
    if field.block and isinstance(field.shape, Record) and isinstance(prior, dict):
        return isinstance(config, dict) and _fits(field.shape, prior, config)
    if config is None and field.computed:
        return True
    return same(sorted_sets(field.shape, prior), sorted_sets(field.shape, config))


def _empty(record: Record) -> dict[str, Any]:
    """What Terraform takes for the prior state of something new."""
    empty: dict[str, Any] = {}
    for name, field in record.fields.items():
        if field.block and isinstance(field.shape, Many):
            empty[name] = []
        else:
            empty[name] = {} if field.block and isinstance(field.shape, Table) else None
    return empty
