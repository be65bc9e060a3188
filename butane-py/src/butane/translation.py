"""What the steps of a translation share: the document being read, the one being made, and the report."""

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
class Work:
    """One translation under way. `minor` is that of the fcos version."""

    document: Document
    minor: int
    files: Files | None
    report: Report
    ignition: Ignition = field(default_factory=dict)
    origins: Origins = field(default_factory=Origins)

    @property
    def shape(self) -> Struct:
        """The structure of the whole document."""
        return struct("config", self.minor)

    def put_under(self, made: Ignition, origins: Origins) -> None:
        """Merge what sugar made with what the user wrote; the user wins."""
        self.ignition, self.origins = merge(self.shape, made, self.ignition, origins, self.origins)
