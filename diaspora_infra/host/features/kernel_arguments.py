"""Kernel arguments of the installed system."""

from diaspora_infra.host.fragment import Fragment, MachineContext


def kernel_arguments(context: MachineContext) -> Fragment:
    """Add the kernel arguments of the settings; Ignition reboots once to add them."""
    arguments = context.settings.host.kernel_arguments
    return {"kernel_arguments": {"should_exist": list(arguments)}} if arguments else {}
