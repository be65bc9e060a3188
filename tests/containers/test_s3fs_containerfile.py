"""The Containerfile of s3fs. It is linted and compared with its page; nothing here can build it."""

import re
import subprocess
from pathlib import Path

from tests.containers.test_containerfile import hadolint_program

FOLDER = Path(__file__).resolve().parents[2] / "containers/s3fs"
TEXT = (FOLDER / "Containerfile").read_text(encoding="utf-8")


def test_hadolint_reports_nothing() -> None:
    command = [hadolint_program(), FOLDER / "Containerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_base_image_is_pinned_and_named_in_readme() -> None:
    (base,) = re.findall(r"^ARG DEBIAN_IMAGE=(docker\.io/library/debian:\d+\.\d+-slim)$", TEXT, re.MULTILINE)
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert base in readme
    assert not re.search(r"^(SHELL|HEALTHCHECK|ONBUILD)\b", TEXT, re.MULTILINE)


def test_s3fs_versions_support_credentials_of_an_iam_role() -> None:
    """s3fs supports roles since 1.91."""
    assert " ge 1.91" in TEXT
