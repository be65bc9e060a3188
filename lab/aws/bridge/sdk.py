"""What pulumi_aws says of its classes: the names, shapes and required arguments that its type annotations hold."""

import importlib
import inspect
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pulumi import _types


@dataclass(frozen=True)
class SdkShape:
    """Shape of a property. `element` belongs to lists and maps, `cls` to objects."""

    kind: Literal["scalar", "list", "map", "object"]
    element: "SdkShape | None" = None
    cls: type | None = None

    def fields(self) -> dict[str, "SdkShape"] | None:
        """Shapes by property name, for an object or what holds one."""
        if self.kind == "object" and self.cls is not None:
            return {name: shape_of(kind) for name, kind in _types.output_type_types(self.cls).items()}
        return self.element.fields() if self.element is not None else None


SCALAR = SdkShape("scalar")


@dataclass(frozen=True)
class SdkResource:
    """A resource class: shapes by property name, the names of its inputs, and those of them that are required."""

    properties: dict[str, SdkShape]
    inputs: frozenset[str]
    required: frozenset[str]


def resource(token: str) -> SdkResource:
    """Read the class of a resource token such as aws:ec2/vpc:Vpc."""
    module, name = _place(token)
    cls = getattr(module, name)
    # InitArgs where an input type of another resource has the name already
    arguments = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    names: Mapping[str, str] = _types.input_type_py_to_pulumi_names(arguments)
    required = [
        names.get(parameter, parameter)
        for parameter, value in inspect.signature(arguments.__init__).parameters.items()
        if parameter not in {"self", "__self__"} and value.default is inspect.Parameter.empty
    ]
    properties = {name: shape_of(kind) for name, kind in _types.resource_types(cls).items()}
    return SdkResource(properties, frozenset(names.values()), frozenset(required))


def function(token: str) -> dict[str, SdkShape]:
    """Read the result of a function token such as aws:ec2/getAmi:getAmi."""
    module, name = _place(token)
    result = getattr(module, f"{name[0].upper()}{name[1:]}Result")
    return SdkShape("object", cls=result).fields() or {}


def shape_of(annotation: Any) -> SdkShape:
    """Turn an annotation into a shape."""
    bare = _types.unwrap_type(annotation)
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is typing.Union:
        return shape_of(next(argument for argument in arguments if argument is not type(None)))
    if origin is not None and "Sequence" in str(origin):
        return SdkShape("list", element=shape_of(arguments[0]))
    if origin is not None and ("Mapping" in str(origin) or origin is dict):
        return SdkShape("map", element=shape_of(arguments[1]))
    if isinstance(bare, type) and _types.is_output_type(bare):
        return SdkShape("object", cls=bare)
    return SCALAR


def _place(token: str) -> tuple[Any, str]:
    """The Python module of a token, and the name in it."""
    _, module, name = token.split(":")
    folder = module.split("/")[0]
    package = "pulumi_aws" if folder == "index" else f"pulumi_aws.{folder}"
    return importlib.import_module(package), name
