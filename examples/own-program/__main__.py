"""Two machines on a matchbox server: one runs a pod, the other whatever its Ignition config says."""

import json
from pathlib import Path

import pulumi
import pulumiverse_matchbox as matchbox

from diaspora_infra.ignition import Ignition
from diaspora_infra.pxe import PxePod

RELEASE = "44.20260802.3.1"

config = pulumi.Config()
http_url = config.require("httpUrl")
certificates = Path("~/.matchbox").expanduser()
provider = matchbox.Provider(
    "matchbox",
    endpoint=config.require("rpcEndpoint"),
    ca=(certificates / "ca.crt").read_text(),
    client_cert=(certificates / "client.crt").read_text(),
    client_key=pulumi.Output.secret((certificates / "client.key").read_text()),
)
on_matchbox = pulumi.ResourceOptions(providers=[provider])

# a pod: the tables are those of a stack file of diaspora-infra
pod_ignition = Ignition(
    "pod",
    {"pod": config.require_object("pod"), "host": config.require_object("host"), "machine": {"disk": "/dev/vda"}},
)
pod = PxePod(
    "pod",
    {
        "mac": "52:54:00:a1:9c:01",
        "ignition": pod_ignition.ignition,
        "matchbox_url": http_url,
        "version": RELEASE,
        "disk": "/dev/vda",
    },
    on_matchbox,
)

# any other Ignition config up to version 3.4.0: written by hand, by Butane, by another program
other = PxePod(
    "other",
    {
        "mac": "52:54:00:a1:9c:02",
        "ignition": json.dumps(
            {
                "ignition": {"version": "3.4.0"},
                "storage": {"files": [{"path": "/etc/hostname", "mode": 0o644, "contents": {"source": "data:,other"}}]},
            }
        ),
        "matchbox_url": http_url,
        "version": RELEASE,
        "disk": "/dev/disk/by-id/ata-EXAMPLE",
    },
    on_matchbox,
)

pulumi.export("pod", {"ipxe": pod.ipxe_url, "config": pod.config})
pulumi.export("other", {"ipxe": other.ipxe_url, "config": other.config})
