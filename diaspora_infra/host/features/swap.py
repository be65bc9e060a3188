"""Swap: compressed in memory, and as a file on the data partition."""

from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.templates import render_tree

SWAP_FILE = f"{DATA_FOLDER}/swapfile"


def swap(context: MachineContext) -> Fragment:
    """Set up zram, a swap file, both or none."""
    settings = context.settings.host.swap
    parts = []
    if settings.zram_mib:
        parts.append(render_tree("zram", mib=settings.zram_mib))
    if settings.file_mib:
        parts.append(render_tree("swap_file", path=SWAP_FILE, mib=settings.file_mib))
    return combine(parts)
