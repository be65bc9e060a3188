"""Checks that look at several settings at once: of the pod, of every machine, and of the machines of a target.

Each reads only the settings that it checks, so that a mistake elsewhere does not hide its problems: see
config/checking.py.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from diaspora_infra.config.aws.aws import AwsRelease
from diaspora_infra.config.checking import readable, run_checks
from diaspora_infra.config.host.firewall import check_firewall
from diaspora_infra.config.host.host import SYSTEM_ACCOUNTS, Host, Machine, User, swap_mib
from diaspora_infra.config.host.networks import check_networks, static_addresses
from diaspora_infra.config.pod.backup import check_backup
from diaspora_infra.config.pod.disk_space import check_disk_space
from diaspora_infra.config.pod.image_archive import check_archive_and_image
from diaspora_infra.config.pod.mail import check_mail
from diaspora_infra.config.pod.monitoring import check_monitoring
from diaspora_infra.config.pod.pod import Pod
from diaspora_infra.config.pod.release_notice import check_release_notice
from diaspora_infra.config.pod.tls import check_tls
from diaspora_infra.config.pod.versions import check_versions
from diaspora_infra.config.problems import Problem, join_path
from diaspora_infra.config.pxe.pxe import PxeMachine, Release
from diaspora_infra.config.types import Stream


def check_pod(pod: Pod) -> Iterator[Problem]:
    """Settings of the pod that do not work together."""
    yield from run_checks(_OF_POD, pod)


def check_removed_users(pod: Pod, *, ses: bool) -> Iterator[Problem]:
    """A removal of accounts without mail. `ses`: Amazon SES sends it where nobody else does."""
    if pod.settings.maintenance.remove_old_users.enable and pod.mail is None and not ses:
        yield Problem(
            "pod.settings.maintenance.removeOldUsers.enable",
            "users would be removed without a warning, because pod.mail is not set; set pod.mail, or set false",
        )


def _welcome_message(pod: Pod) -> Iterator[Problem]:
    message = pod.settings.welcome_message
    if message.enabled and not message.text:
        yield Problem("pod.settings.welcomeMessage.text", "required with enabled: true; set the text of the message")


def _csp(pod: Pod) -> Iterator[Problem]:
    csp = pod.settings.csp
    if csp.report_only and csp.report_uri is None:
        yield Problem(
            "pod.settings.csp.reportUri",
            "required with reportOnly: true, because diaspora* sends no policy at all without it; "
            "set an address, or set reportOnly: false",
        )


def _admin(pod: Pod) -> Iterator[Problem]:
    if pod.admin.username in (pod.settings.username_blacklist or ()):
        yield Problem(
            "pod.admin.username",
            f"{pod.admin.username!r} is in pod.settings.usernameBlacklist; choose another name",
        )


def _paypal(pod: Pod) -> Iterator[Problem]:
    paypal = pod.settings.paypal_donations
    buttons = [paypal.paypal_hosted_button_id, paypal.paypal_unhosted_button_encrypted]
    if paypal.enable and sum(button is not None for button in buttons) != 1:
        yield Problem(
            "pod.settings.paypalDonations.enable",
            "needs exactly one button; set paypalHostedButtonId or paypalUnhostedButtonEncrypted",
        )


_OF_POD: tuple[Callable[[Pod], Iterable[Problem]], ...] = (
    _welcome_message,
    _csp,
    _admin,
    _paypal,
    check_archive_and_image,
    check_mail,
    check_versions,
    lambda pod: check_backup(pod.backup),
    lambda pod: check_disk_space(pod.disk_space),
    lambda pod: check_monitoring(pod.monitoring),
    lambda pod: check_release_notice(pod.release_notice),
    lambda pod: check_tls(pod.tls),
)


def check_host(host: Host) -> Iterator[Problem]:
    """Settings of every machine that do not work together."""
    yield from run_checks(_OF_HOST, host)


def _user_names(host: Host) -> Iterator[Problem]:
    names = readable(host.users, lambda user: user.name)
    yield from _duplicates(names, lambda index: f"host.users[{index}].name")
    for index, name in names.items():
        path = f"host.users[{index}].name"
        if name == "root":
            yield Problem(path, "root must not log in; use core, or another user with the group sudo")
        if name in SYSTEM_ACCOUNTS:
            yield Problem(path, f"{name!r} is a user or a group of the system; choose another name")


def _administrator(host: Host) -> Iterator[Problem]:
    if not any(user.name == "root" or _may_administrate(user) for user in host.users):
        yield Problem("host.users", "no administrator; name a user core, or give a user the group sudo")


def _may_administrate(user: User) -> bool:
    return user.name == "core" or not {"sudo", "wheel"}.isdisjoint(user.groups)


def _windows(host: Host) -> Iterator[Problem]:
    updates = host.updates
    if updates.strategy == "periodic" and not updates.windows:
        yield Problem("host.updates.windows", "required with strategy: periodic; list at least one window")
    if updates.strategy != "periodic" and updates.windows and "windows" in updates.model_fields_set:
        yield Problem("host.updates.windows", "only used with strategy: periodic; remove it")


def _data_disk(host: Host) -> Iterator[Problem]:
    if host.storage.data_disk is not None and host.storage.data_disk == host.storage.disk:
        yield Problem("host.storage.dataDisk", "the same disk as host.storage.disk; choose another, or remove it")


_OF_HOST: tuple[Callable[[Host], Iterable[Problem]], ...] = (
    _user_names,
    _administrator,
    _windows,
    _data_disk,
    lambda host: check_firewall(host.firewall),
)


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


def check_machines(path: str, machines: Sequence[Machine]) -> Iterator[Problem]:
    """Conflicts between the machines of a target, and problems of their networks."""
    names = readable(machines, lambda machine: machine.name)
    yield from _duplicates(names, lambda index: f"{path}[{index}].name")
    macs = readable(machines, lambda machine: machine.mac if isinstance(machine, PxeMachine) else None)
    yield from _duplicates(macs, lambda index: f"{path}[{index}].mac")
    for index, networks in readable(machines, lambda machine: machine.networks).items():
        yield from check_networks(f"{path}[{index}].networks", networks)


def check_addresses(path: str, pod: Pod, machines: Sequence[Machine]) -> Iterator[Problem]:
    """Addresses of machines that lie inside the network of the pod's containers."""
    subnet = ipaddress.IPv4Network(pod.subnet)
    for index, networks in readable(machines, lambda machine: machine.networks).items():
        for name, keyfile in networks.items():
            for key, address in static_addresses(keyfile):
                if address in subnet:
                    yield Problem(
                        join_path(f"{path}[{index}].networks", name, "ipv4", key),
                        f"{address} is inside pod.subnet ({subnet}); choose another address, or another pod.subnet",
                    )


# Fedora CoreOS documentation, "Installing on bare metal": with `coreos.live.rootfs_url`, which install_boot sets
_LIVE_MEMORY_MIB = 2048


def check_machines_on_host(path: str, host: Host, machines: Sequence[Machine]) -> Iterator[Problem]:
    """Conflicts between the settings of single machines and those of every machine."""
    yield from run_checks((_live_memory,), host, machines)
    for index, machine in enumerate(machines):
        yield from run_checks((_system_disk, _reinstallation, _same_disk), f"{path}[{index}]", host, machine)


def _live_memory(host: Host, machines: Sequence[Machine]) -> Iterator[Problem]:
    if host.memory_mib < _LIVE_MEMORY_MIB and any(readable(machines, _is_installed).values()):
        yield Problem(
            "host.memoryMib",
            f"{host.memory_mib} is too little for an installation over the network, during which Fedora CoreOS "
            f"runs in memory; give the machine {_LIVE_MEMORY_MIB} or more, or use target ignition",
        )


def _system_disk(path: str, host: Host, machine: Machine) -> Iterator[Problem]:
    if isinstance(machine, PxeMachine) and machine.disk is None and host.storage.disk is None:
        yield Problem(
            f"{path}.disk",
            "required, because the installation erases the disk; set disk, or host.storage.disk for all machines",
        )


def _reinstallation(path: str, host: Host, machine: Machine) -> Iterator[Problem]:
    if isinstance(machine, PxeMachine) and machine.install == "always" and host.updates.strategy != "off":
        yield Problem(
            f"{path}.install",
            "always reinstalls at every network boot, so an update that reboots would reinstall; "
            "set once, or set host.updates.strategy: off",
        )


def _same_disk(path: str, host: Host, machine: Machine) -> Iterator[Problem]:
    if machine.disk is not None and machine.disk == host.storage.data_disk:
        yield Problem(f"{path}.disk", "the same disk as host.storage.dataDisk; choose another")


# Estimates, because no build has run in the project's tests: what compiles gems and assets needs 1.5 GiB of memory and
# swap beside the operating system; operating system, images and the layers of a build need 11 GiB, /boot takes 1.
_BUILD_MEMORY_MIB = 2048
_BUILD_ROOT_GIB = 12


def check_image_build(pod: Pod, host: Host) -> Iterator[Problem]:
    """A machine that builds the image of diaspora*, and is too small for that."""
    if pod.image is None:
        yield from run_checks((_refresh_memory, _refresh_root, _build), pod, host)


def _build(pod: Pod, host: Host) -> Iterator[Problem]:
    # with an archive, a machine that is too small to build waits for the right one
    if pod.image_archive is None:
        yield from check_build(host, "or build the image on another computer and set pod.image")


def check_build(host: Host, otherwise: str) -> Iterator[Problem]:
    """A machine that is too small to build the image of diaspora*; `otherwise` says what else to do."""
    yield from run_checks((_build_memory, _build_root), host, otherwise)


def _build_memory(host: Host, otherwise: str) -> Iterator[Problem]:
    if host.memory_mib < _BUILD_MEMORY_MIB:
        yield Problem(
            "host.memoryMib",
            f"{host.memory_mib} is too little to build diaspora*; give the machine {_BUILD_MEMORY_MIB} or more, "
            f"{otherwise}",
        )


def _build_root(host: Host, otherwise: str) -> Iterator[Problem]:
    if host.storage.data_disk is None and host.storage.root_gib < _BUILD_ROOT_GIB:
        yield Problem(
            "host.storage.rootGib",
            f"{host.storage.root_gib} is too little to build diaspora*; set {_BUILD_ROOT_GIB} or more on a machine "
            f"without data, {otherwise}",
        )


# beside a pod, for which the memory that a machine must have is enough, and beside the image of diaspora* that runs
_REFRESH_MEMORY_MIB = _BUILD_MEMORY_MIB + 1536
_REFRESH_ROOT_GIB = _BUILD_ROOT_GIB + 2


def _refresh_memory(pod: Pod, host: Host) -> Iterator[Problem]:
    there = host.memory_mib + swap_mib(host.memory_mib, host.swap)
    if pod.image_refresh and there < _REFRESH_MEMORY_MIB:
        yield Problem(
            "pod.imageRefresh",
            f"a build beside the pod needs {_REFRESH_MEMORY_MIB} MiB of memory and swap, and the machine has {there}; "
            f"raise host.memoryMib, or set host.swap.fileMib to {host.swap.file_mib + _REFRESH_MEMORY_MIB - there}",
        )


def _refresh_root(pod: Pod, host: Host) -> Iterator[Problem]:
    if pod.image_refresh and host.storage.data_disk is None and host.storage.root_gib < _REFRESH_ROOT_GIB:
        yield Problem(
            "pod.imageRefresh",
            f"a build beside the pod needs host.storage.rootGib {_REFRESH_ROOT_GIB} instead of "
            f"{host.storage.root_gib}; set {_REFRESH_ROOT_GIB} on a machine without data, or remove imageRefresh",
        )


def _is_installed(machine: Machine) -> bool:
    return isinstance(machine, PxeMachine) and machine.install != "off"


def _duplicates(values: Mapping[int, str | None], path: Callable[[int], str]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, value in values.items():
        if value is None:
            continue
        if value in first:
            yield Problem(path(index), f"{value!r} is already used by {path(first[value])}; choose another")
        first.setdefault(value, index)
