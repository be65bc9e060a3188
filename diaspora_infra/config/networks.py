"""NetworkManager keyfile settings: which sections and keys exist."""

from collections.abc import Mapping

from diaspora_infra.config.host import Keyfile
from diaspora_infra.config.problems import Problem


def check_networks(path: str, networks: Mapping[str, Keyfile]) -> list[Problem]:
    """Sections and keys that NetworkManager does not know, and values that it would not take."""
    return []
