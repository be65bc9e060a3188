"""When the operating system updates itself."""

from typing import Any

import tomli_w

from diaspora_infra.config import Host
from diaspora_infra.host.fragment import Fragment, MachineContext
from diaspora_infra.host.templates import file

PATH = "/etc/zincati/config.d/55-updates-strategy.toml"
_HEADER = "# When zincati may update this machine and reboot it. See it with: systemctl status zincati\n"


def updates(context: MachineContext) -> Fragment:
    """Write zincati's update strategy."""
    text = _HEADER + tomli_w.dumps({"updates": _strategy(context.settings.host)})
    return {"storage": {"files": [file(PATH, text)]}}


def _strategy(host: Host) -> dict[str, Any]:
    settings = host.updates
    if settings.strategy == "off":
        return {"enabled": False}
    if settings.strategy == "immediate":
        return {"strategy": "immediate"}
    windows = [
        {
            "days": [str(day) for day in window.days],
            "start_time": window.start_time,
            "length_minutes": window.length_minutes,
        }
        for window in settings.windows
    ]
    return {"strategy": "periodic", "periodic": {"time_zone": host.time_zone, "window": windows}}
