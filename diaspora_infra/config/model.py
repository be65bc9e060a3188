"""The base of every settings model: camelCase in stack files, snake_case in Python, unknown keys refused."""

from typing import Any, Self, cast

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


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
    )

    def __hash__(self) -> int:
        """By value, lists and tables included."""
        return hash(self.model_dump_json())

    def with_derived(self, **values: Any) -> Self:
        """A copy with values that follow from other settings; they do not count as set (`model_fields_set`)."""
        return cast(Self, self.model_construct(_fields_set=set(self.model_fields_set), **{**self.__dict__, **values}))
