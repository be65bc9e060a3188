"""Golden files: the rendered dev stack. `make golden` rewrites them; review the diff."""

import pytest

from diaspora_infra.config import PxeSettings, Settings, load, load_stack, parse_stack_file
from diaspora_infra.host import render
from diaspora_infra.pxe.install import install_boot, install_settings
from diaspora_infra.pxe.verify import ipxe_script
from lab.engine import PROJECT
from tests.support.configs import aws_config, host, mail, pod, provisioning_config, pxe_config
from tests.support.golden import Golden


def dev_settings() -> Settings:
    file = parse_stack_file((PROJECT / "Pulumi.dev.yaml").read_bytes())
    return load(file.values, file.secrets)


def test_butane_config_of_dev_machine(golden: Golden) -> None:
    settings = dev_settings()
    golden.check("dev/pod1.bu", render(settings, settings.machines[0], {}).butane_text())


def test_ipxe_script_of_dev_machine(golden: Golden) -> None:
    settings = dev_settings()
    assert isinstance(settings, PxeSettings)
    script = ipxe_script(install_boot(**install_settings(settings, settings.pxe.machines[0])))
    golden.check("dev/pod1.ipxe", script)


def test_butane_config_of_machine_with_every_setting(golden: Golden) -> None:
    values = pxe_config(
        pod=pod(mail=mail(), backup={}, settings={"enableRegistrations": True, "terms": {"enable": True}}),
        host=host(
            updates={"strategy": "off"},
            swap={"zramMib": 256, "fileMib": 2048},
            kernelArguments=["mitigations=auto"],
            guestAgent=True,
            timeZone="Europe/Berlin",
        ),
    )
    values["pxe"]["machines"][0] |= {
        "architecture": "aarch64",
        "hostname": "pod1.example.org",
        "networks": {
            "eno1": {
                "ipv4": {"method": "manual", "address1": "192.0.2.10/24,192.0.2.1", "dns": "192.0.2.1;"},
                "ipv6": {"method": "auto"},
            },
            "eno1.20": {"vlan": {"id": 20, "parent": "eno1"}, "ipv4": {"method": "auto"}},
        },
    }
    secrets = dict.fromkeys(("smtpPassword", "backupPassword"), "stand-in-for-a-password")
    settings = load(values, secrets)
    text = render(settings, settings.machines[0], secrets).butane_text()
    golden.check("everything/pod1.bu", text)


def test_butane_config_of_aws_machine(golden: Golden) -> None:
    settings = load(aws_config(region="eu-west-1", pod_changes={"backup": {}}), ["backupPassword"])
    golden.check("aws/pod.bu", render(settings, settings.machines[0], {}).butane_text())


@pytest.mark.parametrize("number", [0, 1], ids=["web", "job"])
def test_butane_config_of_machine_in_a_group(golden: Golden, number: int) -> None:
    settings = load(aws_config(region="eu-west-1", topology="ha", pod_changes={"backup": {}}), ["backupPassword"])
    machine = settings.machines[number]
    golden.check(f"aws-ha/{machine.name}.bu", render(settings, machine, {}).butane_text())


def test_butane_config_of_provisioning_server(golden: Golden) -> None:
    settings = load_stack(provisioning_config())
    golden.check("provisioning/provisioning.bu", render(settings, settings.machines[0], {}).butane_text())
