"""zincati's strategy, time zone, kernel arguments, guest agent."""

import tomllib
from typing import Any

import pytest

from diaspora_infra.config import load
from diaspora_infra.host.features import AWS_MACHINE_FEATURES, MACHINE_FEATURES
from diaspora_infra.host.features.guest_agent import guest_agent
from diaspora_infra.host.features.kernel_arguments import kernel_arguments
from diaspora_infra.host.features.time_zone import time_zone
from diaspora_infra.host.features.updates import updates
from diaspora_infra.host.fragment import MachineContext
from tests.host.contexts import context, file_text
from tests.support import configs

WINDOWS = [
    {"days": ["Sat", "Sun"], "startTime": "23:30", "lengthMinutes": 60},
    {"days": ["Wed"], "startTime": "04:00", "lengthMinutes": 30},
]


def strategy(**host: Any) -> Any:
    text = file_text(updates(context(**host)), "/etc/zincati/config.d/55-updates-strategy.toml")
    return tomllib.loads(text)


def test_update_windows_use_the_time_zone_of_the_machine() -> None:
    assert strategy(updates={"windows": WINDOWS}, timeZone="Europe/Berlin") == {
        "updates": {
            "strategy": "periodic",
            "periodic": {
                "time_zone": "Europe/Berlin",
                "window": [
                    {"days": ["Sat", "Sun"], "start_time": "23:30", "length_minutes": 60},
                    {"days": ["Wed"], "start_time": "04:00", "length_minutes": 30},
                ],
            },
        }
    }


@pytest.mark.parametrize(("name", "expected"), [("off", {"enabled": False}), ("immediate", {"strategy": "immediate"})])
def test_strategies_off_and_immediate_have_no_windows(name: str, expected: dict[str, Any]) -> None:
    assert strategy(updates={"strategy": name}) == {"updates": expected}


def test_time_zone_is_a_link() -> None:
    assert time_zone(context(timeZone="Europe/Berlin"))["storage"]["links"] == [
        {"path": "/etc/localtime", "overwrite": True, "target": "../usr/share/zoneinfo/Europe/Berlin"}
    ]


def test_kernel_arguments_are_set_only_when_given() -> None:
    assert kernel_arguments(context()) == {}
    assert kernel_arguments(context(kernelArguments=["console=ttyS0", "quiet"])) == {
        "kernel_arguments": {"should_exist": ["console=ttyS0", "quiet"]}
    }


def test_consoles_of_a_machine_are_those_of_the_installed_system() -> None:
    machine = configs.machine(console=["tty0", "ttyS0,115200n8"])
    settings = load(configs.pxe_config(host=configs.host(kernelArguments=["quiet"]), pxe=configs.pxe(machine)))
    # one entry, because the last console is the main one
    assert kernel_arguments(MachineContext(settings, settings.machines[0])) == {
        "kernel_arguments": {"should_exist": ["quiet", "console=tty0 console=ttyS0,115200n8"]}
    }


def test_guest_agent_is_installed_only_when_enabled() -> None:
    assert guest_agent(context()) == {}
    (unit,) = guest_agent(context(guestAgent=True))["systemd"]["units"]
    lines = unit["contents"].splitlines()
    assert unit["name"] == "diaspora-guest-agent.service"
    assert unit["enabled"]
    assert "Before=zincati.service" in lines
    assert "Restart=on-failure" in lines
    # done once: the condition and the last step name the same file
    condition = next(line for line in lines if line.startswith("ConditionPathExists="))
    last = [line for line in lines if line.startswith("ExecStart=")][-1]
    assert last == f"ExecStart=/usr/bin/touch {condition.removeprefix('ConditionPathExists=!')}"


def test_machine_features_have_a_fixed_order() -> None:
    names = [feature.__name__ for feature in MACHINE_FEATURES]
    assert names == [
        "users", "hostname", "kernel_arguments", "network", "storage", "time_zone", "swap", "updates",
        "hardening", "ssh_host_keys", "journal", "guest_agent",
    ]  # fmt: skip
    on_aws = [feature.__name__ for feature in AWS_MACHINE_FEATURES]
    instead = {"storage": "data_volume", "swap": "zram"}
    assert on_aws == [*(instead.get(name, name) for name in names), "first_bundle"]
