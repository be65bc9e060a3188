"""Changes to a valid config of target pxe: good ones, and mistakes with the line that each must give."""

import base64
import copy
import json
import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support import configs

ABSENT = object()
"""Take the key away."""

_SOURCE = "an IP address or a network, such as 192.0.2.10, 10.0.0.0/24 or fd00::/64"
_DIGEST = "sha256:" + "0" * 64
_WINDOW = {"days": ["Sat", "Sun"], "startTime": "23:30", "lengthMinutes": 1440}


def steps(path: str) -> list[str | int]:
    """The parts of a path such as `pxe.machines[0].networks["eno1.100"]`."""
    found = re.findall(r'\[([0-9]+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[]+)', path)
    return [int(index) if index else name or json.loads(f'"{quoted}"') for index, quoted, name in found]


def changed(config: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A copy of the config with other values at some paths; missing tables are created."""
    config = copy.deepcopy(config)
    for path, value in change.items():
        *way, last = steps(path)
        place: Any = config
        for step in way:
            place = place[step] if isinstance(step, int) else place.setdefault(step, {})
        if value is ABSENT:
            del place[last]
        elif isinstance(last, int) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return config


def public_key(kind: str, *fields: bytes) -> str:
    """A public key with these fields behind its type (RFC 4253: each with its length before it)."""
    blob = b"".join(len(field).to_bytes(4, "big") + field for field in (kind.encode(), *fields))
    return f"{kind} {base64.b64encode(blob).decode()}"


def rsa_key(bits: int) -> str:
    """A public RSA key of this size."""
    return public_key("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xff" * (bits // 8))


def _point(curve: ec.EllipticCurve) -> bytes:
    """A point of the curve: the public key of the private key 1."""
    key = ec.derive_private_key(1, curve).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


_APPLICATION = b"ssh:"
_POINTS = {curve.key_size: _point(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())}
PUBLIC_KEYS = [
    public_key("ssh-ed25519", b"\x01" * 32),
    rsa_key(2048),
    *(public_key(f"ecdsa-sha2-nistp{size}", f"nistp{size}".encode(), point) for size, point in _POINTS.items()),
    public_key("sk-ssh-ed25519@openssh.com", b"\x01" * 32, _APPLICATION),
    public_key("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", _POINTS[256], _APPLICATION),
]
"""One of each type, of the sizes that ssh-keygen makes."""

GOOD: list[dict[str, Any]] = [
    {},
    {"pod.domain": "a.b.xn--p1ai"},
    {"pod.name": "Ünïcode — «pod»"},
    {"pod.image": f"localhost:5000/diaspora@{_DIGEST}"},
    {"pod.image": f"registry.example.org/a/b__c:1.0@{_DIGEST}"},
    {"pod.image": None},
    {"pod.image": "localhost/diaspora:1"},
    {"pod.version": "0.10.12.3"},
    {"pod.sourceCommit": "0" * 40},
    {"pod.versions": {"postgresql": "17.0", "redis": "8.0", "nginx": "1.30.2", "pgbouncer": "1.24.0-p10"}},
    {"pod.versions": {"redis": "7.4.7", "certbot": "5.10.0", "restic": "0.18.1", "nodeExporter": "1.10.2"}},
    {"pod.admin.email": "pod.min+x@Example.ORG"},
    {"pod.settings.terms": {"enable": True, "minimumAge": 16}},
    {"pod.settings.usernameBlacklist": []},
    {"pod.settings.welcomeMessage": {"enabled": True, "text": "Hello\n%{username}\n"}},
    {"pod.subnet": "192.168.7.0/28"},
    {"pod.mail": None},
    {"host.firewall": {}},
    {"host.firewall": {"enable": False}},
    {"host.firewall": {"sshFrom": ["192.0.2.0/24", "2001:db8::/32"], "open": []}},
    {"host.firewall.open": [{"port": 5000}, {"port": 5000, "protocol": "udp", "from": ["10.0.0.1"]}]},
    {"host.firewall.open": [{"port": 443, "protocol": "udp"}]},
    {"pod.tls": {"mode": "behindProxy", "trustedProxies": ["192.0.2.10", "10.0.0.0/8", "fd00::1"]}},
    {"pod.tls": {"mode": "own"}},
    {"pod.tls": {}},
    {"pod.tls.acme.directory": "https://acme.example.org:14000/dir"},
    {"pod.tls.acme": {"email": "tls@example.org", "staging": True}},
    {"pod.environment": {"imageRedirectUrl": "https://images.example.org", "sidekiq": {"backtrace": 0}}},
    {"pod.environment.logging": {"logrotate": {"days": 30}, "debug": {"sql": True}}},
    {"pod.map.mapbox": {"accessToken": "pk.x", "style": "mapbox/streets-v11"}},
    {"pod.privacy": {"jqueryCdn": True, "statistics": {"userCounts": True, "postCounts": True}}},
    {"pod.privacy.piwik": {"host": "example.org/piwik", "siteId": 1}},
    {"pod.settings.paypalDonations": {"enable": True, "currency": "EUR", "paypalHostedButtonId": "X1"}},
    {"pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "smtp.example.org", "authentication": "none"}}},
    {"pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "smtp.example.org", "port": 25}}},
    {"pod.monitoring": {"nodeExporter": True, "podmanExporter": True, "listen": "192.0.2.10"}},
    {"pod.mail": {"senderAddress": "a@example.org", "relay": {"image": "localhost/relay:1"}}},
    {
        "pod.mail": {
            "senderAddress": "a@POD.example.org",
            "relay": {"image": "localhost/relay:1", "selector": "s1", "smarthost": {"host": "a.org", "port": 25}},
        }
    },
    {"host.storage": {"disk": "/dev/disk/by-id/ata-X.Y:1", "rootGib": 8, "dataDisk": "/dev/sdb"}},
    {"host.updates": {"strategy": "off", "windows": []}},
    {"host.updates": {"strategy": "immediate"}},
    {"host.updates": {"strategy": "periodic", "windows": [_WINDOW]}},
    {"host.users[0]": {"name": "ann", "sshAuthorizedKeys": [configs.SSH_KEY], "groups": ["docker", "sudo"]}},
    {"host.users[0]": {"name": "ann", "sshAuthorizedKeys": [configs.SSH_KEY], "groups": ["wheel"]}},
    {"host.users[1]": {"name": "bob", "sshAuthorizedKeys": [configs.SSH_KEY]}},
    {"host.timeZone": "America/Argentina/Buenos_Aires"},
    {"host.kernelArguments": ["mitigations=auto,nosmt"]},
    {"host.snippets": ["variant: fcos\nversion: 1.5.0\n"]},
    *({"host.users[0].sshAuthorizedKeys[0]": f" {key} me@home \n"} for key in PUBLIC_KEYS),
    {"pxe.matchbox.httpUrl": "https://[fd00::1]:8080/boot/"},
    {"pxe.matchbox.rpcEndpoint": "10.0.0.1:8081"},
    {"pxe.machines[0].mac": "52-54-00-A1-9C-AE"},
    {"pxe.machines[0].hostname": "pod.example.org"},
    {"pxe.machines[0].networks.eno1": {"ipv4": {"method": "manual", "address1": "10.0.0.10/24", "may-fail": False}}},
    {'pxe.machines[0].networks["eno1.100"]': {"vlan": {"id": 100, "parent": "eno1"}, "ipv6": {"method": "disabled"}}},
    {"pxe.machines[0].install": "off"},
    {"pxe.machines[0].installedConfig": "c0123456789a"},
    {"pxe.machines[0].console": ["tty0", "ttyS1,115200n8", "uart8250,io,0x3f8,9600n8"]},
    {"pxe.machines[0].disk": "/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0"},
    {"pxe.machines[0].disk": "/dev/nvme0n1"},
    {"pxe.machines[0].disk": "/dev/mmcblk0"},
    {"pxe.machines[0].disk": "/dev/md126"},
    {"host.storage.dataDisk": "/dev/disk/by-id/nvme-SAMSUNG_MZVL2512-p1_S64K"},
    {"host.storage.dataDisk": "/dev/disk/by-id/wwn-0x5000c500a1b2c3d4"},
    {"host.storage.dataDisk": "/dev/mapper/mpatha"},
    {"host.timeZone": "UTC"},
    {"pxe.machines[0].architecture": "aarch64"},
    {"pxe.release": {"stream": "testing", "version": "44.20260802.2.0", "source": "matchbox"}},
    {"pxe.release": {"stream": "next", "version": "45.20260802.1.1"}},
    {"pxe.release": {"version": "43.20260101.3.0"}},
    {
        "pod.subnet": "10.0.0.16/28",
        "pxe.machines[0].networks.eno1.ipv4": {"method": "manual", "address1": "10.0.0.15/24"},
    },
    {"ignition.machines": [{"name": "a"}, {"name": "b"}]},
]

_SSH_KEYS = (
    "one line that starts with ssh-ed25519, ssh-rsa, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, "
    "sk-ssh-ed25519@openssh.com, sk-ecdsa-sha2-nistp256@openssh.com"
)
_NAME = r'one line of text without " and \ that is not blank, true, false or nil'
_PATH = "an absolute path without a colon, such as /srv/diaspora"
_ARGUMENT = "one argument of letters, digits and _ . , : = / @ + % ~ ! * ? ^ [ ] -, such as console=ttyS0"
_DISK = "a whole disk under /dev, such as /dev/disk/by-id/ata-EXAMPLE or /dev/sda"
_DAMAGED = "the ssh-ed25519 key is incomplete or damaged; copy the whole line from the .pub file"
_ED25519 = PUBLIC_KEYS[0].split()[1]
_ZONE = "a name such as Europe/Berlin or Etc/UTC"
_DOMAIN = "a domain name: lower-case labels joined by dots, such as pod.example.org"
_SUBNET = "a private IPv4 network from /16 to /28, such as 10.89.71.0/24"
_RELEASE = "a release of diaspora* from 0.9.0.0 on, without the v, such as 0.9.1.0"
_MAJOR = "a release of PostgreSQL 17, the major version of the pod's data, such as 17.9"
_IMAGE = "a full reference with registry and tag or digest, such as registry.example.org/name:1.2"
_URL = "http:// or https:// with a host and an optional port, such as http://matchbox.lan:8080"
_PROXY = "an IP address or a network, such as 192.0.2.10, 10.0.0.0/24 or fd00::/64"
_MAC = "a MAC address: six hex pairs, such as 52:54:00:a1:9c:ae"

# the change, the line it gives, and whether the JSON Schema can know
MISTAKES: list[tuple[dict[str, Any], str, bool]] = [
    # keys
    ({"target": "cloud"}, "target: 'cloud' is not valid; allowed: pxe, aws, ignition, provisioning", True),
    ({"target": ["pxe"]}, "target: a list given; allowed: pxe, aws, ignition, provisioning", True),
    ({"target": ABSENT}, "target: required; allowed: pxe, aws, ignition, provisioning", True),
    ({"target": None}, "target: required; allowed: pxe, aws, ignition, provisioning", True),
    (
        {"pod": ABSENT},
        "pod: required; add this key (The diaspora* pod)",
        True,
    ),
    ({"host": ABSENT}, "host: required; add this key (Settings of every machine)", True),
    ({"pxe": ABSENT}, "pxe: required; add this key (Network boot)", True),
    ({"pxe": None}, "pxe: nothing given; allowed: a table of keys", True),
    ({"host": [1]}, "host: a list given; allowed: a table of keys", True),
    (
        {"hosts": {}},
        "hosts: unknown key (did you mean host?); allowed: aws, host, ignition, pod, provisioning, pxe, target",
        True,
    ),
    (
        {"smtpPasswort": "x"},
        "smtpPasswort: unknown key (did you mean smtpPassword?); allowed: aws, host, ignition, pod, "
        "provisioning, pxe, target",
        True,
    ),
    ({"pod.admin.e-mail": "x"}, "pod.admin.e-mail: unknown key (did you mean email?); allowed: email, username", True),
    ({"pod.admin.nickname": "x"}, "pod.admin.nickname: unknown key; allowed: email, username", True),
    ({'pod.admin["a.b c"]': 1}, 'pod.admin["a.b c"]: unknown key; allowed: email, username', True),
    (
        {"host.storage.root_gib": 20},
        "host.storage.root_gib: unknown key (did you mean rootGib?); allowed: dataDisk, dataGib, disk, rootGib",
        True,
    ),
    # kinds
    ({"pod.name": 5}, "pod.name: the number 5 given; allowed: text (write it in quotes)", True),
    ({"pod.name": True}, "pod.name: true given; allowed: text (write it in quotes)", True),
    ({"pod.name": None}, "pod.name: nothing given; allowed: text", True),
    ({"pod.name": {"a": 1}}, "pod.name: a table given; allowed: text", True),
    *(
        ({"host.storage.rootGib": value}, f"host.storage.rootGib: {what}", True)
        for value, what in (
            ("12", "'12' is text; allowed: a whole number from 8 to 1024, without quotes or unit"),
            ("12G", "'12G' is text; allowed: a whole number from 8 to 1024, without quotes or unit"),
            (12.5, "the number 12.5 given; allowed: a whole number from 8 to 1024"),
            (True, "true given; allowed: a whole number from 8 to 1024"),
            (None, "nothing given; allowed: a whole number from 8 to 1024"),
            ([12], "a list given; allowed: a whole number from 8 to 1024"),
        )
    ),
    (
        {"host.storage.dataGib": "1T"},
        "host.storage.dataGib: '1T' is text; allowed: a whole number from 0 to 1048576, without quotes or unit",
        True,
    ),
    (
        {"pod.settings.terms.minimumAge": "16"},
        "pod.settings.terms.minimumAge: '16' is text; allowed: a whole number from 0 to 99, without quotes or unit",
        True,
    ),
    (
        {"host.updates.windows": [_WINDOW | {"lengthMinutes": "1h"}]},
        "host.updates.windows[0].lengthMinutes: '1h' is text; allowed: a whole number from 1 to 1440, without quotes "
        "or unit",
        True,
    ),
    ({"host.guestAgent": "yes"}, "host.guestAgent: 'yes' is text; allowed: true or false, without quotes", True),
    ({"host.guestAgent": 1}, "host.guestAgent: the number 1 given; allowed: true or false", True),
    ({"host.storage": "/dev/sda"}, "host.storage: text given; allowed: a table of keys", True),
    ({"host.storage": None}, "host.storage: nothing given; allowed: a table of keys", True),
    ({"host.users": {"name": "core"}}, "host.users: a table given; allowed: a list", True),
    ({"host.users[0]": "core"}, "host.users[0]: text given; allowed: a table of keys", True),
    ({"pxe.machines[0].networks": []}, "pxe.machines[0].networks: a list given; allowed: a table of keys", True),
    # numbers and lengths
    ({"host.memoryMib": 512}, "host.memoryMib: 512 is out of range; allowed: 1024 to 1048576", True),
    (
        {"pod.sizing.pumaThreads": "5"},
        "pod.sizing.pumaThreads: '5' is text; allowed: a whole number from 1 to 64, without quotes or unit",
        True,
    ),
    ({"host.storage.rootGib": 7}, "host.storage.rootGib: 7 is out of range; allowed: 8 to 1024", True),
    ({"host.storage.rootGib": 1025}, "host.storage.rootGib: 1025 is out of range; allowed: 8 to 1024", True),
    ({"host.storage.dataGib": -1}, "host.storage.dataGib: -1 is out of range; allowed: 0 to 1048576", True),
    ({"host.users": []}, "host.users: empty; allowed: at least 1 item", True),
    ({"pxe.machines": []}, "pxe.machines: empty; allowed: at least 1 item", True),
    ({"host.snippets": [""]}, "host.snippets[0]: empty; allowed: at least 1 character", True),
    # words
    (
        {"host.updates.strategy": "'never'"},
        "host.updates.strategy: \"'never'\" is not valid; allowed: periodic, immediate, off",
        True,
    ),
    (
        {"host.updates.strategy": True},
        "host.updates.strategy: true is not valid; allowed: periodic, immediate, off",
        True,
    ),
    ({"pxe.machines[0].install": None}, "pxe.machines[0].install: nothing given; allowed: once, always, off", True),
    (
        {"host.updates.windows": [_WINDOW | {"days": ["Sat", "Funday"]}]},
        "host.updates.windows[0].days[1]: 'Funday' is not valid; allowed: Mon, Tue, Wed, Thu, Fri, Sat, Sun",
        True,
    ),
    (
        {"pxe.release.stream": "rawhide"},
        "pxe.release.stream: 'rawhide' is not valid; allowed: stable, testing, next",
        True,
    ),
    (
        {"pxe.machines[0].architecture": "amd64"},
        "pxe.machines[0].architecture: 'amd64' is not valid; allowed: x86_64, aarch64",
        True,
    ),
    # forms of text
    ({"pod.name": ""}, f"pod.name: '' is not valid; allowed: {_NAME}", True),
    ({"pod.name": "a\nb"}, f"pod.name: 'a\\nb' is not valid; allowed: {_NAME}", True),
    ({"pod.name": "a\u2028b"}, f"pod.name: 'a\\u2028b' is not valid; allowed: {_NAME}", True),
    ({"pod.domain": "Pod.example.org"}, f"pod.domain: 'Pod.example.org' is not valid; allowed: {_DOMAIN}", True),
    ({"pod.domain": "localhost"}, f"pod.domain: 'localhost' is not valid; allowed: {_DOMAIN}", True),
    ({"pod.domain": "a-.example.org"}, f"pod.domain: 'a-.example.org' is not valid; allowed: {_DOMAIN}", True),
    ({"pod.domain": "https://a.org"}, f"pod.domain: 'https://a.org' is not valid; allowed: {_DOMAIN}", True),
    (
        {"pod.domain": "a." * 150 + "org"},
        f"pod.domain: '{('a.' * 150)[:55]}...' is not valid; allowed: {_DOMAIN}",
        True,
    ),
    (
        {"pod.admin.email": "podmin"},
        "pod.admin.email: 'podmin' is not valid; allowed: an e-mail address, such as podmin@example.org",
        True,
    ),
    (
        {"pod.admin.username": "Pod min"},
        "pod.admin.username: 'Pod min' is not valid; allowed: lower-case letters, digits, _ . and -, "
        "at most 32 characters, except true, false and nil",
        True,
    ),
    (
        {"pod.admin.username": "admin"},
        "pod.admin.username: 'admin' is reserved by diaspora*; choose another name, such as podmin",
        False,
    ),
    ({"pod.image": "diaspora:1"}, f"pod.image: 'diaspora:1' is not valid; allowed: {_IMAGE}", True),
    ({"pod.image": "docker.io/a/b"}, f"pod.image: 'docker.io/a/b' is not valid; allowed: {_IMAGE}", True),
    (
        {"pod.image": "docker.io/a/b:latest"},
        "pod.image: 'docker.io/a/b:latest' is not pinned; use the tag of a release instead of latest",
        False,
    ),
    *(
        ({"pod.version": value}, f"pod.version: {value!r} is not valid; allowed: {_RELEASE}", True)
        for value in ("v0.9.1.0", "0.7.18.2", "0.9.1", "0.9.1.0-rc1", "1.0.0.0")
    ),
    (
        {"pod.sourceCommit": "150f778"},
        "pod.sourceCommit: '150f778' is not valid; allowed: a commit as 40 hex digits in lower case",
        True,
    ),
    # another major version would move the database
    *(
        (
            {"pod.versions.postgresql": value},
            f"pod.versions.postgresql: {value!r} is not valid; allowed: {_MAJOR}",
            True,
        )
        for value in ("18.0", "16.9", "17", "17.9-alpine", "17.09", "170.1", "17.9@sha256")
    ),
    *(
        ({f"pod.versions.{name}": value}, f"pod.versions.{name}: {value!r} is not valid; allowed: {allowed}", True)
        for name, value, allowed in (
            ("redis", "7.2", 'a release of Redis 7.4 or 8.0, such as "7.4" or 7.4.7'),
            ("nginx", "1.29.0", 'a release of nginx 1.26, 1.28 or 1.30, such as "1.28" or 1.28.1'),
            ("certbot", "5.6.0", "a release of certbot 5 from 5.7.0 on"),
            ("certbot", "6.0.0", "a release of certbot 5 from 5.7.0 on"),
            ("restic", "0.17.3", "a release of restic 0.18, such as 0.18.0"),
            (
                "pgbouncer",
                "1.24.1",
                "a release of PgBouncer 1.24 with the number of the packaging, such as 1.24.1-p1",
            ),
            ("nodeExporter", "1.8.2", "a release of the node exporter 1 from 1.9.0 on"),
            ("podmanExporter", "2.0.0", "a release of the podman exporter 1 from 1.17.0 on"),
        )
    ),
    ({"pod.tls.mode": "off"}, "pod.tls.mode: 'off' is not valid; allowed: acme, own, behindProxy", True),
    ({"pod.tls.email": "a@b.org"}, "pod.tls.email: unknown key; allowed: acme, mode, trustedProxies", True),
    (
        {"pod.tls.acme.directory": "http://acme.example.org/directory"},
        "pod.tls.acme.directory: 'http://acme.example.org/directory' is not valid; allowed: an address that starts "
        "with https://, such as https://acme.example.org/directory",
        True,
    ),
    (
        {"pod.tls.acme": {"staging": True, "directory": "https://acme.example.org/directory"}},
        "pod.tls.acme.staging: selects Let's Encrypt, but pod.tls.acme.directory selects another authority; remove "
        "one of the two",
        False,
    ),
    (
        {"pod.tls": {"mode": "own", "acme": {"staging": True}}},
        "pod.tls.acme: only used with mode: acme; remove it",
        False,
    ),
    (
        {"pod.tls.mode": "behindProxy"},
        "pod.tls.trustedProxies: required with mode: behindProxy; list at least one IP address or network, such as "
        "192.0.2.10, 10.0.0.0/24 or fd00::/64",
        False,
    ),
    (
        {"pod.tls.trustedProxies": ["192.0.2.10"]},
        "pod.tls.trustedProxies: only used with mode: behindProxy; remove it",
        False,
    ),
    (
        {"pod.tls": {"mode": "behindProxy", "trustedProxies": ["proxy.lan"]}},
        f"pod.tls.trustedProxies[0]: 'proxy.lan' is not valid; allowed: {_PROXY}",
        True,
    ),
    (
        {"pod.tls": {"mode": "behindProxy", "trustedProxies": ["10.0.0.1/8"]}},
        f"pod.tls.trustedProxies[0]: '10.0.0.1/8' is not valid; allowed: {_PROXY}",
        False,
    ),
    (
        {"pod.tls": {"mode": "behindProxy", "trustedProxies": ["0.0.0.0/0"]}},
        "pod.tls.trustedProxies[0]: '0.0.0.0/0' contains every address; list the addresses of the proxies",
        False,
    ),
    ({"pod.subnet": "10.0.0.0/8"}, f"pod.subnet: '10.0.0.0/8' is not valid; allowed: {_SUBNET}", True),
    ({"pod.subnet": "8.8.8.0/24"}, f"pod.subnet: '8.8.8.0/24' is not valid; allowed: {_SUBNET}", False),
    ({"pod.subnet": "10.0.0.1/24"}, f"pod.subnet: '10.0.0.1/24' is not valid; allowed: {_SUBNET}", False),
    ({"host.storage.disk": "sda"}, f"host.storage.disk: 'sda' is not valid; allowed: {_DISK}", True),
    ({"host.storage.disk": "/srv/a"}, f"host.storage.disk: '/srv/a' is not valid; allowed: {_DISK}", True),
    ({"host.storage.disk": "/dev"}, f"host.storage.disk: '/dev' is not valid; allowed: {_DISK}", True),
    *(
        ({f"host.storage.{key}": disk}, f"host.storage.{key}: '{disk}' is a partition; allowed: {_DISK}", False)
        for key in ("disk", "dataDisk")
        for disk in (
            "/dev/sda1",
            "/dev/vdb12",
            "/dev/xvda2",
            "/dev/nvme0n1p1",
            "/dev/mmcblk0p2",
            "/dev/md126p1",
            "/dev/disk/by-id/ata-X_1-part1",
            "/dev/disk/by-uuid/1234-ABCD",
        )
    ),
    (
        {"pxe.machines[0].disk": "/dev/sda2"},
        f"pxe.machines[0].disk: '/dev/sda2' is a partition; allowed: {_DISK}",
        False,
    ),
    ({"pod.imageLayout": {"home": "srv"}}, f"pod.imageLayout.home: 'srv' is not valid; allowed: {_PATH}", True),
    ({"host.storage.disk": "/dev/../a"}, f"host.storage.disk: '/dev/../a' is not valid; allowed: {_DISK}", True),
    (
        {"host.users[0].name": "Core"},
        "host.users[0].name: 'Core' is not valid; allowed: lower-case letters, digits, _ and -, at most 31 characters",
        True,
    ),
    (
        {"host.users[0].sshAuthorizedKeys": ["ssh-dss AAAA"]},
        f"host.users[0].sshAuthorizedKeys[0]: not an SSH public key; allowed: {_SSH_KEYS}",
        True,
    ),
    (
        {"host.users[0].sshAuthorizedKeys": ["-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n"]},
        "host.users[0].sshAuthorizedKeys[0]: a private key; use the public key, the line in the .pub file",
        True,
    ),
    *(
        (
            {"host.users[0].sshAuthorizedKeys": [key]},
            f"host.users[0].sshAuthorizedKeys[0]: {_DAMAGED.replace('ssh-ed25519', key.split()[0])}",
            False,
        )
        for key in (
            f"ssh-ed25519 {_ED25519[:-4]}",
            f"ssh-ed25519 {_ED25519[:-1]}",
            f"ssh-ed25519 {_ED25519}AAAA",
            f"ssh-rsa {_ED25519} me@home",
            public_key("ssh-ed25519", b"\x01" * 31),
            public_key("ssh-ed25519", b"\x01" * 32, b"\x01"),
            public_key("sk-ssh-ed25519@openssh.com", b"\x01" * 33, _APPLICATION),
            public_key("ssh-rsa", b"\x01" * 20, b""),
            public_key("ecdsa-sha2-nistp256", b"nistp256", b"\x04" + b"\x01" * 64),
            public_key("ecdsa-sha2-nistp256", b"nistp384", _POINTS[384]),
            f"{PUBLIC_KEYS[0]}=",
        )
    ),
    *(
        (
            {"host.users[0].sshAuthorizedKeys": [rsa_key(bits)]},
            f"host.users[0].sshAuthorizedKeys[0]: an RSA key of {bits} bits, which sshd refuses; "
            "use one of 2048 bits or more, or a key of another type",
            False,
        )
        for bits in (1024, 2040)
    ),
    ({"host.timeZone": "Nowhere"}, f"host.timeZone: 'Nowhere' is not valid; allowed: {_ZONE}", False),
    *(
        (
            {"host.timeZone": name},
            f"host.timeZone: '{name}' is not valid; allowed: {_ZONE} (did you mean {meant}?)",
            " " in name,
        )
        for name, meant in (
            ("Europe/Berln", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("buenos aires", "America/Argentina/Buenos_Aires"),
            ("America/New York", "America/New_York"),
        )
    ),
    (
        {"pxe.machines[0].console": ["tty0", "console=ttyS0"]},
        "pxe.machines[0].console[1]: 'console=ttyS0' is not valid; allowed: a console such as ttyS0,115200n8 "
        "(without console= before it)",
        True,
    ),
    (
        {"pxe.machines[0].console": ["tty S0"]},
        "pxe.machines[0].console[0]: 'tty S0' is not valid; allowed: a console such as ttyS0,115200n8",
        True,
    ),
    (
        {"host.updates.windows": [_WINDOW | {"startTime": "24:00"}]},
        "host.updates.windows[0].startTime: '24:00' is not valid; allowed: HH:MM from 00:00 to 23:59",
        True,
    ),
    (
        {"host.updates.windows": [_WINDOW | {"startTime": "\u0660\u0663:00"}]},
        "host.updates.windows[0].startTime: '\u0660\u0663:00' is not valid; allowed: HH:MM from 00:00 to 23:59",
        True,
    ),
    (
        {"host.kernelArguments": ["a b"]},
        f"host.kernelArguments[0]: 'a b' is not valid; allowed: {_ARGUMENT}",
        True,
    ),
    ({"pxe.matchbox.httpUrl": "m:80"}, f"pxe.matchbox.httpUrl: 'm:80' is not valid; allowed: {_URL}", True),
    (
        {"pxe.matchbox.httpUrl": "http://m/?a"},
        f"pxe.matchbox.httpUrl: 'http://m/?a' is not valid; allowed: {_URL}",
        True,
    ),
    (
        {"pxe.matchbox.httpUrl": "http://m:65536"},
        f"pxe.matchbox.httpUrl: 'http://m:65536' is not valid; allowed: {_URL}",
        True,
    ),
    (
        {"pxe.matchbox.httpUrl": "http://[::g]"},
        f"pxe.matchbox.httpUrl: 'http://[::g]' is not valid; allowed: {_URL}",
        True,
    ),
    (
        {"pxe.matchbox.httpUrl": "http://[:::::]"},
        f"pxe.matchbox.httpUrl: 'http://[:::::]' is not valid; allowed: {_URL}",
        False,
    ),
    (
        {"pxe.matchbox.rpcEndpoint": "matchbox.lan"},
        "pxe.matchbox.rpcEndpoint: 'matchbox.lan' is not valid; allowed: HOST:PORT, such as matchbox.lan:8081",
        True,
    ),
    (
        {"pxe.matchbox.rpcEndpoint": "matchbox.lan:0"},
        "pxe.matchbox.rpcEndpoint: 'matchbox.lan:0' is not valid; allowed: HOST:PORT, such as matchbox.lan:8081",
        True,
    ),
    (
        {"pxe.release.version": "44"},
        "pxe.release.version: '44' is not valid; allowed: a release such as 44.20260802.3.1",
        True,
    ),
    ({"pxe.machines[0].mac": "52:54:00"}, f"pxe.machines[0].mac: '52:54:00' is not valid; allowed: {_MAC}", True),
    (
        {"pxe.machines[0].mac": "53:54:00:00:00:01"},
        "pxe.machines[0].mac: '53:54:00:00:00:01' is a multicast address; use the address of a network card",
        False,
    ),
    (
        {"pxe.machines[0].mac": ABSENT},
        "pxe.machines[0].mac: required; add this key (MAC address of the network card that the machine boots from)",
        True,
    ),
    (
        {"pxe.machines[0].name": "pod_1"},
        "pxe.machines[0].name: 'pod_1' is not valid; allowed: lower-case letters, digits and -, at most 50 characters",
        True,
    ),
    (
        {"pxe.machines[0].hostname": "a..b"},
        "pxe.machines[0].hostname: 'a..b' is not valid; allowed: lower-case labels joined by dots, "
        "at most 64 characters",
        True,
    ),
    (
        {"pxe.machines[0].installedConfig": 123456789012},
        "pxe.machines[0].installedConfig: the number 123456789012 given; allowed: text (write it in quotes)",
        True,
    ),
    (
        {"pxe.machines[0].installedConfig": "0123456789ab"},
        "pxe.machines[0].installedConfig: '0123456789ab' is not valid; allowed: the letter c and 11 hex digits, from "
        "the stack output `machines.NAME.config`",
        True,
    ),
    # network connections
    (
        {'pxe.machines[0].networks["bad name"]': {}},
        "pxe.machines[0].networks[\"bad name\"]: 'bad name' is not valid; allowed: letters, digits, _, ., : and -, at "
        "most 64 characters, such as eno1",
        True,
    ),
    (
        {"pxe.machines[0].networks.str.int.bool": [1]},
        "pxe.machines[0].networks.str.int.bool: a list given; allowed: text, a whole number, true or false",
        True,
    ),
    (
        {"pxe.machines[0].networks.eno1.ipv4": {"method": None}},
        "pxe.machines[0].networks.eno1.ipv4.method: nothing given; allowed: text, a whole number, true or false",
        True,
    ),
    (
        {"pxe.machines[0].networks.eno1.ipv4": "auto"},
        "pxe.machines[0].networks.eno1.ipv4: text given; allowed: a table of keys",
        True,
    ),
    # several settings at once
    (
        {"pxe.machines[1]": {"name": "pod1", "mac": "52:54:00:00:00:02"}},
        "pxe.machines[1].name: 'pod1' is already used by pxe.machines[0].name; choose another",
        False,
    ),
    (
        {"pxe.machines[1]": {"name": "pod2", "mac": "52-54-00-00-00-01"}},
        "pxe.machines[1].mac: '52:54:00:00:00:01' is already used by pxe.machines[0].mac; choose another",
        False,
    ),
    (
        {"host.users[0].name": "root"},
        "host.users[0].name: root must not log in; use core, or another user with the group sudo",
        False,
    ),
    *(
        (
            {"host.users[1]": {"name": name, "sshAuthorizedKeys": [configs.SSH_KEY]}},
            f"host.users[1].name: '{name}' is a user or a group of the system; choose another name",
            False,
        )
        for name in ("docker", "bin", "systemd-network")
    ),
    *(
        (
            {"host.users[0].groups": ["sudo", group]},
            f"host.users[0].groups[1]: '{group}' is not valid; allowed: adm, docker, sudo, systemd-journal, wheel",
            True,
        )
        for group in ("engineers", "video", "")
    ),
    (
        {"host.updates.windows": []},
        "host.updates.windows: required with strategy: periodic; list at least one window",
        False,
    ),
    *(
        (
            {"host.updates": {"strategy": strategy, "windows": [_WINDOW]}},
            "host.updates.windows: only used with strategy: periodic; remove it",
            False,
        )
        for strategy in ("immediate", "off")
    ),
    *(
        (
            {"host.users[0].name": "ann", "host.users[0].groups": groups},
            "host.users: no administrator; name a user core, or give a user the group sudo",
            False,
        )
        for groups in ([], ["docker"])
    ),
    *(
        ({"pxe.release": release}, f"pxe.release.version: {line}", False)
        for release, line in (
            (
                {"stream": "testing"},
                "the default, 44.20260802.3.1, is not of stream testing; choose a version with 2 as its third "
                "number, or set stream: stable",
            ),
            (
                {"stream": "next", "version": "44.20260802.2.0"},
                "44.20260802.2.0 is not of stream next; choose a version with 1 as its third number, or set stream: "
                "testing",
            ),
            (
                {"version": "44.20260802.20.0"},
                "44.20260802.20.0 is not of stream stable; choose a version with 3 as its third number",
            ),
        )
    ),
    (
        {"pxe.machines[0].networks.eno1.ipv4": {"method": "manual", "address1": "10.89.71.9/16,10.89.0.1"}},
        "pxe.machines[0].networks.eno1.ipv4.address1: 10.89.71.9 is inside pod.subnet (10.89.71.0/24); choose "
        "another address, or another pod.subnet",
        False,
    ),
    (
        {
            "pod.subnet": "192.168.7.0/28",
            "ignition.machines": [
                {"name": "a"},
                {"name": "b", "networks": {"e.1": {"ipv4": {"method": "auto", "address2": "192.168.7.15/28"}}}},
            ],
        },
        'ignition.machines[1].networks["e.1"].ipv4.address2: 192.168.7.15 is inside pod.subnet (192.168.7.0/28); '
        "choose another address, or another pod.subnet",
        False,
    ),
    (
        {"host.storage.dataDisk": "/dev/sda"},
        "host.storage.dataDisk: the same disk as host.storage.disk; choose another, or remove it",
        False,
    ),
    (
        {"host.storage.dataDisk": "/dev/sdb", "pxe.machines[0].disk": "/dev/sdb"},
        "pxe.machines[0].disk: the same disk as host.storage.dataDisk; choose another",
        False,
    ),
    (
        {"pxe.machines[0].install": "always"},
        "pxe.machines[0].install: always reinstalls at every network boot, so an update that reboots would "
        "reinstall; set once, or set host.updates.strategy: off",
        False,
    ),
    (
        {"pod.settings.maintenance.removeOldUsers.enable": True},
        "pod.settings.maintenance.removeOldUsers.enable: users would be removed without a warning, because pod.mail "
        "is not set; set pod.mail, or set false",
        False,
    ),
    (
        {"pod.settings.welcomeMessage.enabled": True},
        "pod.settings.welcomeMessage.text: required with enabled: true; set the text of the message",
        False,
    ),
    (
        {"pod.monitoring": {"nodeExporter": True, "listen": "256.0.0.1"}},
        "pod.monitoring.listen: '256.0.0.1' is not valid; allowed: an IPv4 address of the machine, such as 127.0.0.1 "
        "or 192.0.2.10",
        False,
    ),
    (
        {"pod.monitoring": {"listen": "192.0.2.10"}},
        "pod.monitoring.listen: only used with nodeExporter or podmanExporter; remove it",
        False,
    ),
    (
        {"pod.diskSpace": {"warnPercent": 90, "prunePercent": 90}},
        "pod.diskSpace.prunePercent: 90 is not above pod.diskSpace.warnPercent (90); allowed: 91 to 99",
        False,
    ),
    ({"pod.mail": {"senderAddress": "a@b.org"}}, "pod.mail: set smtp or relay", False),
    (
        {
            "pod.mail": {
                "senderAddress": "a@pod.example.org",
                "smtp": {"host": "a.org"},
                "relay": {"image": "localhost/relay:1"},
            }
        },
        "pod.mail.relay: set together with pod.mail.smtp; remove one of the two",
        False,
    ),
    (
        {"pod.mail": {"senderAddress": "a@b.example.org", "relay": {"image": "localhost/relay:1"}}},
        "pod.mail.senderAddress: the relay cannot sign for b.example.org; allowed: an address at pod.example.org or "
        "a parent domain",
        False,
    ),
    (
        {"pod.mail": {"senderAddress": "a@example.org", "relay": {"image": "localhost/relay:1", "selector": "A"}}},
        "pod.mail.relay.selector: 'A' is not valid; allowed: lower-case letters, digits and -, at most 32 characters",
        True,
    ),
    (
        {
            "pod.mail": {
                "senderAddress": "a@example.org",
                "relay": {"image": "localhost/relay:1", "smarthost": {"host": "a.org", "username": "pod"}},
            }
        },
        "smarthostPassword: required; Password of `pod.mail.relay.smarthost.username`. Run: pulumi config set "
        "--secret diaspora-infra:smarthostPassword, or add smarthostPassword to pod.secretsOnMachine",
        False,
    ),
    (
        {
            "pod.mail": {
                "senderAddress": "a@example.org",
                "relay": {"image": "localhost/relay:1", "smarthost": {"host": "a.org", "username": "a:b"}},
            }
        },
        "pod.mail.relay.smarthost.username: 'a:b' is not valid; allowed: an account name without spaces and colons",
        True,
    ),
    (
        {"pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "smtp.example.org", "port": 465}}},
        "pod.mail.smtp.port: 465 needs implicit TLS, which diaspora* does not support; use a port with STARTTLS, "
        "usually 587",
        False,
    ),
    # keys of diaspora.toml
    (
        {"pod.environment.s3": {"enable": True}},
        "pod.environment.s3: not a setting, because diaspora* needs a bucket with public ACLs and a permanent key, "
        "cannot import accounts with S3, and no backup would contain the pictures; remove it to keep uploads on the "
        "data partition",
        True,
    ),
    (
        {"pod.environment.require_ssl": True},
        "pod.environment.require_ssl: not a setting, because a pod without HTTPS cannot federate; set pod.tls instead",
        True,
    ),
    (
        {"pod.environment.sidekiq.retries": 3},
        "pod.environment.sidekiq.retries: unknown key (did you mean retry?); allowed: backtrace, deadJobsLimit, "
        "deadJobsTimeout, retry",
        True,
    ),
    (
        {"pod.environment.sidekiq.backtrace": False},
        "pod.environment.sidekiq.backtrace: false given; allowed: a whole number from 0 to 1000",
        True,
    ),
    (
        {"pod.privacy.piwik": {"host": "https://stats.example.org", "siteId": 1}},
        "pod.privacy.piwik.host: 'https://stats.example.org' is not valid; allowed: a host without https:// before "
        "it, such as stats.example.org",
        True,
    ),
    (
        {"pod.settings.captcha.captchaLength": 13},
        "pod.settings.captcha.captchaLength: 13 is out of range; allowed: 1 to 12",
        True,
    ),
    *(
        (
            {"pod.settings.paypalDonations": {"enable": True, **buttons}},
            "pod.settings.paypalDonations.enable: needs exactly one button; set paypalHostedButtonId or "
            "paypalUnhostedButtonEncrypted",
            False,
        )
        for buttons in ({}, {"paypalHostedButtonId": "1", "paypalUnhostedButtonEncrypted": "2"})
    ),
    (
        {"pod.settings.usernameBlacklist": ["root", "podmin"]},
        "pod.admin.username: 'podmin' is in pod.settings.usernameBlacklist; choose another name",
        False,
    ),
    (
        {"pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "a.org", "authentication": "login"}}},
        "pod.mail.smtp.username: required with authentication: login; set the account at the relay",
        False,
    ),
    (
        {"pod.privacy.camo": {"root": "https://camo.example.org", "key": "hunter2"}, "pod.services.tumblr": None},
        "pod.privacy.camo.key: belongs in the secret camoKey; remove this key and run: pulumi config set --secret "
        "diaspora-infra:camoKey",
        True,
    ),
    (
        {"pod.services.tumblr": {"key": "k"}},
        "tumblrSecret: required; Secret that belongs to `pod.services.tumblr.key`. Run: pulumi config set --secret "
        "diaspora-infra:tumblrSecret, or add tumblrSecret to pod.secretsOnMachine",
        False,
    ),
    # secrets
    (
        {"pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "smtp.example.org", "username": "pod"}}},
        "smtpPassword: required; Password of `pod.mail.smtp.username` at the mail relay. Run: pulumi config set "
        "--secret diaspora-infra:smtpPassword, or add smtpPassword to pod.secretsOnMachine",
        False,
    ),
    (
        {"smtpPassword": "hunter2"},
        "smtpPassword: not encrypted; run: pulumi config set --secret diaspora-infra:smtpPassword",
        True,
    ),
    (
        {"pod.mail": {"senderAddress": "a@b.org", "smtp": {"host": "smtp.example.org", "password": "hunter2"}}},
        "pod.mail.smtp.password: belongs in the secret smtpPassword; remove this key and run: pulumi config set "
        "--secret diaspora-infra:smtpPassword",
        True,
    ),
    (
        {"pod.smtpPassword": {"secure": "v1:x"}},
        "pod.smtpPassword: belongs in the secret smtpPassword; remove this key and run: pulumi config set --secret "
        "diaspora-infra:smtpPassword",
        True,
    ),
    (
        {"pod.name": {"secure": "v1:x"}},
        "pod.name: encrypted, but not a secret; set a plain value",
        True,
    ),
    (
        {
            "pod.backup": {"repository": "s3:https://s3.example.org/my-pod"},
            "pod.secretsOnMachine": ["backupPassword", "backupAccessKey"],
        },
        "backupSecretKey: required; Secret access key for the S3 bucket in `pod.backup.repository`. Run: pulumi "
        "config set --secret diaspora-infra:backupSecretKey, or add backupSecretKey to pod.secretsOnMachine",
        False,
    ),
    (
        {"pod.secretsOnMachine": ["smtpPassword"]},
        "pod.secretsOnMachine[0]: no setting uses smtpPassword; remove it",
        False,
    ),
    (
        {"pod.backup": {}, "pod.secretsOnMachine": ["all", "backupPassword"]},
        "pod.secretsOnMachine: lists all and single names; keep either all or the names",
        False,
    ),
    # the firewall
    (
        {"host.firewall.open": [{"port": 22}]},
        "host.firewall.open[0].port: 22 is the SSH port; set host.firewall.sshFrom instead",
        False,
    ),
    (
        {"host.firewall.open": [{"port": 443, "from": ["192.0.2.1"]}]},
        "host.firewall.open[0].port: 443 is always open for the pod; remove it",
        False,
    ),
    (
        {"host.firewall.open": [{"port": 5000}, {"port": 6000}, {"port": 5000, "from": ["192.0.2.1"]}]},
        "host.firewall.open[2].port: 5000/tcp is already in host.firewall.open[0]; merge the two entries, with all "
        "networks in `from`",
        False,
    ),
    (
        {"host.firewall": {"enable": False, "sshFrom": ["192.0.2.1"]}},
        "host.firewall.sshFrom: only used with enable: true; remove it",
        False,
    ),
    (
        {"host.firewall": {"enable": False, "open": [{"port": 5000}]}},
        "host.firewall.open: only used with enable: true; remove it",
        False,
    ),
    ({"host.firewall.sshFrom": []}, "host.firewall.sshFrom: empty; allowed: at least 1 item", True),
    (
        {"host.firewall.open": [{"port": 1, "from": []}]},
        "host.firewall.open[0].from: empty; allowed: at least 1 item",
        True,
    ),
    ({"host.firewall.open": [{"port": 0}]}, "host.firewall.open[0].port: 0 is out of range; allowed: 1 to 65535", True),
    (
        {"host.firewall.sshFrom": ["192.0.2.1/24"]},
        f"host.firewall.sshFrom[0]: '192.0.2.1/24' is not valid; allowed: {_SOURCE}",
        False,
    ),
    (
        {"host.firewall.sshFrom": ["everybody"]},
        f"host.firewall.sshFrom[0]: 'everybody' is not valid; allowed: {_SOURCE}",
        True,
    ),
    (
        {"host.firewall.sshFrom": ["::/0"]},
        "host.firewall.sshFrom[0]: '::/0' contains every address; remove the key to allow every address",
        False,
    ),
    (
        {"host.firewall.open": [{"port": 1, "protocol": "sctp"}]},
        "host.firewall.open[0].protocol: 'sctp' is not valid; allowed: tcp, udp",
        True,
    ),
    # what no UTF-8 file can hold
    (
        {"pod.name": "\ud800"},
        "pod.name: '\\ud800' is not valid; allowed: text in Unicode, without U+FFFE and U+FFFF",
        False,
    ),
    ({"pod.admin.\ud800": 1}, "pod.admin: '\\ud800' as a key; allowed: text in Unicode", True),
]
