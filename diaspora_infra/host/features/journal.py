"""How long the machine keeps its journal."""

from diaspora_infra.host.fragment import Fragment, MachineContext
from diaspora_infra.host.templates import render_tree


def journal(context: MachineContext) -> Fragment:
    """Limit the journal by age and by size."""
    settings = context.settings.host.journal
    return render_tree("journal", days=settings.days, mib=settings.max_mib)
