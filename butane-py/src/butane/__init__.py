"""Butane to Ignition in Python: the variant fcos, versions 1.0.0 to 1.7.0.

    from butane import ButaneError, translate

    try:
        translation = translate(text, name="pod.bu", files=Path("files"))
    except ButaneError as error:
        print(error)  # one line a problem: pod.bu:7:19: $.storage.files.0.path: the path must be absolute
    else:
        print(translation.text(pretty=True))

The package needs PyYAML and nothing else.
"""

from butane.api import Merged, Translation, check_ignition, merge, translate
from butane.files import LocalFile, LocalLink
from butane.report import ButaneError, Entry, Level, Report
from butane.schema import VERSIONS

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
