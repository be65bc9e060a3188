"""The page about provisioning servers, and the image of dnsmasq: both match the code."""

import re
import subprocess

import yaml

from diaspora_infra.config import NAMESPACE, ProvisioningSettings, load_provisioning, load_stack, parse_stack_file
from diaspora_infra.config.provisioning.server import BootFiles
from diaspora_infra.host.features.provisioning import ON_ANY_HOST, ON_DATA, TFTP_FOLDER, open_ports
from diaspora_infra.pxe.provisioning_server import next_steps
from lab.engine import PROJECT
from tests.containers.test_containerfile import hadolint_program
from tests.support.configs import full_dhcp, provisioning_config

PAGE = (PROJECT / "docs/provisioning.md").read_text(encoding="utf-8")
CONTAINERFILE = PROJECT / "containers/dnsmasq/Containerfile"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^   ```{language}\n(.*?)^   ```$", PAGE, re.DOTALL | re.MULTILINE)
    return [re.sub(r"^   ", "", block, flags=re.MULTILINE) for block in found]


def test_stack_file_in_page_is_valid_and_machines_use_its_address() -> None:
    server, machines = blocks("yaml")
    settings = load_stack(parse_stack_file(server).values)
    assert isinstance(settings, ProvisioningSettings)
    matchbox = yaml.safe_load(machines)[f"{NAMESPACE}:pxe"]["matchbox"]
    assert matchbox["httpUrl"] == settings.provisioning.http_url
    assert matchbox["rpcEndpoint"] == "192.168.1.5:8081"


def test_commands_in_page_match_the_next_steps_output() -> None:
    settings = load_stack(parse_stack_file(blocks("yaml")[0]).values)
    assert isinstance(settings, ProvisioningSettings)
    steps = next_steps(settings, "192.168.1.5")
    (commands,) = blocks("sh")
    assert commands.splitlines() == steps[:4]


def test_ports_and_paths_in_page_match_the_code() -> None:
    table = {(protocol, int(port)) for port, protocol in re.findall(r"(\d+)/(tcp|udp)", PAGE)}
    proxy = load_provisioning(provisioning_config())
    assert table == set(open_ports(proxy))
    assert set(open_ports(load_provisioning(provisioning_config(dhcp=full_dhcp())))) == table - {("udp", 4011)}
    assert set(open_ports(load_provisioning(provisioning_config(dhcp={"mode": "off"})))) == {
        ("tcp", 8080),
        ("tcp", 8081),
    }
    for name in ("matchbox", "certificates"):
        row = f"| `{getattr(ON_DATA, name)}` | `{getattr(ON_ANY_HOST, name)}` |"
        assert row in PAGE


def test_dnsmasq_image_has_the_boot_files_in_the_tftp_folder() -> None:
    text = CONTAINERFILE.read_text(encoding="utf-8")
    copied = re.search(rf"cp (.*) {TFTP_FOLDER}/$", text, re.MULTILINE)
    assert copied
    names = {path.rpartition("/")[2] for path in copied[1].split()}
    assert names == {BootFiles().bios, BootFiles().uefi, "snponly.efi"}


def test_hadolint_reports_nothing() -> None:
    command = [hadolint_program(), CONTAINERFILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
