"""Health checks of the pod's services, so that the podmin gets an alert about a failing service."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def health(_context: PodContext) -> Fragment:
    """Check every 15 minutes, and fail, which sends an alert, when a service is down for ten minutes."""
    return render_tree("health")
