"""From settings to Ignition: snippets, secrets, and comparison with the Go program."""

import base64
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra import butane
from diaspora_infra.config import ConfigError, load, load_stack
from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.pxe.served import meaning
from tests.support.configs import (
    aws_config,
    host,
    ignition_config,
    machine,
    mail,
    pod,
    provisioning_config,
    pxe,
    pxe_config,
)


def problems(**changes: object) -> list[str]:
    settings = load(pxe_config(**changes))
    with pytest.raises(ConfigError) as caught:
        render(settings, settings.machines[0], {})
    return [str(problem) for problem in caught.value.problems]


def test_snippet_with_newer_version_is_refused_by_name() -> None:
    (line,) = problems(host=host(snippets=["variant: fcos\nversion: 1.8.0-experimental\n"]))
    assert line.startswith("host.snippets[0]: line 2: $.version: ")


NEWER = "variant: fcos\nversion: 1.7.0\nstorage: {files: [{path: /usr/local/bin/x, mode: 04755}]}\n"


@pytest.mark.parametrize(
    "config", [ignition_config(), aws_config(region="eu-west-1"), provisioning_config(), pxe_config()]
)
def test_snippets_of_the_newest_version_are_taken(
    config: dict[str, Any], ignition_validate: Path, tmp_path: Path
) -> None:
    """Ignition 2.26, which Fedora CoreOS 44 has, takes them."""
    settings = load_stack({**config, "host": {**config["host"], "snippets": [NEWER]}})
    rendered = render(settings, settings.machines[0], {}).ignition
    (tmp_path / "config.ign").write_text(rendered)
    checked = subprocess.run([ignition_validate, tmp_path / "config.ign"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert json.loads(rendered)["ignition"]["version"] == "3.6.0"
    (found,) = (entry for entry in json.loads(rendered)["storage"]["files"] if entry["path"] == "/usr/local/bin/x")
    assert found["mode"] == 0o4755


HOSTILE = {
    "a number": (
        "storage: {files: [{path: /a, mode: " + "9" * 5000 + "}]}\n",
        "line 3: $.storage.files.0.mode: must be",
    ),
    "brackets": ("x: " + "[" * 50_000, "line 3: not valid YAML: nested deeper than 10000"),
    "another document": ("---\nstorage: {}\n", "line 4: only the first document of a text is read"),
    "a mark": ("\ufeffstorage: {}\n", "line 3: $.'\\ufeffstorage': unused key"),
    "an anchor in itself": ("storage: &a {files: [*a]}\n", "line 3: $.storage.files"),
    "a long key": ("? " + "k" * 100_000 + "\n: 1\n", "line 3: $.kkk"),
    "JSON in brackets": (
        "ignition: {config: {merge: [{inline: '" + "[" * 100_000 + "'}]}}\n",
        "not JSON: nested too deeply",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_snippet_is_refused_in_short_lines(name: str) -> None:
    text, said = HOSTILE[name]
    lines = problems(host=host(snippets=[f"variant: fcos\nversion: 1.5.0\n{text}"]))
    assert all(line.startswith("host.snippets[0]: ") and len(line) < 700 for line in lines), lines
    assert any(said in line for line in lines), lines


def test_only_the_first_mistakes_of_a_snippet_are_listed() -> None:
    text = "variant: fcos\nversion: 1.5.0\n" + "".join(f"x{number}: 1\n" for number in range(100_000))
    lines = problems(host=host(snippets=[text]))
    assert len(lines) == 21
    assert "host.snippets[0]: 99980 more mistakes; correct the first ones" in lines


def test_every_wrong_line_of_every_snippet_is_reported() -> None:
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


def test_snippet_warnings_are_refused() -> None:
    (line,) = problems(host=host(snippets=["variant: fcos\nversion: 1.5.0\nstorrage: {}\n"]))
    assert line.startswith("host.snippets[0]: line 3: $.storrage: ")


FALSE_GZIP = [
    "source: 'data:,plain', compression: gzip",
    """inline: '{"ignition": {"version": "3.4.0"}}', compression: gzip""",
]


@pytest.mark.parametrize("resource", FALSE_GZIP, ids=["source", "inline"])
@pytest.mark.parametrize(
    ("document", "place"),
    [
        ("storage: {files: [{path: /etc/a, contents: {%s}}]}", "storage.files.0.contents"),
        ("storage: {files: [{path: /etc/a, append: [{%s}]}]}", "storage.files.0.append.0"),
        # over a file of the pod
        ("storage: {files: [{path: /etc/diaspora/diaspora.toml, contents: {%s}}]}", "storage.files.0.contents"),
        ("ignition: {config: {merge: [{%s}]}}", "ignition.config.merge.0"),
    ],
)
def test_false_gzip_in_a_snippet_is_one_error_line(document: str, place: str, resource: str) -> None:
    head = "variant: fcos\nversion: 1.5.0\n"
    (line,) = problems(host=host(snippets=[head, f"{head}{document % resource}\n"]))
    assert line.startswith(f"host.snippets[1]: $.{place}: cannot be decoded: not gzip: ")
    assert line.endswith("; repair the data URL, or its compression")


_PACKED = "source: 'data:;base64,%s', compression: gzip"


@pytest.mark.parametrize(
    ("document", "line"),
    [
        (
            "storage: {files: [{path: /etc/a, contents: {%s}}]}",
            "$.storage.files.0.contents: packed contents of more than 8 MiB; let the machine fetch it (source: "
            "https://...), or pack less",
        ),
        (
            "storage: {files: [{path: /etc/fstab, append: [{%s}]}]}",
            "$.storage.files.0.append.0: packed contents of more than 8 MiB; let the machine fetch it (source: "
            "https://...), or pack less",
        ),
        (
            "ignition: {config: {merge: [{%s}]}}",
            "line 3: $.ignition.config.merge.0: has packed configs that are too large to check; write them in the "
            "snippet",
        ),
    ],
)
def test_snippet_that_unpacks_to_too_much_is_one_error_line(document: str, line: str) -> None:
    packed = base64.b64encode(gzip.compress(bytes(64 * 2**20))).decode()
    snippet = f"variant: fcos\nversion: 1.5.0\n{document % (_PACKED % packed)}\n"
    assert problems(host=host(snippets=[snippet])) == [f"host.snippets[0]: {line}"]
    settings = load_stack(provisioning_config() | {"host": host(snippets=[snippet])})
    with pytest.raises(ConfigError) as caught:
        render(settings, settings.machines[0], {})
    assert str(caught.value) == f"host.snippets[0]: {line}"


def test_configs_inside_configs_share_a_size() -> None:
    """Each level could multiply what the one before unpacks to."""
    document: dict[str, Any] = {"ignition": {"version": "3.4.0"}, "padding": "x" * 2**20}
    for _ in range(3):
        data = base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()
        entry = {"source": f"data:;base64,{data}", "compression": "gzip"}
        document = {"ignition": {"version": "3.4.0", "config": {"merge": [entry] * 20}}}
    head = "variant: fcos\nversion: 1.5.0\n"
    snippet = f"{head}ignition: {{config: {{merge: [{{{_PACKED % data}}}]}}}}\n"
    (line,) = problems(host=host(snippets=[snippet]))
    assert line.endswith("has packed configs that are too large to check; write them in the snippet")


def test_every_snippet_with_false_gzip_is_reported() -> None:
    head = "variant: fcos\nversion: 1.5.0\n"
    wrong = head + "storage: {files: [{path: /etc/%s, contents: {inline: x, compression: gzip}}]}\n"
    lines = problems(host=host(snippets=[wrong % "a"]), pxe=pxe(machine(1, snippets=[wrong % "b"])))
    assert [line.partition(":")[0] for line in lines] == ["host.snippets[0]", "pxe.machines[0].snippets[0]"]
    settings = load_stack(provisioning_config() | {"host": host(snippets=[wrong % "a"])})
    with pytest.raises(ConfigError, match=r"^host\.snippets\[0\]: \$\.storage\.files\.0\.contents: "):
        render(settings, settings.machines[0], {})


SNIPPET = f"""
variant: fcos
version: 1.5.0
ignition: {{config: {{merge: [{{inline: '{{"ignition": {{"version": "3.4.0"}}}}{" " * 2000}'}}]}}}}
storage:
  files:
    - {{path: /etc/long, contents: {{inline: {"long " * 500}}}}}
    - {{path: /etc/longer, append: [{{inline: {"longer " * 500}}}]}}
    - {{path: /etc/diaspora/diaspora.toml, overwrite: true, contents: {{inline: {"longest " * 500}}}}}
"""


@pytest.mark.parametrize("snippets", [[], [SNIPPET]], ids=["plain", "snippet"])
def test_config_on_aws_is_readable(snippets: list[str]) -> None:
    settings = load(aws_config(region="eu-west-1") | {"host": host(snippets=snippets)})
    text = render(settings, settings.machines[0], {}).ignition
    assert '"data:;base64' not in text
    assert '"compression"' not in text
    assert text.count("\n") > 500
    config = json.loads(text)
    storage, units = config["storage"], config["systemd"]["units"]
    for names in ([entry["path"] for entry in storage["files"]], [entry["name"] for entry in units]):
        assert names == sorted(set(names)), "Ignition wants each name once"
    assert "/etc/containers/systemd/nginx.container" in json.dumps(storage["files"])
    assert len(config["ignition"].get("config", {}).get("merge", [])) == len(snippets)


def test_config_is_independent_of_secrets_that_are_not_in_it() -> None:
    settings = load(aws_config(region="eu-west-1", pod_changes={"backup": {}}), ["backupPassword"])
    texts = {render(settings, settings.machines[0], secrets).ignition for secrets in ({}, {"backupPassword": "x"})}
    assert len(texts) == 1


def test_config_on_aws_equals_the_translated_document() -> None:
    settings = load(aws_config(region="eu-west-1"))
    rendered = render(settings, settings.machines[0], {})
    assert meaning(rendered.ignition) == meaning(translated(rendered.document))


def translated(document: dict[str, Any]) -> str:
    return json.dumps(butane.translate(document, name="test", strict=True).ignition)


def test_machine_snippet_overrides_stack_snippet() -> None:
    def snippet(text: str) -> str:
        file = f"{{path: /etc/motd, contents: {{inline: {text}}}}}"
        return f"variant: fcos\nversion: 1.5.0\nstorage: {{files: [{file}]}}\n"

    settings = load(
        pxe_config(host=host(snippets=[snippet("stack")]), pxe=pxe(machine(1, snippets=[snippet("machine")])))
    )
    whole = meaning(render(settings, settings.machines[0], {}).ignition)
    (motd,) = (entry for entry in whole["storage"]["files"] if entry["path"] == "/etc/motd")
    assert motd["contents"]["data"] == "machine"


def test_required_secret_makes_the_result_secret() -> None:
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
def test_butane_gives_the_same_ignition(
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


def test_snippets_cannot_read_files() -> None:
    local = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {local: x}}]}\n"
    lines = problems(host=host(snippets=[local, "snippets/motd.bu"]))
    assert lines == [
        "host.snippets[0]: line 3: $.storage.files.0.contents.local: a snippet cannot read files; write the text "
        "itself (contents.inline, ssh_authorized_keys)",
        "host.snippets[1]: line 1: must be a mapping, not 'snippets/motd.bu'; write the text of a Butane document, "
        "not the name of a file",
    ]
