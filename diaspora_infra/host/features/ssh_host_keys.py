"""The SSH host keys, which stay the same over a reinstallation."""

from diaspora_infra.config import AwsSettings
from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.templates import render_tree


def ssh_host_keys(context: MachineContext) -> Fragment:
    """Keep the keys on the data partition, and take them from there before sshd starts.

    On AWS sshd does not wait: the volume may be attached minutes later. It then loads the keys again.
    """
    keep = render_tree("ssh_host_keys")
    if isinstance(context.settings, AwsSettings):
        return keep
    return combine([render_tree("ssh_host_keys_early"), keep])
