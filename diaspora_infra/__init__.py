"""diaspora-infra: a diaspora* pod from one typed config."""

from typing import TYPE_CHECKING

__version__: str
"""The version of the installed package; in a checkout that is not installed, that of its pyproject.toml."""

if not TYPE_CHECKING:  # a type checker that sees it takes every name

    def __getattr__(name: str) -> str:
        """Look the version up when it is asked for: what reads it is slow to import."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from diaspora_infra.version import package_version

        return package_version()
