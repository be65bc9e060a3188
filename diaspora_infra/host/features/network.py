"""Network connections, as NetworkManager keyfiles."""

import uuid
from collections.abc import Mapping

from diaspora_infra.config.host.host import Keyfile
from diaspora_infra.config.host.keyfile import SECTIONS, in_order, text_of, value_spec
from diaspora_infra.config.host.networks import connection_type, controller, interface_name
from diaspora_infra.host.fragment import Fragment, MachineContext
from diaspora_infra.host.templates import file

FOLDER = "/etc/NetworkManager/system-connections"
# The UUID of a connection is made from this, the machine's name and the connection's name: it never changes.
NAMESPACE = uuid.UUID("4f0a5a8e-6f0c-4c55-9d0b-0d8e7a4b6f21")

# Keys that NetworkManager always writes for a type.
_TYPE_DEFAULTS: dict[str, dict[str, str | int | bool]] = {
    "ethernet": {},
    "vlan": {"flags": 1},
    "bond": {"mode": "balance-rr"},
    "bridge": {},
}
_FIRST = ("id", "uuid", "type")


def network(context: MachineContext) -> Fragment:
    """Write a keyfile for every connection; without any, NetworkManager uses DHCP on every interface."""
    machine = context.machine
    files = [
        # NetworkManager ignores keyfiles that anyone but root can read
        file(f"{FOLDER}/{name}.nmconnection", keyfile_text(machine.name, name, keyfile), mode=0o600)
        for name, keyfile in machine.networks.items()
    ]
    return {"storage": {"files": files}} if files else {}


def keyfile_text(machine_name: str, name: str, keyfile: Keyfile) -> str:
    """Write one connection as NetworkManager itself would, with the defaults of its type."""
    lines = [
        f"# Network connection {name}, from `networks` in the settings of {machine_name} (nm-settings-keyfile(5))."
    ]
    for section, values in _completed(machine_name, name, keyfile).items():
        first = [key for key in _FIRST if section == "connection" and key in values]
        keys = [*first, *(key for key in in_order(values) if key not in first)]
        if len(lines) > 1:
            lines.append("")
        lines.append(f"[{section}]")
        lines += [f"{key}={_written(section, key, values[key])}" for key in keys if not _is_empty(section, key, values)]
    return "\n".join(lines) + "\n"


def _completed(machine_name: str, name: str, keyfile: Keyfile) -> Keyfile:
    """Add the sections and keys that NetworkManager would add, in its order of sections."""
    kind = connection_type(keyfile)
    connection: dict[str, str | int | bool] = {
        "id": name,
        "uuid": str(uuid.uuid5(NAMESPACE, f"{machine_name}/{name}")),
        "type": kind,
    }
    interface = interface_name(name, keyfile)
    if interface is not None:
        connection["interface-name"] = interface
    complete: Keyfile = {"connection": connection, kind: dict(_TYPE_DEFAULTS.get(kind, {}))}
    if kind != "bond":
        complete.setdefault("ethernet", {})
    if controller(keyfile) is None:
        complete |= {"ipv4": {"method": "auto"}, "ipv6": {"method": "auto", "addr-gen-mode": "default"}, "proxy": {}}
    else:
        given = keyfile["connection"]
        complete[f"{text_of(given.get('port-type', given.get('slave-type', 'bond')))}-port"] = {}
    for section, values in keyfile.items():
        # write IP sections in full, because defaults would change their meaning
        complete[section] = {**(complete.get(section, {}) if section not in {"ipv4", "ipv6"} else {}), **values}
    order = list(SECTIONS)
    return {section: complete[section] for section in sorted(complete, key=order.index)}


def _is_empty(section: str, key: str, values: Mapping[str, str | int | bool]) -> bool:
    kind = value_spec(section, key)
    return kind is not None and kind.may_be_empty and values[key] == ""


def _written(section: str, key: str, value: str | int | bool) -> str:
    kind = value_spec(section, key)
    text = text_of(value)
    return escaped(kind.write(text) if kind else text)


def escaped(text: str) -> str:
    """Escape a value for GLib key files: backslashes, line breaks, and space at either end."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    inner = text.strip(" ")
    before = len(text) - len(text.lstrip(" "))
    after = len(text) - len(inner) - before
    return "\\s" * before + inner + "\\s" * after if inner else "\\s" * len(text)
