"""The QEMU guest agent, by which a hypervisor asks the machine for its addresses and shuts it down cleanly."""

from diaspora_infra.host.fragment import Fragment, MachineContext
from diaspora_infra.host.templates import render_tree


def guest_agent(context: MachineContext) -> Fragment:
    """Install the agent at the first boot, with `host.guestAgent`."""
    return render_tree("guest_agent") if context.settings.host.guest_agent else {}
