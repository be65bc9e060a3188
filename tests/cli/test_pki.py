"""`diaspora-infra pki`: lines, files and exit codes."""

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from diaspora_infra.cli import main
from diaspora_infra.config import Matchbox
from diaspora_infra.pxe.pki import PkiFolder, create_certificate, create_pki, host_names, read_certificate
from diaspora_infra.pxe.server import check_reachable, read_credentials
from lab.matchbox import MatchboxServer

# exit code, lines of standard output, lines of standard error
Run = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `diaspora-infra pki`."""

    def call(*arguments: object) -> tuple[int, list[str], list[str]]:
        code = main(["pki", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def days_left(path: Path) -> float:
    return (read_certificate(path).not_valid_after_utc - datetime.datetime.now(datetime.UTC)) / datetime.timedelta(1)


def matchbox_settings(files: PkiFolder, endpoint: str = "matchbox.lan:8081") -> Matchbox:
    values = {"caFile": files.ca, "clientCertFile": files.certificate("client"), "clientKeyFile": files.key("client")}
    texts = {key: str(path) for key, path in values.items()}
    return Matchbox.model_validate({"httpUrl": "http://matchbox.lan:8080", "rpcEndpoint": endpoint, **texts})


def accepted(files: PkiFolder) -> bool:
    """Whether the program accepts the client's files."""
    return bool(read_credentials(matchbox_settings(files), Path("/")))


def test_init_prints_the_destination_of_each_file(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    code, out, err = run("init", folder, "--server", "matchbox.lan", "192.0.2.1", "--server", "2001:db8::1")
    assert (code, err) == (0, [])
    places = dict(line.strip().split("  ->  ") for line in out if "->" in line and "/ca." not in line)
    assert places == {
        f"{folder}/server.crt": "/etc/matchbox/server.crt",
        f"{folder}/server.key": "/etc/matchbox/server.key",
        f"{folder}/client.crt": "~/.matchbox/client.crt",
        f"{folder}/client.key": "~/.matchbox/client.key",
    }
    assert f"  {folder}/ca.crt  ->  /etc/matchbox/ca.crt" in out
    assert f"  {folder}/ca.crt  ->  ~/.matchbox/ca.crt" in out
    assert not [line for line in out if "ca.key" in line and "->" in line]
    assert set(content(folder)) == {"ca.crt", "ca.key", "server.crt", "server.key", "client.crt", "client.key"}
    assert host_names(read_certificate(folder / "server.crt")) == ["matchbox.lan", "192.0.2.1", "2001:db8::1"]
    assert accepted(PkiFolder(folder))


def test_init_keeps_existing_files(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path / "pki", "--server", "Matchbox.lan", "2001:db8:0::1")
    before = content(tmp_path / "pki")
    assert run("init", tmp_path / "pki", "--server", "matchbox.LAN", "2001:db8::1")[0] == 0
    assert content(tmp_path / "pki") == before


def test_init_reports_existing_certificate_of_another_server(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--server", "matchbox.lan")
    before = content(tmp_path)
    code, _, err = run("init", tmp_path, "--server", "matchbox.lan", "other.lan")
    what = "an existing certificate without other.lan; remove it, and run the command again"
    assert (code, err) == (1, [f"{tmp_path}/server.crt: {what}"])
    assert content(tmp_path) == before


def test_days_option_sets_certificate_lifetime(run: Run, tmp_path: Path) -> None:
    run("init", tmp_path, "--server", "matchbox.lan", "--days", 9)
    assert [round(days_left(tmp_path / f"{name}.crt")) for name in ("server", "client")] == [9, 9]


def test_all_invalid_values_are_reported_in_one_run(run: Run, tmp_path: Path) -> None:
    names = ["http://a", "matchbox.lan:8081", "", "a..b", "ä.lan", "1.2.3", "a" * 300, "matchbox.lan"]
    code, out, err = run("init", tmp_path / "pki", "--days", 0, "--server=-x", "--server", *names)
    assert (code, out) == (1, [])
    assert len(err) == 9
    assert "--days: 0 is out of range; allowed: 1 to 3650" in err
    allowed = "a host name such as matchbox.lan, or an IP address, without a port"
    assert f"--server: 'matchbox.lan:8081' is not valid; allowed: {allowed}" in err
    assert not (tmp_path / "pki").exists()


def test_renew_keeps_certificates_that_are_still_valid(run: Run, tmp_path: Path) -> None:
    create_pki(tmp_path, ["matchbox.lan"])
    before = content(tmp_path)
    assert run("renew", tmp_path) == (0, [f"{tmp_path}/server.crt: kept", f"{tmp_path}/client.crt: kept"], [])
    assert content(tmp_path) == before


@pytest.mark.parametrize("days", [-1, 5])
def test_renew_replaces_expiring_certificate(run: Run, tmp_path: Path, days: int) -> None:
    files = create_pki(tmp_path, ["matchbox.lan", "192.0.2.1"])
    create_certificate(files, "server", ["matchbox.lan", "192.0.2.1"], days=days)
    before = content(tmp_path)
    code, out, err = run("renew", tmp_path, "--days", 100)
    assert (code, err) == (0, [])
    assert out[:2] == [f"{tmp_path}/server.crt: renewed, with a new key", f"{tmp_path}/client.crt: kept"]
    assert out[-1] == "Copy the new files to the server, then restart matchbox."
    after = content(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"server.crt", "server.key"}
    assert host_names(read_certificate(files.certificate("server"))) == ["matchbox.lan", "192.0.2.1"]
    assert round(days_left(files.certificate("server"))) == 100


def test_renewed_client_certificate_is_accepted(run: Run, tmp_path: Path) -> None:
    files = create_pki(tmp_path, ["matchbox.lan"])
    create_certificate(files, "client", (), days=-1)
    code, out, _ = run("renew", tmp_path)
    assert (code, out[1]) == (0, f"{tmp_path}/client.crt: renewed, with a new key")
    assert accepted(files)


def test_matchbox_accepts_files_of_init_and_renew(run: Run, matchbox_server: MatchboxServer) -> None:
    matchbox_server.stop()
    files = matchbox_server.pki
    shutil.rmtree(files.path)
    assert run("init", files.path, "--server", "127.0.0.1", "--days", 5)[0] == 0
    matchbox_server.start()
    matchbox = matchbox_settings(files, matchbox_server.rpc_endpoint)
    check_reachable(matchbox, Path("/"))
    assert "renewed" in run("renew", files.path)[1][0]
    check_reachable(matchbox, Path("/"))  # the new client, the server still with its old certificate
    matchbox_server.stop()
    matchbox_server.start()
    check_reachable(matchbox, Path("/"))


def test_renew_replaces_certificate_whose_key_does_not_match(run: Run, tmp_path: Path) -> None:
    """This is the state after a run was killed between the two files."""
    files = create_pki(tmp_path, ["matchbox.lan"])
    shutil.copy(files.key("server"), files.key("client"))
    assert run("renew", tmp_path)[1][1] == f"{tmp_path}/client.crt: renewed, with a new key"
    assert accepted(files)


def test_renew_does_not_need_the_server_key(run: Run, tmp_path: Path) -> None:
    create_pki(tmp_path, ["matchbox.lan"]).key("server").unlink()
    assert run("renew", tmp_path)[1][0] == f"{tmp_path}/server.crt: kept"


def test_certificate_expires_no_later_than_its_authority(run: Run, tmp_path: Path) -> None:
    files = create_pki(tmp_path, ["matchbox.lan"])
    create_certificate(files, "client", (), days=9999)
    ends = [read_certificate(path).not_valid_after_utc for path in (files.ca, files.certificate("client"))]
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("missing", "lines"),
    [
        (["ca.key"], ["ca.key: missing; restore it, because only the authority's key can sign certificates"]),
        (["ca.crt"], ["ca.crt: No such file or directory; correct the path, or create the file"]),
        (
            ["server.crt", "client.crt"],
            [
                "client.crt: missing; create it with: diaspora-infra pki init",
                "server.crt: missing; create it with: diaspora-infra pki init",
            ],
        ),
    ],
)
def test_renew_reports_missing_files(run: Run, tmp_path: Path, missing: list[str], lines: list[str]) -> None:
    create_pki(tmp_path, ["matchbox.lan"])
    for name in missing:
        (tmp_path / name).unlink()
    code, out, err = run("renew", tmp_path, "--within", 900)
    assert (code, out, sorted(err)) == (1, [], [f"{tmp_path}/{line}" for line in lines])


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("ca.crt", "x", "ca.crt: holds no certificate; allowed: a PEM certificate"),
        ("client.crt", "", "client.crt: holds no certificate; allowed: a PEM certificate"),
        ("ca.key", "x", "ca.key: holds no usable key; allowed: an unencrypted ECDSA key (PEM)"),
    ],
)
def test_renew_reports_damaged_file(run: Run, tmp_path: Path, name: str, text: str, line: str) -> None:
    create_pki(tmp_path, ["matchbox.lan"])
    (tmp_path / name).write_text(text)
    assert run("renew", tmp_path, "--within", 900) == (1, [], [f"{tmp_path}/{line}"])


def test_renew_refuses_key_of_another_authority(run: Run, tmp_path: Path) -> None:
    files, other = (create_pki(tmp_path / name, ["matchbox.lan"]) for name in ("one", "two"))
    shutil.copy(other.ca_key, files.ca_key)
    before = content(files.path)
    what = f"does not match {files.ca}; restore the key of that authority"
    assert run("renew", files.path, "--within", 900) == (1, [], [f"{files.ca_key}: {what}"])
    assert content(files.path) == before


def test_init_refuses_expired_authority(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diaspora_infra.pxe.pki.AUTHORITY_DAYS", -1)
    code, _, (line,) = run("init", tmp_path, "--server", "matchbox.lan")
    assert code == 1
    assert line.startswith(f"{tmp_path}/ca.crt: expired on 20")


def test_init_does_not_replace_authority_key(run: Run, tmp_path: Path) -> None:
    files = create_pki(tmp_path, ["matchbox.lan"])
    files.ca.unlink()
    before = content(tmp_path)
    what = "exists without ca.crt; add that file, or remove the key to create a new authority"
    assert run("init", tmp_path, "--server", "matchbox.lan") == (1, [], [f"{files.ca_key}: {what}"])
    assert content(tmp_path) == before


def test_renew_refuses_server_certificate_without_names(run: Run, tmp_path: Path) -> None:
    files = create_pki(tmp_path, ["matchbox.lan"])
    shutil.copy(files.certificate("client"), files.certificate("server"))
    (line,) = run("renew", tmp_path)[2]
    assert line == (
        f"{tmp_path}/server.crt: names no server; remove it, and create it again with: diaspora-infra pki init"
    )


def test_init_reports_file_in_place_of_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pki").touch()
    assert run("init", tmp_path / "pki", "--server", "matchbox.lan") == (1, [], [f"{tmp_path}/pki: File exists"])


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["pki"], ["pki", "init", "x"], ["pki", "renew"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "usage: diaspora-infra pki" in capsys.readouterr().err
