"""An alert when the operating system is not updated any more."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def system_updates(_context: PodContext) -> Fragment:
    """Check the age of the release every day."""
    return render_tree("system_updates")
