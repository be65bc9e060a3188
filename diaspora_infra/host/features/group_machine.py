"""What a machine in a group has in place of data of its own, and of updates in place."""

from diaspora_infra.host.features.updates import PATH as UPDATES_FILE
from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.templates import file, render_tree

DATA_SOURCE = "/var/lib/diaspora-data"
"""The folder of the root disk where other machines have their data."""
_NO_UPDATES = """# Another machine with a newer image takes the place of this one.
[updates]
enabled = false
"""


def data_folder(_context: MachineContext) -> Fragment:
    """Mount a folder of the root disk where other machines have their data, so that the services are the same."""
    folder: Fragment = {"storage": {"directories": [{"path": DATA_SOURCE, "mode": 0o755}]}}
    return combine([folder, render_tree("group_machine", source=DATA_SOURCE)])


def no_updates(_context: MachineContext) -> Fragment:
    """Turn zincati off: all machines of a group have the same windows, and would reboot at the same time."""
    return {"storage": {"files": [file(UPDATES_FILE, _NO_UPDATES)]}}
