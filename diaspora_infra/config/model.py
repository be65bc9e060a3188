"""The base of every settings model: camelCase in stack files, snake_case in Python, unknown keys refused."""

from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.alias_generators import to_camel


def _unique_items(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema what `each_text_once` checks."""
    for part in schema.get("properties", {}).values():
        for choice in (part, *part.get("anyOf", ())):
            if choice.get("type") == "array" and choice["items"].get("type") == "string":
                choice["uniqueItems"] = True


class Model(BaseModel):
    """One table of the stack config. Immutable, strict about types and about keys it does not know."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        validate_default=True,
        hide_input_in_errors=True,
        json_schema_extra=_unique_items,
    )

    @field_validator("*")
    @classmethod
    def each_text_once(cls, value: Any) -> Any:
        """Refuse a list that contains a text twice: Butane and AWS do, and nobody means it."""
        first: dict[str, int] = {}
        for index, entry in enumerate(value if isinstance(value, list) else ()):
            if isinstance(entry, str) and first.setdefault(entry, index) != index:
                raise ValueError(f"[{index}] is the same as [{first[entry]}]; remove one of the two")
        return value

    def __hash__(self) -> int:
        """By value, lists and tables included."""
        return hash(self.model_dump_json())

    def with_derived(self, **values: Any) -> Self:
        """A copy with values that follow from other settings; they do not count as set (`model_fields_set`)."""
        return cast(Self, self.model_construct(_fields_set=set(self.model_fields_set), **{**self.__dict__, **values}))
