"""What the long jobs of the podmin have in common: they run as units, are followed, and keep the machine from rebooting."""

from diaspora_infra.host.fragment import Fragment, PodContext
from diaspora_infra.host.templates import render_tree


def jobs(_context: PodContext) -> Fragment:
    """Install the programs that start and follow jobs and units, and the unit that holds off reboots."""
    return render_tree("jobs")
