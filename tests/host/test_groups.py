"""What a machine in a group has, and what it has not."""

import json

import pytest

from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from diaspora_infra.host.data_url import contents
from diaspora_infra.host.features import machine_part
from tests.host.aws_pod import aws_context, group_contexts
from tests.host.pod import LIBEXEC, QUADLETS, files, pod_fragment

CONTEXTS = group_contexts(pod_changes={"backup": {}}, secrets={"backupPassword": "stand-in"})
TEXTS = {role: files(pod_fragment(context)) for role, context in CONTEXTS.items()}
BOTH = {"diaspora-task", "pgbouncer", "postgresql", "uploads"}
CONTAINERS = {
    "web": {"diaspora-web", "nginx", "public-files", *BOTH},
    "job": {"diaspora-administrator", "diaspora-migrate", "diaspora-sidekiq", *BOTH},
}
"""Redis runs elsewhere, and each other container on the machines of one role."""


@pytest.mark.parametrize("role", CONTAINERS)
def test_each_role_has_its_containers_and_nothing_of_others(role: str) -> None:
    quadlets = [path.removeprefix(f"{QUADLETS}/") for path in TEXTS[role] if path.startswith(QUADLETS)]
    names = {path.removesuffix(".container") for path in quadlets if path.endswith(".container")}
    assert names == CONTAINERS[role]
    # a drop-in for a container that is not there
    folders = {path.split(".container.d/")[0] for path in quadlets if ".container.d/" in path}
    assert folders - names == {"diaspora-"}


@pytest.mark.parametrize("role", CONTAINERS)
def test_config_comes_whole_and_the_machine_never_gets_another(role: str) -> None:
    context = CONTEXTS[role]
    rendered = render(context.settings, context.machine, {})
    assert (rendered.parts, rendered.secret) == (None, False)
    whole = unpack(json.loads(rendered.ignition))
    found = {entry["path"]: contents(entry["contents"]).decode() for entry in whole["storage"]["files"]}
    machine = json.loads(found["/etc/diaspora/machine.json"])
    assert (machine["name"], machine["config"]) == (role, None)
    programs = {path.removeprefix(f"/{LIBEXEC}/") for path in found if path.startswith(f"/{LIBEXEC}/")}
    assert not programs & {"upgrade", "fetch-bundle", "restore", "import", "switch-database", "find-data-volume"}
    assert "enabled = false" in found["/etc/zincati/config.d/55-updates-strategy.toml"]
    assert "/etc/hostname" not in found
    mount = next(unit for unit in whole["systemd"]["units"] if unit["name"] == "var-mnt-data.mount")
    (folder,) = [entry["path"] for entry in whole["storage"]["directories"] if "data" in entry["path"]]
    assert f"What={folder}\n" in mount["contents"]


def test_only_the_job_machine_needs_and_reads_what_a_backup_needs() -> None:
    for name in ("parameters.conf", "secrets.conf"):
        assert "backupPassword" in TEXTS["job"][f"/etc/diaspora/{name}"]
        assert "backupPassword" not in TEXTS["web"][f"/etc/diaspora/{name}"]
    assert f"/{LIBEXEC}/backup" not in TEXTS["web"]


@pytest.mark.parametrize("role", CONTAINERS)
def test_uploads_of_other_machines_are_seen_within_a_minute(role: str) -> None:
    start = "/etc/diaspora/uploads/start"
    assert "stat_cache_expire=60,disable_noobj_cache" in TEXTS[role][start]
    assert "stat_cache_expire=900 " in files(pod_fragment(aws_context()))[start]


def test_a_machine_with_one_task_gives_it_more_memory() -> None:
    def limit(role: str, name: str) -> int:
        text = TEXTS[role][f"{QUADLETS}/{name}.container.d/20-memory.conf"]
        return int(text.partition("MemoryMax=")[2].rstrip("M\n"))

    one = files(pod_fragment(aws_context(size="small")))
    for role, name in (("web", "diaspora-web"), ("job", "diaspora-sidekiq")):
        before = int(one[f"{QUADLETS}/{name}.container.d/20-memory.conf"].partition("MemoryMax=")[2].rstrip("M\n"))
        assert limit(role, name) > before


def test_a_machine_in_a_group_has_no_disk_to_lay_out() -> None:
    for context in CONTEXTS.values():
        assert not {"disks", "filesystems", "raid", "luks"} & set(machine_part(context.of_machine)["storage"])
