"""No program of a machine waits for a unit or a container without an end.

With RestartMode=direct, `systemctl start` of a unit that fails again and again never returns.
"""

import re
from pathlib import Path

import pytest

from diaspora_infra.host.templates import templates_folder

VERBS = "start|stop|restart|try-restart|reload|reload-or-restart|try-reload-or-restart|isolate|enable --now|reboot"
# in a program or in a unit: a word, or a path
COMMAND = re.compile(
    rf"(?P<before>\S+ +\S+ +)?(?:/usr/bin/)?\bsystemctl(?P<options>(?: +-\S+)*) +(?P<verb>{VERBS})\b(?P<rest>.*)"
)
WAITS = re.compile(r"\bpodman +(?:--\S+ +)*(?:container +)?wait\b|\bsystemctl +.*--wait\b|\bsystemd-run\b.*--wait\b")


def commands(text: str) -> list[str]:
    """The lines of a program without comments and texts; a line that goes on is one."""
    joined = re.sub(r"\\\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*$", r"\1", line) for line in joined.splitlines())
    return [re.sub(r"\"[^\"]*\"|'[^']*'", '""', line) for line in lines]


def unbounded(text: str) -> list[str]:
    """The commands that may wait for ever."""
    found = []
    for line in commands(text):
        if WAITS.search(line):
            found.append(line.strip())
        for match in COMMAND.finditer(line):
            bounded = re.search(r"\btimeout +\S+ +$", match["before"] or "")
            if not bounded and "--no-block" not in match["options"] + match["rest"]:
                found.append(line.strip())
    return found


def scripts() -> list[Path]:
    """All templates: programs, units, and what is neither."""
    return sorted(path for path in templates_folder().rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "text",
    [
        "systemctl start diaspora.target",
        'if ! systemctl restart "$unit"; then',
        "    *) systemctl reload-or-restart $unit || return 1 ;;",
        "ExecStartPost=/usr/bin/systemctl try-restart nginx.service",
        "true && systemctl --quiet stop a.service \\\n    b.service",
        "podman wait postgresql",
        "systemctl is-system-running --wait",
    ],
)
def test_wait_without_a_limit_is_found(text: str) -> None:
    assert unbounded(f"#!/usr/bin/bash\n{text}\n") != []


@pytest.mark.parametrize(
    "text",
    [
        'timeout "$limit" systemctl start diaspora.target',
        "timeout 300 systemctl stop a.service \\\n    b.service",
        "ExecStartPost=/usr/bin/systemctl --no-block try-restart nginx.service",
        "systemctl start --no-block diaspora.target",
        "# systemctl start diaspora.target",
        'echo "to try again: sudo systemctl start certbot.service"',
        "systemctl is-active a.service; systemctl daemon-reload",
    ],
)
def test_wait_with_a_limit_is_taken(text: str) -> None:
    assert unbounded(f"#!/usr/bin/bash\n{text}\n") == []


@pytest.mark.parametrize("path", scripts(), ids=lambda path: str(path.relative_to(templates_folder())))
def test_template_waits_for_nothing_without_a_limit(path: Path) -> None:
    assert unbounded(path.read_text(encoding="utf-8")) == []
