"""Control characters in snippets are refused with their line, in every text but the contents of files."""

from typing import Any

import pytest
import yaml

from tests.host.test_snippet_storage import HEAD, problems, problems_in, storage, unit
from tests.support.configs import aws_config, provisioning_config

ONE_LINE = "allowed: one line of text (no `|` or `>` before it in YAML)"
CODES = [*range(32), 127]


def yaml_text(**tables: Any) -> str:
    return HEAD + yaml.safe_dump(tables)


@pytest.mark.parametrize("code", CODES)
def test_path_with_a_control_character_is_refused(code: int) -> None:
    (found,) = problems(storage(files=[{"path": f"/etc/a{chr(code)}b", "contents": {"inline": "x"}}]))
    assert found.endswith(f"$.storage.files.0.path: holds a control character ({chr(code)!r}); {ONE_LINE}")


PLACES = {
    "$.storage.files.0.path": storage(files=[{"path": "/etc/a\0b"}]),
    "$.storage.directories.0.path": storage(directories=[{"path": "/etc/a\0b"}]),
    "$.storage.links.0.path": storage(links=[{"path": "/etc/a\0b", "target": "/x"}]),
    "$.storage.links.0.target": storage(links=[{"path": "/etc/a", "target": "/x\0y"}]),
    "$.storage.files.0.user.name": storage(files=[{"path": "/etc/a", "user": {"name": "a\0b"}}]),
    "$.storage.filesystems.0.mount_options.0": storage(
        filesystems=[{"device": "/dev/vdb", "format": "xfs", "path": "/var/mnt/more", "mount_options": ["a\0b"]}]
    ),
    "$.systemd.units.0.dropins.0.name": unit("a.service", dropins=[{"name": "a\0b.conf", "contents": "[Unit]\n"}]),
    "$.passwd.users.0.name": yaml_text(passwd={"users": [{"name": "a\0b"}]}),
    "$.passwd.users.0.gecos": yaml_text(passwd={"users": [{"name": "a", "gecos": "a\0b"}]}),
    "$.kernel_arguments.should_exist.0": yaml_text(kernel_arguments={"should_exist": ["a\0b"]}),
}


@pytest.mark.parametrize("place", PLACES)
def test_nul_is_refused_wherever_a_text_is(place: str) -> None:
    found = problems(PLACES[place])
    assert any(f"{place}: holds a control character ('\\x00'); {ONE_LINE}" in line for line in found), found


@pytest.mark.parametrize(
    ("place", "snippet"),
    [
        ("$.systemd.units.0.contents", unit("a.service", contents="[Unit]\nDescription=a\0b\n")),
        (
            "$.systemd.units.0.dropins.0.contents",
            unit("a.service", dropins=[{"name": "a.conf", "contents": "[Unit]\nDescription=a\0b\n"}]),
        ),
    ],
)
def test_nul_is_refused_in_units(place: str, snippet: str) -> None:
    (found,) = problems(snippet)
    assert found.endswith(f"{place}: holds the character NUL; remove it")


def test_texts_of_several_lines_and_contents_of_files_are_free() -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org\n"
    assert problems(yaml_text(passwd={"users": [{"name": "a", "ssh_authorized_keys": [key]}]})) == []
    assert problems(unit("a.service", contents="[Unit]\n\tDescription=a\r\n")) == []
    assert problems(storage(files=[{"path": "/etc/a", "contents": {"inline": "a\0b\x07\n"}}])) == []
    assert problems(storage(files=[{"path": "/etc/ä b", "contents": {"inline": ""}}])) == []


def test_other_targets_refuse_it_too() -> None:
    snippet = storage(files=[{"path": "/etc/a\0b"}])
    aws = aws_config(region="eu-west-1")
    aws["host"]["snippets"] = [snippet]
    provisioning = provisioning_config()
    provisioning["provisioning"]["snippets"] = [snippet]
    for config, load_of in ((aws, problems_in), (provisioning, provisioning_problems)):
        assert any("holds a control character" in line for line in load_of(config)), config.keys()


def provisioning_problems(config: dict[str, Any]) -> list[str]:
    from diaspora_infra.config import ConfigError, load_stack
    from diaspora_infra.host import render

    settings = load_stack(config)
    with pytest.raises(ConfigError) as caught:
        render(settings, settings.machines[0], {})
    return [str(problem) for problem in caught.value.problems]
