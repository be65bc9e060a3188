"""What the long jobs of the podmin have in common: units that are followed and hold off reboots."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def jobs(_context: PodContext) -> Fragment:
    """Install the programs that start and follow jobs and units, and the unit that holds off reboots."""
    return render_tree("jobs")
