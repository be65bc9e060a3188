"""Parameters of a machine on AWS: the real script and the real curl, against the simulated account.

A server on loopback stands in for the metadata service, and forwards requests for Parameter Store to the simulator.
"""

import json
import os
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from lab.aws.account import Account
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, Context, files, pod_context, pod_fragment, write_tree
from tests.machine.aws_door import ROLE, TOKEN, Door, record_arguments
from tests.machine.pod_programs import PODMAN, RequireProgram

PATH = "/diaspora/pod.example.org"
BACKUP = {"repository": "s3:https://s3.example.org/bucket/pod"}
MAIL = {"senderAddress": "pod@example.org", "smtp": {"host": "smtp.example.org", "username": "pod"}}
VALUES = {
    "smtpPassword": "correct horse=battery/staple",
    "backupPassword": 'quoted " and $HOME and \\ too',
    "backupAccessKey": "AKIAEXAMPLE",
    "backupSecretKey": "wJalr/XUtnFEMI+K7MDENG",
    "databasePassword": "kX3_-made-by-the-program",
}


@dataclass
class Machine:
    folder: Path
    root: Path
    door: Door
    store: Any
    arguments: Path = field(init=False)

    def __post_init__(self) -> None:
        self.arguments = self.folder / "arguments"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def put(self, name: str, value: str) -> None:
        place = name if name.startswith("/") else f"{PATH}/{name}"
        self.store.put_parameter(Name=place, Value=value, Type="SecureString", Overwrite=True)

    def given(self, name: str) -> str:
        return (self.data / "secrets/provided" / name).read_text()

    def podman(self, name: str) -> str:
        return (self.folder / f"record/secret-diaspora-{name}").read_text()

    def start(self, mode: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", self.root / LIBEXEC / "fetch-parameters", mode],
            env={
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                "DIASPORA_DATA": str(self.data),
                "DIASPORA_CONFIGURATION": str(self.root / "etc/diaspora"),
                "DIASPORA_GIVEN_SECRETS": str(self.folder / "none"),
                "DIASPORA_IMDS": f"http://127.0.0.1:{self.door.server_address[1]}",
                "DIASPORA_SSM": f"http://127.0.0.1:{self.door.server_address[1]}",
                "DIASPORA_PAUSE": "0.2",
                "DIASPORA_RUN": str(self.folder / "run"),
                "PODMAN_RECORD": str(self.folder / "record"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def succeed(self, mode: str) -> str:
        """Succeeds, and leaves no secret in the log, in arguments or in memory."""
        done = self.start(mode)
        assert done.returncode == 0, done.stderr
        output = done.stdout + done.stderr + self.arguments.read_text()
        for secret in (*VALUES.values(), ROLE["SecretAccessKey"], ROLE["Token"], TOKEN):
            assert secret not in output
        assert not list((self.folder / "run").iterdir())
        return done.stdout + done.stderr

    def restarted(self) -> list[str]:
        file = self.folder / "systemctl"
        return file.read_text().splitlines() if file.exists() else []


Make = Callable[[Context], Machine]


def relay_context(**changes: Any) -> Context:
    """A pod with a mail relay and backups of the podmin."""
    given = {key: value for key, value in VALUES.items() if key not in changes.get("existingParameters", {})}
    pod_changes = {"mail": MAIL, "backup": BACKUP}
    return aws_context(pod_changes=pod_changes, secrets=given, backups={"bucket": False}, **changes)


@pytest.fixture
def machine(make: Make) -> Machine:
    return make(relay_context())


@pytest.fixture
def make(account: Account, tmp_path: Path, require_program: RequireProgram) -> Iterator[Make]:
    """A function that creates the machine of a context."""
    account.reset()
    door = Door(account.endpoint)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    curl = require_program("curl", "curl")
    require_program("jq", "jq")
    yield lambda context: machine_of(context, tmp_path, curl, account, door)
    door.shutdown()
    door.server_close()


def machine_of(context: Context, tmp_path: Path, curl: str, account: Account, door: Door) -> Machine:
    root = write_tree(pod_fragment(context), tmp_path / "root")
    for name in ("bin", "run", "record", "data/state"):
        (tmp_path / name).mkdir(parents=True)
    record_arguments(curl, tmp_path)
    for name, text in {
        "systemctl": f"#!/bin/bash\nprintf '%s\\n' \"$*\" >> {tmp_path}/systemctl\n",
        "podman": PODMAN,
    }.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    store = account.client("ssm", "eu-west-1")
    made = Machine(tmp_path, root, door, store)
    for name, value in VALUES.items():
        made.put(name, value)
    store.put_parameter(Name=f"{PATH}/databaseHost", Value="db.example.org", Type="String")
    store.put_parameter(Name=f"{PATH}/uploadsBucket", Value="pod-uploads-1a2b", Type="String")
    # more than one page, and names that are nobody's
    for number in range(11):
        made.put(f"aaa{number}", "x")
    return made


def test_boot_fetches_the_secrets(machine: Machine) -> None:
    machine.succeed("boot")
    assert machine.given("smtp_password") == VALUES["smtpPassword"]
    assert machine.given("backup_password") == VALUES["backupPassword"]
    folder = machine.data / "secrets/provided"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {
        "smtp_password", "backup_password", "backup_access_key", "backup_secret_key", "database_password",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert (machine.data / "state/facts/facts.env").read_text() == (
        "DATABASE_HOST=db.example.org\nUPLOADS_BUCKET=pod-uploads-1a2b\n"
    )
    assert len(machine.door.asked) == 2, "two pages"


def test_requests_are_signed_with_role_credentials(machine: Machine) -> None:
    machine.succeed("boot")
    for headers, body in machine.door.asked:
        found = {key.lower(): value for key, value in headers.items()}
        assert found["authorization"].startswith("AWS4-HMAC-SHA256 Credential=ASIAROLE/")
        assert "/eu-west-1/ssm/aws4_request" in found["authorization"]
        assert found["x-amz-security-token"] == ROLE["Token"]
        assert found["x-amz-target"] == "AmazonSSM.GetParametersByPath"
        asked = json.loads(body)
        assert (asked["Path"], asked["WithDecryption"]) == (PATH, True)


def test_boot_retries_until_all_parameters_are_read(machine: Machine) -> None:
    machine.door.refusals = 2
    machine.store.delete_parameter(Name=f"{PATH}/smtpPassword")

    def put_later() -> None:
        # two tries were refused, and one did not find it
        end = time.monotonic() + 60
        while sum(b"NextToken" not in body for _, body in machine.door.asked) < 4 and time.monotonic() < end:
            time.sleep(0.02)
        machine.put("smtpPassword", VALUES["smtpPassword"])

    with ThreadPoolExecutor() as pool:
        later = pool.submit(put_later)
        said = machine.succeed("boot")
        later.result()
    assert f"waiting for: {PATH}/smtpPassword" in said
    assert machine.given("smtp_password") == VALUES["smtpPassword"]


def test_boot_uses_stored_parameters_when_aws_does_not_answer(machine: Machine) -> None:
    machine.succeed("boot")
    machine.door.refusals = 1000
    assert "continuing with the values on the data volume" in machine.succeed("boot")
    assert machine.given("smtp_password") == VALUES["smtpPassword"]


def test_rotated_secret_restarts_only_its_users(machine: Machine) -> None:
    machine.succeed("boot")
    machine.succeed("refresh")
    assert machine.restarted() == []
    machine.put("smtpPassword", "rotated")
    assert "smtpPassword has changed" in machine.succeed("refresh")
    assert machine.given("smtp_password") == "rotated"
    assert machine.podman("smtp-password") == "rotated"
    assert machine.restarted() == ["try-restart --no-block diaspora-sidekiq.service diaspora-web.service"]
    machine.put("backupPassword", "another")
    machine.succeed("refresh")
    assert machine.podman("backup-password") == "another"
    assert len(machine.restarted()) == 1, "a backup reads it when it starts"


def test_changed_database_host_restarts_pgbouncer(machine: Machine) -> None:
    machine.succeed("boot")
    machine.store.put_parameter(Name=f"{PATH}/databaseHost", Value="other.example.org", Type="String", Overwrite=True)
    machine.succeed("refresh")
    assert (machine.data / "state/facts/facts.env").read_text() == (
        "DATABASE_HOST=other.example.org\nUPLOADS_BUCKET=pod-uploads-1a2b\n"
    )
    assert machine.restarted() == ["try-restart --no-block pgbouncer.service postgresql.service"]
    machine.store.put_parameter(Name=f"{PATH}/databaseHost", Value="a\nPATH=/evil", Type="String", Overwrite=True)
    assert "is not valid" in machine.succeed("refresh")
    assert "evil" not in (machine.data / "state/facts/facts.env").read_text()


def test_changed_database_password_restarts_pgbouncer(machine: Machine) -> None:
    machine.succeed("boot")
    machine.put("databasePassword", "another-password")
    assert "databasePassword has changed" in machine.succeed("refresh")
    assert machine.given("database_password") == "another-password"
    assert machine.podman("database-password") == "another-password"
    # the containers of diaspora* require postgresql.service, so systemd restarts them too
    assert machine.restarted() == ["try-restart --no-block pgbouncer.service postgresql.service"]


def test_ses_account_is_fetched_and_its_rotation_restarts_diaspora(make: Make) -> None:
    machine = make(aws_context())
    account = {"smtpUsername": "AKIAIOSFODNN7EXAMPLE", "smtpPassword": "BM+w2/Zq0o7o0YExample=="}
    for name, value in account.items():
        machine.put(name, value)
    machine.succeed("boot")
    assert machine.given("smtp_username") == account["smtpUsername"]
    rotated = {"smtpUsername": "AKIAANOTHER", "smtpPassword": "BPother="}
    for name, value in rotated.items():
        machine.put(name, value)
    machine.succeed("refresh")
    assert (machine.podman("smtp-username"), machine.podman("smtp-password")) == tuple(rotated.values())
    assert machine.restarted() == ["try-restart --no-block diaspora-sidekiq.service diaspora-web.service"]
    toml = tomllib.loads((machine.root / "etc/diaspora/diaspora.toml").read_text())
    assert toml["configuration"]["mail"]["smtp"]["host"] == "email-smtp.eu-west-1.amazonaws.com"


def test_parameters_cannot_be_placed_by_hand(make: Make) -> None:
    machine = make(aws_context())

    def secret(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", machine.root / LIBEXEC / "secret", *words],
            env={
                "PATH": f"{machine.folder}/bin:/usr/bin:/bin",
                "DIASPORA_DATA": str(machine.data),
                "DIASPORA_CONFIGURATION": str(machine.root / "etc/diaspora"),
            },
            input="by hand",
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    look = "is missing in Parameter Store; see: sudo diaspora-pod logs diaspora-parameters"
    done = secret("ready", "application")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        [f"diaspora-pod: {name} {look}" for name in ("smtpUsername", "smtpPassword")],
    )
    assert secret("set", "smtpPassword").stderr.startswith("diaspora-pod: smtpPassword is not a secret of")
    machine.put("smtpUsername", "AKIAEXAMPLE")
    machine.succeed("boot")
    listed = dict(line.split() for line in secret("list").stdout.splitlines())
    assert listed == {"smtpUsername": "set", "smtpPassword": "set", "databasePassword": "set"}


EXISTING = {"smtpPassword": "/elsewhere/smtp", "backupPassword": "backup-of-mine"}


def test_existing_parameters_are_read_by_name_and_rotated(make: Make) -> None:
    machine = make(relay_context(existingParameters=EXISTING))
    for name, place in EXISTING.items():
        machine.store.delete_parameter(Name=f"{PATH}/{name}")
        machine.store.put_parameter(Name=place, Value=VALUES[name], Type="SecureString")
    machine.succeed("boot")
    assert machine.given("smtp_password") == VALUES["smtpPassword"]
    assert machine.given("backup_password") == VALUES["backupPassword"]
    (asked,) = [body for headers, body in machine.door.asked if headers["X-Amz-Target"] == "AmazonSSM.GetParameters"]
    assert json.loads(asked) == {"Names": sorted(EXISTING.values()), "WithDecryption": True}
    machine.put("/elsewhere/smtp", "rotated")
    # nobody's: the existing one counts
    machine.put("smtpPassword", "of the stack")
    assert "smtpPassword has changed" in machine.succeed("refresh")
    assert machine.podman("smtp-password") == "rotated"
    assert machine.restarted() == ["try-restart --no-block diaspora-sidekiq.service diaspora-web.service"]


def test_missing_existing_parameter_is_reported(make: Make) -> None:
    machine = make(relay_context(existingParameters={"smtpPassword": "/elsewhere/smtp"}))
    timer = threading.Timer(2, machine.put, ("/elsewhere/smtp", VALUES["smtpPassword"]))
    timer.start()
    output = machine.succeed("boot")
    timer.join()
    assert "waiting for: /elsewhere/smtp \n" in output


def test_more_existing_parameters_than_one_request_allows_are_read(make: Make) -> None:
    machine = make(relay_context())
    table = machine.root / "etc/diaspora/parameters.conf"
    places = [f"/elsewhere/{number}" for number in range(11)]
    table.write_text("".join(f"{place} a{index} a{index} line backup\n" for index, place in enumerate(places)))
    for place in places:
        machine.put(place, place)
    machine.succeed("boot")
    assert [machine.given(f"a{index}") for index in range(11)] == places


def test_changed_uploads_bucket_is_remounted(machine: Machine) -> None:
    machine.succeed("boot")
    machine.store.put_parameter(Name=f"{PATH}/uploadsBucket", Value="another", Type="String", Overwrite=True)
    machine.succeed("refresh")
    assert "UPLOADS_BUCKET=another\n" in (machine.data / "state/facts/facts.env").read_text()
    assert machine.restarted() == ["try-restart --no-block uploads.service"]


def test_interrupted_rotation_is_completed(machine: Machine) -> None:
    machine.succeed("boot")
    machine.put("smtpPassword", "rotated")
    make_secrets = machine.root / LIBEXEC / "make-secrets"
    text = make_secrets.read_text()
    make_secrets.write_text("exit 1\n")
    assert machine.start("refresh").returncode == 1
    assert machine.restarted() == []
    make_secrets.write_text(text)
    machine.succeed("refresh")
    assert machine.restarted() == ["try-restart --no-block diaspora-sidekiq.service diaspora-web.service"]
    machine.succeed("refresh")
    assert len(machine.restarted()) == 1


@pytest.mark.parametrize("bad", ["two\nlines", "a,b", "true", " false ", "nil", "   "])
def test_unusable_parameter_does_not_replace_the_stored_one(machine: Machine, bad: str) -> None:
    machine.succeed("boot")
    machine.put("smtpPassword", bad)
    output = machine.succeed("refresh")
    rule = "one line; for diaspora* without a comma, and not blank, true, false or nil"
    message = f"the parameter {PATH}/smtpPassword is not valid; allowed: {rule}"
    assert message in output
    assert bad not in output.replace(message, "")
    assert machine.given("smtp_password") == VALUES["smtpPassword"]
    assert machine.restarted() == []


def test_secrets_service_requires_parameters_service() -> None:
    context = aws_context(pod_changes={"mail": MAIL}, secrets=VALUES)
    drop_in = files(pod_fragment(context))["/etc/systemd/system/diaspora-secrets.service.d/10-parameters.conf"]
    assert "Requires=diaspora-parameters.service" in drop_in


def test_config_contains_no_secret_parameters() -> None:
    context = aws_context(pod_changes={"mail": MAIL, "backup": BACKUP}, secrets=VALUES, backups={"bucket": False})
    rendered = render(context.settings, context.machine, VALUES)
    everything = json.dumps(unpack(json.loads(rendered.ignition)))
    for value in VALUES.values():
        assert value not in everything
        assert json.dumps(value)[1:-1] not in everything
    assert not rendered.secret


def test_machines_on_metal_have_no_parameter_files() -> None:
    assert "parameters" not in str(sorted(files(pod_fragment(pod_context(with_mail=True)))))


def test_backups_use_the_bucket_of_the_stack(tmp_path: Path) -> None:
    context = aws_context(pod_changes={"backup": {}}, secrets={"backupPassword": "x"})
    root = write_tree(pod_fragment(context), tmp_path / "root")
    assert "backupRepository backup_repository fact backup" in (root / "etc/diaspora/parameters.conf").read_text()
    address = "s3:https://s3.eu-west-1.amazonaws.com/a-bucket/pod"
    (tmp_path / "data/state/facts").mkdir(parents=True)
    (tmp_path / "data/state/facts/backup_repository").write_text(address)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/podman").write_text("#!/bin/bash\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "bin/podman").chmod(0o755)
    done = subprocess.run(
        ["/bin/bash", root / LIBEXEC / "restic", "snapshots"],
        env={
            "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
            "DIASPORA_DATA": str(tmp_path / "data"),
            "DIASPORA_MACHINE_ID": "m",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    words = done.stdout.splitlines()
    assert f"--env=RESTIC_REPOSITORY={address}" in words
    assert not [word for word in words if "AWS_" in word], "the role has the credentials"
    assert "--network=host" in words, "the metadata service is closed to containers on a bridge"


def test_offered_bundle_is_noted_and_the_installed_one_is_told(machine: Machine) -> None:
    noted, told = machine.data / "state/bundle-offered", f"{PATH}/bundleApplied"
    (machine.root / "etc/diaspora/bundle.json").write_text(json.dumps({"hash": "1" * 16}))
    machine.store.put_parameter(Name=f"{PATH}/bundle", Value=f"s3://b/c sha512-x {'2' * 16}", Type="String")
    machine.store.put_parameter(Name=told, Value="none", Type="String")
    machine.succeed("boot")
    assert noted.read_text() == "2" * 16
    assert machine.store.get_parameter(Name=told)["Parameter"]["Value"] == "1" * 16
    asked = len(machine.door.asked)
    machine.succeed("refresh")
    written = [headers for headers, _ in machine.door.asked[asked:] if "Put" in headers["X-Amz-Target"]]
    assert written == [], "it is told once"
    # a facts file would give it to every container
    assert "BUNDLE" not in (machine.data / "state/facts/facts.env").read_text()

    # what is no hash is not noted, and during an upgrade nothing is told
    machine.store.put_parameter(Name=f"{PATH}/bundle", Value="$(reboot)", Overwrite=True)
    (machine.root / "etc/diaspora/bundle.json").write_text(json.dumps({"hash": "3" * 16}))
    (machine.data / "upgrade").mkdir()
    (machine.data / "upgrade/state").write_text("begun\n")
    machine.succeed("refresh")
    assert noted.read_text() == "2" * 16
    assert machine.store.get_parameter(Name=told)["Parameter"]["Value"] == "1" * 16
    (machine.data / "upgrade/state").unlink()
    machine.succeed("refresh")
    assert machine.store.get_parameter(Name=told)["Parameter"]["Value"] == "3" * 16
