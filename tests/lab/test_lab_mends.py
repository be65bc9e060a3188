"""`make up` and `make down` repair what a run left that was killed or had no space, and certificates that expired."""

import datetime
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from diaspora_infra.pxe import pki
from diaspora_infra.pxe.pki import create_certificate, create_pki
from lab import certificates
from lab.background import Background
from lab.engine import PROJECT, Engine, StateLostError
from lab.files import write_whole
from lab.matchbox import MatchboxServer, free_ports

STATE = "state/.pulumi/stacks/diaspora-infra/dev.json"
Result = subprocess.CompletedProcess[str]
Run = Callable[[str], Result]


LAB = """
import sys
from pathlib import Path
from lab import command

folder = Path(sys.argv[1])
command.STACK_FILE, command.FOLDER = folder / "Pulumi.dev.yaml", folder / ".lab"
sys.exit(command.main(sys.argv[2:]))
"""


def call(lab: Path, name: str) -> Result:
    """Run a command of the lab, as `python -m lab` does, in another folder."""
    command = [sys.executable, "-c", LAB, str(lab.parent), name]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a lab, which other ports keep apart from that of a user."""
    folder = tmp_path_factory.mktemp("mends")
    http_port, rpc_port = map(str, free_ports(2))
    text = (PROJECT / "Pulumi.dev.yaml").read_text().replace("18080", http_port).replace("18081", rpc_port)
    (folder / "Pulumi.dev.yaml").write_text(text.replace(".lab/pki", f"{folder}/.lab/pki"))
    first = call(folder / ".lab", "up")
    assert (first.returncode, first.stderr) == (0, ""), first.stdout + first.stderr
    assert "damaged" not in first.stdout
    yield folder / ".lab"
    assert call(folder / ".lab", "down").returncode == 0


@pytest.fixture
def run(lab: Path) -> Run:
    """Runs a command of the lab, in which the stack is up."""
    return partial(call, lab)


def cut(file: Path, size: int | None = None) -> Path:
    """Leave half of a file, or some bytes."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2 if size is None else size])
    return file


def assert_mends(run: Run, *lines: str) -> None:
    result = run("up")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    assert "pod1: served as configured" in result.stdout
    assert_names(result, *lines)


def assert_names(result: Result, *lines: str) -> None:
    """The lines are there, and nothing else was damaged: what an earlier run repaired has stayed good."""
    for line in lines:
        assert line in result.stdout
    damaged = [line for line in result.stdout.splitlines() if "damaged" in line]
    assert [line for line in damaged if not any(expected in line for expected in lines)] == []


def test_half_written_state_locks_and_notes_are_repaired(lab: Path, run: Run) -> None:
    lock = lab / "state/.pulumi/locks/organization/diaspora-infra/dev/0.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text('{"pid": 1')
    (workspace,) = lab.glob("home/workspaces/*.json")
    files = [
        lock,
        cut(lab / STATE),
        cut(lab / f"{STATE}.attrs", 0),
        cut(workspace, 0),
        cut(lab / "state/.pulumi/meta.yaml", 0),
    ]
    (plugin,) = lab.glob("home/plugins/*/pulumi-resource-matchbox")
    cut(plugin)
    cut(lab / "project/Pulumi.dev.yaml")
    cut(lab / "matchbox.pid", 0)
    cut(lab / "matchbox.ports", 0)
    damaged = [f"{file}: was damaged; repaired" for file in files]
    assert_mends(run, *damaged, f"{plugin.parent}: damaged; installing the plugin again")


def test_half_written_profiles_are_replaced_and_certificates_renewed(lab: Path, run: Run) -> None:
    files = [cut(file) for file in (*lab.glob("matchbox/groups/*.json"), *lab.glob("matchbox/generic/*"))]
    files += [cut(file, 0) for file in lab.glob("matchbox/profiles/*.json")]
    assert len(files) == 3
    server = MatchboxServer.last(lab)
    assert server is not None
    create_certificate(server.pki, "server", ["127.0.0.1"], days=-1)
    create_certificate(server.pki, "client", (), days=-1)
    expired = f"{server.pki.certificate('server')}: expired on "
    assert_mends(run, expired, "; making new certificates", *(f"{file}: was damaged; repaired" for file in files))


def test_stack_is_made_anew_without_a_good_copy_of_its_state(lab: Path, run: Run) -> None:
    for file in (lab / STATE, lab / f"{STATE}.bak", *lab.glob("state/.pulumi/history/**/*.checkpoint.json")):
        cut(file)
    forgetting = "forgetting the stack, and making it anew"
    assert_mends(
        run, f"{lab / STATE}: damaged, and there is no good copy of it, {forgetting}".replace("it, f", "it; f")
    )
    cut(lab / "passphrase", 0)
    assert_mends(run, f"{lab / 'passphrase'}: damaged, and the state needs it; {forgetting}")


def test_down_repairs_too(lab: Path, run: Run) -> None:
    server = MatchboxServer.last(lab)
    assert server is not None
    create_certificate(server.pki, "client", (), days=-1)
    cut(lab / STATE)
    cut(lab / "matchbox.ports", 0)
    result = run("down")
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    assert "matchbox: stopped" in result.stdout
    assert_names(result, f"{lab / STATE}: was damaged; repaired")
    assert not server.running()
    assert not list(lab.glob("matchbox/*/*.json"))


def test_lost_state_is_named_with_the_remedy(tmp_path: Path) -> None:
    engine = Engine(tmp_path, "dev", tmp_path / "Pulumi.dev.yaml")
    file = tmp_path / STATE
    file.parent.mkdir(parents=True)
    file.write_text("")
    with pytest.raises(StateLostError) as error:
        engine.repair_state()
    where = "start over: docs/development.md#start-over"
    assert str(error.value) == f"{file}: damaged, and there is no good copy of it; {where}"
    assert "## Start over\n" in (PROJECT / "docs/development.md").read_text(encoding="utf-8")


def test_faults_of_certificates_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = create_pki(tmp_path / "pki", ["127.0.0.1"])
    assert certificates.fault(files) is None
    other = create_pki(tmp_path / "other", ["127.0.0.1"])
    good = {file: file.read_bytes() for file in files.path.iterdir()}
    for file in good:
        for content in (b"", good[file][:100], (other.path / file.name).read_bytes()):
            file.write_bytes(content)
            assert str(files.path) in (certificates.fault(files) or "")
        file.unlink()
        assert certificates.fault(files) is not None
        file.write_bytes(good[file])
    assert certificates.fault(files) is None

    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)
    monkeypatch.setattr(pki, "_now", lambda: later)
    early = create_pki(tmp_path / "early", ["127.0.0.1"])
    assert (certificates.fault(early) or "").startswith(f"{early.ca}: not valid before ")


def test_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    write_whole(file, "old", 0o600)
    assert file.stat().st_mode & 0o777 == 0o600

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_process_that_cannot_be_noted_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Background(tmp_path, "sleeper", "sleep", unique=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lab.background.write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        process.start(["sleep", "60"], lambda: True)
    (child,) = process._children
    assert child.returncode is not None
