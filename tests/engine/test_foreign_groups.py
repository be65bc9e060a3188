"""Groups of others on the matchbox server, for a MAC address of the stack."""

import json

from tests.support.configs import machine
from tests.support.stack import Stack

MAC = "52:54:00:00:00:01"


def put(stack: Stack, name: str, **selector: str) -> None:
    """Put a group and its profile on the server, as somebody does by hand."""
    group = {"id": name, "name": name, "profile": name, "selector": {"mac": MAC, **selector}}
    profile = {"id": name, "name": name, "boot": {"kernel": f"http://old.example.org/{name}"}}
    for kind, content in (("groups", group), ("profiles", profile)):
        folder = stack.server.data / kind
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(content))


def remove(stack: Stack, name: str) -> None:
    for kind in ("groups", "profiles"):
        (stack.server.data / kind / f"{name}.json").unlink()


def warnings(stack: Stack, command: str, *arguments: str) -> list[str]:
    result = stack.run(command, *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [line.strip().removeprefix("warning: ") for line in result.stdout.splitlines()]
    return sorted({line for line in lines if line.startswith("pxe.")})


def test_group_of_somebody_else_is_named(stack: Stack) -> None:
    put(stack, "aaa")
    comes_first = f"pxe.machines[0]: the server has another group for {MAC}, aaa, which comes first; remove it"
    assert warnings(stack, "preview") == [comes_first]
    assert warnings(stack, "up") == [comes_first]
    assert "old.example.org/aaa" in stack.get(f"/ipxe?mac={MAC}")[1], "the warning is right"

    remove(stack, "aaa")
    put(stack, "zzz")
    instead = comes_first.replace("aaa, which comes first", "zzz, which may be served instead")
    assert warnings(stack, "up") == [instead]
    assert "old.example.org" not in stack.get(f"/ipxe?mac={MAC}")[1]
    stack.machines(machine(1, install="off"))
    off = comes_first.replace("aaa, which comes first", "zzz, and install is off")
    assert warnings(stack, "up") == [off]
    remove(stack, "zzz")

    # another stack of this project, with a machine of the same name
    stack.machines(machine(1))
    assert warnings(stack, "up") == []
    put(stack, "pod1-0123456789ab")
    (line,) = warnings(stack, "up")
    assert line.startswith(comes_first.replace("aaa, which comes first; remove it", "pod1-0123456789ab, which "))


def test_own_groups_are_not_named_when_a_machine_changes(stack: Stack) -> None:
    stack.machines(machine(1), machine(2))
    assert warnings(stack, "up") == []
    for name in ("first", "second"):
        stack.machines(machine(1, hostname=name), machine(2))
        assert warnings(stack, "preview") == []
        assert warnings(stack, "up") == []
    stack.machines(machine(1, install="off"), machine(2))
    assert warnings(stack, "up") == []


def test_what_is_served_is_compared_in_the_same_run(stack: Stack) -> None:
    stack.up()
    (profile,) = stack.server.data.glob("profiles/*.json")
    content = json.loads(profile.read_text())
    content["boot"]["kernel"] = "http://evil.example.org/kernel"
    profile.write_text(json.dumps(content))
    assert warnings(stack, "up") == [
        "pxe.machines[0]: the served iPXE script differs from the settings; see: diaspora-infra verify"
    ]

    address = stack.values["pxe"]["matchbox"]["httpUrl"]
    stack.values["pxe"]["matchbox"]["httpUrl"] = "http://127.0.0.1:9"
    stack.up()
    assert warnings(stack, "up") == [
        "pxe.matchbox.httpUrl: http://127.0.0.1:9 does not answer here, so what it serves was not compared"
    ]
    stack.values["pxe"]["matchbox"]["httpUrl"] = address
