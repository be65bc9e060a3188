"""The Containerfile of the mail relay. It is linted and compared with the settings; nothing here can build it."""

import re
import subprocess
from pathlib import Path

from diaspora_infra.host.container_users import RELAY_POSTFIX_UID, ContainerUsers
from tests.containers.test_containerfile import hadolint_program

FOLDER = Path(__file__).resolve().parents[2] / "containers/relay"
TEXT = (FOLDER / "Containerfile").read_text(encoding="utf-8")


def test_hadolint_reports_nothing() -> None:
    command = [hadolint_program(), FOLDER / "Containerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_user_ids_match_those_of_the_machine() -> None:
    users = dict(re.findall(r"useradd --uid (\d+) .* (\w+)(?: \\)?\n", TEXT))
    assert users == {str(RELAY_POSTFIX_UID): "postfix", str(ContainerUsers.relay_dkim.image): "opendkim"}


def test_base_image_is_pinned_and_named_in_readme() -> None:
    (base,) = re.findall(r"^ARG DEBIAN_IMAGE=(docker\.io/library/debian:\d+\.\d+-slim)$", TEXT, re.MULTILINE)
    assert base in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"^(SHELL|HEALTHCHECK|ONBUILD)\b", TEXT, re.MULTILINE)
