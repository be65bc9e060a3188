"""Faults: the messages to the user, and the next `pulumi up` converges."""

import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest

from diaspora_infra.pxe.pki import create_certificate, create_pki
from diaspora_infra.pxe.verify import verify
from lab.matchbox import MatchboxServer, free_ports
from tests.support.configs import machine
from tests.support.prepared import prepare
from tests.support.processes import kill_tree
from tests.support.stack import Stack


def test_wrong_config_is_reported_in_full_and_changes_nothing(stack: Stack) -> None:
    stack.machines(machine(1), machine(1))
    stack.values["pod"]["domain"] = "not a domain"
    stack.values["host"]["storage"] = {"rootGib": 4}
    for command in ("preview", "up"):
        result = stack.run_as_users_do(command)
        output = result.stdout + result.stderr
        assert result.returncode != 0
        assert "Traceback" not in output
        for path in ("pod.domain: ", "host.storage.rootGib: ", "pxe.machines[1].name: ", "pxe.machines[1].mac: "):
            assert path in output
    assert stack.files() == {"profiles": [], "groups": []}


def test_unreachable_server_is_reported_in_one_line(stack: Stack) -> None:
    stack.server.stop()
    for command in ("preview", "up"):
        result = stack.run_as_users_do(command)
        assert result.returncode != 0
        assert_one_line(result, f"pxe.matchbox.rpcEndpoint: {stack.server.rpc_endpoint} is not reachable")
    stack.server.start()
    assert_converges(stack)


def test_client_certificate_of_another_authority_is_refused(stack: Stack, tmp_path: Path) -> None:
    other = create_pki(tmp_path / "other", ["127.0.0.1"])
    good = dict(stack.values["pxe"]["matchbox"])
    stack.values["pxe"]["matchbox"] |= {
        "clientCertFile": str(other.certificate("client")),
        "clientKeyFile": str(other.key("client")),
    }
    result = stack.run_as_users_do("up")
    assert result.returncode != 0
    assert_one_line(result, f"{stack.server.rpc_endpoint} refuses the client certificate")
    stack.values["pxe"]["matchbox"] = good
    assert_converges(stack)


def test_server_certificate_of_another_authority_is_refused(stack: Stack, tmp_path: Path) -> None:
    other = create_pki(tmp_path / "other", ["127.0.0.1"])
    good = dict(stack.values["pxe"]["matchbox"])
    stack.values["pxe"]["matchbox"] |= {"caFile": str(other.ca)}
    result = stack.run_as_users_do("up")
    assert result.returncode != 0
    assert_one_line(result, f"the certificate of {stack.server.rpc_endpoint} is not accepted")
    stack.values["pxe"]["matchbox"] = good
    assert_converges(stack)


def test_expired_client_certificate_stops_up_until_it_is_renewed(stack: Stack) -> None:
    stack.up()
    stack.machines(machine(1, hostname="changed"))
    create_certificate(stack.server.pki, "client", (), days=-1)
    for command in ("preview", "up"):
        result = stack.run_as_users_do(command)
        assert result.returncode != 0
        assert_one_line(result, "pxe.matchbox.clientCertFile: expired on ")
    create_certificate(stack.server.pki, "client", ())
    assert_converges(stack)


def test_expired_server_certificate_is_reported(tmp_path: Path) -> None:
    server = MatchboxServer(tmp_path / "lab", *free_ports(2))
    create_pki(server.pki.path, ["127.0.0.1"])
    create_certificate(server.pki, "server", ["127.0.0.1"], days=-1)
    server.start()
    try:
        stack = Stack(server)
        result = stack.run_as_users_do("up")
        assert result.returncode != 0
        assert_one_line(result, "renew the server's certificate")
        server.stop()
        create_certificate(server.pki, "server", ["127.0.0.1"])
        server.start()
        assert_converges(stack)
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("kind", "wait_for", "clean_up"), [("profiles", 1, True), ("groups", 7, True), ("groups", 4, False)]
)
def test_killed_up_is_completed_by_the_next_up(stack: Stack, kind: str, wait_for: int, clean_up: bool) -> None:
    """SIGKILL the engine and its children when some profiles or groups exist: the next run completes the stack."""
    # every second one has a disk of its own, and so a profile
    machines = [machine(number, **({"disk": f"/dev/vd{number}"} if number % 2 else {})) for number in range(1, 11)]
    stack.machines(*machines)
    stack.sparing = False
    stack.write()
    prepare(stack.engine)
    process = stack.engine.start("up")
    deadline = time.monotonic() + 60
    while len(stack.files()[kind]) < wait_for and time.monotonic() < deadline:
        time.sleep(0.001)
    kill_tree(process.pid)
    process.wait()
    assert wait_for <= len(stack.files()[kind])

    assert stack.engine.locked()
    if clean_up:
        stack.engine.recover()
        assert not stack.state().get("pending_operations")
    else:
        shutil.rmtree(stack.server.folder / "state/.pulumi/locks")  # what `pulumi cancel` does
        stack.engine.repair_state()  # the engine may have been killed while it wrote the file
    assert_converges(stack)
    files = stack.files()
    assert (len(files["profiles"]), len(files["groups"])) == (1 + len(machines) // 2, len(machines))


def test_machine_is_served_during_every_change(stack: Stack) -> None:
    stack.up()
    answers: list[int] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.extend(stack.get(f"/{what}?mac=52:54:00:00:00:01")[0] for what in ("ipxe", "generic"))
            done.wait(0.003)  # the server needs time for the engine, too

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for name in ("first", "second", "third"):
            stack.machines(machine(1, hostname=name))
            stack.up()
    finally:
        done.set()
        asking.join()
    assert len(answers) > 100
    assert set(answers) == {200}


def assert_one_line(result: "subprocess.CompletedProcess[str]", text: str) -> None:
    output = result.stdout + result.stderr
    assert any(text in line for line in output.splitlines()), output
    assert "Traceback" not in output, output


def assert_converges(stack: Stack) -> None:
    stack.up()
    lines, good = verify(stack.settings(), {})
    assert good, lines
    assert "unchanged" in stack.up("--expect-no-changes").stdout
