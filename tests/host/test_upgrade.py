"""The key `pod.upgrade`."""

import pytest

from diaspora_infra.config import ConfigError, load
from tests.host.pod import files, pod_context, pod_fragment
from tests.support.configs import aws_config, ignition_config, machine, pod, pxe, pxe_config

AUTOMATIC = pod(upgrade={"automatic": True})
TIMER = "/etc/systemd/system/diaspora-upgrade.timer"


def problems(config: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(config)
    return [str(problem) for problem in caught.value.problems]


def test_automatic_upgrade_requires_a_config_server() -> None:
    load(pxe_config(pod=AUTOMATIC))
    load(aws_config(region="eu-west-1", pod_changes={"upgrade": {"automatic": True}}))
    for config in (ignition_config(pod=AUTOMATIC), pxe_config(pod=AUTOMATIC, pxe=pxe(machine(install="off")))):
        assert problems(config) == [
            "pod.upgrade.automatic: not every machine has a server for its config; set false, or use target aws, or "
            "pxe without install: off"
        ]


def test_upgrade_time_without_automatic_upgrade_is_refused() -> None:
    assert problems(pxe_config(pod=pod(upgrade={"time": "05:00"}))) == [
        "pod.upgrade.time: only used with automatic: true; remove it"
    ]


def test_upgrade_timer_exists_only_when_enabled() -> None:
    assert TIMER not in files(pod_fragment(pod_context()))
    settings = load(pxe_config(pod=pod(upgrade={"automatic": True, "time": "04:10"})))
    context = type(pod_context())(settings, settings.machines[0], {})
    texts = files(pod_fragment(context))
    assert "OnCalendar=*-*-* 04:10" in texts[TIMER]
    assert "OnFailure=diaspora-alert@%N.service" in texts[TIMER.replace(".timer", ".service")]
