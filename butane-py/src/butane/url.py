"""The URLs that Ignition accepts as sources, and whether they can be parsed at all.

Facts: Go's net/url, github.com/vincent-petithory/dataurl and the AWS SDK's arn package, which the reference uses.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import unquote_to_bytes

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"]|[^\x00-\x7f]|%[89A-Fa-f][0-9A-Fa-f]|%25)*")
_ZONE = re.compile(r"(?:[A-Za-z0-9\-_.~!$&'()*+,;=:\[\]<>\"]|[^\x00-\x7f]|%[0-9A-Fa-f]{2})*")
_USER = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT = re.compile(r"(?::[0-9]*)?")
_TOKEN = r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]"  # noqa: S105 - of RFC 2045
_DATA = re.compile(
    rf"data:(?:(?:(?:text|image|audio|video|application|message|multipart){_TOKEN}*|[xX]-{_TOKEN}*)/{_TOKEN}*)?"
    rf'(?P<parameters>(?:;{_TOKEN}+=(?:{_TOKEN}+|"(?:[^"\\\x80-\U0010ffff]|\\[\x00-\x7f])*"))*)'
    r"(?P<base64>;base64)?,(?P<data>.*)",
    re.DOTALL,
)
_PARAMETER = re.compile(rf';{_TOKEN}+=({_TOKEN}+|"(?:[^"\\]|\\.)*")', re.DOTALL)
_DATA_TEXT = re.compile(r"[!$-;=?-Z_a-z~%]*")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_ARN_PARTS: Final = 6
_UNPARSABLE: Final = "the URL cannot be parsed"


class UrlError(Exception):
    """A URL is refused; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    opaque: str
    query: str


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case, empty when it has none.

    Raises:
        UrlError: The URL cannot be parsed.

    """
    return _parse(url).scheme


def check_source(url: str, minor: int) -> None:
    """Refuse a URL that an Ignition 3.`minor` document cannot fetch from.

    Raises:
        UrlError: Why it is refused.

    """
    parsed = _parse(url)
    allowed = ["data", "http", "https", "s3", "tftp"] + (["gs"] if minor >= 2 else []) + (["arn"] if minor >= 4 else [])
    if parsed.scheme not in allowed:
        raise UrlError(f"the URL scheme must be one of {', '.join(sorted(allowed))}")
    if parsed.scheme == "data":
        check_data_url(url)
    elif parsed.scheme == "arn":
        _check_arn(parsed)
    if parsed.scheme in ("s3", "arn") and _empty_version(parsed.query):
        raise UrlError("the versionId of an S3 object must not be empty")


def _parse(url: str) -> _Url:
    reference, _, fragment = url.partition("#")
    if _CONTROL.search(reference) or _BAD_ESCAPE.search(fragment) or reference.startswith(":"):
        raise UrlError(_UNPARSABLE)
    match = _SCHEME.match(reference)
    scheme = match[1].lower() if match else ""
    rest, _, query = reference[match.end() if match else 0 :].partition("?")
    if reference == "*":
        return _Url("", "", "")
    if not rest.startswith("/"):
        if scheme:
            return _Url(scheme, rest, query)
        if ":" in rest.partition("/")[0]:
            raise UrlError(_UNPARSABLE)
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        _check_authority(authority)
        rest = slash + path
    if _BAD_ESCAPE.search(rest):
        raise UrlError(_UNPARSABLE)
    return _Url(scheme, "", query)


def _check_authority(authority: str) -> None:
    user, _, host = authority.rpartition("@")
    valid_user = _USER.fullmatch(user) and not _BAD_ESCAPE.search(user)
    if not valid_user or not (_is_literal(host) if "[" in host else _is_host(host)):
        raise UrlError(_UNPARSABLE)


def _is_host(host: str) -> bool:
    _, colon, port = host.rpartition(":")
    return bool(_PORT.fullmatch(colon + port if colon else "") and _HOST.fullmatch(host))


def _is_literal(host: str) -> bool:
    """Whether a host is an IPv6 address in brackets, with an optional port."""
    end = host.rfind("]")
    if host.rfind("[") != 0 or end < 0 or not _PORT.fullmatch(host[end + 1 :]):
        return False
    address, percent, zone = host[1:end].partition("%25")
    if not _HOST.fullmatch(address) or not _ZONE.fullmatch(zone) or (percent and not zone):
        return False
    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return "%" not in address


def _empty_version(query: str) -> bool:
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if ";" in part or _BAD_ESCAPE.search(part):
            continue
        if unquote_to_bytes(key) == b"versionId":
            return not value
    return False


def _check_arn(url: _Url) -> None:
    parts = f"arn:{url.opaque}".split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS or parts[2] != "s3":
        raise UrlError("the ARN must be that of an S3 object, as in arn:aws:s3:::bucket/key")
    slashes = parts[-1].count("/") + sum(part.count("/") for part in parts[:-1])
    if slashes < (2 if parts[-1].startswith("accesspoint/") else 1):
        raise UrlError("the ARN names no object, as in arn:aws:s3:::bucket/key")


def check_data_url(url: str) -> None:
    """Refuse a data URL that cannot be decoded.

    Raises:
        UrlError: Why it is refused.

    """
    match = _DATA.fullmatch(url)
    if not match or not all(_is_parameter(value) for value in _PARAMETER.findall(match["parameters"])):
        raise UrlError("the data URL is malformed: it has the form data:[type][;base64],data")
    data = match["data"]
    if match["base64"]:
        if not _BASE64.fullmatch(data.replace("\n", "")):
            raise UrlError("the data URL does not hold valid base64")
    elif not _DATA_TEXT.fullmatch(data) or _BAD_ESCAPE.search(data):
        raise UrlError("the data URL holds characters that must be escaped")


def _is_parameter(value: str) -> bool:
    if not value.startswith('"'):
        return not _BAD_ESCAPE.search(value)
    try:
        return isinstance(ast.literal_eval(value), str)
    except (ValueError, SyntaxError):
        return False
