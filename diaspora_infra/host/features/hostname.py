"""The name of the machine."""

from diaspora_infra.host.fragment import Fragment, MachineContext
from diaspora_infra.host.templates import file


def hostname(context: MachineContext) -> Fragment:
    """Write /etc/hostname."""
    name = context.machine.hostname or context.machine.name
    return {"storage": {"files": [file("/etc/hostname", f"{name}\n")]}}
