"""A value that is not valid hides no mistake that has nothing to do with it, and makes no other one appear."""

import copy
import functools
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from diaspora_infra.config import ConfigError, Host, Pod, Provisioning, Pxe, load_stack
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.loader.valid_part import Faults, valid_part
from diaspora_infra.config.model import Model
from tests.config import mistakes, test_aws_settings
from tests.config.mistakes import changed, steps
from tests.config.test_any_data import DATA
from tests.support import configs

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

Place = tuple[str | int, ...]


def found(values: dict[str, Any], secrets: Any = ()) -> set[str]:
    try:
        load_stack(values, secrets)
    except ConfigError as error:
        return {str(problem) for problem in error.problems}
    return set()


def own(values: dict[str, Any], secrets: Any = ()) -> set[str]:
    """What is wrong with single values."""
    with (
        patch("diaspora_infra.config.loader.load.check_stack", return_value=()),
        patch("diaspora_infra.config.loader.load.check_provisioning", return_value=()),
        patch("diaspora_infra.config.loader.load.check_provisioning_host", return_value=()),
    ):
        return found(values, secrets)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every key and every entry of a list, with those inside."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*place, key)
        yield from places(inner, (*place, key))


def at(values: Any, place: Place) -> Any:
    for step in place:
        values = values[step]
    return values


def put(values: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    values = copy.deepcopy(values)
    at(values, place[:-1])[place[-1]] = value
    return values


def renamed(values: dict[str, Any], place: Place, name: str) -> dict[str, Any]:
    values = copy.deepcopy(values)
    table = at(values, place[:-1])
    table[name] = table.pop(place[-1])
    return values


def wrong(value: Any) -> Any:
    """A value of another kind than this one."""
    return 5 if isinstance(value, dict | list) else {"x": 1}


def is_read(place: Place, keys: str) -> bool:
    """Tell whether a place is that of one of these keys, above it or in it.

    What is in a table does not count with `{}` behind its key, and the value of a key does not count with `?`.
    """
    for key in keys.split():
        path = tuple(steps(key.removesuffix("?").removesuffix("{}")))
        above = path[: len(place)] == place and not (key.endswith("?") and place == path)
        if above or (place[: len(path)] == path and not key.endswith(("?", "{}"))):
            return True
    return False


WINDOW = {"days": ["Sun"], "startTime": "03:00", "lengthMinutes": 60}
ADDRESS = {"eno1": {"ipv4": {"method": "manual", "address1": "10.89.71.9/24"}}}
SSH_KEYS = [configs.SSH_KEY]
TIMES = "host.updates.strategy host.updates.windows[0].startTime host.updates.windows[0].lengthMinutes"

PXE = {
    "target": "pxe",
    "pod": {
        "domain": "pod.example.org",
        "admin": {"username": "podmin", "email": "podmin@example.org"},
        "image": "registry.example.org/diaspora:1",
        "imageRefresh": True,
        "imageArchive": {"url": "http://a.lan/image", "sha256": "0" * 64},
        "settings": {
            "welcomeMessage": {"enabled": True, "subject": "Hello"},
            "csp": {"reportOnly": True},
            "usernameBlacklist": ["podmin"],
            "paypalDonations": {"enable": True, "currency": "EUR"},
        },
        "mail": {
            "senderAddress": "pod@example.net",
            "smtp": {"host": "smtp.example.org", "port": 465, "authentication": "login"},
            "relay": {"image": "registry.example.org/relay:1"},
        },
        "registry": {"server": "images.example.org", "username": "pod"},
        "tls": {
            "mode": "own",
            "trustedProxies": ["10.0.0.1"],
            "acme": {"staging": True, "directory": "https://a.org/"},
        },
        "backup": {"repository": "sftp://pod@backup.example.org/pod", "username": "pod", "time": "03:30"},
        "upgrade": {"automatic": True, "time": "03:15"},
        "dailyJobs": {"time": "03:45"},
        "diskSpace": {"warnPercent": 90, "prunePercent": 80},
        "releaseNotice": {"enabled": False, "project": "example/diaspora-infra"},
        "monitoring": {"nodeExporter": False, "podmanExporter": False, "listen": "0.0.0.0"},
        "secretsOnMachine": ["smtpPassword"],
        "subnet": "10.89.71.0/24",
    },
    "host": {
        "users": [
            {"name": "alice", "sshAuthorizedKeys": SSH_KEYS},
            {"name": "bob", "sshAuthorizedKeys": SSH_KEYS, "groups": ["adm"]},
            {"name": "alice", "sshAuthorizedKeys": SSH_KEYS},
        ],
        "memoryMib": 1024,
        "storage": {"disk": "/dev/sda", "dataDisk": "/dev/sda"},
        "updates": {"strategy": "periodic", "windows": [WINDOW]},
        "firewall": {"open": [{"port": 22}, {"port": 5000}, {"port": 5000, "protocol": "tcp"}]},
    },
    "pxe": {
        "matchbox": {"httpUrl": "http://matchbox.lan:8080", "rpcEndpoint": "matchbox.lan:8081"},
        "release": {"stream": "testing", "version": "44.20260614.3.1"},
        "machines": [
            {"name": "pod1", "mac": "52:54:00:00:00:01", "install": "always"},
            {"name": "pod1", "mac": "52:54:00:00:00:01", "install": "off", "disk": "/dev/sda"},
            {"name": "pod2", "mac": "52:54:00:00:00:02", "networks": ADDRESS},
        ],
    },
}
"""A config whose values are all valid, but not together."""

OF_PXE = {
    "backupPassword: required": "target pod.backup{} pod.secretsOnMachine",
    "backupSshKey: required": "target pod.backup.repository pod.secretsOnMachine",
    "registryPassword: required": "target pod.registry{} pod.secretsOnMachine",
    "pod.secretsOnMachine[0]: no setting uses smtpPassword": "pod.secretsOnMachine pod.mail.smtp{}",
    "pod.imageRefresh: only used without pod.image": "pod.imageRefresh pod.image",
    "pod.imageArchive: only used without pod.image": "pod.imageArchive{} pod.image",
    "pod.settings.welcomeMessage.text: required": "pod.settings.welcomeMessage.enabled",
    "pod.settings.csp.reportUri: required": "pod.settings.csp.reportOnly",
    "pod.admin.username: 'podmin' is in": "pod.admin.username pod.settings.usernameBlacklist",
    "pod.settings.paypalDonations.enable: needs": "pod.settings.paypalDonations.enable",
    "pod.mail.relay: set together": "pod.mail.smtp{} pod.mail.relay{}",
    "pod.mail.senderAddress: the relay cannot sign": "pod.mail.senderAddress pod.mail.relay{} pod.domain",
    "pod.mail.smtp.username: required": "pod.mail.smtp.authentication",
    "pod.mail.smtp.port: 465": "pod.mail.smtp.port",
    "pod.registry.server: images": "target pod.registry.server pod.image pod.mail.relay.image",
    "pod.tls.trustedProxies: only used": "pod.tls.mode pod.tls.trustedProxies",
    "pod.tls.acme: only used": "pod.tls.mode pod.tls.acme?",
    "pod.tls.acme.staging: selects": "pod.tls.acme.staging pod.tls.acme.directory",
    "pod.backup.hostKey: required": "pod.backup.repository",
    "pod.backup.username: only used": "pod.backup.repository pod.backup.username",
    "pod.backup.time: 03:30": f"pod.backup.time {TIMES}",
    "pod.upgrade.time: 03:15": f"pod.upgrade.time pod.upgrade.automatic {TIMES}",
    "pod.upgrade.automatic: not every machine": "target pod.upgrade.automatic pxe.machines[1].install",
    "pod.dailyJobs.time: the jobs (03:45, up to 60 minutes) overlap pod.backup": "pod.dailyJobs.time pod.backup.time",
    "pod.dailyJobs.time: the jobs (03:45, up to 60 minutes) overlap pod.upgrade": (
        "pod.dailyJobs.time pod.upgrade.time pod.upgrade.automatic"
    ),
    "pod.dailyJobs.time: the jobs (03:45, up to 60 minutes) overlap host": f"pod.dailyJobs.time {TIMES}",
    "pod.diskSpace.prunePercent: 80": "pod.diskSpace.warnPercent pod.diskSpace.prunePercent",
    "pod.releaseNotice.project: only used": "pod.releaseNotice.enabled pod.releaseNotice.project",
    "pod.monitoring.listen: only used": (
        "pod.monitoring.nodeExporter pod.monitoring.podmanExporter pod.monitoring.listen?"
    ),
    "host.users: no administrator": "host.users[0].name host.users[1].name host.users[1].groups host.users[2].name",
    "host.users[2].name: 'alice'": "host.users[0].name host.users[2].name",
    "host.storage.dataDisk: the same": "host.storage.disk host.storage.dataDisk",
    "host.memoryMib: 1024": "target host.memoryMib pxe.machines{}",
    "host.firewall.open[0].port: 22": "host.firewall.open[0].port",
    "host.firewall.open[2].port: 5000/tcp": "host.firewall.open[1] host.firewall.open[2]",
    "pxe.release.version: 44": "pxe.release.stream pxe.release.version",
    "pxe.machines[1].name: 'pod1'": "pxe.machines[0].name pxe.machines[1].name",
    "pxe.machines[1].mac: ": "pxe.machines[0].mac pxe.machines[1].mac",
    "pxe.machines[0].install: always": "target pxe.machines[0].install host.updates.strategy",
    "pxe.machines[1].disk: the same": "target pxe.machines[1].disk host.storage.dataDisk",
    "pxe.machines[2].networks.eno1.ipv4.address1: 10": "pod.subnet pxe.machines[2].networks",
}
"""The beginnings of its lines, and the keys whose values the check reads: another value could take the line away."""

AWS = {
    "target": "aws",
    "pod": {
        "domain": f"{'a' * 53}.example.org",
        "admin": {"username": "podmin", "email": "podmin@example.org"},
        "settings": {"maintenance": {"removeOldUsers": {"enable": True, "afterDays": 100}}},
        "tls": {"mode": "acme"},
        "backup": {"repository": "local", "restoreFirst": True},
        "upgrade": {"automatic": False, "time": "02:00"},
        "sizing": {"archiveImportMib": 64},
        "imageArchive": {"url": "http://a.lan/image", "sha256": "0" * 64},
        "subnet": "10.0.1.0/24",
        "secretsOnMachine": [],
    },
    "host": {**configs.host(), "memoryMib": 2048, "storage": {"rootGib": 20}},
    "aws": {
        "region": "ca-west-1",
        "topology": "single",
        "size": "small",
        "edge": "gateway",
        "ha": {"webMachines": 3},
        "instance": {
            "type": "t3a.small",
            "shellAccess": "none",
            "sshFrom": ["2001:db8::/32"],
            "release": {"stream": "next", "version": "44.20260614.3.1"},
        },
        "network": {"cidr": "10.0.0.0/16", "ipv6": False},
        "database": {"engine": "rds", "minAcu": 2, "maxAcu": 1, "autoPauseSeconds": 300, "backupDays": 7},
        "uploads": "volume",
        "uploadsImage": configs.S3FS_IMAGE,
        "dns": {"provider": "external", "zone": "example.net", "createZone": True},
        "mail": {"enabled": False, "mailFrom": "bounces"},
        "backups": {"bucket": False, "objectLockDays": 7},
        "existingParameters": {"camoKey": "/camo"},
    },
}
BEHIND_GATEWAY = "target aws.edge aws.topology"

OF_AWS = {
    "backupPassword: required": "target pod.backup{} aws.topology aws.existingParameters pod.secretsOnMachine",
    "aws.existingParameters.camoKey: no setting uses": "target pod{} aws.existingParameters",
    "pod.settings.maintenance.removeOldUsers.enable: users": (
        "target aws.mail.enabled pod.settings.maintenance.removeOldUsers.enable"
    ),
    "pod.backup.restoreFirst: an empty": "target aws.backups.bucket pod.backup.repository pod.backup.restoreFirst",
    "pod.upgrade.time: only used": "target pod.upgrade.automatic pod.upgrade.time",
    "pod.imageArchive: not used on AWS": "target pod.imageArchive{}",
    "pod.image: required, because ca-west-1": "target pod{} aws.region",
    "pod.domain: 65 characters": f"{BEHIND_GATEWAY} pod.domain",
    "pod.tls: only used with aws.edge: direct": f"{BEHIND_GATEWAY} pod.tls?",
    "pod.sizing.archiveImportMib: 64": f"{BEHIND_GATEWAY} pod.sizing.archiveImportMib",
    "pod.subnet: aws.network.cidr": "target pod.subnet aws.network.cidr",
    "host.storage: not used": "target aws.topology host.storage?",
    "host.memoryMib: not used": "target host.memoryMib?",
    "aws.edge: gateway: API": "aws.edge aws.topology aws.region",
    "aws.ha: only used": "aws.topology aws.ha?",
    "aws.instance.type: t3a.small": "aws.instance.type aws.region",
    "aws.instance.sshFrom: only used": "aws.instance.shellAccess aws.instance.sshFrom",
    "aws.instance.sshFrom: 2001:db8::/32": "aws.instance.sshFrom aws.network.ipv6",
    "aws.instance.release.version: 44": "aws.instance.release.stream aws.instance.release.version",
    "aws.database.minAcu: 2.0": "aws.database.minAcu aws.database.maxAcu",
    "aws.database.autoPauseSeconds: only used with minAcu": "aws.database.minAcu aws.database.autoPauseSeconds?",
    "aws.database.engine: rds has no": "aws.database.engine aws.region aws.topology",
    "aws.database.minAcu: only used": "aws.database.engine",
    "aws.database.maxAcu: only used": "aws.database.engine",
    "aws.database.autoPauseSeconds: only used with engine": "aws.database.engine",
    "aws.uploadsImage: only used": "aws.uploads aws.uploadsImage",
    "aws.dns.zone: only used": "aws.dns.provider aws.dns.zone",
    "aws.dns.createZone: only used": "aws.dns.provider aws.dns.createZone",
    "aws.dns.zone: 'example.net'": "target aws.dns.zone pod.domain",
    "aws.mail.mailFrom: only used": "target pod{} aws.mail.enabled",
    "aws.backups.objectLockDays: only used": "target aws.backups.bucket aws.backups.objectLockDays",
}

HA = {
    "target": "aws",
    "pod": {
        "domain": "pod.example.org",
        "admin": {"username": "podmin", "email": "podmin@example.org"},
        "image": "registry.example.org/diaspora:1",
        "mail": {"senderAddress": "pod@pod.example.org", "relay": {"image": "registry.example.org/relay:1"}},
        "tls": {"mode": "acme"},
        "backup": {"restoreFirst": True},
        "upgrade": {"automatic": True},
        "monitoring": {"nodeExporter": True, "listen": "10.0.0.7"},
        "secretsOnMachine": ["all"],
    },
    "host": {**configs.host(), "updates": {"strategy": "immediate"}},
    "aws": {
        "region": "eu-west-1",
        "topology": "ha",
        "edge": "direct",
        "size": "minimal",
        "instance": {"dataGib": 20},
        "network": {"cidr": "10.0.0.0/24"},
        "database": {"engine": "auroraServerless", "minAcu": 0},
        "uploads": "volume",
        "backups": {"bucket": False, "volumeSnapshotDays": 7},
        "mail": {"mailFrom": "bounces"},
        "httpApi": {"logDays": 7},
    },
}
IN_GROUPS = "target aws.topology"

OF_HA = {
    "pod.mail.relay: not used": f"{IN_GROUPS} pod.mail.relay{{}}",
    "pod.tls: not used": f"{IN_GROUPS} pod.tls?",
    "pod.upgrade: not used": f"{IN_GROUPS} pod.upgrade?",
    "pod.secretsOnMachine: not used": f"{IN_GROUPS} pod.secretsOnMachine",
    "pod.monitoring.listen: 10.0.0.7": f"{IN_GROUPS} pod.monitoring.listen",
    "pod.backup.repository: local": f"{IN_GROUPS} pod.backup{{}} aws.backups.bucket",
    "pod.backup.restoreFirst: not used": f"{IN_GROUPS} pod.backup.restoreFirst",
    "pod.backup.restoreFirst: an empty": "target aws.backups.bucket pod.backup.restoreFirst",
    "host.updates: not used": f"{IN_GROUPS} host.updates?",
    "aws.edge: direct": "aws.topology aws.edge",
    "aws.size: t4g.micro": "aws.topology aws.size aws.instance.type",
    "aws.instance.dataGib: not used": "aws.topology aws.instance.dataGib?",
    "aws.backups.volumeSnapshotDays: not used": "aws.topology aws.backups.volumeSnapshotDays?",
    "aws.network.cidr: 10.0.0.0/24": "aws.topology aws.network.cidr",
    "aws.database.minAcu: 0.0": "aws.topology aws.database.engine aws.database.minAcu",
    "aws.uploads: volume": "aws.topology aws.uploads",
    "aws.httpApi: only used": "target aws.edge",
    "aws.mail.mailFrom: not used": "target pod.mail.relay{} aws.mail.mailFrom?",
}

PROVISIONING = {
    "target": "provisioning",
    "host": {
        "users": [{"name": "alice", "sshAuthorizedKeys": SSH_KEYS}],
        "memoryMib": 1024,
        "storage": {"rootGib": 10},
    },
    "provisioning": {
        "httpUrl": "http://192.168.77.5:8081",
        "rpcPort": 8081,
        "diasporaImage": {"version": "0.9.2.0"},
        "networks": {"eno1": {"ipv4": {"method": "wrong"}}},
        "dhcp": {
            "mode": "full",
            "network": "192.168.77.0/24",
            "firstAddress": "192.168.77.100",
            "lastAddress": "192.168.77.50",
            "router": "192.168.78.1",
        },
    },
}
DHCP = "provisioning.dhcp.mode provisioning.dhcp.network"

OF_PROVISIONING = {
    "host.users: no administrator": "host.users[0].name",
    "host.memoryMib: 1024": "host.memoryMib provisioning.diasporaImage{}",
    "host.storage.rootGib: 10": "host.storage.rootGib provisioning.diasporaImage{}",
    "provisioning.rpcPort: the same": "provisioning.httpUrl provisioning.rpcPort",
    "provisioning.diasporaImage.sourceCommit: required": "provisioning.diasporaImage.version",
    "provisioning.networks.eno1.ipv4.method: 'wrong'": "provisioning.networks",
    "provisioning.dhcp.lastAddress: 192": f"{DHCP} provisioning.dhcp.firstAddress provisioning.dhcp.lastAddress",
    "provisioning.dhcp.router: 192": f"{DHCP} provisioning.dhcp.router",
}

CONFIGS = {
    "pxe": (PXE, OF_PXE),
    "aws": (AWS, OF_AWS),
    "ha": (HA, OF_HA),
    "provisioning": (PROVISIONING, OF_PROVISIONING),
}


@pytest.fixture(params=CONFIGS)
def config(request: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """A config, and its lines with what each check reads."""
    values, keys = CONFIGS[request.param]
    lines = found(values)
    beginnings = {line: [beginning for beginning in keys if line.startswith(beginning)] for line in lines}
    assert {line: known for line, known in beginnings.items() if len(known) != 1} == {}
    assert {beginning for (beginning,) in beginnings.values()} == keys.keys()
    assert own(values) == set()
    return values, {line: keys[beginning] for line, (beginning,) in beginnings.items()}


def test_a_value_that_is_not_valid_hides_only_what_is_read_of_it(config: Any) -> None:
    values, lines = config
    for place in places(values):
        if place == ("target",):
            continue
        damaged = put(values, place, wrong(at(values, place)))
        own_lines = own(damaged)
        assert own_lines, place
        assert found(damaged) - own_lines == {line for line, keys in lines.items() if not is_read(place, keys)}, place


@pytest.mark.parametrize("name", ["pxe", "aws", "ha"])
def test_a_target_that_is_not_valid_hides_only_what_depends_on_it(name: str) -> None:
    values, keys = CONFIGS[name]
    damaged = {**values, "target": "cloud"}
    expected = {beginning for beginning, read in keys.items() if "target" not in read.split()}
    lines = found(damaged) - own(damaged)
    assert {beginning for beginning in keys for line in lines if line.startswith(beginning)} == expected
    assert len(lines) == len(expected)


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        # with the default periodic the windows would be right; with another strategy they would not
        ({"host.updates": {"strategy": "perodic", "windows": [WINDOW]}}, {"host.updates.strategy"}),
        ({"host.updates": {"strategi": "off", "windows": []}}, {"host.updates.strategi"}),
        # the default window is at this time
        ({"host.updates.windows": "never", "pod.backup.time": "03:00"}, {"host.updates.windows", "backupPassword"}),
        ({"host.updates.window": [WINDOW], "pod.backup.time": "03:00"}, {"host.updates.window", "backupPassword"}),
        # the mail is there, as far as anybody can tell
        (
            {"pod.mail": "smtp.example.org", "pod.settings.maintenance.removeOldUsers.enable": True},
            {"pod.mail"},
        ),
        ({"pod.mial": configs.mail(), "pod.settings.maintenance.removeOldUsers.enable": True}, {"pod.mial"}),
        ({"pod.smtp": {"host": "a.org"}, "pod.settings.maintenance.removeOldUsers.enable": True}, {"pod.smtp"}),
        # so is the secret
        ({"backupPasword": {"secure": "v1:x"}, "pod.backup": {}}, {"backupPasword"}),
        ({"secret": {"secure": "v1:x"}, "pod.backup": {}}, {"secret"}),
        ({"pod.backup.password": {"secure": "v1:x"}}, {"pod.backup.password"}),
        # a user whose name is not valid may be the administrator
        (
            {"host.users": [{"name": "Alice", "sshAuthorizedKeys": SSH_KEYS}]},
            {"host.users[0].name"},
        ),
    ],
)
def test_no_default_stands_for_a_value_that_is_not_valid(change: dict[str, Any], keys: set[str]) -> None:
    lines = found(changed(configs.ignition_config(), change))
    assert {line.split(": ")[0] for line in lines} == keys


@pytest.mark.parametrize(
    ("aws", "keys"),
    [
        # with `ha` the engine is rds when not set, which has no minAcu
        (
            {"topology": "ha", "database": {"engin": "auroraServerless", "minAcu": 2, "maxAcu": 4}},
            {"aws.database.engin"},
        ),
        ({"topology": "haa", "instance": {"dataGib": 20}, "database": {"engine": "rds"}}, {"aws.topology"}),
        ({"topology": "singel", "database": {"maxAcu": 4}}, {"aws.topology"}),
        ({"topology": "haa", "database": {"instanceClass": "db.t4g.small"}}, {"aws.topology"}),
        # with `single` the edge is the gateway when not set
        ({"topolgy": "ha", "region": "eu-south-1"}, {"aws.topolgy"}),
    ],
)
def test_no_default_of_a_topology_stands_for_a_value_that_is_not_valid(aws: dict[str, Any], keys: set[str]) -> None:
    lines = found(configs.aws_config(**{"region": "eu-west-1", **aws}))
    assert {line.split(": ")[0] for line in lines} == keys


def test_a_key_that_is_no_setting_hides_nothing() -> None:
    """What it means is known, so that it is no other key misspelt."""
    change = {"pod.heroku": True, "pod.settings.maintenance.removeOldUsers.enable": True}
    keys = {line.split(": ")[0] for line in found(changed(configs.ignition_config(), change))}
    assert keys == {"pod.heroku", "pod.settings.maintenance.removeOldUsers.enable"}


@functools.cache
def combinations() -> list[dict[str, Any]]:
    """Configs whose values are all valid, but not together."""
    every = [values for values, _ in CONFIGS.values()]
    every += [changed(configs.pxe_config(), change) for change, _, _ in mistakes.MISTAKES]
    every += [test_aws_settings.config(changes) for changes, _ in test_aws_settings.MISTAKES]
    return [values for values in every if not own(values) and found(values)]


SCALARS = [None, True, -1, 10**20, 1.5, "", "wrong!", "\x00", "\ud800"]
TABLES_AND_LISTS = [[], [None], ["x", "x"], {"x": 1}, {"secure": "v1:x"}]
WRONG: st.SearchStrategy[Any] = st.sampled_from([*SCALARS, *TABLES_AND_LISTS])


@st.composite
def damage(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """A config, and the same one with another value, or another name, of any key but the target."""
    values = draw(st.sampled_from(combinations()))
    place = draw(st.sampled_from([place for place in places(values) if place != ("target",)]))
    name = place[-1]
    if isinstance(name, str) and draw(st.booleans()):
        index = draw(st.integers(0, len(name) - 1))
        return values, renamed(
            values, place, draw(st.sampled_from([name[:index] + name[index + 1 :], f"{name}s", "x"]))
        )
    return values, put(values, place, draw(WRONG))


def test_there_are_enough_combinations() -> None:
    assert len(combinations()) > 80


@settings(max_examples=500, derandomize=True)
@given(damage())
def test_no_mistake_appears_beside_that_of_the_value(configs_before_and_after: Any) -> None:
    before, after = configs_before_and_after
    own_lines = own(after)
    assume(own_lines)
    assert found(after) <= found(before) | own_lines


@settings(max_examples=300, derandomize=True)
@given(st.deferred(lambda: st.sampled_from(combinations())), st.data())
def test_any_data_beside_other_mistakes_is_reported(values: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(list(places(values))))
    assert all(line.isprintable() for line in found(put(values, place, data.draw(DATA))))


def test_what_is_valid_of_a_valid_table_is_all_of_it() -> None:
    """Values are converted as in a table that is valid as a whole: words for off, numbers, names of enumerations."""
    values = {
        **changed(PXE, {"host.updates.strategy": False, "pxe.machines[0].architecture": "aarch64"}),
        "aws": {**AWS["aws"], "database": {"maxAcu": "1.5"}},
        "provisioning": PROVISIONING["provisioning"],
    }
    models: dict[str, type[Model]] = {"pod": Pod, "host": Host, "pxe": Pxe, "aws": Aws, "provisioning": Provisioning}
    for key, model in models.items():
        whole = model.model_validate(values[key], by_alias=True, by_name=False)
        part = valid_part(model, values[key], Faults())
        assert part == whole
        assert part.model_fields_set == whole.model_fields_set
        assert part.model_dump() == whole.model_dump()
