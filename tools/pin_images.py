"""Writes the digests of images.json, for maintainers: asks the registries by the protocol of the OCI distribution.

Each answer is checked against its digest, so a registry can name other bytes under a tag but cannot lie about them.
"""

import hashlib
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tools.download import SILENCE_SECONDS
from tools.progress import say

TABLE = Path(__file__).resolve().parent.parent / "diaspora_infra/config/images.json"
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
"""As the OCI image specification names them, and as the table does."""

_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
_MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'([a-z]+)="([^"]*)"')
# the specification asks registries to take manifests up to this size
_MAX_BYTES = 4 << 20
_HOSTS = {"docker.io": "registry-1.docker.io"}


class RegistryError(Exception):
    """A registry does not answer, or not as the protocol says; the text is the cause."""


def pin_images(names: list[str], table: Path = TABLE) -> int:
    """Records the digests of the named images (all if none is named) for each architecture.

    An image whose version moves by itself gets none. Returns 1 if a registry failed; what is there then stays.
    """
    entries: dict[str, Any] = json.loads(table.read_text(encoding="utf-8"))
    failed = False
    for name in names or entries:
        entry = entries.get(name)
        if entry is None:
            say(f"error: {name}: not an image of {table.name}; there are {', '.join(entries)}")
            failed = True
            continue
        tag = entry["tag"].format(version=entry["version"])
        if entry.get("floating") and entry["version"].count(".") == 1:
            say(f"{name}: {tag} moves by itself and gets no digest")
            entry["digests"] = {}
            continue
        try:
            entry["digests"] = {tag: image_digests(entry["repository"], tag)}
            say(f"{name}: {tag} has digests for {', '.join(entry['digests'][tag])}")
        except RegistryError as error:
            say(f"error: {name}: {error}")
            failed = True
    table.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    return int(failed)


def image_digests(repository: str, tag: str) -> dict[str, str]:
    """The digests (sha256:...) of the manifests of a tag, by architecture; raises RegistryError if one is missing."""
    registry = _Registry(repository)
    digest, top = registry.manifest(tag)
    if top.get("mediaType") not in _INDEXES:
        raise RegistryError(f"{repository}:{tag} is an image for one architecture, not an index")
    found = {}
    for entry in _list(top.get("manifests")):
        platform = entry.get("platform")
        if not isinstance(platform, dict) or platform.get("os") != "linux":
            continue
        name = ARCHITECTURES.get(str(platform.get("architecture")))
        if name is not None and platform.get("variant") in {None, "v8"} and name not in found:
            found[name] = _digest(entry.get("digest"))
    if missing := sorted(set(ARCHITECTURES.values()) - set(found)):
        raise RegistryError(f"{repository}:{tag} ({digest}) has no image for {', '.join(missing)}")
    for digest in found.values():
        _, manifest = registry.manifest(digest)
        if manifest.get("mediaType") not in _MANIFESTS:
            raise RegistryError(f"{repository}@{digest} is not the manifest of an image")
    return dict(sorted(found.items()))


class _Registry:
    """The manifests of one repository; with a token that anybody gets, where the registry wants one."""

    def __init__(self, repository: str) -> None:
        host, _, self.path = repository.partition("/")
        scheme = "http" if host.split(":")[0] in {"127.0.0.1", "localhost"} else "https"
        self.address = f"{scheme}://{_HOSTS.get(host, host)}"
        self.token: str | None = None

    def manifest(self, reference: str) -> tuple[str, dict[str, Any]]:
        """The digest and the content of a manifest, by its tag or digest."""
        url = f"{self.address}/v2/{self.path}/manifests/{reference}"
        body, headers = self._get(url)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        named = reference if _DIGEST.fullmatch(reference) else headers.get("Docker-Content-Digest", digest)
        if named != digest:
            raise RegistryError(f"{url}: the content has digest {digest}, expected {named[:80]!r}")
        return digest, {"mediaType": headers.get_content_type(), **_object(body, url)}

    def _get(self, url: str) -> tuple[bytes, http.client.HTTPMessage]:
        accept = {"Accept": ", ".join(_INDEXES + _MANIFESTS)}
        for _ in range(2):
            headers = accept | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
            try:
                return _fetch(url, headers)
            except urllib.error.HTTPError as error:
                error.close()
                challenge = error.headers.get("WWW-Authenticate", "")
                if error.code != http.HTTPStatus.UNAUTHORIZED or self.token or not challenge.startswith("Bearer "):
                    raise RegistryError(f"{url}: HTTP status {error.code}") from None
            self.token = self._new_token(dict(_CHALLENGE.findall(challenge)))
        raise RegistryError(f"{url}: HTTP status 401")

    def _new_token(self, challenge: dict[str, str]) -> str:
        """A token for pulls, from the server that the registry names."""
        realm = challenge.get("realm", "")
        if not realm.startswith("https://") and not (
            self.address.startswith("http://") and urllib.parse.urlsplit(realm).hostname in {"127.0.0.1", "localhost"}
        ):
            raise RegistryError(f"{self.address} names {realm[:80]!r} for tokens, not an https address")
        query = {"scope": f"repository:{self.path}:pull"}
        if "service" in challenge:
            query["service"] = challenge["service"]
        url = f"{realm}?{urllib.parse.urlencode(query)}"
        try:
            body, _ = _fetch(url, {})
        except urllib.error.HTTPError as error:
            error.close()
            raise RegistryError(f"{realm}: HTTP status {error.code}") from None
        answer = _object(body, realm)
        token = answer.get("token") or answer.get("access_token")
        if not isinstance(token, str) or not re.fullmatch("[!-~]+", token):
            raise RegistryError(f"{realm}: the answer has no token")
        return token


def _fetch(url: str, headers: dict[str, str]) -> tuple[bytes, http.client.HTTPMessage]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - https, or this computer
    try:
        with urllib.request.urlopen(request, timeout=SILENCE_SECONDS) as response:  # noqa: S310
            body: bytes = response.read(_MAX_BYTES + 1)
            found: http.client.HTTPMessage = response.headers
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError as error:
        raise RegistryError(f"{url}: {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RegistryError(f"{url}: {error}") from None
    if len(body) > _MAX_BYTES:
        raise RegistryError(f"{url}: more than {_MAX_BYTES} bytes")
    return body, found


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise RegistryError(f"{url}: the answer is not a JSON object")
    return content


def _digest(value: object) -> str:
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        raise RegistryError(f"the index names {str(value)[:80]!r}, not a digest such as sha256:...")
    return value


def _list(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
