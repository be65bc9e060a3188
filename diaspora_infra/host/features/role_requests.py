"""Requests to AWS with the credentials of the machine's role."""

from diaspora_infra.host.fragment import AwsContext, Fragment
from diaspora_infra.host.templates import render_tree


def role_requests(context: AwsContext) -> Fragment:
    """Install what other programs source; on a machine that fetches its bundle, it comes with what fetches it."""
    return render_tree("role_requests", region=context.aws.region)
