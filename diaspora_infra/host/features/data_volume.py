"""The data volume of a machine on AWS: a separate disk, which is attached after the machine has started."""

from diaspora_infra.host.fragment import Fragment, MachineContext, combine
from diaspora_infra.host.templates import file, render_tree

# The name that systemd gives to /dev/disk/by-label/data.
DEVICE_UNIT = r"dev-disk-by\x2dlabel-data.device"
# A mount unit brings a job for its device along, which gives up after 90 seconds.
DEVICE_FILE = f"/etc/systemd/system/{DEVICE_UNIT}.d/10-patience.conf"
DEVICE_WAITS = "[Unit]\nJobRunningTimeoutSec=infinity\n"
# Ignition labels the filesystems that it makes; this one it did not.
LABEL_FILE = "/etc/systemd/system/diaspora-data.service.d/10-label.conf"
LABEL = "[Service]\nExecStartPre=-/usr/sbin/restorecon /var/mnt/data\n"


def data_volume(_context: MachineContext) -> Fragment:
    """Wait for the volume, format it when it is blank, mount it by its label, and let its filesystem grow."""
    drop_ins = [file(DEVICE_FILE, DEVICE_WAITS), file(LABEL_FILE, LABEL)]
    return combine([render_tree("data_volume"), {"storage": {"files": drop_ins}}])
