"""A provisioning server's programs, run as its Quadlet files say (arguments, user, capabilities), without podman."""

import shlex
import subprocess
from pathlib import Path

from diaspora_infra.config import ProvisioningSettings
from diaspora_infra.host.features.firewall import provisioning_firewall
from diaspora_infra.host.features.provisioning import ON_ANY_HOST, TFTP_FOLDER
from diaspora_infra.host.provisioning_files import provisioning_files
from tests.host.pod import QUADLETS, files, read_quadlet
from tests.provisioning.network import Host

IPXE = Path("/usr/lib/ipxe")
"""Debian's iPXE, in the place of the files that the image of dnsmasq has."""
ADDRESS = "192.168.77.5"

# What the containers see. Mounts are the process's own.
_DNSMASQ = """
set -eu
mount -t tmpfs tmpfs /var/lib
mkdir -p {tftp} /var/lib/dnsmasq
mount --bind {ipxe} {tftp}
exec setpriv --no-new-privs --inh-caps=-all --bounding-set={capabilities} dnsmasq {arguments}
"""
_MATCHBOX = """
set -eu
mount -t tmpfs tmpfs /var/lib
mkdir /var/lib/matchbox
mount --bind {data} /var/lib/matchbox
mount -t tmpfs tmpfs /srv
mkdir /srv/matchbox
cp {program} /srv/program
cp {certificates}/ca.crt {certificates}/server.crt {certificates}/server.key /srv/matchbox
chown -R root:{uid} /srv/matchbox
chmod 0750 /srv/matchbox
chmod 0440 /srv/matchbox/*
mkdir -p /run/etc
mount --bind /etc /run/etc
mount -t tmpfs tmpfs /etc
mkdir /etc/matchbox
mount --bind /srv/matchbox /etc/matchbox
exec setpriv --no-new-privs --reuid={uid} --regid={uid} --clear-groups --inh-caps=-all --bounding-set=-all \
    /srv/program {arguments}
"""


class Server:
    """A host of a test's network with the firewall of the settings, and the programs."""

    def __init__(self, settings: ProvisioningSettings, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder
        self.files = provisioning_files(settings.provisioning)
        rules = folder / "firewall.nft"
        fragment = provisioning_firewall(settings)
        (text,) = [text for path, text in files(fragment).items() if path.endswith(".nft")]
        rules.write_text(text)
        host.run("nft", "-f", rules)

    def container(self, name: str) -> dict[str, str]:
        """The section [Container] of a Quadlet file; of a key that is there twice, the last."""
        text = self.files[f"{QUADLETS.lstrip('/')}/{name}.container"][0]
        return dict(read_quadlet(text)["Container"])

    def start_dnsmasq(self) -> Path:
        """Start it with exactly the rendered config; returns its log."""
        container = self.container("network-boot")
        path = "etc/diaspora-provisioning/dnsmasq.conf"
        config = self.folder / "dnsmasq.conf"
        config.write_text(self.files[path][0])
        arguments = [argument.replace(f"/{path}", str(config)) for argument in shlex.split(container["Exec"])]
        assert f"--conf-file={config}" in arguments
        assert container["DropCapability"] == "all"
        added = [f"+{name.lower()}" for name in container["AddCapability"].split()]
        script = _DNSMASQ.format(
            tftp=TFTP_FOLDER, ipxe=IPXE, capabilities=",".join(["-all", *added]), arguments=shlex.join(arguments)
        )
        return self._start("dnsmasq", script)

    def start_matchbox(self, program: Path, data: Path, certificates: Path) -> Path:
        """Start it on its own ports of the host; returns its log."""
        container = self.container("matchbox")
        assert "AddCapability" not in container
        assert container["Volume"].split(":")[1] == "/etc/matchbox"
        self._make_folders(data)
        script = _MATCHBOX.format(
            data=data, program=program, certificates=certificates, uid=container["User"], arguments=container["Exec"]
        )
        return self._start("matchbox", script)

    def _make_folders(self, data: Path) -> None:
        """Run what the service runs before matchbox, with another folder."""
        text = self.files[f"{QUADLETS.lstrip('/')}/matchbox.container"][0]
        (command,) = [value for key, value in read_quadlet(text)["Service"] if key == "ExecStartPre"]
        subprocess.run(shlex.split(command.replace(ON_ANY_HOST.matchbox, str(data))), check=True, timeout=20)

    def _start(self, name: str, script: str) -> Path:
        log = self.folder / f"{name}.log"
        self.host.start(log, "unshare", "--mount", "bash", "-c", script)
        return log
