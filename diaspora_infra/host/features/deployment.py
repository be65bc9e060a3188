"""Deployments of a pod on several machines.

The job machine brings the database to a version of diaspora*, and tells it by a parameter; the web server of the others
runs only while that is their own version.
"""

from diaspora_infra.config.aws.parameter_names import DEPLOYMENT, parameter_path
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.fragment import AwsContext, Fragment, combine
from diaspora_infra.host.templates import render_tree


def deployment(context: AwsContext) -> Fragment:
    """Install what a machine of this role does in a deployment."""
    image = container_image(context, "diaspora")
    common = render_tree("deployment", parameter=f"{parameter_path(context.aws, context.pod)}/{DEPLOYMENT}")
    return combine([common, render_tree(f"deployment_{context.role}", image=image)])
