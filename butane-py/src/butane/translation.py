"""The state that the steps of a translation share: the source document, the Ignition document, and the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from butane.decode import Document
from butane.files import Files
from butane.ignition import Ignition
from butane.merging import merge
from butane.origins import Origins
from butane.report import Report
from butane.schema import Struct, struct

NO_FILES = "local files need a files directory: give one with -d/--files-dir (or `files`)"


@dataclass(slots=True)
class TranslationState:
    """The state of one translation. `minor` is that of the fcos version; `compress` allows to compress contents."""

    document: Document
    minor: int
    files: Files | None
    report: Report
    compress: bool = True
    ignition: Ignition = field(default_factory=dict)
    origins: Origins = field(default_factory=Origins)

    @property
    def shape(self) -> Struct:
        """The structure of the whole document."""
        return struct("config", self.minor)

    def merge_below_user(self, generated: Ignition, origins: Origins) -> None:
        """Merge generated parts below the parts that the user wrote; the user's win."""
        self.ignition, self.origins = merge(self.shape, generated, self.ignition, origins, self.origins)
