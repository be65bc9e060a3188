"""Hardening of the operating system that needs no settings: SSH, kernel settings, core dumps."""

from diaspora_infra.host.fragment import Fragment, MachineContext
from diaspora_infra.host.templates import render_tree


def hardening(_context: MachineContext) -> Fragment:
    """Allow logins by key only, and disable features that only an attacker would use."""
    return render_tree("hardening")
