"""An alias of the package `butane`, for programs that know it by its earlier name. New programs import `butane`."""

from butane import (
    VERSIONS,
    ButaneError,
    Entry,
    Level,
    LocalFile,
    LocalLink,
    Merged,
    Report,
    Translation,
    check_ignition,
    merge,
    translate,
)

__all__ = [
    "VERSIONS",
    "ButaneError",
    "Entry",
    "Level",
    "LocalFile",
    "LocalLink",
    "Merged",
    "Report",
    "Translation",
    "check_ignition",
    "merge",
    "translate",
]
