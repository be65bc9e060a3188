"""Secrets: those that the machine generates for itself, and those that come from outside (config/secrets.py)."""

from collections.abc import Iterable, Iterator
from typing import Any

from diaspora_infra.config.secrets import (
    GENERATED,
    Secret,
    Service,
    Source,
    secrets_from_outside,
    source_of,
)
from diaspora_infra.host.fragment import Fragment, PodContext, combine
from diaspora_infra.host.templates import file, render_tree

FROM_STACK_DIR = "/etc/diaspora/secrets"
ON_MACHINE_DIR = "/var/mnt/data/secrets/provided"

# The folders of drop-ins for what needs a secret of the podmin, and the key that keeps it from starting without one:
# a container waits quietly, a backup that cannot be made is an error. Every program waits for the database.
_WAITING: dict[Service, tuple[tuple[str, ...], str]] = {
    "application": (("/etc/containers/systemd/diaspora-.container.d",), "ConditionPathExists"),
    "relay": (("/etc/containers/systemd/relay.container.d",), "ConditionPathExists"),
    "backup": (
        ("/etc/systemd/system/diaspora-backup.service.d", "/etc/systemd/system/diaspora-backup-check.service.d"),
        "AssertPathExists",
    ),
}

# What machines in groups share of GENERATED. The stack makes the other two, beside the database and the cache.
_SHARED = ("secret_key_base",)


def pod_secrets(context: PodContext) -> Fragment:
    """Make passwords at the first boot; put the secrets of the user, if there are any, where the machine finds them."""
    pod = context.pod
    needed = [
        secret
        for secret in secrets_from_outside(pod, database_on_aws=context.database_on_aws)
        if context.works or secret.user != "backup"
    ]
    table = [(secret, source_of(secret, pod, on_aws=context.on_aws)) for secret in needed]
    waiting = list(_waiting(secret for secret, source in table if source != "config"))
    tree = render_tree(
        "pod_secrets",
        secrets=[_row(secret, source) for secret, source in table],
        generated={name: size for name, size in GENERATED.items() if not context.in_group or name in _SHARED},
        in_group=context.in_group,
        registry=pod.registry is not None,
    )
    fragment = combine([tree, {"storage": {"files": waiting}}])
    if not context.secrets:
        return fragment
    # The named exception: what only the user knows has to travel in the config.
    values = dict(context.secrets)
    folder = {"path": FROM_STACK_DIR, "mode": 0o700}
    files = [
        file(f"{FROM_STACK_DIR}/{secret.file_name}", secret.content(values[secret.key]), mode=0o600)
        for secret, source in table
        if source == "config"
    ]
    return combine([fragment, {"storage": {"directories": [folder], "files": files}}])


def _row(secret: Secret, source: Source) -> str:
    """What the machine has to know about a secret: a line of secrets.conf."""
    return f"{secret.key} {secret.file_name} {secret.form} {secret.user} {source}"


def _waiting(secrets: Iterable[Secret]) -> Iterator[dict[str, Any]]:
    """Drop-ins that keep services from starting as long as a secret of theirs is not on the machine."""
    lines: dict[tuple[str, str], list[str]] = {}
    for secret in secrets:
        folders, key = _WAITING.get(secret.user, ((), ""))
        for folder in folders:
            lines.setdefault((folder, key), []).append(f"{ON_MACHINE_DIR}/{secret.file_name}")
    for (folder, key), paths in lines.items():
        conditions = "".join(f"{key}={path}\n" for path in paths)
        yield file(f"{folder}/30-secrets.conf", f"# what is missing: diaspora-pod secret list\n[Unit]\n{conditions}")
