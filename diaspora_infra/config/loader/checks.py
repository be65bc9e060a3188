"""Checks that look at several settings at once.

Each takes only the settings that it checks, so that a mistake elsewhere does not hide its problems. Machines come with
their position in the list, which has gaps where a machine is not valid.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from diaspora_infra.config.aws.aws import AwsRelease
from diaspora_infra.config.host.firewall import check_firewall
from diaspora_infra.config.host.host import SYSTEM_ACCOUNTS, Host, Machine, User, swap_mib
from diaspora_infra.config.host.networks import check_networks, static_addresses
from diaspora_infra.config.pod.backup import check_backup
from diaspora_infra.config.pod.diaspora_toml import PaypalDonations
from diaspora_infra.config.pod.disk_space import check_disk_space
from diaspora_infra.config.pod.mail import check_mail
from diaspora_infra.config.pod.monitoring import check_monitoring
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.pod.release_notice import check_release_notice
from diaspora_infra.config.pod.tls import check_tls
from diaspora_infra.config.problems import Problem, join_path
from diaspora_infra.config.pxe.pxe import PxeMachine, Release
from diaspora_infra.config.types import Stream

Machines = Mapping[int, Machine]


def check_pod(pod: Pod, *, ses: bool = False, backup_bucket: bool = False) -> list[Problem]:
    """Settings of the pod that do not work together.

    `ses`: Amazon SES sends the mail unless `pod.mail` says otherwise. `backup_bucket`: the stack creates a repository.
    """
    problems = []
    settings = pod.settings
    if settings.maintenance.remove_old_users.enable and pod.mail is None and not ses:
        problems.append(
            Problem(
                "pod.settings.maintenance.removeOldUsers.enable",
                "users would be removed without a warning, because pod.mail is not set; set pod.mail, or set false",
            )
        )
    if settings.welcome_message.enabled and not settings.welcome_message.text:
        problems.append(
            Problem("pod.settings.welcomeMessage.text", "required with enabled: true; set the text of the message")
        )
    if settings.csp.report_only and settings.csp.report_uri is None:
        problems.append(
            Problem(
                "pod.settings.csp.reportUri",
                "required with reportOnly: true, because diaspora* sends no policy at all without it; "
                "set an address, or set reportOnly: false",
            )
        )
    problems += check_backup(pod.backup, bucket=backup_bucket)
    if pod.admin.username in (settings.username_blacklist or ()):
        problems.append(
            Problem(
                "pod.admin.username",
                f"{pod.admin.username!r} is in pod.settings.usernameBlacklist; choose another name",
            )
        )
    problems += _check_paypal(settings.paypal_donations)
    problems += check_monitoring(pod.monitoring)
    problems += check_disk_space(pod.disk_space)
    problems += check_release_notice(pod.release_notice)
    problems += check_mail(pod.mail, pod.domain, ses=ses)
    return [*problems, *check_tls(pod.tls)]


def _check_paypal(paypal: PaypalDonations) -> list[Problem]:
    buttons = [paypal.paypal_hosted_button_id, paypal.paypal_unhosted_button_encrypted]
    if not paypal.enable or sum(button is not None for button in buttons) == 1:
        return []
    return [
        Problem(
            "pod.settings.paypalDonations.enable",
            "needs exactly one button; set paypalHostedButtonId or paypalUnhostedButtonEncrypted",
        )
    ]


def check_host(host: Host) -> list[Problem]:
    """Settings of every machine that do not work together."""
    names = {index: user.name for index, user in enumerate(host.users)}
    problems = list(_duplicates(names, lambda index: f"host.users[{index}].name"))
    problems += [
        Problem(f"host.users[{index}].name", "root must not log in; use core, or another user with the group sudo")
        for index, name in names.items()
        if name == "root"
    ]
    problems += [
        Problem(f"host.users[{index}].name", f"{name!r} is a user or a group of the system; choose another name")
        for index, name in names.items()
        if name in SYSTEM_ACCOUNTS
    ]
    if "root" not in names.values() and not any(_may_administrate(user) for user in host.users):
        problems.append(Problem("host.users", "no administrator; name a user core, or give a user the group sudo"))
    updates = host.updates
    if updates.strategy == "periodic" and not updates.windows:
        problems.append(Problem("host.updates.windows", "required with strategy: periodic; list at least one window"))
    if updates.strategy != "periodic" and updates.windows and "windows" in updates.model_fields_set:
        problems.append(Problem("host.updates.windows", "only used with strategy: periodic; remove it"))
    if host.storage.data_disk is not None and host.storage.data_disk == host.storage.disk:
        problems.append(
            Problem("host.storage.dataDisk", "the same disk as host.storage.disk; choose another, or remove it")
        )
    return [*problems, *check_firewall(host.firewall)]


def _may_administrate(user: User) -> bool:
    return user.name == "core" or not {"sudo", "wheel"}.isdisjoint(user.groups)


# the third number of a Fedora CoreOS version (fedora-coreos-tracker, Design.md)
_STREAM_NUMBERS = {"1": Stream.NEXT, "2": Stream.TESTING, "3": Stream.STABLE}


def check_release(path: str, release: Release | AwsRelease) -> list[Problem]:
    """A version that does not belong to its stream."""
    stream = _STREAM_NUMBERS.get(release.version.split(".")[2])
    if stream is release.stream:
        return []
    which = release.version if "version" in release.model_fields_set else f"the default, {release.version},"
    number = next(number for number, name in _STREAM_NUMBERS.items() if name is release.stream)
    other = f", or set stream: {stream}" if stream else ""
    return [
        Problem(
            f"{path}.release.version",
            f"{which} is not of stream {release.stream}; choose a version with {number} as its third number{other}",
        )
    ]


def check_machines(path: str, machines: Machines) -> list[Problem]:
    """Conflicts between the machines of a target, and problems of their networks."""
    names = {index: machine.name for index, machine in machines.items()}
    problems = list(_duplicates(names, lambda index: f"{path}[{index}].name"))
    macs = {index: machine.mac for index, machine in machines.items() if isinstance(machine, PxeMachine)}
    problems += _duplicates(macs, lambda index: f"{path}[{index}].mac")
    for index, machine in machines.items():
        problems += check_networks(f"{path}[{index}].networks", machine.networks)
    return problems


def check_addresses(path: str, pod: Pod, machines: Machines) -> list[Problem]:
    """Addresses of machines that lie inside the network of the pod's containers."""
    subnet = ipaddress.IPv4Network(pod.subnet)
    return [
        Problem(
            join_path(f"{path}[{index}].networks", name, "ipv4", key),
            f"{address} is inside pod.subnet ({subnet}); choose another address, or another pod.subnet",
        )
        for index, machine in machines.items()
        for name, keyfile in machine.networks.items()
        for key, address in static_addresses(keyfile)
        if address in subnet
    ]


# Fedora CoreOS documentation, "Installing on bare metal": with `coreos.live.rootfs_url`, which install_boot sets
_LIVE_MEMORY_MIB = 2048


def check_machines_on_host(path: str, host: Host, machines: Machines) -> list[Problem]:
    """Conflicts between the settings of single machines and those of every machine."""
    problems = []
    if host.memory_mib < _LIVE_MEMORY_MIB and any(map(_is_installed, machines.values())):
        problems.append(
            Problem(
                "host.memoryMib",
                f"{host.memory_mib} is too little for an installation over the network, during which Fedora CoreOS "
                f"runs in memory; give the machine {_LIVE_MEMORY_MIB} or more, or use target ignition",
            )
        )
    for index, machine in machines.items():
        if isinstance(machine, PxeMachine) and machine.disk is None and host.storage.disk is None:
            problems.append(
                Problem(
                    f"{path}[{index}].disk",
                    "required, because the installation erases the disk; "
                    "set disk, or host.storage.disk for all machines",
                )
            )
        if isinstance(machine, PxeMachine) and machine.install == "always" and host.updates.strategy != "off":
            problems.append(
                Problem(
                    f"{path}[{index}].install",
                    "always reinstalls at every network boot, so an update that reboots would reinstall; "
                    "set once, or set host.updates.strategy: off",
                )
            )
        if machine.disk is not None and machine.disk == host.storage.data_disk:
            problems.append(Problem(f"{path}[{index}].disk", "the same disk as host.storage.dataDisk; choose another"))
    return problems


# Estimates, because no build has run in the project's tests: what compiles gems and assets needs 1.5 GiB of memory and
# swap beside the operating system; operating system, images and the layers of a build need 11 GiB, /boot takes 1.
_BUILD_MEMORY_MIB = 2048
_BUILD_ROOT_GIB = 12


def check_image_build(pod: Pod, host: Host) -> list[Problem]:
    """A machine that builds the image of diaspora*, and is too small for that."""
    if pod.image is not None:
        return []
    problems = [*_check_refresh(pod, host)]
    # with an archive, a machine that is too small to build waits for the right one
    if pod.image_archive is None:
        problems += check_build(host, "or build the image on another computer and set pod.image")
    return problems


def check_build(host: Host, otherwise: str) -> list[Problem]:
    """A machine that is too small to build the image of diaspora*; `otherwise` says what else to do."""
    problems = []
    if host.memory_mib < _BUILD_MEMORY_MIB:
        problems.append(
            Problem(
                "host.memoryMib",
                f"{host.memory_mib} is too little to build diaspora*; give the machine {_BUILD_MEMORY_MIB} or more, "
                f"{otherwise}",
            )
        )
    if host.storage.data_disk is None and host.storage.root_gib < _BUILD_ROOT_GIB:
        problems.append(
            Problem(
                "host.storage.rootGib",
                f"{host.storage.root_gib} is too little to build diaspora*; set {_BUILD_ROOT_GIB} or more on a machine "
                f"without data, {otherwise}",
            )
        )
    return problems


# beside a pod, for which the memory that a machine must have is enough, and beside the image of diaspora* that runs
_REFRESH_MEMORY_MIB = _BUILD_MEMORY_MIB + 1536
_REFRESH_ROOT_GIB = _BUILD_ROOT_GIB + 2


def _check_refresh(pod: Pod, host: Host) -> Iterable[Problem]:
    if not pod.image_refresh:
        return
    there = host.memory_mib + swap_mib(host.memory_mib, host.swap)
    if there < _REFRESH_MEMORY_MIB:
        yield Problem(
            "pod.imageRefresh",
            f"a build beside the pod needs {_REFRESH_MEMORY_MIB} MiB of memory and swap, and the machine has {there}; "
            f"raise host.memoryMib, or set host.swap.fileMib to {host.swap.file_mib + _REFRESH_MEMORY_MIB - there}",
        )
    if host.storage.data_disk is None and host.storage.root_gib < _REFRESH_ROOT_GIB:
        yield Problem(
            "pod.imageRefresh",
            f"a build beside the pod needs host.storage.rootGib {_REFRESH_ROOT_GIB} instead of "
            f"{host.storage.root_gib}; set {_REFRESH_ROOT_GIB} on a machine without data, or remove imageRefresh",
        )


def _is_installed(machine: Machine) -> bool:
    return isinstance(machine, PxeMachine) and machine.install != "off"


def _duplicates(values: Mapping[int, str], path: Callable[[int], str]) -> Iterable[Problem]:
    first: dict[str, int] = {}
    for index, value in values.items():
        if value in first:
            yield Problem(path(index), f"{value!r} is already used by {path(first[value])}; choose another")
        first.setdefault(value, index)
