"""The URLs that Ignition accepts as sources."""

from __future__ import annotations

from urllib.parse import urlsplit


class UrlError(Exception):
    """A URL is refused; the text is a sentence for the user."""


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case.

    Raises:
        UrlError: The URL cannot be parsed.

    """
    try:
        return urlsplit(url).scheme
    except ValueError:
        raise UrlError("the URL cannot be parsed") from None


def check_source(url: str, minor: int) -> None:
    """Refuse a URL that an Ignition 3.`minor` document cannot fetch from."""
    scheme = scheme_of(url)
    allowed = ["http", "https", "tftp", "s3", "data"] + (["gs"] if minor >= 2 else []) + (["arn"] if minor >= 4 else [])
    if scheme not in allowed:
        raise UrlError(f"the URL scheme must be one of {', '.join(sorted(allowed))}")
