"""From settings to Ignition: snippets, secrets, and the Go program's opinion."""

import json
import subprocess
from pathlib import Path

import pytest

from diaspora_infra.config import ConfigError, load
from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.pxe.served import meaning
from tests.support.configs import host, ignition_config, machine, mail, pod, pxe, pxe_config


def problems(**changes: object) -> list[str]:
    settings = load(pxe_config(**changes))
    with pytest.raises(ConfigError) as caught:
        render(settings, settings.machines[0], {})
    return [str(problem) for problem in caught.value.problems]


def test_a_snippet_above_the_version_is_refused_by_name() -> None:
    (line,) = problems(host=host(snippets=["variant: fcos\nversion: 1.6.0\n"]))
    assert line.startswith("host.snippets[0]: line 2: $.version: version 1.6.0 is above 1.5.0")


def test_every_wrong_line_of_every_snippet_is_named() -> None:
    wrong = "variant: fcos\nversion: 1.5.0\nstorage:\n  files:\n    - path: relative\n      mode: 99999\n"
    lines = problems(
        host=host(snippets=["variant: fcos\nversion: 1.5.0\n", wrong]),
        pxe=pxe(machine(1, snippets=["variant: flatcar\nversion: 1.0.0\n"])),
    )
    assert list(dict.fromkeys(line.partition(": $")[0] for line in lines)) == [
        "host.snippets[1]: line 5",
        "host.snippets[1]: line 6",
        "pxe.machines[0].snippets[0]: line 1",
    ]


def test_what_would_be_a_warning_is_refused() -> None:
    (line,) = problems(host=host(snippets=["variant: fcos\nversion: 1.5.0\nstorrage: {}\n"]))
    assert line.startswith("host.snippets[0]: line 3: $.storrage: ")


def test_the_machines_snippet_wins_over_the_stacks() -> None:
    def snippet(text: str) -> str:
        file = f"{{path: /etc/motd, contents: {{inline: {text}}}}}"
        return f"variant: fcos\nversion: 1.5.0\nstorage: {{files: [{file}]}}\n"

    settings = load(
        pxe_config(host=host(snippets=[snippet("stack")]), pxe=pxe(machine(1, snippets=[snippet("machine")])))
    )
    whole = meaning(render(settings, settings.machines[0], {}).ignition)
    (motd,) = (entry for entry in whole["storage"]["files"] if entry["path"] == "/etc/motd")
    assert motd["contents"]["data"] == "machine"


def test_a_secret_is_needed_and_makes_the_result_secret() -> None:
    settings = load(ignition_config(pod=pod(mail=mail())), {"smtpPassword"})
    with pytest.raises(ConfigError, match=r"^smtpPassword: "):
        render(settings, settings.machines[0], {})
    rendered = render(settings, settings.machines[0], {"smtpPassword": "x-y-z-x-y-z"})
    assert rendered.secret
    assert "x-y-z-x-y-z" in json.dumps(meaning(rendered.ignition))
    assert not render(load(ignition_config()), settings.machines[0], {}).secret


@pytest.mark.parametrize(
    "config",
    [
        pxe_config(),
        pxe_config(pxe=pxe(machine(1, architecture="aarch64"))),
        pxe_config(
            host=host(guestAgent=True, swap={"zramMib": 0, "fileMib": 512}, kernelArguments=["mitigations=off"])
        ),
        pxe_config(host=host(storage={"disk": "/dev/sda", "dataDisk": "/dev/sdb"}, updates={"strategy": "off"})),
    ],
)
def test_the_go_program_makes_the_same_of_the_document(
    config: dict[str, object], butane_binary: Path, ignition_validate: Path, tmp_path: Path
) -> None:
    settings = load(config)
    rendered = render(settings, settings.machines[0], {})
    result = subprocess.run(
        [butane_binary, "--strict"], input=rendered.butane_text(), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert meaning(result.stdout) == meaning(rendered.ignition)
    for name, text in {"packed": rendered.ignition, "whole": json.dumps(unpack(json.loads(rendered.ignition)))}.items():
        file = tmp_path / name
        file.write_text(text)
        checked = subprocess.run([ignition_validate, file], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_snippets_hold_everything_themselves() -> None:
    local = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {local: x}}]}\n"
    lines = problems(host=host(snippets=[local, "snippets/motd.bu"]))
    assert lines == [
        "host.snippets[0]: line 3: $.storage.files.0.contents.local: a snippet cannot read files; write the text "
        "itself (contents.inline, ssh_authorized_keys)",
        "host.snippets[1]: line 1: must be a mapping, not 'snippets/motd.bu'; write the text of a Butane document, "
        "not the name of a file",
    ]
