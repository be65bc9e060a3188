"""Provides the programs that the project runs: found on PATH, downloaded, or built from pinned Go modules.

    from tools import ensure, path_with

    paths = ensure(["pulumi", "matchbox"])              # {"pulumi": Path(...), "matchbox": Path(...)}
    environment["PATH"] = path_with(tool_names("up"))   # the tools first, then what was on PATH

The package needs nothing but the standard library, so that it runs before any virtual environment exists.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this package runs with whatever python3 is there
    raise SystemExit("tools: Python 3.11 or later is needed, this is " + sys.version.split()[0])

from tools.errors import ToolError
from tools.provide import ensure, path_with, tool_names, tool_path

__all__ = ["ToolError", "ensure", "path_with", "tool_names", "tool_path"]
