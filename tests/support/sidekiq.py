"""Debian trixie's Sidekiq as a root folder: 7.3, as diaspora* has it.

Needs root and a Debian for x86_64 (tests/support/boot/debian.py).
"""

import shutil
import sys
from pathlib import Path

from tests.support import rails
from tests.support.boot import debian
from tests.support.boot.debian import UNNEEDED, debian_tree
from tools.cached import cached

PACKAGES = ("bash", "coreutils", "ruby", "ruby-sidekiq", "tzdata")


def sidekiq_root() -> Path:
    """The root folder in the cache, to which nothing may be written."""
    return cached("sidekiq", _make, sys.modules[__name__], rails, debian) / "root"


def _make(folder: Path) -> None:
    tree = debian_tree(PACKAGES, folder / "work", [*UNNEEDED, *rails.UNUSED])
    for path, text in rails.ACCOUNTS.items():
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")
    (tree / rails.HOME).mkdir(parents=True)
    tree.rename(folder / "root")
    shutil.rmtree(folder / "work")
