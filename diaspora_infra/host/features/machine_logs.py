"""Logs of a machine in a group, which are sent to CloudWatch: the machine may be gone when somebody asks for them."""

from diaspora_infra.config.aws.parameter_names import machines_log_group
from diaspora_infra.host.fragment import AwsContext, Fragment
from diaspora_infra.host.templates import render_tree


def machine_logs(context: AwsContext) -> Fragment:
    """Send the journal; nothing where logs are not kept."""
    if not context.aws.ha.log_days:
        return {}
    return render_tree("machine_logs", group=machines_log_group(context.pod))
