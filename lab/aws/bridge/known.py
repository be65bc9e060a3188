"""Every type that the bridge knows, kept in a file: to read all their classes from the SDK takes seconds."""

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
class Known:
    """What there is, by token."""

    resources: dict[str, Resource]
    functions: dict[str, Record]

    @classmethod
    def read(cls, schema: Any) -> "Known":
        """Read the classes of the SDK, with the provider's schema."""
        resources = {token: Resource.of(token, schema.resource_schemas) for token in RESOURCES}
        functions = {
            token: record_of(schema.data_source_schemas[terraform].block, sdk.function(token))
            for token, terraform in FUNCTIONS.items()
        }
        return cls(resources, functions)

    @classmethod
    def kept(cls, schema_file: Path, schema: Any) -> "Known":
        """Read it from a file beside that of the schema, or make the file; each state of this code has its own."""
        file = schema_file.with_name(f"{schema_file.stem}-{_fingerprint()}.types")
        if file.exists():
            known = pickle.loads(file.read_bytes())  # noqa: S301 - our own cache
            if isinstance(known, cls):
                return known
        known = cls.read(schema)
        for old in file.parent.glob(f"{schema_file.stem}-*.types"):
            old.unlink(missing_ok=True)
        unfinished = file.with_name(f"{file.name}.{os.getpid()}")
        unfinished.write_bytes(pickle.dumps(known))
        unfinished.rename(file)
        return known


def _fingerprint() -> str:
    """Changes with the bridge and with the SDK."""
    digest = hashlib.sha256(VERSION.encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
