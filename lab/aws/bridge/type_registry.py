"""Every type that the bridge knows, cached in a file, because reading all classes of the SDK takes seconds."""

import hashlib
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.aws.bridge import VERSION, sdk
from lab.aws.bridge.resource import Resource
from lab.aws.bridge.shapes import Record, record_of
from lab.aws.bridge.types import FUNCTIONS, RESOURCES


@dataclass(frozen=True)
class TypeRegistry:
    """Resources and functions by token."""

    resources: dict[str, Resource]
    functions: dict[str, Record]

    @classmethod
    def read(cls, schema: Any) -> "TypeRegistry":
        """Read the classes of the SDK, with the provider's schema."""
        resources = {token: Resource.of(token, schema.resource_schemas) for token in RESOURCES}
        functions = {
            token: record_of(schema.data_source_schemas[terraform].block, sdk.function(token))
            for token, terraform in FUNCTIONS.items()
        }
        return cls(resources, functions)

    @classmethod
    def load(cls, schema_file: Path, schema: Any) -> "TypeRegistry":
        """Read the registry from a file beside the schema, or write it; each version of this code has its own file."""
        file = schema_file.with_name(f"{schema_file.stem}-{_fingerprint()}.types")
        if file.exists():
            registry = pickle.loads(file.read_bytes())  # noqa: S301 - our own cache
            if isinstance(registry, cls):
                return registry
        registry = cls.read(schema)
        for old in file.parent.glob(f"{schema_file.stem}-*.types"):
            old.unlink(missing_ok=True)
        unfinished = file.with_name(f"{file.name}.{os.getpid()}")
        unfinished.write_bytes(pickle.dumps(registry))
        unfinished.rename(file)
        return registry


def _fingerprint() -> str:
    """Changes with the bridge and with the SDK."""
    digest = hashlib.sha256(VERSION.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
