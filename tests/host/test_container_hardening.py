"""Hardening of containers: a contract for every container, for all settings."""

import re

import pytest
import yaml

from lab.engine import PROJECT
from tests.host.aws_pod import aws_context
from tests.host.pod import LIBEXEC, QUADLETS, containers, files, pod_context, pod_fragment, values
from tests.support.configs import mail

GIVEN = "planted-secret-value"
CONTEXTS = {
    "least": pod_context(),
    "everything": pod_context(
        mail=mail(),
        backup={},
        privacy={"camo": {"root": "https://camo.example.org"}},
        secrets=dict.fromkeys(("smtpPassword", "backupPassword", "camoKey"), GIVEN),
    ),
    "sftp": pod_context(
        backup={
            "repository": "sftp://pod@backup.example.org/pod",
            "hostKey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp",
        },
        secrets={
            "backupPassword": GIVEN,
            "backupSshKey": f"-----BEGIN PRIVATE KEY-----\n{GIVEN}\n-----END PRIVATE KEY-----",
        },
    ),
    "relay": pod_context(
        mail={
            "senderAddress": "a@pod.example.org",
            "relay": {
                "image": "registry.example.org/relay:1",
                "smarthost": {"host": "smart.example.org", "username": "pod"},
            },
        },
        secrets={"smarthostPassword": GIVEN},
    ),
    "monitoring": pod_context(monitoring={"nodeExporter": True, "podmanExporter": True}),
    "own": pod_context(tls={"mode": "own"}),
    "bucket": aws_context(),
    "proxy": pod_context(tls={"mode": "behindProxy", "trustedProxies": ["192.0.2.10"]}),
}
FRAGMENTS = {name: pod_fragment(context) for name, context in CONTEXTS.items()}
EVERY = [(variant, name) for variant, fragment in FRAGMENTS.items() for name in containers(fragment)]

# Reviewed: a container, the key in which it differs, and why it cannot do without.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("diaspora-task", "PodmanArgs"): "where memory is short it ends before all others",
    ("relay", "AddCapability"): "Postfix's first process is root; those that speak to others are not",
    ("relay", "User"): "the same",
    ("node-exporter", "Network"): "it counts what goes over the machine's own cards",
    ("node-exporter", "PodmanArgs"): "it counts the processes of the machine",
    ("node-exporter", "Volume"): "it sees how full the machine's filesystems are",
    ("node-exporter", "SecurityLabelDisable"): "no container may read the machine's files otherwise",
    ("podman-exporter", "Network"): "it answers on an address of the machine",
    ("podman-exporter", "User"): "podman's socket belongs to root",
    ("podman-exporter", "Volume"): "podman's socket",
    ("podman-exporter", "SecurityLabelDisable"): "no container may use podman's socket otherwise",
    ("uploads", "Network"): "credentials of the machine's role; no program of the pod is to come by them through it",
    ("uploads", "User"): "only root may mount",
    ("uploads", "AddCapability"): "CAP_SYS_ADMIN, to mount",
    ("uploads", "AddDevice"): "/dev/fuse, to mount",
    ("uploads", "SecurityLabelDisable"): "no confined container may mount",
}
# Folders of the host that are FUSE mounts: podman cannot label them, so no :z; the mount itself has a context.
FUSE_FOLDERS = {"bucket": ("/var/mnt/data/uploads",)}

OWN_FOLDERS = "/(etc/diaspora|usr/local/libexec/diaspora|var/mnt/data)/[a-z]"
REQUIRED = {
    "ReadOnly": ["true"],
    "NoNewPrivileges": ["true"],
    "DropCapability": ["all"],
    "LogDriver": ["journald"],
}
FORBIDDEN = ("AddCapability", "AddDevice", "PodmanArgs", "SecurityLabelDisable", "SeccompProfile", "Unmask")
RUN_OPTIONS = ("--rm", "--read-only", "--security-opt=no-new-privileges", "--cap-drop=all", "--log-driver=none")


def container(variant: str, name: str) -> list[tuple[str, str]]:
    return containers(FRAGMENTS[variant])[name]["Container"]


def differs(variant: str, name: str) -> set[str]:
    """The keys in which a container misses required hardening."""
    found = container(variant, name)
    keys = {key for key, required in REQUIRED.items() if values(found, key) != required}
    keys |= {key for key in FORBIDDEN if values(found, key)}
    if not values(found, "User") or values(found, "User")[-1] == "0":
        keys.add("User")
    if any(network not in {"diaspora.network", "none"} for network in values(found, "Network")):
        keys.add("Network")
    if not any(0 < int(limit) <= 1024 for limit in values(found, "PidsLimit")):
        keys.add("PidsLimit")
    if not all(re.match(OWN_FOLDERS, volume) for volume in values(found, "Volume")):
        keys.add("Volume")
    return keys


@pytest.mark.parametrize(("variant", "name"), EVERY)
def test_every_container_is_hardened_or_a_reviewed_exception(variant: str, name: str) -> None:
    assert {key for key in differs(variant, name) if (name, key) not in EXCEPTIONS} == set()


def test_exceptions_are_still_needed() -> None:
    assert set(EXCEPTIONS) <= {(name, key) for variant, name in EVERY for key in differs(variant, name)}
    assert all(EXCEPTIONS.values())


@pytest.mark.parametrize("key", [*REQUIRED, "PidsLimit", "User"])
def test_contract_detects_missing_hardening(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = [entry for entry in container("least", "nginx") if entry[0] != key]
    monkeypatch.setattr(f"{__name__}.container", lambda *_: weak)
    assert differs("least", "nginx") == {key}


def labelled_once(variant: str) -> set[str]:
    """What own-files labels: the folders of directories.conf that have a user."""
    lines = files(FRAGMENTS[variant])["/etc/diaspora/directories.conf"].splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return {path for _type, path, _mode, user, group, *_ in rows if (user, group) != ("0", "0")}


@pytest.mark.parametrize(("variant", "name"), EVERY)
def test_selinux_labels_are_shared_and_large_folders_labelled_once(variant: str, name: str) -> None:
    """Never Z: each start would use another label. With z podman visits every file, at each start."""
    for volume in values(container(variant, name), "Volume"):
        source, _target, *options = volume.split(":")
        words = options[0].split(",") if options else []
        assert "Z" not in words
        not_ours = (name, "Volume") in EXCEPTIONS or source in FUSE_FOLDERS.get(variant, ())
        assert ("z" in words) is not (not_ours or source in labelled_once(variant)), volume


def test_folders_of_users_are_labelled_once() -> None:
    names = ("uploads", "postgresql", "redis", "log", "public", "tls", "certbot", "tmp/web")
    assert {f"/var/mnt/data/{name}" for name in names} <= labelled_once("least")


def maps(entries: list[tuple[str, str]]) -> list[tuple[int, int, int]]:
    found = []
    for entry in values(entries, "UIDMap"):
        inside, outside, count = entry.split(":")
        found.append((int(inside), int(outside), int(count)))
    return found


def user_on_machine(entries: list[tuple[str, str]]) -> int:
    """The uid on the machine of the user that the container runs as."""
    uid = int(values(entries, "User")[-1])
    (found,) = [outside + uid - inside for inside, outside, count in maps(entries) if inside <= uid < inside + count]
    return found


MAPPED = [(variant, name) for variant, name in EVERY if (name, "User") not in EXCEPTIONS and name != "node-exporter"]


@pytest.mark.parametrize(("variant", "name"), MAPPED)
def test_no_user_of_a_container_is_one_of_fedora(variant: str, name: str) -> None:
    entries = container(variant, name)
    assert values(entries, "User") == values(entries, "Group")
    assert values(entries, "GIDMap") == []
    host = user_on_machine(entries)
    # Fedora gives out numbers to 200 by hand, and others from 999 downwards; 1000 is core
    assert 800 <= host < 850
    found = maps(entries)
    assert sum(count for _, _, count in found) == 65536
    for inside, outside, count in found:
        if count == 1:
            continue
        # below the subordinate ids of accounts, above all accounts and the dynamic users of systemd
        assert inside >= 0
        assert outside >= 65536
        assert outside + count <= 524288


def test_every_container_has_a_user_of_its_own() -> None:
    """One user for all containers of the image of diaspora*, which share the uploads."""
    owners: dict[int, set[str]] = {}
    for variant, name in MAPPED:
        application = name.startswith("diaspora-") or name == "public-files"
        owners.setdefault(user_on_machine(container(variant, name)), set()).add("diaspora*" if application else name)
    assert all(len(names) == 1 for names in owners.values())
    assert len(owners) == len({name for names in owners.values() for name in names}) == 7


def test_containers_with_another_layout_write_as_the_same_user_of_the_machine() -> None:
    for uid in (1, 999, 1000, 65533):
        fragment = pod_fragment(pod_context(imageLayout={"uid": uid}))
        assert user_on_machine(containers(fragment)["diaspora-web"]["Container"]) == 813
        assert values(containers(fragment)["diaspora-web"]["Container"], "User") == [str(uid)]


@pytest.mark.parametrize(("variant", "name"), EVERY)
def test_containers_mount_only_their_own_folders(variant: str, name: str) -> None:
    for volume in values(container(variant, name), "Volume"):
        if (name, "Volume") in EXCEPTIONS:
            continue
        source, _target, *options = volume.split(":")
        assert re.match(OWN_FOLDERS, source), volume
        if not source.startswith("/var/mnt/data/"):
            assert "ro" in ",".join(options).split(","), volume
        assert not source.startswith(("/etc/diaspora/secrets", "/var/mnt/data/secrets")), volume


@pytest.mark.parametrize("variant", FRAGMENTS)
def test_secrets_are_not_in_environment_or_commands(variant: str) -> None:
    texts = files(FRAGMENTS[variant])
    holders = {path for path, text in texts.items() if GIVEN in text}
    assert all(path.startswith("/etc/diaspora/secrets/") for path in holders)
    assert bool(holders) is (variant in {"everything", "sftp", "relay"})
    for name in containers(FRAGMENTS[variant]):
        for entry in values(container(variant, name), "Environment"):
            variable, _, value = entry.strip('"').partition("=")
            if re.search("PASSW|SECRET|TOKEN|KEY", variable):
                assert variable.endswith("_FILE"), entry
                assert value.startswith("/run/secrets/"), entry


@pytest.mark.parametrize("variant", FRAGMENTS)
def test_references_of_images_are_not_taken_for_options(variant: str) -> None:
    found = 0
    for path, text in files(FRAGMENTS[variant]).items():
        if not path.startswith(f"/{LIBEXEC}/"):
            continue
        for line in text.replace("\\\n", " ").splitlines():
            if re.search(r"podman (run|pull|image (?!prune)\w+) ", line) and not line.lstrip().startswith("#"):
                found += 1
                assert " -- " in line, (path, line)
    assert found >= 6


@pytest.mark.parametrize("variant", FRAGMENTS)
def test_containers_started_by_programs_are_hardened(variant: str) -> None:
    found = 0
    for path, text in files(FRAGMENTS[variant]).items():
        if not path.startswith(f"/{LIBEXEC}/"):
            continue
        joined = text.replace("\\\n", " ")
        for line in joined.splitlines():
            if "podman run" in line and not line.lstrip().startswith("#"):
                found += 1
                words = joined if '"${options[@]}"' in line else line
                assert [option for option in RUN_OPTIONS if option not in words] == [], path
                assert "--privileged" not in words
                if "/restic" not in path:
                    assert "--uidmap=" in words or '"$@" ' in line, path
    assert found >= 1


def test_application_writes_temporary_files_to_disk() -> None:
    """An upload is buffered completely in a temporary file; /tmp of a read-only container is in memory."""
    for name in ("diaspora-web", "diaspora-sidekiq", "diaspora-migrate", "diaspora-administrator", "diaspora-task"):
        found = container("least", name)
        assert "TMPDIR=/srv/diaspora/tmp" in values(found, "Environment")
        folder = name.removeprefix("diaspora-")
        assert f"/var/mnt/data/tmp/{folder}:/srv/diaspora/tmp" in values(found, "Volume")


def test_snippet_in_security_page_overrides_hardening() -> None:
    """Quadlet takes the last of several values, and reads drop-ins in the order of their names."""
    page = (PROJECT / "docs/security.md").read_text(encoding="utf-8")
    (path,) = re.findall(r"path: (/etc/containers/systemd/\S+)", page)
    ours = [name for name in files(FRAGMENTS["least"]) if name.startswith(path.rpartition("/")[0])]
    assert ours
    assert max([*ours, path]) == path
    yaml.safe_load(re.findall(r"```yaml\n(variant.*?)```", page, re.DOTALL)[0])


def test_quadlets_are_only_containers_drop_ins_and_networks() -> None:
    for fragment in FRAGMENTS.values():
        quadlets = [path for path in files(fragment) if path.startswith(QUADLETS)]
        assert [path for path in quadlets if not path.endswith((".container", ".conf", ".network"))] == []
