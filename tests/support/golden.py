"""Golden files: rendered text that is reviewed as part of a change."""

from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).resolve().parent.parent / "golden" / "files"


@dataclass(frozen=True)
class Golden:
    """Compares text with a golden file, or writes the file when asked to.

    `name` is relative to tests/golden/files; an absolute path is any other file that the project generates.
    """

    update: bool

    def check(self, name: str | Path, text: str) -> None:
        file = FILES / name
        if self.update:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{file} differs; `make golden` writes it anew"
