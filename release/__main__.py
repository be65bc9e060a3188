"""`python -m release [--tag v0.1.0]`: makes and checks everything in dist/.

With a tag, the release must be ready: its version is that of the packages, and CHANGES.md has a section for it.
"""

import argparse
import shutil
import sys
from pathlib import Path

from release import archives, checks, notes, packages
from release.errors import ReleaseError
from tools import ToolError
from tools.progress import step

PROJECT = Path(__file__).resolve().parent.parent
DIST = PROJECT / "dist"


def main(arguments: list[str] | None = None) -> int:
    """Make a release; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release", description="Makes and checks a release in dist/.")
    parser.add_argument("--tag", default="", help="tag of the release, which must fit, such as v0.1.0")
    parser.add_argument("--files-url", default="", help="where links of the notes to files lead")
    parser.add_argument("--into", type=Path, default=DIST, help="another folder than dist/; its content is removed")
    options = parser.parse_args(arguments)
    try:
        make(options.into, options.tag, options.files_url)
    except (ReleaseError, ToolError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def make(folder: Path, tag: str = "", files_url: str = "") -> None:
    """Fill `folder`. Raises ReleaseError for what is not ready or does not pass a check."""
    version = packages.version()
    changes = (PROJECT / "CHANGES.md").read_text(encoding="utf-8")
    if tag:
        checks.check_tag(tag, version, changes)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with step("building the packages", "building the packages", "built the packages"):
        wheels = packages.build_wheels(folder)
        checks.check_metadata(wheels)
        checks.check_same_bytes(wheels)
    with step("generating the SDKs", "generating the SDKs", "generated the SDKs"):
        archives.write_sdks(folder, version)
    archives.write_plugin(folder, version)
    archives.write_schema(folder)
    with step("installing the packages", "installing the packages", "installed the packages"):
        checks.check_installation(wheels)
    (folder / "NOTES.md").write_text(notes.release_notes(changes, version, files_url), encoding="utf-8")
    archives.write_checksums(folder)
    print(f"dist: version {version}, {len(list(folder.iterdir()))} files in {folder}")


if __name__ == "__main__":
    sys.exit(main())
