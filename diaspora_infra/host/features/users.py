"""Accounts that may log in."""

from diaspora_infra.host.fragment import Fragment, MachineContext


def users(context: MachineContext) -> Fragment:
    """Give every user the SSH keys and groups of the settings."""
    return {
        "passwd": {
            "users": [
                {
                    "name": user.name,
                    **({"groups": user.groups} if user.groups else {}),
                    "ssh_authorized_keys": user.ssh_authorized_keys,
                }
                for user in context.settings.host.users
            ]
        }
    }
