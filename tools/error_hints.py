"""Finds the line of a failed program's output that tells the user the cause."""

import os
import re

# as pip, uv, apt and go word them
NO_NETWORK = re.compile(
    r"temporary failure (?:in name resolution|resolving)|no such host|name or service not known|connection refused"
    r"|network is unreachable|no route to host|(?:connection|operation) timed out|i/o timeout|read timed out"
    r"|connection reset by peer|certificate verify failed|certificate signed by unknown authority|unknownissuer",
    re.IGNORECASE,
)
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


def cause(output: str) -> str:
    """Why a program failed: a network error if the output shows one, else the last line that is not a hint."""
    if found := NO_NETWORK.search(output):
        proxy = next((f" (through the proxy in {name})" for name in PROXIES if os.environ.get(name)), "")
        return f"no connection: {found.group()}{proxy}"
    lines = [line.strip() for line in output.splitlines()]
    return ([line for line in lines if line and not line.startswith("hint:")] or ["no cause given"])[-1]
