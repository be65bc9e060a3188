"""The floor: the same number of profiles and groups, from ready strings in a file."""

import json
from pathlib import Path

import pulumi
import pulumiverse_matchbox as matchbox

config = pulumi.Config("bare")
pki = Path(config.require("pki"))
provider = matchbox.Provider(
    "matchbox",
    endpoint=config.require("endpoint"),
    ca=(pki / "ca.crt").read_text(),
    client_cert=(pki / "client.crt").read_text(),
    client_key=(pki / "client.key").read_text(),
)
options = pulumi.ResourceOptions(provider=provider)
for machine in json.loads(Path(config.require("machines")).read_text()):
    profile = matchbox.Profile(
        machine["name"],
        name=machine["name"],
        kernel=machine["kernel"],
        initrds=machine["initrds"],
        args=machine["args"],
        raw_ignition=machine["ignition"],
        opts=options,
    )
    matchbox.Group(
        machine["name"], name=machine["name"], profile=profile.name, selector={"mac": machine["mac"]}, opts=options
    )
