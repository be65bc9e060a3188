"""Hardening of the operating system that needs no settings: SSH, kernel settings, core dumps."""

from diaspora_infra.host.fragment import Context, Fragment
from diaspora_infra.host.templates import render_tree


def hardening(_context: Context) -> Fragment:
    """Allow logins by key only, and switch off what only an attacker would use."""
    return render_tree("hardening")
