"""Compare what matchbox serves with what the settings render."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping

from diaspora_infra.config import PxeMachine, PxeSettings, Settings
from diaspora_infra.host import render
from diaspora_infra.pxe.install import Boot, InstallSettings, install_boot, install_settings
from diaspora_infra.pxe.served import generic_url, ipxe_url, meaning

_TIMEOUT_SECONDS = 10
_MAX_BYTES = 16 << 20
_REMEDY = "run: pulumi refresh, then pulumi up"


def verify(settings: Settings, secrets: Mapping[str, str]) -> tuple[list[str], bool]:
    """Ask the server for every machine; returns a line for each finding, and whether everything matches."""
    if not isinstance(settings, PxeSettings):
        return ["target: only what matchbox serves can be verified; use a stack file with target: pxe"], False
    url = settings.pxe.matchbox.http_url
    status, reason = _get(url)
    if status == 0:  # one line instead of two for each machine, and one time limit
        remedy = "start matchbox there, or correct the address"
        return [f"pxe.matchbox.httpUrl: no answer from {url} ({reason}); {remedy}"], False
    lines, good = [], True
    for machine in settings.pxe.machines:
        faults = list(_faults(settings, machine, secrets))
        lines += [f"{machine.name}: {fault}; {_REMEDY}" for fault in faults] or [
            f"{machine.name}: served as configured"
        ]
        good = good and not faults
    return lines, good


def _faults(settings: PxeSettings, machine: PxeMachine, secrets: Mapping[str, str]) -> Iterator[str]:
    return served_faults(
        install_settings(settings, machine), machine, lambda: render(settings, machine, secrets).ignition
    )


def answers(http_url: str) -> bool:
    """Tell whether a server answers at all, whatever it says."""
    return _get(http_url)[0] != 0


def served_faults(install: InstallSettings, machine: PxeMachine, ignition: Callable[[], str]) -> Iterator[str]:
    """Ask the server for a machine; yields what differs from how it is installed and from its Ignition config."""
    addresses = {
        "iPXE script": ipxe_url(install["matchbox_url"], machine.mac),
        "Ignition config": generic_url(install["matchbox_url"], machine.mac),
    }
    got = {name: _get(address) for name, address in addresses.items()}
    expected = 404 if machine.install == "off" else 200
    for name, (status, text) in got.items():
        if status == 0:
            yield f"no answer from {addresses[name]}: {text}"
        elif status != expected and machine.install == "off":
            yield f"install is off, but the server answers {status} for its {name}"
        elif status != expected:
            yield f"no {name}: {addresses[name]} answers {status}"
    if machine.install == "off" or any(status != 200 for status, _ in got.values()):
        return
    if got["iPXE script"][1] != ipxe_script(install_boot(**install)):
        yield "the served iPXE script differs from the settings"
    served, meant = got["Ignition config"][1], ignition()
    # the program and this command may list tables in another order
    if served != meant and _meaning_of(served) != meaning(meant):
        yield "the served Ignition config differs from the settings"


def _meaning_of(served: str) -> object:
    """Reduce what a server sent, which may be anything."""
    try:
        return meaning(served)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def ipxe_script(boot: Boot) -> str:
    """Write the script that matchbox makes of a boot."""
    return "\n".join(
        [
            "#!ipxe",
            " ".join(["kernel", boot.kernel, *boot.args]),
            *(f"initrd {initrd}" for initrd in boot.initrds),
            "boot",
            "",
        ]
    )


# A server in the machines' network is asked directly, never through the proxy of this computer.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _get(url: str) -> tuple[int, str]:
    """Fetch an address; the status is 0 when that fails, and the text says why."""
    try:
        with _opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
            return response.status, response.read(_MAX_BYTES).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, ""
    except OSError as error:
        return 0, str(getattr(error, "reason", error))
    except http.client.HTTPException:
        return 0, "not an HTTP server"
