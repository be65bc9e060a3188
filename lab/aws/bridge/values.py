"""Values between Pulumi's property maps and Terraform's msgpack."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgpack

from lab.aws.bridge.shapes import Field, Many, Record, Scalar, Shape, Table

# what the engine writes for a value that is not known yet, and how it marks special ones (sdk/go/common/resource)
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag of the engine
ASSET = "c44067f5952c0a294b673a41bacd8c17"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


class Unknown:
    """A value that is known only after something has been created."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN = Unknown()


class BadValueError(Exception):
    """A value that does not fit. `path` is the Pulumi name of the property."""

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(message)


def pack(value: Any) -> bytes:
    """Write a Terraform value as msgpack."""
    return bytes(msgpack.packb(value, default=_pack_unknown, use_bin_type=True))


def _pack_unknown(value: Any) -> msgpack.ExtType:
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(f"{type(value).__name__} is no value of Terraform")


def unpack(data: bytes) -> Any:
    """Read a Terraform value from msgpack."""
    return msgpack.unpackb(data, ext_hook=lambda _code, _data: UNKNOWN, strict_map_key=False, raw=False)


def plain(value: Any) -> Any:
    """Strip a decoded property of the engine's wrappings: secrets, outputs, assets; whole numbers become int."""
    if isinstance(value, str):
        return UNKNOWN if value == UNKNOWN_TEXT else value
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE)
    if signature == SECRET:
        return plain(value.get("value"))
    if signature == OUTPUT:
        return plain(value["value"]) if "value" in value else UNKNOWN
    if signature == ASSET:
        return _asset_path(value)
    return {key: plain(element) for key, element in value.items()}


def _asset_path(asset: Mapping[str, Any]) -> str:
    """A file with the asset's content, named after its hash: for a diff the engine sends only that."""
    content = None
    if asset.get("path"):
        content = Path(asset["path"]).read_bytes()
    elif "text" in asset:
        content = str(asset["text"]).encode()
    digest = asset.get("hash") or hashlib.sha256(content or b"").hexdigest()
    path = Path(tempfile.gettempdir()) / f"bridge-asset-{digest}"
    if content is not None and not path.exists():
        path.write_bytes(content)
    return str(path)


def to_terraform(shape: Shape, value: Any, path: str = "") -> Any:
    """Turn a plain Pulumi value into a Terraform value. Raises BadValueError."""
    if value is None or value is UNKNOWN:
        return value
    if isinstance(shape, Scalar):
        return _scalar(shape, value, path)
    if isinstance(shape, Many):
        if not isinstance(value, list):
            raise BadValueError(path, f"expected a list, got {type(value).__name__}")
        return [to_terraform(shape.element, element, f"{path}[{index}]") for index, element in enumerate(value)]
    if not isinstance(value, dict):
        raise BadValueError(path, f"expected an object, got {type(value).__name__}")
    if isinstance(shape, Table):
        return {key: to_terraform(shape.element, element, f"{path}.{key}") for key, element in value.items()}
    return record_to_terraform(shape, value, path)


def record_to_terraform(record: Record, value: Mapping[str, Any], path: str = "", *, strict: bool = True) -> Any:
    """Turn a Pulumi object into a Terraform object that has every field. `strict` refuses unknown properties."""
    names = {field.pulumi for field in record.fields.values()}
    for name in value:
        if strict and name not in names and not name.startswith("__"):
            raise BadValueError(f"{path}.{name}".lstrip("."), "this version of the provider does not know it")
    return {
        name: _field_to_terraform(field, value.get(field.pulumi), f"{path}.{field.pulumi}".lstrip("."))
        for name, field in record.fields.items()
    }


def _field_to_terraform(field: Field, value: Any, path: str) -> Any:
    if field.timeouts:
        return None
    if not isinstance(field.shape, Many):
        return to_terraform(field.shape, value, path)
    if value is None:
        return [] if field.block else None
    if field.flat:
        return UNKNOWN if value is UNKNOWN else [to_terraform(field.shape.element, value, path)]
    return to_terraform(field.shape, value, path)


def _scalar(shape: Scalar, value: Any, path: str) -> Any:
    try:
        return _SCALARS[shape.kind](value)
    except (ValueError, KeyError, TypeError):
        raise BadValueError(path, f"expected {shape.kind}, got {value!r}") from None


def _string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        raise TypeError
    return str(value)


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else {"true": True, "false": False}[value]


def _number(value: Any) -> int | float:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    return int(number) if number.is_integer() else number


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "bool": _bool,
    "number": _number,
    "dynamic": lambda value: value,
}


def to_pulumi(shape: Shape, value: Any) -> Any:
    """Turn a Terraform value into a Pulumi value; what is null is left out of objects."""
    if value is UNKNOWN:
        return UNKNOWN_TEXT
    if value is None or isinstance(shape, Scalar):
        return value
    if isinstance(shape, Many):
        return [to_pulumi(shape.element, element) for element in value]
    if isinstance(shape, Table):
        return {key: to_pulumi(shape.element, element) for key, element in value.items() if element is not None}
    properties = {}
    for name, field in shape.fields.items():
        if not field.timeouts and (shown := _field_to_pulumi(field, value.get(name))) is not None:
            properties[field.pulumi] = shown
    return properties


def _field_to_pulumi(field: Field, value: Any) -> Any:
    if field.flat and isinstance(field.shape, Many) and isinstance(value, list):
        return to_pulumi(field.shape.element, value[0]) if value else None
    return to_pulumi(field.shape, value)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal; unknown values equal each other."""
    return text_of(one) == text_of(other)


def text_of(value: Any) -> str:
    """A text that equal values share."""
    return json.dumps(value, sort_keys=True, default=lambda _unknown: "\0unknown")


def sorted_sets(shape: Shape, value: Any) -> Any:
    """The same Terraform value with the elements of all sets in a fixed order."""
    if value is None or value is UNKNOWN or isinstance(shape, Scalar):
        return value
    if isinstance(shape, Many):
        elements = [sorted_sets(shape.element, element) for element in value]
        return sorted(elements, key=text_of) if shape.is_set else elements
    if isinstance(shape, Table):
        return {key: sorted_sets(shape.element, element) for key, element in value.items()}
    return {name: sorted_sets(field.shape, value.get(name)) for name, field in shape.fields.items()}


def has_unknown(value: Any) -> bool:
    """Whether something in it is not known yet."""
    if isinstance(value, dict):
        return any(map(has_unknown, value.values()))
    if isinstance(value, list):
        return any(map(has_unknown, value))
    return value is UNKNOWN
