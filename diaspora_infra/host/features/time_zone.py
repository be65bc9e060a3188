"""The time zone of the machine."""

from diaspora_infra.host.fragment import Fragment, MachineContext


def time_zone(context: MachineContext) -> Fragment:
    """Link /etc/localtime to the zone."""
    target = f"../usr/share/zoneinfo/{context.settings.host.time_zone}"
    return {"storage": {"links": [{"path": "/etc/localtime", "overwrite": True, "target": target}]}}
