"""Mistakes of an importer. A comment marks each line that a type checker has to report, and it reports no other."""

import pulumi

import diaspora_infra
from diaspora_infra.ignition import Ignition
from diaspora_infra.pxe import ProvisioningServer, PxePod
from diaspora_infra.pxe import PxePods as Misspelt  # mistake
from diaspora_infra.tables import HostTable, PodTable

__all__ = ["Misspelt"]

host: HostTable = {"users": []}
pod: PodTable = {"domain": "pod.example.org", "admin": {"username": "podmin", "email": "podmin@example.org"}}

a_misspelt_key: PodTable = {"domain": "a.example", "nmae": "A", "admin": pod["admin"]}  # mistake
a_misspelt_key_inside: HostTable = {"users": [], "storage": {"rootGiB": 16}}  # mistake
a_missing_key: PodTable = {"domain": "pod.example.org"}  # mistake
text_in_place_of_a_number: HostTable = {"users": [], "memoryMib": "2048"}  # mistake
a_fraction: HostTable = {"users": [], "memoryMib": 2048.5}  # mistake

Ignition("a", {"pod": pod, "host": host})  # mistake
Ignition("b", {"pod": pod, "host": host, "machine": {}, "secret": {"smtpPassword": "x"}})  # mistake
Ignition("c", {"pod": pod, "host": host, "machine": {"arch": "aarch64"}})  # mistake
Ignition("d", {"pod": pulumi.Output.from_input(host), "host": host, "machine": {}})  # mistake

server = ProvisioningServer("boot", {"host": host, "provisioning": {"httpUrl": "http://matchbox.lan:8080"}})
PxePod("e", {"mac": "x", "ignition": "{}", "matchboxUrl": server.http_url, "version": "4", "disk": "d"})  # mistake
PxePod("f", {"mac": "x", "ignition": server.next_steps, "matchbox_url": "m", "version": "4", "disk": "d"})  # mistake
PxePod("g", {"mac": "x", "ignition": "{}", "matchbox_url": "m", "version": "4", "disk": "d", "console": [1]})  # mistake
PxePod("h", {"mac": "x", "ignition": "{}", "matchbox_url": "m", "version": "4", "disk": "d", "serve": "yes"})  # mistake

print(server.url)  # mistake
print(diaspora_infra.release)  # mistake
