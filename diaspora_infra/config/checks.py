"""Checks that look at several settings at once."""

from collections.abc import Callable, Iterable, Sequence

from diaspora_infra.config.host import Host, Machine
from diaspora_infra.config.images import default_image
from diaspora_infra.config.networks import check_networks
from diaspora_infra.config.pod import Pod
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.pxe import PxeMachine
from diaspora_infra.config.settings import Settings


def check_pod(pod: Pod) -> list[Problem]:
    """Settings of the pod that do not work together."""
    problems = []
    settings = pod.settings
    if settings.maintenance.remove_old_users.enable and pod.mail is None:
        problems.append(
            Problem(
                "pod.settings.maintenance.removeOldUsers.enable",
                "users would be removed without a warning, since pod.mail is not set; allowed: false without mail",
            )
        )
    if settings.welcome_message.enabled and not settings.welcome_message.text:
        problems.append(Problem("pod.settings.welcomeMessage.text", "missing; it is required when enabled is true"))
    if pod.mail and pod.mail.smtp.port == 465:
        problems.append(
            Problem(
                "pod.mail.smtp.port",
                "465 speaks TLS from the start, which diaspora* cannot; allowed: a port with STARTTLS, usually 587",
            )
        )
    return problems


def check_host(host: Host) -> list[Problem]:
    """Settings of every machine that do not work together."""
    problems = list(_duplicates("host.users", [user.name for user in host.users], lambda index: f"[{index}].name"))
    problems += [
        Problem(f"host.users[{index}].name", "root must not log in; allowed: core or another user with sudo")
        for index, user in enumerate(host.users)
        if user.name == "root"
    ]
    if host.updates.strategy == "periodic" and not host.updates.windows:
        problems.append(Problem("host.updates.windows", "empty; allowed: at least one window with strategy periodic"))
    if host.storage.data_disk == host.storage.disk:
        problems.append(Problem("host.storage.dataDisk", "is the system disk; allowed: another disk, or leave it out"))
    return problems


def check_machines(path: str, machines: Sequence[Machine]) -> list[Problem]:
    """Machines of one target that get in each other's way, and their networks."""
    problems = list(_duplicates(path, [machine.name for machine in machines], lambda index: f"[{index}].name"))
    macs = [machine.mac for machine in machines if isinstance(machine, PxeMachine)]
    problems += _duplicates(path, macs, lambda index: f"[{index}].mac")
    for index, machine in enumerate(machines):
        problems += check_networks(f"{path}[{index}].networks", machine.networks)
    return problems


def check_together(settings: Settings) -> list[Problem]:
    """Settings of different keys that do not work together."""
    path = f"{settings.target}.machines"
    problems = []
    missing_image = {
        machine.architecture
        for machine in settings.machines
        if settings.pod.image is None and default_image("diaspora", machine.architecture) is None
    }
    if missing_image:
        problems.append(
            Problem(
                "pod.image",
                f"missing; there is no default diaspora* image for {', '.join(sorted(missing_image))}; "
                "allowed: your own pinned image (see containers/diaspora/README.md)",
            )
        )
    for index, machine in enumerate(settings.machines):
        if isinstance(machine, PxeMachine) and machine.install == "always" and settings.host.updates.strategy != "off":
            problems.append(
                Problem(
                    f"{path}[{index}].install",
                    "always reinstalls at every network boot, so an update that reboots would reinstall; "
                    "allowed: once, or host.updates.strategy: off",
                )
            )
    return problems


def _duplicates(path: str, values: Iterable[str], suffix: Callable[[int], str]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        if value in first:
            yield Problem(
                f"{path}{suffix(index)}",
                f"{value!r} is already used by {path}{suffix(first[value])}; allowed: a value of its own",
            )
        first.setdefault(value, index)
