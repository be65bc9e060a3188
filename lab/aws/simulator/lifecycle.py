"""Data Lifecycle Manager, which moto lacks: it keeps policies, and makes no snapshots."""

import json
import re
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

Answer = tuple[str, dict[str, Any]]


class Lifecycle:
    """A WSGI application around the simulator. Without it, a lifecycle policy is an unknown service."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        """Wrap `application`."""
        self.application = application
        self.policies: dict[str, dict[str, Any]] = {}

    def __call__(self, environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        path, method = environment.get("PATH_INFO", ""), environment["REQUEST_METHOD"]
        if path == "/moto-api/reset":
            self.policies.clear()
        found = re.search(r"Credential=[^/]+/[^/]+/([^/]+)/dlm/", environment.get("HTTP_AUTHORIZATION", ""))
        if not found:
            return self.application(environment, start)
        text = environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
        body = json.loads(text) if text else {}
        status, answer = self._answer(method, path, body, found[1], environment.get("QUERY_STRING", ""))
        start(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _answer(self, method: str, path: str, body: dict[str, Any], region: str, query: str) -> Answer:
        _, kind, *rest = unquote(path).split("/", 2)
        if kind == "tags":
            return self._tags(method, rest[0], body, query)
        if method == "POST":
            return self._create(body, region)
        policy = self.policies.get(rest[0].strip("/")) if rest else None
        if policy is None:
            return "404 Not Found", {"__type": "ResourceNotFoundException", "Message": "there is no such policy"}
        if method == "DELETE":
            del self.policies[policy["PolicyId"]]
        if method == "PATCH":
            policy.update(body)
        return "200 OK", {"Policy": policy} if method == "GET" else {}

    def _create(self, body: dict[str, Any], region: str) -> Answer:
        policy = f"policy-{uuid.uuid4().hex[:17]}"
        arn = f"arn:aws:dlm:{region}:123456789012:policy/{policy}"
        self.policies[policy] = {"Tags": {}, **body, "PolicyId": policy, "PolicyArn": arn}
        return "200 OK", {"PolicyId": policy}

    def _tags(self, method: str, arn: str, body: dict[str, Any], query: str) -> Answer:
        tags = self.policies[arn.rsplit("/", 1)[1]]["Tags"]
        if method == "POST":
            tags.update(body["Tags"])
        for key in re.findall("tagKeys=([^&]+)", query) if method == "DELETE" else ():
            tags.pop(unquote(key), None)
        return "200 OK", {"Tags": tags} if method == "GET" else {}
