"""Snippets that would cost a machine its data are refused with their line; all others leave it its disks."""

import json
import re
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from diaspora_infra.config import ConfigError, load, load_stack
from diaspora_infra.host import render
from diaspora_infra.host.bundle import unpack
from tests.support.configs import aws_config, host, ignition_config, provisioning_config, pxe_config

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

HEAD = "variant: fcos\nversion: 1.5.0\n"
BOOT_DISK = "/dev/disk/by-id/coreos-boot-disk"
DATA = "/dev/disk/by-partlabel/data"
ON_SYSTEM_DISK: dict[str, Any] = {"disk": "/dev/vda"}
WITH_ROOM: dict[str, Any] = {"disk": "/dev/vda", "dataGib": 10}
DATA_DISK: dict[str, Any] = {"disk": "/dev/vda", "dataDisk": "/dev/vdb"}


def problems(snippet: str, storage: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with a snippet on a machine that boots over the network; nothing when it is taken."""
    return problems_in(pxe_config(host=host(storage=storage or ON_SYSTEM_DISK, snippets=[snippet])))


def problems_in(config: dict[str, Any]) -> list[str]:
    loaded = load(config)
    try:
        render(loaded, loaded.machines[0], {})
    except ConfigError as error:
        return [str(problem).removeprefix("host.snippets[0]: ") for problem in error.problems]
    return []


def storage(**tables: Any) -> str:
    return HEAD + yaml.safe_dump({"storage": tables}, default_flow_style=None, width=1000)


def disk(device: str, *partitions: dict[str, Any], **more: Any) -> str:
    return storage(disks=[{"device": device, **more, **({"partitions": [*partitions]} if partitions else {})}])


def filesystem(device: str, **more: Any) -> str:
    return storage(filesystems=[{"device": device, "format": "xfs", **more}])


def unit(name: str, **more: Any) -> str:
    return HEAD + yaml.safe_dump({"systemd": {"units": [{"name": name, **more}]}})


def embedded(config: dict[str, Any]) -> str:
    text = json.dumps({"ignition": {"version": "3.4.0"}, **config})
    return HEAD + yaml.safe_dump({"ignition": {"config": {"merge": [{"inline": text}]}}})


MIRROR = """boot_device:
  layout: x86_64
  mirror:
    devices: [{}, {}]
"""
LUKS = "boot_device:\n  luks:\n    tpm2: true\n"

REFUSED = {
    "mirrored boot disk": (
        HEAD + MIRROR.format("/dev/vda", "/dev/vdb"),
        "line 6: $.boot_device.mirror: wipes its disks at each installation, with the data partition: Ignition cannot "
        "keep data on an array; mirror below the machine",
    ),
    "boot disk mirrored on other disks": (
        HEAD + MIRROR.format("/dev/vdb", "/dev/vdc"),
        "line 6: $.boot_device.mirror: ",
    ),
    "encrypted root": (HEAD + LUKS, "line 5: $.boot_device.luks: wipes the root partition and encrypts nothing but it"),
    "encrypted root without sugar": (
        storage(luks=[{"name": "root", "device": "/dev/disk/by-partlabel/root", "clevis": {"tpm2": True}}]),
        "luks.0.device: /dev/disk/by-partlabel/root is a partition of Fedora CoreOS, which cannot be encrypted",
    ),
    "table of host.storage.disk": (
        disk("/dev/vda", wipe_table=True),
        "$.storage.disks.0.wipe_table: wipes the system disk",
    ),
    "table of the boot disk": (disk(BOOT_DISK, wipe_table=True), "$.storage.disks.0.wipe_table: wipes the system disk"),
    "detour to the disk": (
        disk("/dev/../dev//vda", wipe_table=True),
        "the path is not in its simplest form: write /dev/vda",
    ),
    "second entry": (disk("/dev/vda"), f"/dev/vda is the system disk, which has an entry already; call it {BOOT_DISK}"),
    "table inside a partition": (disk(DATA, {"label": "x"}), "is the data partition, which cannot be partitioned"),
    "wiped data": (
        filesystem(DATA, wipe_filesystem=True),
        "$.storage.filesystems.0.wipe_filesystem: the filesystem of",
    ),
    "other format": (storage(filesystems=[{"device": DATA, "format": "ext4"}]), "$.storage.filesystems.0.format: "),
    "other label": (filesystem(DATA, label="more"), "$.storage.filesystems.0.label: "),
    "other mount": (filesystem(DATA, path="/var/lib/data"), "$.storage.filesystems.0.path: "),
    "mount unit of Butane": (
        filesystem(DATA, path="/var/mnt/data", with_mount_unit=True),
        "$.storage.filesystems.0.with_mount_unit: ",
    ),
    **{
        f"data by {device}": (filesystem(device, wipe_filesystem=True), f"{device} is the data partition, which has")
        for device in ("/dev/vda5", "/dev/disk/by-label/data", f"{BOOT_DISK}-part5")
    },
    "filesystem on the whole disk": (filesystem("/dev/vda"), "/dev/vda is the system disk, which has its filesystem"),
    "boot": (filesystem("/dev/disk/by-label/boot", wipe_filesystem=True), "is a partition of Fedora CoreOS"),
    "array": (
        storage(raid=[{"name": "a", "level": "raid1", "devices": ["/dev/vda5", "/dev/vdb"]}]),
        "$.storage.raid.0.devices.0: /dev/vda5 is the data partition, which cannot be part of an array",
    ),
    "encrypted data": (storage(luks=[{"name": "a", "device": DATA}]), f"{DATA} is the data partition, which cannot be"),
    "data partition elsewhere": (
        disk(BOOT_DISK, {"number": 5, "start_mib": 20000}),
        "partitions.0.start_mib: partition 5",
    ),
    "data partition renamed": (
        disk(BOOT_DISK, {"number": 5, "label": "x"}),
        "partitions.0.label: partition 5 (data) is",
    ),
    "data partition resized": (
        disk(BOOT_DISK, {"number": 5, "size_mib": 5000, "resize": True}),
        "partitions.0.size_mib: partition 5 (data) is the machine's own; remove this, or set host.storage.dataGib",
    ),
    "data partition wiped": (
        disk(BOOT_DISK, {"number": 5, "wipe_partition_entry": True}),
        "0.wipe_partition_entry: part",
    ),
    "data partition deleted": (
        disk(BOOT_DISK, {"number": 5, "should_exist": False}),
        "partitions.0.should_exist: part",
    ),
    "root deleted": (disk(BOOT_DISK, {"number": 4, "should_exist": False}), "partitions.0.should_exist: partition 4"),
    "root resized": (disk(BOOT_DISK, {"number": 4, "size_mib": 8192}), "remove this, or set host.storage.rootGib"),
    "boot deleted": (disk(BOOT_DISK, {"number": 3, "should_exist": False}), "partition 3 of the system disk is Fedora"),
    "second data partition": (disk(BOOT_DISK, {"label": "data"}), "finds a partition of its own by the label data"),
    "data partition on another disk": (
        disk("/dev/vdc", {"label": "data"}),
        "partitions.0.label: the machine finds a part",
    ),
    "root on another disk": (disk("/dev/vdc", {"label": "root"}, wipe_table=True), "by the label root; choose another"),
    "root filesystem on another disk": (
        filesystem("/dev/vdc", label="root"),
        "finds its own filesystem by the label root",
    ),
    "rest of the disk": (disk(BOOT_DISK, {"label": "more"}), "the data partition uses the rest of its disk; set host"),
    **{
        f"filesystem at {path}": (
            filesystem("/dev/vdc", path=path),
            f"a mount at {path} hides the data in /var/mnt/data",
        )
        for path in ("/var", "/var/mnt", "/var/mnt/data", "/mnt", "/mnt/data")
    },
    **{
        f"{name} masked": (unit(name, mask=True), f"{name} decides what is mounted at /var/mnt/data")
        for name in (
            "var-mnt-data.mount",
            "var-mnt.mount",
            "var.mount",
            "var-mnt-data.automount",
            r"var-mnt-d\x61ta.mount",
        )
    },
    "mount disabled": (
        unit("var-mnt-data.mount", enabled=False),
        "$.systemd.units.0.enabled: var-mnt-data.mount decides",
    ),
    "drop-in": (
        unit("var-mnt-data.mount", dropins=[{"name": "a.conf", "contents": "[Mount]\nWhat=/dev/vdc\n"}]),
        "$.systemd.units.0.dropins: var-mnt-data.mount decides",
    ),
    "drop-in as a file": (
        storage(
            files=[{"path": "/etc/systemd/system/var-mnt-data.mount.d/a.conf", "contents": {"inline": "[Mount]\n"}}]
        ),
        "$.storage.files.0.path: changes how the data folder is mounted; remove it",
    ),
    "mask as a link": (
        storage(links=[{"path": "/etc/systemd/system/var.mount", "target": "/dev/null"}]),
        "$.storage.links.0.path: changes how the data folder is mounted; remove it",
    ),
    "fstab": (
        storage(files=[{"path": "/etc/fstab", "append": [{"inline": "# more\n/dev/vdc /var xfs\n"}]}]),
        "$.storage.files.0.contents: a mount at /var hides the data",
    ),
    # Ignition removes what is at a path with `overwrite`, and what is in it
    "folder emptied": (
        storage(directories=[{"path": "/var/mnt/data/postgresql", "overwrite": True}]),
        "$.storage.directories.0.overwrite: deletes what /var/mnt/data/postgresql holds on the data partition",
    ),
    "data emptied": (storage(directories=[{"path": "/mnt/data", "overwrite": True}]), "replaces what holds the data"),
    "folder replaced": (
        storage(files=[{"path": "/var/mnt/data/postgresql", "overwrite": True, "contents": {"inline": ""}}]),
        "deletes what /var/mnt/data/postgresql holds",
    ),
    "folder moved": (
        storage(links=[{"path": "/var/mnt/data/uploads", "target": "/var/uploads"}]),
        "$.storage.links.0.path: moves /var/mnt/data/uploads away from the data partition",
    ),
    "data moved": (storage(links=[{"path": "/var/mnt/data", "target": "/var/x"}]), "replaces what holds the data"),
    **{
        argument: (
            HEAD + yaml.safe_dump({"kernel_arguments": {"should_exist": [argument]}}),
            f"{argument} changes what is",
        )
        for argument in (
            "systemd.mask=var-mnt-data.mount",
            "systemd.mount-extra=/dev/vdc:/var:xfs",
            "systemd.volatile=yes",
        )
    },
    "other config": (
        HEAD + "ignition: {config: {replace: {source: 'https://example.org/a.ign'}}}\n",
        "line 3: $.ignition.config.replace.source: replaces the whole config of the machine",
    ),
    "disks in a merged config": (
        embedded({"storage": {"disks": [{"device": "/dev/vda", "wipeTable": True}]}}),
        "$.ignition.config.merge.0: has storage.disks, which is not checked in a config that is merged at boot",
    ),
    "mount in a merged config": (
        embedded({"systemd": {"units": [{"name": "var-mnt-data.mount", "mask": True}]}}),
        "$.ignition.config.merge.0: var-mnt-data.mount decides",
    ),
    "folder emptied by a merged config": (
        embedded({"storage": {"directories": [{"path": "/var/mnt/data/redis", "overwrite": True}]}}),
        "$.ignition.config.merge.0: deletes what /var/mnt/data/redis holds",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_snippet_that_costs_data_is_refused_with_its_line(name: str) -> None:
    snippet, said = REFUSED[name]
    found = problems(snippet)
    assert all(re.match(r"line \d+: \$\.", line) for line in found), found
    assert any(said in line for line in found), found


def test_mirror_is_one_line() -> None:
    assert len(problems(REFUSED["mirrored boot disk"][0])) == 1
    assert len(problems(HEAD + MIRROR.format("/dev/vda", "/dev/vdb") + "  luks:\n    tpm2: true\n")) <= 2


TAKEN = {
    "partitions on another disk": disk("/dev/vdb", {"label": "more"}, wipe_table=True),
    "filesystem elsewhere": filesystem("/dev/vdb", path="/var/mnt/more", with_mount_unit=True, wipe_filesystem=True),
    "filesystem below the data": filesystem("/dev/vdb", path="/var/mnt/data/more"),
    "a label like that of the data": filesystem("/dev/vdb", label="data"),
    "array of other disks": storage(raid=[{"name": "a", "level": "raid1", "devices": ["/dev/vdb", "/dev/vdc"]}]),
    "encrypted disk": storage(luks=[{"name": "data", "device": "/dev/vdb"}]),
    "disk with a longer name": disk("/dev/vda1x", {"label": "more"}),
    "other root filesystem": storage(
        filesystems=[{"device": "/dev/disk/by-label/root", "format": "ext4", "label": "root", "wipe_filesystem": True}]
    ),
    "the same once more": filesystem(DATA, label="data", path="/var/mnt/data", wipe_filesystem=False),
    "no wish": disk(BOOT_DISK, wipe_table=False),
    "password of GRUB": HEAD + "grub: {users: [{name: root, password_hash: grub.pbkdf2.sha512.10000.AA}]}\n",
    "folder and file in the data": storage(
        directories=[{"path": "/var/mnt/data/more"}],
        files=[{"path": "/var/mnt/data/more/a", "overwrite": True, "contents": {"inline": "a"}}],
        links=[{"path": "/var/mnt/data/link", "target": "more"}],
    ),
    "mount unit elsewhere": unit("var-mnt-more.mount", contents="[Mount]\nWhat=example.org:/a\nWhere=/var/mnt/more\n"),
    "remote config": HEAD + "ignition: {config: {merge: [{source: 'https://example.org/a.ign'}]}}\n",
    "merged config": embedded({"storage": {"files": [{"path": "/etc/a"}]}}),
    "kernel argument": HEAD + "kernel_arguments: {should_exist: [systemd.mask=docker.service, quiet]}\n",
    "fstab": storage(files=[{"path": "/etc/fstab", "append": [{"inline": "/dev/vdb /var/mnt/more xfs\n"}]}]),
}


@pytest.mark.parametrize("name", TAKEN)
def test_other_disks_and_folders_are_free(name: str) -> None:
    assert problems(TAKEN[name]) == []


def test_partition_behind_the_data_needs_its_size() -> None:
    after = {"label": "more", "start_mib": 23 * 1024, "size_mib": 0}
    assert problems(disk(BOOT_DISK, after), WITH_ROOM) == []
    assert problems(disk(BOOT_DISK, {"label": "more"}), WITH_ROOM) == []
    assert problems(disk(BOOT_DISK, {"number": 6, "should_exist": False}), WITH_ROOM) == []
    (line,) = problems(disk(BOOT_DISK, {**after, "start_mib": 23 * 1024 - 1, "size_mib": 10}), WITH_ROOM)
    assert line.endswith("partitions.0.start_mib: starts before the end of the data partition; allowed: 23552 or more")


@pytest.mark.parametrize(
    ("snippet", "said"),
    [
        (disk("/dev/vdb", wipe_table=True), "wipes the disk of the data partition"),
        (disk("/dev/vdb", {"number": 1, "label": "x"}), "partition 1 (data) is the machine's own"),
        (disk("/dev/vdb", {"label": "more"}), "the data partition uses the rest of its disk"),
        (filesystem("/dev/vdb1"), "/dev/vdb1 is the data partition"),
        (disk("/dev/vda", wipe_table=True), "wipes the system disk"),
        (disk(BOOT_DISK, {"number": 4, "label": "x"}), "partition 4 of the system disk is Fedora CoreOS's"),
        (disk(BOOT_DISK, {"label": "data"}), "by the label data"),
    ],
)
def test_disk_of_the_data_is_kept_too(snippet: str, said: str) -> None:
    found = problems(snippet, DATA_DISK)
    assert any(said in line for line in found), found


def test_system_disk_may_be_divided_when_the_data_is_on_another() -> None:
    root = {"number": 4, "label": "root", "size_mib": 8192, "resize": True}
    assert problems(disk(BOOT_DISK, root, {"label": "containers", "size_mib": 0}), DATA_DISK) == []


AWS_REFUSED = [
    disk(BOOT_DISK, wipe_table=True),
    *(
        filesystem(device, wipe_filesystem=True)
        for device in (
            "/dev/disk/by-label/data", "/dev/nvme1n1", "/dev/nvme0n1p4", "/dev/sdf", "/dev/xvdf",
            "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0",
        )
    ),
    filesystem("/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS1", label="data"),
    filesystem("/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS1", path="/var"),
    storage(luks=[{"name": "a", "device": "/dev/nvme1n1"}]),
    unit("var-mnt-data.mount", mask=True),
    unit("diaspora-data-volume.service", mask=True),
    storage(files=[{"path": "/usr/local/libexec/diaspora/find-data-volume", "overwrite": True}]),
    HEAD + LUKS,
]  # fmt: skip


@pytest.mark.parametrize("snippet", AWS_REFUSED)
def test_data_volume_on_aws_is_kept(snippet: str) -> None:
    found = problems_in(aws_config(region="eu-west-1") | {"host": host(snippets=[snippet])})
    assert found
    assert all(line.startswith("line ") for line in found), found


def test_instance_store_and_system_disk_on_aws_are_free() -> None:
    store = "/dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_AWS1"
    root = {"number": 4, "label": "root", "size_mib": 8192, "resize": True}
    for snippet in (filesystem(store, path="/var/mnt/fast"), disk(BOOT_DISK, root, {"label": "more"})):
        assert problems_in(aws_config(region="eu-west-1") | {"host": host(snippets=[snippet])}) == []


def test_provisioning_server_keeps_its_data_too() -> None:
    loaded = load_stack(provisioning_config(snippets=[HEAD + MIRROR.format("/dev/sda", "/dev/sdb")]))
    with pytest.raises(ConfigError, match=r"^provisioning\.snippets\[0\]: line 6: \$\.boot_device\.mirror: "):
        render(loaded, loaded.machines[0], {})


def test_rule_broken_in_our_own_part_names_the_snippet() -> None:
    snippet = HEAD + "storage: {files: [{path: /etc/systemd/system/diaspora.target, contents: {inline: x}}]}\n"
    loaded = load(pxe_config(host=host(snippets=[HEAD, snippet])))
    with pytest.raises(ConfigError) as caught:
        render(loaded, loaded.machines[0], {})
    assert {problem.path for problem in caught.value.problems} == {"host.snippets[1]"}


# Any snippet over a few disks: refused, or it changes nothing of the machine's own.

DEVICES = st.sampled_from(
    [
        "/dev/vda", "/dev/vdb", BOOT_DISK, DATA, "/dev/vda5", "/dev/vda6", "/dev/vdb1", "/dev/disk/by-label/data",
        "/dev/disk/by-partlabel/root", "/dev/disk/by-partlabel/more", f"{BOOT_DISK}-part5", "/dev/disk/by-id/wwn-0x5",
    ]
)  # fmt: skip
LABELS = st.sampled_from(["data", "root", "boot", "more", "var", "esp-1"])
PATHS = st.sampled_from(["/var", "/var/mnt", "/var/mnt/data", "/mnt/data", "/var/lib/containers", "/var/mnt/more"])


def optional(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


NUMBERS = st.integers(1, 7)
SIZES = st.sampled_from([0, 100, 8192, 12288])
STARTS = st.sampled_from([0, 1, 5000, 13312, 23551, 23552, 30000])
PARTITIONS = st.one_of(
    st.builds(lambda number: {"number": number, "should_exist": False}, NUMBERS),
    st.builds(lambda number, more: {"number": number, **more}, NUMBERS, optional(label=LABELS, size_mib=SIZES)),
    st.builds(
        lambda number, more: {"number": number, **more}, NUMBERS, optional(start_mib=STARTS, resize=st.booleans())
    ),
    st.builds(lambda number: {"number": number, "wipe_partition_entry": True}, NUMBERS),
    st.builds(lambda label, more: {"label": label, **more}, LABELS, optional(start_mib=STARTS, size_mib=SIZES)),
)
DISKS = st.builds(
    lambda device, more: {"device": device, **more},
    st.one_of(st.just(BOOT_DISK), DEVICES),
    st.one_of(
        st.builds(lambda wipe: {"wipe_table": wipe}, st.booleans()),
        st.builds(lambda partition: {"partitions": [partition]}, PARTITIONS),
    ),
)
FILESYSTEMS = st.builds(
    lambda device, form, more: {"device": device, "format": form, **more},
    DEVICES,
    st.sampled_from(["xfs", "xfs", "ext4"]),
    st.one_of(
        st.builds(lambda path, unit: {"path": path, "with_mount_unit": unit}, PATHS, st.booleans()),
        optional(label=LABELS, wipe_filesystem=st.booleans()),
    ),
)
NODES = st.builds(
    lambda path, name, more: {"path": path + name, **more},
    PATHS,
    st.sampled_from(["", "/postgresql", "/more"]),
    optional(overwrite=st.booleans()),
)
UNITS = st.builds(
    lambda name, more: {"name": name, **more},
    st.sampled_from(["var.mount", "var-mnt.mount", "var-mnt-data.mount", "mnt-data.automount", "var-mnt-more.mount"]),
    st.sampled_from([{"mask": True}, {"enabled": False}, {"enabled": True}, {"contents": "[Mount]\nWhat=/dev/vdb\n"}]),
)
# One wish or two: of more, one is nearly always refused, and hides what is wrong with the others.
WISHES = st.lists(
    st.one_of(
        st.tuples(st.just("disks"), DISKS),
        st.tuples(st.just("filesystems"), FILESYSTEMS),
        st.tuples(st.just("raid"), DEVICES.map(lambda one: {"name": "a", "level": "raid0", "devices": [one]})),
        st.tuples(st.just("luks"), DEVICES.map(lambda device: {"name": "a", "device": device})),
        st.tuples(st.just("directories"), NODES),
        st.tuples(st.just("links"), NODES.map(lambda node: {**node, "target": "/x"})),
        st.tuples(st.just("units"), UNITS),
    ),
    min_size=1,
    max_size=2,
)


def snippet_of(wishes: list[tuple[str, dict[str, Any]]]) -> str:
    """A snippet with the entries, which are pairs of their list and their text."""
    document: dict[str, Any] = {"variant": "fcos", "version": "1.5.0"}
    for kind, entry in wishes:
        table = document.setdefault("systemd" if kind == "units" else "storage", {})
        table.setdefault(kind, []).append(entry)
    return yaml.safe_dump(document)


OWN_NAMES = {
    "/dev/vda", BOOT_DISK, DATA, "/dev/vda5", "/dev/disk/by-label/data", f"{BOOT_DISK}-part5",
}  # fmt: skip


def own_part(ignition: dict[str, Any]) -> dict[str, Any]:
    """What of a config is the machine's own: its disk, its partitions, and how the data is mounted."""
    tables, units = ignition["storage"], ignition["systemd"]["units"]
    (own_disk,) = (entry for entry in tables["disks"] if entry["device"] in OWN_NAMES)
    return {
        "wiped": own_disk.get("wipeTable", False),
        "partitions": [
            {key: value for key, value in entry.items() if key == "shouldExist" or value is not False}
            for entry in own_disk["partitions"]
            if entry.get("number", 0) in range(1, 6) or entry.get("label") in {"data", "root"}
        ],
        "filesystems": [entry for entry in tables["filesystems"] if entry["device"] in OWN_NAMES],
        "mounted": [entry["device"] for entry in tables["filesystems"] if covers(entry.get("path", "/x"))],
        "labelled": [
            entry["device"] for entry in tables["disks"] for part in entry.get("partitions", ())
            if part.get("label") == "data"
        ],
        "used": [entry for entry in tables.get("luks", ()) if entry["device"] in OWN_NAMES],
        "joined": [entry for entry in tables.get("raid", ()) if OWN_NAMES & set(entry["devices"])],
        "units": [entry for entry in units if re.fullmatch(r"(var|(var-)?mnt(-data)?)\..*mount", entry["name"])],
        "emptied": [
            entry["path"] for kind in ("directories", "links") for entry in tables.get(kind, ())
            if "mnt/data" in entry["path"] and entry.get("overwrite")
        ],
    }  # fmt: skip


def covers(path: str) -> bool:
    return path in {"/", "/var", "/var/mnt", "/var/mnt/data", "/mnt", "/mnt/data"}


def rendered(snippet: str, room: dict[str, Any]) -> dict[str, Any] | None:
    loaded = load(ignition_config(host=host(storage=room, snippets=[snippet])))
    try:
        return unpack(json.loads(render(loaded, loaded.machines[0], {}).ignition))
    except ConfigError as error:
        assert all(problem.path == "host.snippets[0]" for problem in error.problems), error
        return None


@cache
def plain_part(*, with_room: bool) -> dict[str, Any]:
    """What belongs to the pod itself, without a snippet."""
    plain = rendered(HEAD, WITH_ROOM if with_room else ON_SYSTEM_DISK)
    assert plain is not None
    return own_part(plain)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(wishes=WISHES, room=st.sampled_from([ON_SYSTEM_DISK, WITH_ROOM]))
def test_any_snippet_is_refused_or_leaves_disk_and_data_as_they_are(
    wishes: list[tuple[str, dict[str, Any]]], room: dict[str, Any]
) -> None:
    with_snippet = rendered(snippet_of(wishes), room)
    if with_snippet is None:
        return
    assert own_part(with_snippet) == plain_part(with_room=room is WITH_ROOM)
    end = (23 if "dataGib" in room else 10**6) * 1024
    for entry in with_snippet["storage"]["disks"]:
        if entry["device"] == BOOT_DISK:
            starts = [part["startMiB"] for part in entry["partitions"][2:] if part.get("startMiB")]
            assert all(start >= end for start in starts)
