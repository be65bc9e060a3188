"""Kernel arguments of the installed system."""

from diaspora_infra.config import PxeMachine
from diaspora_infra.host.fragment import Fragment, MachineContext


def kernel_arguments(context: MachineContext) -> Fragment:
    """Add the kernel arguments of the settings; Ignition reboots once to add them."""
    arguments = list(context.settings.host.kernel_arguments)
    if isinstance(context.machine, PxeMachine) and context.machine.console:
        # one entry: the order counts, and Ignition leaves out an entry that is there already
        arguments.append(" ".join(f"console={entry}" for entry in context.machine.console))
    return {"kernel_arguments": {"should_exist": arguments}} if arguments else {}
