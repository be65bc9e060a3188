"""CloudWatch's newer protocol: the provider speaks smithy-rpc-v2-cbor, moto only JSON. This translates in between."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import cbor2

_TIMES = ("Timestamp", "Timestamps", "LastModified")
_EPOCH_TIME = 1  # the tag of CBOR for seconds since 1970


class Cbor:
    """A WSGI application around the simulator. Without it, an alarm is an address that is not there (404)."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Wrap `application`."""
        self.application = application

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        path = environment.get("PATH_INFO", "")
        if not path.startswith("/service/") or "/operation/" not in path:
            return self.application(environment, start)
        _, _, service, _, operation = path.split("/")
        body = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
        request = json.dumps(_to_json(cbor2.loads(body)) if body else {}).encode()
        environment |= {
            "PATH_INFO": "/",
            "RAW_URI": "/",
            "REQUEST_URI": "/",
            "HTTP_X_AMZ_TARGET": f"{service}.{operation}",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "CONTENT_LENGTH": str(len(request)),
            "wsgi.input": io.BytesIO(request),
        }
        for header in ("HTTP_ACCEPT", "HTTP_SMITHY_PROTOCOL"):
            environment.pop(header, None)
        seen: list[str] = []
        answer = b"".join(self.application(environment, lambda status, *_rest: seen.append(status)))
        encoded = cbor2.dumps(_to_cbor(json.loads(answer) if answer else {}))
        headers = {
            "Content-Type": "application/cbor",
            "smithy-protocol": "rpc-v2-cbor",
            "Content-Length": str(len(encoded)),
        }
        start(seen[0], list(headers.items()))
        return [encoded]


def _to_json(value: Any) -> Any:
    if hasattr(value, "timestamp"):
        return value.timestamp()
    if isinstance(value, dict):
        return {key: _to_json(item) for key, item in value.items()}
    return [_to_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def _to_cbor(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _to_cbor(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_to_cbor(item, key) for item in value]
    if key.endswith(_TIMES) and isinstance(value, (int, float)):
        return cbor2.CBORTag(_EPOCH_TIME, value)
    return value
