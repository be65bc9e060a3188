"""Every table `pxe` that `check` takes can be placed on a server: no component refuses what the settings allow."""

from pathlib import Path
from typing import Any

import pulumi
import pulumiverse_matchbox as matchbox
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pulumi.runtime import mocks

from diaspora_infra.config import Pxe, PxeSettings
from diaspora_infra.pxe import compare, stack
from tests.config.model_strategies import accepted, tables
from tests.support import configs
from tests.support.mocked import mock_engine

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

_NETWORKS: list[dict[str, Any]] = [
    {},
    {"eno1": {"ipv4": {"method": "manual", "address1": "192.0.2.10/24,192.0.2.1", "dns": "192.0.2.1"}}},
    {"eno1.100": {"vlan": {"id": 100, "parent": "eno1"}, "ipv6": {"method": "disabled"}}},
]
_SNIPPETS = st.lists(
    st.sampled_from(["variant: fcos\nversion: 1.5.0\n", "variant: fcos\nversion: 1.0.0\nstorage: {links: []}\n"]),
    max_size=2,
    unique=True,
)
_GIVEN = {
    "pxe.matchbox.httpUrl": st.sampled_from(["http://matchbox.lan:8080/", "https://[fd00::1]/boot", "http://10.0.0.1"]),
    "pxe.matchbox.rpcEndpoint": st.sampled_from(["matchbox.lan:8081", "[fd00::1]:1"]),
    "pxe.machines.mac": st.integers(0, 2**40 - 1).map(lambda number: f"52:{number.to_bytes(5, 'big').hex(':')}"),
    "pxe.machines.hostname": st.sampled_from(["a", "pod.example.org", "a" * 63]),
    "pxe.machines.networks": st.sampled_from(_NETWORKS),
    "pxe.machines.snippets": _SNIPPETS,
    "pxe.machines.disk": st.sampled_from(["/dev/sda", "/dev/nvme0n1", "/dev/disk/by-id/ata-X:1"]),
    "pxe.machines.console": st.lists(st.sampled_from(["tty0", "ttyS1,115200n8"]), max_size=2, unique=True),
    "pxe.machineFiles": st.nothing(),
    "pxe.release": st.sampled_from([{}, {"stream": "next", "version": "45.20260802.1.1"}, {"source": "matchbox"}]),
}


class Server(mocks.Mocks):
    """Takes everything, and keeps the profiles and groups."""

    def __init__(self) -> None:
        self.made: dict[str, dict[str, Any]] = {"Profile": {}, "Group": {}, "Provider": {}}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        kind = args.typ.rpartition(":")[2]
        if kind in self.made:
            self.made[kind][args.name] = args.inputs
        return args.name, args.inputs

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)


@pytest.fixture(scope="module", autouse=True)
def _no_server() -> Any:
    """No connection: what the server has and serves is the matter of other tests."""

    def provider(pxe: Pxe, _folder: Path) -> matchbox.Provider:
        return matchbox.Provider("matchbox", endpoint=pxe.matchbox.rpc_endpoint, ca="", client_cert="", client_key="")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stack, "connect", lambda *_: None)
        patch.setattr(stack, "_provider", provider)
        patch.setattr(stack, "_groups", lambda *_: [])
        patch.setattr(compare, "_ask", lambda *_: None)
        yield


def _placed(found: PxeSettings) -> "pulumi.Output[Any]":
    return pulumi.Output.from_input(stack.pxe_stack(found, {}, Path()))


@settings(max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate])
@given(tables(Pxe, "pxe", _GIVEN))
def test_every_accepted_table_can_be_placed(table: dict[str, Any]) -> None:
    _, found = accepted(configs.pxe_config(pxe=table), "pxe")
    assert isinstance(found, PxeSettings)
    server = Server()
    with mock_engine() as run:
        run(server, lambda: _placed(found))
    served = [machine for machine in found.pxe.machines if machine.install != "off"]
    assert len(server.made["Profile"]) <= len(served)
    assert sorted(group["selector"]["mac"] for group in server.made["Group"].values()) == sorted(
        machine.mac for machine in served
    )
