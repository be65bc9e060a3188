"""The name of the machine."""

from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.templates import file


def hostname(context: Context) -> Fragment:
    """Write /etc/hostname."""
    name = context.machine.hostname or context.machine.name
    return {"storage": {"files": [file("/etc/hostname", f"{name}\n")]}}
