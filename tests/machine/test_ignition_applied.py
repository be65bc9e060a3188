"""Rendered configs, applied by Ignition itself to small root folders: what a machine gets from its settings.

Disks and filesystems are left out, see tests/support/ignition_root.py; so nothing here shows that a disk is laid out
as meant, and /var/mnt/data is a plain folder.
"""

import base64
import copy
import gzip
import json
import os
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diaspora_infra.config import Machine, load
from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.features.network import FOLDER as KEYFILES
from diaspora_infra.host.identity import BUNDLE_FILE, MACHINE_FILE
from diaspora_infra.host.render import Rendered
from tests.conftest import skip_unless
from tests.host.pod import LIBEXEC, QUADLETS, SMTP_PASSWORD, files
from tests.machine.pod_programs import RequireProgram
from tests.support.configs import SSH_KEY, aws_config, host, ignition_config, machine, mail, pod, pxe, pxe_config
from tests.support.ignition_root import ROOT_FILES, Ignition, Node, RefusedError, applied, read_tree
from tools import tool_path

ROOT = (0, 0)
SECRETS = "/etc/diaspora/secrets"
PRESETS = "/etc/systemd/system-preset/20-ignition.preset"
OTHER_KEY = SSH_KEY.replace("podmin@example.org", "other@example.org")
# On AWS sshd does not wait for the data volume.
AWS_UNITS = {"diaspora-data-grow.timer", "diaspora-first-bundle.service", "diaspora-parameters-refresh.timer"}
EARLY_KEYS = "diaspora-ssh-host-keys.service"
POD_UNITS = {
    "certbot.timer",
    "diaspora-disk-space.timer",
    "diaspora-firewall.service",
    "diaspora-health.timer",
    "diaspora-releases.timer",
    "diaspora-ssh-host-keys-kept.service",
    EARLY_KEYS,
    "diaspora-system-updates.timer",
    "diaspora.target",
    "diaspora-upgrade-recover.service",
    "podman-auto-update.timer",
    "var-mnt-data.mount",
}
# What the machine has anyway.
OWN_UNITS = ("podman-auto-update.timer",)

NETWORKS: dict[str, Any] = {
    "eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.10/24,10.0.0.1", "dns": "1.1.1.1"}},
    "eno1.20": {"vlan": {"id": 20, "parent": "eno1"}, "ipv4": {"method": "manual", "address1": "10.0.20.10/24"}},
    "bond0": {"bond": {"mode": "active-backup", "miimon": 100}, "ipv4": {"method": "auto"}},
    "eno2": {"connection": {"master": "bond0", "slave-type": "bond"}},
    "eno3": {"connection": {"master": "bond0", "slave-type": "bond"}},
}

# Overrides files of the machine's part (zram) and of the pod's (Redis, nginx), and adds to both.
STACK_SNIPPET = """
variant: fcos
version: 1.5.0
storage:
  directories:
    - {path: /var/mnt/data/extra, mode: 0750, user: {name: core}, group: {name: wheel}}
  files:
    - {path: /etc/systemd/zram-generator.conf, overwrite: true, mode: 0640, contents: {inline: "[zram0]\\n"}}
    - {path: /etc/diaspora/redis/redis.conf, overwrite: true, mode: 0640, contents: {inline: "maxmemory 1mb\\n"}}
    - {path: /etc/diaspora/nginx/conf.d/pod.conf, append: [{inline: "# appended\\n"}]}
    - {path: /var/mnt/data/extra/note, mode: 0600, user: {name: core}, contents: {inline: "ä note\\n"}}
  links:
    - {path: /var/mnt/data/link, target: extra/note}
systemd:
  units:
    - name: extra.service
      enabled: true
      contents: "[Service]\\nExecStart=/usr/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n"
    - {name: diaspora-data.service, dropins: [{name: 10-mine.conf, contents: "[Unit]\\n# mine\\n"}]}
    - {name: docker.service, mask: true}
"""
MACHINE_SNIPPET = """
variant: fcos
version: 1.5.0
storage: {files: [{path: /etc/motd, contents: {inline: "welcome\\n"}}]}
"""
POD_STOPPED = """
variant: fcos
version: 1.5.0
systemd: {units: [{name: diaspora.target, enabled: false}]}
"""
SNIPPET_FILES = {
    "/etc/systemd/zram-generator.conf": ("[zram0]\n", 0o640, ROOT),
    "/etc/diaspora/redis/redis.conf": ("maxmemory 1mb\n", 0o640, ROOT),
    "/var/mnt/data/extra/note": ("ä note\n", 0o600, (1000, 0)),
    "/etc/motd": ("welcome\n", 0o644, ROOT),
    "/etc/systemd/system/extra.service": (
        "[Service]\nExecStart=/usr/bin/true\n[Install]\nWantedBy=multi-user.target\n",
        0o644,
        ROOT,
    ),
    "/etc/systemd/system/diaspora-data.service.d/10-mine.conf": ("[Unit]\n# mine\n", 0o644, ROOT),
}
EVERYTHING = pxe_config(
    pod=pod(mail=mail()),
    host=host(
        users=[
            {"name": "core", "sshAuthorizedKeys": [SSH_KEY, OTHER_KEY]},
            {"name": "alice", "sshAuthorizedKeys": [OTHER_KEY], "groups": ["sudo", "wheel"]},
            {"name": "bob", "sshAuthorizedKeys": [SSH_KEY]},
        ],
        swap={"zramMib": 512, "fileMib": 2048},
        updates={"strategy": "off"},
        timeZone="Europe/Berlin",
        guestAgent=True,
        kernelArguments=["console=ttyS0"],
        snippets=[STACK_SNIPPET],
    ),
    pxe=pxe(machine(hostname="pod.lan", networks=NETWORKS, snippets=[MACHINE_SNIPPET])),
)


@dataclass(frozen=True)
class Case:
    """A config, the units that it enables, and the files that its snippets add or change."""

    config: dict[str, Any]
    enabled: set[str]
    snippet_files: dict[str, tuple[str, int, tuple[int, int]]]


CASES = {
    "least": Case(ignition_config(), POD_UNITS, {}),
    "everything": Case(
        EVERYTHING,
        POD_UNITS | {"diaspora-guest-agent.service", "diaspora-swap-file.service", "extra.service"},
        SNIPPET_FILES,
    ),
    "aarch64": Case(pxe_config(pxe=pxe(machine(architecture="aarch64"))), POD_UNITS, {}),
    "data-disk": Case(ignition_config(host=host(storage={"dataDisk": "/dev/sdb"})), POD_UNITS, {}),
    "aws": Case(
        aws_config(region="eu-west-1", size="small"),
        POD_UNITS - {"certbot.timer", EARLY_KEYS} | AWS_UNITS | {"diaspora-held-polls.service"},
        {},
    ),
    "aws-on-instance": Case(
        aws_config(region="eu-west-1", size="small", edge="direct", database={"engine": "onInstance"}),
        POD_UNITS - {EARLY_KEYS} | AWS_UNITS,
        {},
    ),
    "pod-stopped": Case(ignition_config(host=host(snippets=[POD_STOPPED])), POD_UNITS - {"diaspora.target"}, {}),
}


@dataclass(frozen=True)
class Applied:
    """A case with its machine, the rendered config, and the root that Ignition made from the packed config."""

    case: Case
    machine: Machine
    rendered: Rendered
    root: Path
    tree: dict[str, Node]

    def text(self, path: str) -> str:
        return self.tree[path].content.decode()

    def new_files(self) -> dict[str, Node]:
        """The new files, without those of the accounts (/etc/passwd and the like)."""
        accounts = {f"/{path}" for path in ROOT_FILES}
        backups = {f"{path}-" for path in accounts}
        return {
            path: node
            for path, node in self.tree.items()
            if node.kind == "file" and path not in {*accounts, *backups, "/etc/.pwd.lock"}
        }


def rendered_of(config: dict[str, Any]) -> tuple[Machine, Rendered]:
    secrets = {"smtpPassword": SMTP_PASSWORD} if "mail" in config["pod"] else {}
    settings = load(config, set(secrets))
    return settings.machines[0], render(settings, settings.machines[0], secrets)


@pytest.fixture(scope="module", autouse=True)
def _root_user() -> None:
    skip_unless(os.geteuid() == 0, "needs root: Ignition changes owners")


@pytest.fixture(scope="module", params=CASES)
def made(request: pytest.FixtureRequest) -> Iterator[Applied]:
    """Each case, applied."""
    case = CASES[request.param]
    of, rendered = rendered_of(case.config)
    with applied(json.loads(rendered.ignition)) as root:
        yield Applied(case, of, rendered, root, read_tree(root))


def tree_of(config: Ignition) -> dict[str, Node]:
    with applied(config) as root:
        return read_tree(root)


def test_packed_and_unpacked_config_give_the_same_tree(made: Applied) -> None:
    packed = json.loads(made.rendered.ignition)
    unpacked = unpack(packed)
    if made.case.config["target"] == "aws":
        assert unpacked == packed, "on AWS nothing is packed"
        return
    assert packed["ignition"]["config"]["merge"]
    assert not unpacked["ignition"]["config"]["merge"]
    assert tree_of(unpacked) == made.tree


def test_applied_files_are_exactly_those_of_the_config(made: Applied) -> None:
    expected = files(made.rendered.document)
    expected["/etc/diaspora/nginx/conf.d/pod.conf"] += "# appended\n" if made.case.snippet_files else ""
    expected |= {path: text for path, (text, _, _) in made.case.snippet_files.items()}
    if made.case.config["host"].get("snippets"):
        # which are not in the document
        assert made.text(BUNDLE_FILE) != expected[BUNDLE_FILE]
        expected |= {path: made.text(path) for path in (MACHINE_FILE, BUNDLE_FILE)}
    found = made.new_files()
    others = {PRESETS, MACHINE_FILE, BUNDLE_FILE, *(key_file(user) for user in user_names(made))}
    assert found.keys() == expected.keys() | others
    assert {path: made.text(path) for path in expected} == expected


def test_files_have_expected_modes_and_owners(made: Applied) -> None:
    """Keyfiles and secrets are root-only, programs are executable, a user's keys belong to the user."""
    for path, node in made.new_files().items():
        expected = (0o644, ROOT)
        if path.startswith((f"{KEYFILES}/", f"{SECRETS}/")) or path in {MACHINE_FILE, BUNDLE_FILE}:
            expected = (0o600, ROOT)
        elif path.startswith((f"/{LIBEXEC}/", "/usr/local/bin/")):
            expected = (0o755, ROOT)
            assert node.content.startswith(b"#!"), path
        elif path in made.case.snippet_files:
            expected = made.case.snippet_files[path][1:]
        elif path.startswith("/home/"):
            expected = (0o600, accounts(made)[path.split("/")[2]])
        assert (node.mode, node.owner) == expected, path


def test_programs_of_units_and_mounts_of_containers_exist(made: Applied) -> None:
    starts = texts_below(made, "/etc/systemd/system")
    mounts = texts_below(made, QUADLETS)
    programs = set(re.findall(r"/usr/local/[\w/-]+", starts))
    mounted = set(re.findall(r"^Volume=(/(?:etc|usr/local)/[^:]+):", mounts, re.MULTILINE))
    assert f"/{LIBEXEC}/claim-data" in programs
    assert "/etc/diaspora/diaspora.toml" in mounted
    assert programs | mounted <= made.tree.keys()
    executable = {path for path, node in made.new_files().items() if node.mode & 0o111}
    assert programs <= executable
    assert all(path.startswith("/usr/local/") for path in executable)


def texts_below(made: Applied, folder: str) -> str:
    return "\n".join(made.text(path) for path in made.new_files() if path.startswith(f"{folder}/"))


def test_hostname_and_time_zone_follow_the_settings(made: Applied) -> None:
    assert made.text("/etc/hostname") == f"{made.machine.hostname or made.machine.name}\n"
    zone = made.case.config["host"].get("timeZone", "Etc/UTC")
    local = made.tree["/etc/localtime"]
    assert (local.kind, local.content) == ("link", f"../usr/share/zoneinfo/{zone}".encode())


def accounts(made: Applied) -> dict[str, tuple[int, int]]:
    """User id and group id by name."""
    rows = [line.split(":") for line in made.text("/etc/passwd").splitlines()]
    return {row[0]: (int(row[2]), int(row[3])) for row in rows}


def user_names(made: Applied) -> list[str]:
    return [user["name"] for user in made.case.config["host"]["users"]]


def key_file(user: str) -> str:
    return f"/home/{user}/.ssh/authorized_keys.d/ignition"


def test_users_have_accounts_keys_and_groups(made: Applied) -> None:
    assert accounts(made).keys() == {"root", *user_names(made)}
    assert len(set(accounts(made).values())) == len(user_names(made)) + 1
    members = {row[0]: row[3] for row in (line.split(":") for line in made.text("/etc/group").splitlines())}
    for user in made.case.config["host"]["users"]:
        name = user["name"]
        # Ignition sorts the keys
        keys = [line for line in made.text(key_file(name)).splitlines() if line]
        assert sorted(keys) == sorted(user["sshAuthorizedKeys"])
        folder = made.tree[f"/home/{name}/.ssh"]
        assert (folder.mode, folder.owner) == (0o700, accounts(made)[name])
        assert {group for group, names in members.items() if name in names.split(",")} == set(user.get("groups", ()))
    locked = {row[1] for row in (line.split(":") for line in made.text("/etc/shadow").splitlines())}
    assert locked == {"*"}, "nobody can log in with a password"


def test_network_connections_follow_the_settings(made: Applied) -> None:
    networks = made.machine.networks
    found = {path.removeprefix(f"{KEYFILES}/"): path for path in made.tree if path.startswith(f"{KEYFILES}/")}
    assert found.keys() == {f"{name}.nmconnection" for name in networks}
    for name, keyfile in networks.items():
        lines = made.text(found[f"{name}.nmconnection"]).splitlines()
        assert f"id={name}" in lines
        given = {
            f"{key}={value}" for section in ("ipv4", "vlan", "bond") for key, value in keyfile.get(section, {}).items()
        }
        # NetworkManager ends its lists with a semicolon
        assert given <= {line.removesuffix(";") for line in lines}, name


def test_updates_and_swap_follow_the_settings(made: Applied) -> None:
    strategy = tomllib.loads(made.text("/etc/zincati/config.d/55-updates-strategy.toml"))["updates"]
    settings = made.case.config["host"]
    if settings.get("updates") == {"strategy": "off"}:
        assert strategy == {"enabled": False}
    else:
        assert (strategy["strategy"], strategy["periodic"]["time_zone"]) == ("periodic", "Etc/UTC")
    unit = "/etc/systemd/system/diaspora-swap-file.service"
    assert (unit in made.tree) == ("swap" in settings)
    assert unit not in made.tree or "/var/mnt/data/swapfile 2048" in made.text(unit)


def test_secret_is_in_a_root_only_file(made: Applied) -> None:
    if "mail" not in made.case.config["pod"]:
        assert SECRETS not in made.tree
        return
    assert made.tree[SECRETS] == Node("directory", 0o700, ROOT)
    assert made.tree[f"{SECRETS}/smtp_password"] == Node("file", 0o600, ROOT, SMTP_PASSWORD.encode())
    holders = [path for path, node in made.tree.items() if SMTP_PASSWORD.encode() in node.content]
    assert holders == [f"{SECRETS}/smtp_password"]


def test_first_boot_enables_only_the_expected_units(made: Applied, require_program: RequireProgram) -> None:
    assert made.text(PRESETS).splitlines() == [f"enable {unit}" for unit in sorted(made.case.enabled)]
    for name in OWN_UNITS:
        (made.root / "etc/systemd/system" / name).write_text("[Install]\nWantedBy=timers.target\n")
    # systemd does this itself when it finds no machine id; Fedora's last rule disables what nobody names
    systemctl = require_program("systemctl", "systemd")
    subprocess.run([systemctl, "--root", made.root, "preset-all"], check=True, capture_output=True, timeout=60)
    links = (made.root / "etc/systemd/system").glob("*.wants/*")
    assert {link.name for link in links} == made.case.enabled


def test_quadlet_generates_services_from_applied_files(made: Applied, tmp_path: Path) -> None:
    done = subprocess.run(
        [tool_path("quadlet"), "-no-kmsg-log", tmp_path],
        env={"QUADLET_UNIT_DIRS": str(made.root / QUADLETS.lstrip("/"))},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    containers = {Path(path).stem for path in made.tree if path.startswith(QUADLETS) and path.endswith(".container")}
    services = {path.stem for path in tmp_path.glob("*.service") if path.is_file()}
    assert {"postgresql", "redis", "diaspora-web", "diaspora-sidekiq", "nginx"} <= containers
    assert services == {*containers, "diaspora-network"}
    for name in containers:
        assert "ExecStart=/usr/bin/podman run " in (tmp_path / f"{name}.service").read_text()


def test_snippets_can_write_to_data_partition_and_mask_units() -> None:
    tree = tree_of(json.loads(rendered_of(EVERYTHING)[1].ignition))
    assert tree["/var/mnt/data/extra"] == Node("directory", 0o750, (1000, 10))
    assert tree["/var/mnt/data/link"].content == b"extra/note"
    assert tree["/etc/systemd/system/docker.service"].content == b"/dev/null"


def test_snippet_creates_a_group_with_a_user_of_the_settings() -> None:
    snippet = (
        "variant: fcos\nversion: 1.5.0\n"
        "passwd: {groups: [{name: engineers}], users: [{name: core, groups: [engineers]}]}\n"
    )
    _, rendered = rendered_of(ignition_config(host=host(snippets=[snippet])))
    tree = tree_of(json.loads(rendered.ignition))
    assert b":core\n" in re.search(rb"^engineers:.*\n", tree["/etc/group"].content, re.MULTILINE)[0]  # type: ignore[index]
    assert key_file("core") in tree


@pytest.mark.parametrize("name", ["data-disk", "aarch64"])
def test_data_disk_or_architecture_changes_no_other_files(name: str) -> None:
    trees = [tree_of(json.loads(rendered_of(CASES[case].config)[1].ignition)) for case in ("least", name)]
    for tree in trees:
        del tree["/etc/hostname"], tree[MACHINE_FILE]
    assert trees[0] == trees[1]


def test_config_merged_by_a_snippet_overrides_the_pod_part() -> None:
    merged = json.dumps(
        {
            "ignition": {"version": "3.4.0"},
            "storage": {
                "files": [
                    {"path": "/etc/diaspora/diaspora.toml", "overwrite": True, "contents": {"source": "data:,mine"}}
                ]
            },
        }
    )
    snippet = f"variant: fcos\nversion: 1.5.0\nignition: {{config: {{merge: [{{inline: {json.dumps(merged)}}}]}}}}\n"
    _, rendered = rendered_of(ignition_config(host=host(snippets=[snippet])))
    assert tree_of(json.loads(rendered.ignition))["/etc/diaspora/diaspora.toml"].content == b"mine"


# What Ignition must refuse: a check that accepts everything would show nothing.


def file_at(config: Ignition, path: str) -> dict[str, Any]:
    (found,) = (entry for entry in config["storage"]["files"] if entry["path"] == path)
    assert isinstance(found, dict)
    return found


def wrong_hash(config: Ignition) -> None:
    file_at(config, "/etc/hostname")["contents"]["verification"] = {"hash": f"sha256-{'0' * 64}"}


def relative_path(config: Ignition) -> None:
    file_at(config, "/etc/hostname")["path"] = "etc/hostname"


def wrong_hash_of_the_bundle(config: Ignition) -> None:
    config["ignition"]["config"]["merge"][0]["verification"] = {"hash": f"sha256-{'0' * 64}"}


def repack(config: Ignition, change: Callable[[Ignition], None]) -> None:
    """Change the content of the bundle."""
    entry = config["ignition"]["config"]["merge"][0]
    head, _, payload = entry["source"].partition(",")
    bundle = json.loads(gzip.decompress(base64.b64decode(payload)))
    change(bundle)
    data = base64.b64encode(gzip.compress(json.dumps(bundle).encode())).decode()
    entry["source"] = f"{head},{data}"


def relative_path_in_the_bundle(config: Ignition) -> None:
    def change(bundle: Ignition) -> None:
        file_at(bundle, "/etc/diaspora/diaspora.toml")["path"] = "etc/diaspora/diaspora.toml"

    repack(config, change)


def truncated_bundle(config: Ignition) -> None:
    entry = config["ignition"]["config"]["merge"][0]
    head, _, payload = entry["source"].partition(",")
    entry["source"] = f"{head},{payload[: len(payload) // 8 * 4]}"


def no_such_owner(config: Ignition) -> None:
    file_at(config, "/etc/hostname")["user"] = {"name": "nobody-here"}


def no_such_group(config: Ignition) -> None:
    config["passwd"]["users"][-1]["groups"] = ["engineers"]


def user_named_like_a_group(config: Ignition) -> None:
    config["passwd"]["users"].append({"name": "wheel"})


@pytest.mark.parametrize(
    ("damage", "stage", "words"),
    [
        (wrong_hash, "files", "hash verification failed"),
        (relative_path, "fetch", "path not absolute"),
        (wrong_hash_of_the_bundle, "fetch", "hash verification failed"),
        (relative_path_in_the_bundle, "fetch", "path not absolute"),
        (truncated_bundle, "fetch", "unexpected EOF"),
        (no_such_owner, "files", "nobody-here"),
        # what the settings refuse
        (no_such_group, "files", "failed to create user"),
        (user_named_like_a_group, "files", "failed to create user"),
    ],
)
def test_ignition_refuses_broken_config_without_printing_secrets(
    damage: Callable[[Ignition], None], stage: str, words: str
) -> None:
    config = json.loads(rendered_of(EVERYTHING)[1].ignition)
    damage(broken := copy.deepcopy(config))
    assert broken != config
    with pytest.raises(RefusedError) as refused, applied(broken):
        pass
    message = str(refused.value)
    assert message.startswith(f"{stage}: status 1\n")
    assert words in message
    assert "data:" not in message
    # part of the password that needs no escape in a URL
    assert "battery" in SMTP_PASSWORD
    assert "battery" not in message
    assert len(message) < 2000
