"""Machines and snippets in files of their own, and the size of what the engine hands over."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.cli import main
from diaspora_infra.config import ConfigError, load, load_stack
from diaspora_infra.config.loader.transport import MAX_BYTES, transport_problems, transported_bytes
from diaspora_infra.pxe.served import meaning
from diaspora_infra.stack_files import load_file, read_stack_file
from tests.cli.test_check import stack_file
from tests.support import configs

SNIPPET = "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/%s, contents: {inline: mine}}]}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder, in which a file outside of it would be found too easily."""
    folder = tmp_path / "project"
    (folder / "machines").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: diaspora-infra\nruntime: python\n")
    (tmp_path / "outside.yaml").write_text("name: outside\nmac: '52:54:00:00:00:99'\n")
    return folder


def write(folder: Path, *patterns: Any, machines: list[dict[str, Any]] | None = None, **host: Any) -> Path:
    """A stack file of target pxe that names files of machines."""
    pxe = configs.pxe()
    pxe |= {"machineFiles": list(patterns)} if patterns else {}
    if machines is None and patterns:
        del pxe["machines"]
    elif machines is not None:
        pxe["machines"] = machines
    return stack_file(folder, configs.pxe_config(pxe=pxe, host=configs.host(**host)))


def lines(file: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_file(load, read_stack_file(file))
    return str(error.value).splitlines()


def test_machines_and_snippets_of_files_follow_those_of_the_stack_file(project: Path) -> None:
    (project / "machines/b.yaml").write_text(yaml.safe_dump([configs.machine(3), configs.machine(4)]))
    (project / "machines/a.yaml").write_text("name: pod2\nmac: 52:54:00:00:00:02\n")
    (project / "machines/.hidden.yaml").write_text("- no machine")
    (project / "snippets/deep").mkdir(parents=True)
    (project / "snippets/deep/one.bu").write_text(SNIPPET % "one")
    patterns = ("machines/*.yaml", "machines/a.yaml")
    file = write(project, *patterns, machines=[configs.machine(1)], snippetFiles=["snippets/**/*.bu"])
    settings = load_file(load, read_stack_file(file))
    assert [machine.name for machine in settings.machines] == ["pod1", "pod2", "pod3", "pod4"]
    assert settings.host.snippets == [SNIPPET % "one"]


def test_check_and_render_read_the_files(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "machines/a.yaml").write_text(yaml.safe_dump([configs.machine(1), configs.machine(2)]))
    (project / "one.bu").write_text(SNIPPET % "one")
    # the stack file may be in a folder below that of the project
    (project / "stacks").mkdir()
    file = write(project / "stacks", "machines/a.yaml", snippetFiles=["one.bu"])
    assert main(["check", str(file)]) == 0
    assert "good; 2 machine(s), target pxe" in capsys.readouterr().out
    assert main(["render", str(file), "--machine", "pod2"]) == 0
    assert "/etc/one" in json.dumps(meaning(capsys.readouterr().out))


def test_mistakes_are_reported_with_the_file_that_they_are_in(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "machines/a.yaml").write_text("name: pod2\nmac: 52:54:00:00:00:01\nmaac: 1\n")
    (project / "machines/b.yaml").write_text(yaml.safe_dump([configs.machine(3), configs.machine(4, name="pod2")]))
    (project / "one.bu").write_text("variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: relative}]}\n")
    file = write(project, "machines/*.yaml", machines=[configs.machine(1)], snippetFiles=["one.bu"])
    found = lines(file)
    assert found[0].startswith("machines/a.yaml: maac: unknown key (did you mean mac?)")
    (project / "machines/a.yaml").write_text("name: pod2\nmac: 52:54:00:00:00:01\n")
    assert lines(file) == [
        "machines/a.yaml: mac: '52:54:00:00:00:01' is already used by pxe.machines[0].mac; choose another",
        "machines/b.yaml: [1].name: 'pod2' is already used by machines/a.yaml: name; choose another",
    ]
    (project / "machines/a.yaml").write_text("name: pod1b\nmac: 52:54:00:00:00:02\n")
    assert main(["check", str(file)]) == 1
    err = capsys.readouterr().err
    assert {line.partition(": ")[0] for line in err.splitlines()} == {"one.bu"}, err


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"name: pod2\nname: pod3\n", "machines/a.yaml: name: line 2: already set in line 1; remove one of the two"),
        (b"{", "machines/a.yaml: line 1, column 2: "),
        (b"- !!int 5\n", "machines/a.yaml: [0]: line 1: tag "),
        (b"\xff", "machines/a.yaml: line 1: not UTF-8; save the file as UTF-8"),
        (b"text", "machines/a.yaml: text given; allowed: a machine as a table of keys, or a list of machines"),
        (b"", "machines/a.yaml: nothing given; allowed: a machine as a table of keys, or a list of machines"),
        (b"- text", "machines/a.yaml: [0]: text given; allowed: a table of keys"),
        (b"name: {secure: 'v1:x:y'}\nmac: 52:54:00:00:00:02", "machines/a.yaml: name: encrypted, but not a secret; "),
        (
            b"a: &a [1]\nb: &b [%s]\nc: [%s]\n" % (b",".join([b"*a"] * 400), b",".join([b"*b"] * 400)),
            "machines/a.yaml: more than 100000 values ",
        ),
    ],
)
def test_files_are_read_as_strictly_as_the_stack_file(project: Path, content: bytes, line: str) -> None:
    (project / "machines/a.yaml").write_bytes(content)
    (found,) = lines(write(project, "machines/a.yaml"))
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("../outside.yaml", "pxe.machineFiles[0]: '../outside.yaml' leaves the project's folder; "),
        (
            "machines/../../outside.yaml",
            "pxe.machineFiles[0]: 'machines/../../outside.yaml' leaves the project's folder; ",
        ),
        ("/etc/hostname", "pxe.machineFiles[0]: '/etc/hostname' leaves the project's folder; "),
        ("~/a.yaml", "pxe.machineFiles[0]: no file matches '~/a.yaml'; "),
        ("machines/*.yml", "pxe.machineFiles[0]: no file matches 'machines/*.yml'; "),
        (
            "link.yaml",
            "pxe.machineFiles[0]: link.yaml is a link out of the project's folder; put the file",
        ),
        ("linked/*.yaml", "pxe.machineFiles[0]: linked/outside.yaml is a link out of the project's folder; "),
        ("broken.yaml", "pxe.machineFiles[0]: broken.yaml is a link that leads nowhere; remove it"),
        ("loop.yaml", "pxe.machineFiles[0]: loop.yaml is a link that leads nowhere; remove it"),
        ("mach*", "pxe.machineFiles[0]: machines is not a file; allowed: files, such as machines/*.yaml"),
        ("", "pxe.machineFiles[0]: '' is not valid; allowed: the name of a file, "),
        ("a\0b", "pxe.machineFiles[0]: 'a\\x00b' is not valid; allowed: the name of a file, "),
        (5, "pxe.machineFiles[0]: 5 is not valid; allowed: the name of a file, "),
    ],
)
def test_no_path_leaves_the_folder_of_the_project(project: Path, pattern: object, line: str) -> None:
    (project / "link.yaml").symlink_to(project.parent / "outside.yaml")
    (project / "linked").symlink_to(project.parent)
    (project / "broken.yaml").symlink_to("nowhere.yaml")
    (project / "loop.yaml").symlink_to("loop.yaml")
    (found,) = lines(write(project, pattern))
    assert found.startswith(line)


def test_link_inside_the_project_is_followed(project: Path) -> None:
    (project / "machines/a.yaml").write_text(yaml.safe_dump(configs.machine(7)))
    (project / "link.yaml").symlink_to("machines/a.yaml")
    assert load_file(load, read_stack_file(write(project, "link.yaml"))).machines[0].name == "pod7"


def test_file_that_is_not_there_hides_no_other_problem(project: Path) -> None:
    values = configs.pxe_config(host=configs.host(snippetFiles=["nowhere.bu"]))
    values["pod"]["domain"] = "x"
    del values["pxe"]["machines"]
    values["pxe"]["machineFiles"] = ["nowhere.yaml"]
    # the list of machines is empty only because of the file
    assert [line.partition(":")[0] for line in lines(stack_file(project, values))] == [
        "host.snippetFiles[0]",
        "pod.domain",
        "pxe.machineFiles[0]",
    ]


def test_file_that_is_not_there_hides_no_wrong_list(project: Path) -> None:
    values = configs.pxe_config(host=configs.host(snippetFiles=["nowhere.bu"], snippets={}))
    assert [line.partition(":")[0] for line in lines(stack_file(project, values))] == [
        "host.snippetFiles[0]",
        "host.snippets",
    ]


def test_list_that_is_not_a_list_is_refused(project: Path) -> None:
    values = configs.pxe_config(host=configs.host(snippetFiles="a.bu"))
    assert lines(stack_file(project, values)) == ["host.snippetFiles: 'a.bu' is not valid; allowed: a list of files"]


@pytest.mark.parametrize("make", [configs.ignition_config, configs.provisioning_config])
def test_settings_of_a_program_do_not_name_files(make: Callable[[], dict[str, Any]]) -> None:
    values = make()
    values["host"]["snippetFiles"] = ["*.bu"]
    with pytest.raises(ConfigError, match=r"host\.snippetFiles: read for a stack file only; "):
        load_stack(values)


def test_provisioning_server_has_snippets_of_files(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "one.bu").write_text(SNIPPET % "one")
    values = configs.provisioning_config()
    values["host"]["snippetFiles"] = ["one.bu"]
    assert main(["render", str(stack_file(project, values))]) == 0
    assert "/etc/one" in json.dumps(meaning(capsys.readouterr().out))


def big(count: int) -> list[dict[str, Any]]:
    address = "10.1.%d.%d/16"
    return [
        configs.machine(
            number,
            hostname=f"pod{number}.example.org",
            networks={"eno1": {"ipv4": {"method": "manual", "address1": address % divmod(number + 256, 256)}}},
        )
        for number in range(1, count + 1)
    ]


def test_check_counts_what_travels_and_says_what_to_move(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comment = "# " + "x" * 40_000
    file = write(project, machines=big(1000), snippets=[f"{SNIPPET % 'one'}{comment}"])
    problem = read_stack_file(file).transport[0]
    assert problem.path == "config"
    size = transported_bytes(yaml.safe_load(file.read_text())["config"])
    assert problem.message.startswith(f"{size} bytes, and the engine can hand over {MAX_BYTES} at most; move machines ")
    assert problem.message.index("pxe.machineFiles (") < problem.message.index("host.snippetFiles (4")
    # few machines, because `check` renders them: what counts is their size
    routes = {f"route{number}": "10.9.9.0/24,10.1.0.1" for number in range(1, 400)}
    long = {"eno1": {"ipv4": {"method": "manual", "address1": "10.1.0.2/16", **routes}}}
    machines = [configs.machine(number, networks=long) for number in range(1, 11)]
    assert main(["check", str(write(project, machines=machines))]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("config: ")
    assert "snippets" not in line


def test_size_ends_where_linux_refuses() -> None:
    rest = transported_bytes({"a": ""})
    assert rest == len('{"diaspora-infra:a":""}')
    assert transport_problems({"a": "x" * (MAX_BYTES - rest)}) == []
    (problem,) = transport_problems({"a": "x" * (MAX_BYTES - rest + 1)})
    assert problem.message.endswith("at most; divide the stack")
