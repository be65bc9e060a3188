"""A look at the services of the pod, so that the podmin is told when one of them does not come up."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def health(_context: PodContext) -> Fragment:
    """Look every 15 minutes, and fail, which sends an alert, when a service is down for ten."""
    return render_tree("health")
