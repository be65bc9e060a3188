"""A new machine in a group tells EC2 Auto Scaling when it is ready: until then it gets no requests."""

from diaspora_infra.host.fragment import AwsContext, Fragment
from diaspora_infra.host.templates import render_tree

READY_HOOK = "ready"
"""Name of the lifecycle hook (aws/machine_group.py)."""


def ready(context: AwsContext) -> Fragment:
    """Complete the lifecycle hook of the group, once after each start."""
    return render_tree("ready", hook=READY_HOOK, web=context.answers)
