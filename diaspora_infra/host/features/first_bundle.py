"""The bundle of a machine on AWS: fetched and installed at the first boot, and fetched again for an upgrade."""

from diaspora_infra.config import AwsSettings
from diaspora_infra.config.aws.parameter_names import BUNDLE, parameter_path
from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.templates import render_tree


def first_bundle(context: MachineContext) -> Fragment:
    """Install what fetches the bundle that a parameter names. Raises TypeError for a machine elsewhere."""
    settings = context.settings
    if not isinstance(settings, AwsSettings):
        raise TypeError("only a machine on AWS fetches its bundle")
    path = parameter_path(settings.aws, settings.pod)
    requests = render_tree("role_requests", region=settings.aws.region)
    return combine([requests, render_tree("first_bundle", parameter=f"{path}/{BUNDLE}")])
