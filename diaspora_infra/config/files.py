"""Settings that name files of their own: machines and snippets outside the stack file."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field


def _not_read(patterns: list[str]) -> list[str]:
    if patterns:
        raise ValueError("read for a stack file only; in a program of your own, pass what is in the files")
    return patterns


FileNames = Annotated[list[Annotated[str, Field(min_length=1)]], AfterValidator(_not_read)]
"""Names of files and patterns of such names. Whoever reads a stack file puts what is in the files in their place, so
that no settings hold them (diaspora_infra/stack_files.py)."""


_ENTRY = re.compile(r"\b((?:pxe\.machines|host\.snippets)\[\d+\])(\.?)")


def with_file_names(text: str, names: Mapping[str, str]) -> str:
    """Replace places such as pxe.machines[3] in a path or message where `names` has the file that they are in.

    Such a name is `FILE`, `FILE: [0]` for an entry of a list in the file, or `FILE: ` for the table that it holds.
    """

    def name(found: re.Match[str]) -> str:
        given = names.get(found[1])
        if given is None:
            return found[0]
        return given if given.endswith(": ") and found[2] else given.removesuffix(": ") + found[2]

    return _ENTRY.sub(name, text) if names else text
