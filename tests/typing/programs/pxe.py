"""A program of an importer: a provisioning server, and a pod and another machine that boot from it."""

from collections.abc import Mapping

import pulumi
import pulumiverse_matchbox as matchbox

import diaspora_infra
from diaspora_infra.config import Architecture, Stream
from diaspora_infra.ignition import Ignition, IgnitionArgs
from diaspora_infra.pxe import ProvisioningServer, ProvisioningServerArgs, PxePod, PxePodArgs
from diaspora_infra.tables import HostTable, MachineTable, OpenPortTable, PodTable, ProvisioningTable

config = pulumi.Config()
keys = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPyvPaZYYgjxX2iI0ZNkUhRNBQvEYTB+rTcdfEAyLSZp podmin@example.org",)
smtp: OpenPortTable = {"port": 25, "from": ["192.0.2.0/24"]}

# tables in variables, in the arguments, and as outputs
host: HostTable = {
    "users": [{"name": "core", "sshAuthorizedKeys": keys}],
    "storage": {"disk": "/dev/vda", "rootGib": 16},
    "updates": {"strategy": "periodic", "windows": [{"days": ["Sun"], "startTime": "03:00", "lengthMinutes": 60}]},
    "firewall": {"open": [smtp]},
}
provisioning: ProvisioningTable = {
    "httpUrl": "http://matchbox.lan:8080",
    "dhcp": {"network": "192.168.77.0/24"},
    "networks": {"eno1": {"ipv4": {"method": "manual", "address1": "192.168.77.5/24", "may-fail": False}}},
}
server_args: ProvisioningServerArgs = {"host": host, "provisioning": provisioning}
server = ProvisioningServer("boot", server_args)


def pod_table(domain: str) -> PodTable:
    """The pod of a domain."""
    return {
        "domain": domain,
        "admin": {"username": "podmin", "email": f"podmin@{domain}"},
        "image": "registry.example.org/diaspora:0.9.1.0",
        "mail": {"senderAddress": f"pod@{domain}", "smtp": {"host": "mail.example.org", "username": "pod"}},
        "backup": {"repository": "s3:s3.example.org/bucket", "retention": {"days": 14}},
        "settings": {"enableRegistrations": False},
        "tls": {"mode": "acme"},
    }


domain = pulumi.StackReference("dns").require_output("domain")
machine: MachineTable = {"hostname": "pod", "architecture": "aarch64"}
secrets: Mapping[str, pulumi.Output[str]] = {
    key: config.require_secret(key) for key in ("smtpPassword", "backupPassword", "backupAccessKey", "backupSecretKey")
}
pod_args: IgnitionArgs = {
    "pod": domain.apply(lambda name: pod_table(str(name))),
    "host": host,
    "machine": machine,
    "secrets": secrets,
}
pod_ignition = Ignition("pod", pod_args)

provider = matchbox.Provider(
    "matchbox",
    endpoint=server.rpc_endpoint,
    ca=config.require("ca"),
    client_cert=config.require("clientCert"),
    client_key=config.require_secret("clientKey"),
)
pod = PxePod(
    "pod",
    {
        "mac": "52:54:00:a1:9c:01",
        "ignition": pod_ignition.ignition,
        "matchbox_url": server.http_url,
        "version": config.require("version"),
        "disk": pulumi.Output.concat("/dev/", "vda"),
        "stream": "stable",
        "architecture": Architecture.AARCH64,
        "console": ["tty0", pulumi.Output.concat("ttyS", "0")],
        "kernel_arguments": ("debug",),
        "revision": "1",
    },
    pulumi.ResourceOptions(providers=[provider]),
)
other_args: PxePodArgs = {
    "mac": config.require_object("mac"),
    "ignition": '{"ignition": {"version": "3.4.0"}}',
    "matchbox_url": server.http_url.apply(lambda address: address.rstrip("/")),
    "version": "44.20260802.3.1",
    "disk": "/dev/vda",
    "stream": Stream.TESTING,
    "serve": False,
}
other = PxePod("other", other_args, pulumi.ResourceOptions(providers=[provider], depends_on=[pod]))

steps: pulumi.Output[str] = server.next_steps.apply("\n".join)
addresses: list[pulumi.Output[str]] = [pod.ipxe_url, pod.ignition_url, pod.profile, pod.config, other.config]
version: str = diaspora_infra.__version__
pulumi.export("nextSteps", steps)
pulumi.export("addresses", addresses)
pulumi.export("version", version)
