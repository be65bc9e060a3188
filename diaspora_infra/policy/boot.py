"""Rules on machines that boot from matchbox."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from diaspora_infra.policy.resources import UNKNOWN, Resource, fits
from diaspora_infra.policy.rule import Rule, Setting, Settings, StackRule

_PROFILE, _GROUP = "matchbox:index/profile:Profile", "matchbox:index/group:Group"
_CONFIG = ("coreos.inst.ignition_url", "ignition.config.url")
_INSTALL = "coreos.inst.install_dev"
_LAN = ["*.lan", "*.internal", "*.home.arpa", "*.local", "localhost"]


def _config_from_lan(resource: Resource, settings: Settings) -> Iterator[str]:
    for argument in resource.list("args"):
        name, _, address = str(argument).partition("=")
        if name in _CONFIG and not _is_near(address, settings["hosts"]):
            yield f"args: {name} is no address of a LAN; whoever can read it has the config of the machine"


def _is_near(address: str, hosts: Sequence[str]) -> bool:
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or fits(host, hosts)


CONFIG_FROM_LAN = Rule(
    name="config-from-lan",
    description="Machines fetch their config inside the LAN",
    kinds=frozenset({_PROFILE}),
    settings={"hosts": Setting(_LAN, "names of hosts in the LAN, beside private addresses and names without a dot")},
    check=_config_from_lan,
)


def _installs_always(resources: Sequence[Resource], _settings: Settings) -> Iterator[tuple[str, str]]:
    served = [each.inputs.get("profile") for each in resources if each.kind == _GROUP]
    for profile in resources:
        served_one = profile.kind == _PROFILE and profile.inputs.get("name") in served
        if served_one and _installs(profile.inputs.get("args")):
            yield (
                "installs at each boot from the network; once installed, set serve: false, or boot the disk first",
                profile.urn,
            )


def _installs(arguments: Any) -> bool:
    known = arguments if isinstance(arguments, list) else []
    return any(str(each).partition("=")[0] == _INSTALL for each in known if each is not UNKNOWN)


INSTALLS_ALWAYS = StackRule(
    name="installs-always",
    description="A machine whose firmware boots from the network first is not installed again at each boot",
    level="advisory",
    settings={},
    check=_installs_always,
)
