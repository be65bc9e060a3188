"""Swap: compressed in memory, and as a file on the data partition."""

from diaspora_infra.config.host.host import Swap
from diaspora_infra.host.features.storage import DATA_FOLDER
from diaspora_infra.host.fragment import AwsContext, Fragment, MachineContext, combine
from diaspora_infra.host.templates import render_tree

SWAP_FILE = f"{DATA_FOLDER}/swapfile"


def swap(context: MachineContext) -> Fragment:
    """Set up zram, a swap file, both or none."""
    return combine([zram(context), _file(context.settings.host.swap)])


def zram(context: MachineContext) -> Fragment:
    """Set up what does not depend on the size of the machine."""
    mib = context.settings.host.swap.zram_mib
    return render_tree("zram", mib=mib) if mib else {}


def swap_file(context: AwsContext) -> Fragment:
    """Set up the rest. On AWS the type of the instance can change, and the machine stays."""
    return _file(context.swap)


def _file(settings: Swap) -> Fragment:
    return render_tree("swap_file", path=SWAP_FILE, mib=settings.file_mib) if settings.file_mib else {}
