"""Every table `aws` that `check` takes can be made: no component refuses what the settings allow."""

from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pulumi.runtime import mocks

from diaspora_infra.aws import AwsPod
from diaspora_infra.aws.stack import stack_outputs
from diaspora_infra.config import AwsSettings
from diaspora_infra.config.aws.availability import VPC_LINK_ZONES
from diaspora_infra.config.aws.aws import Aws
from tests.aws.mock_account import MockAccount
from tests.config.model_strategies import accepted, secrets_for, tables
from tests.support import configs
from tests.support.mocked import mock_engine

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

_NETWORKS = st.sampled_from(["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"])
_GIVEN = {
    "aws.network.cidr": st.sampled_from(["10.0.0.0/16", "10.1.0.0/24", "172.16.0.0/20", "192.168.0.0/17"]),
    "aws.network.zones": st.sampled_from([["a", "b"], ["c", "a"]]),
    "aws.instance.sshFrom": st.lists(_NETWORKS, min_size=1, max_size=2, unique=True),
    "aws.instance.release": st.sampled_from([{}, {"stream": "testing", "version": "44.20260802.2.0"}]),
    "aws.dns.zone": st.sampled_from(["pod.example.org", "example.org", "org.example"]),
    "aws.alertEmail": st.just("alarm@example.org"),
    "aws.uploadsImage": st.just("localhost/s3fs:1"),
    "aws.existingParameters": st.sampled_from([{}, {"backupPassword": "/my/backup-password"}]),
    "aws.parameterPath": st.sampled_from(["/a", "/my/pod", "/diaspora/pod.example.org"]),
    "aws.tags": st.dictionaries(st.sampled_from(["a", "Cost Center", "x:y"]), st.sampled_from(["", "a", "b=c/d"])),
    "aws.database.restoreFrom": st.sampled_from(["my-snapshot", "arn:aws:rds:eu-west-1:1:cluster-snapshot:a"]),
}
TABLES = tables(Aws, "aws", _GIVEN)
_PODS = st.fixed_dictionaries(
    {},
    optional={
        "backup": st.just({}),
        "mail": st.sampled_from(
            [
                {"senderAddress": "pod@example.org"},
                {"senderAddress": "pod@pod.example.org", "relay": {"image": "localhost/relay:1"}},
                {"senderAddress": "pod@a.org", "smtp": {"host": "a.org"}},
            ]
        ),
    },
)


class Account(MockAccount):
    """An account in the region of the settings, with all zones and with the network that the settings name."""

    def __init__(self, found: AwsSettings) -> None:
        self.found = found
        region = found.aws.region
        named = [f"{region}{letter}" for letter in found.aws.network.zones or ()]
        zones = [*named, *(zone for letter in "abcdef" if (zone := f"{region}{letter}") not in named)]
        # the zones that the settings name are those that take a VPC link
        ids = [*VPC_LINK_ZONES.get(region, ()), *(f"{region}-other{number}" for number in range(6))]
        self.zones = dict(zip(zones, ids, strict=False))
        architecture = "arm64" if found.aws.architecture == "aarch64" else "x86_64"
        super().__init__(
            {
                "aws:index/getRegion:getRegion": {"region": region},
                "aws:index/getAvailabilityZones:getAvailabilityZones": {
                    "names": zones,
                    "zoneIds": [*self.zones.values()],
                },
                "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {"locations": zones},
                "aws:ec2/getAmi:getAmi": {"id": "ami-1", "architecture": architecture},
            }
        )

    def call(self, args: mocks.MockCallArgs) -> Any:
        network = self.found.aws.network
        if args.token != "aws:ec2/getSubnet:getSubnet" or network.existing is None:
            return super().call(args)
        ids = network.existing.private_subnet_ids
        zone = [*self.zones][ids.index(args.args["id"]) % 2 if args.args["id"] in ids else 0]
        return {
            "vpcId": network.existing.vpc_id,
            "availabilityZone": zone,
            "availabilityZoneId": self.zones[zone],
        }


def make(values: dict[str, Any], found: AwsSettings) -> MockAccount:
    """Make the pod on mocks."""
    account = Account(found)
    secrets: dict[str, pulumi.Input[str]] = {**secrets_for(found)}

    def program() -> pulumi.Output[Any]:
        pod = AwsPod("one", {"pod": values["pod"], "host": values["host"], "aws": values["aws"], "secrets": secrets})
        return pulumi.Output.all(**stack_outputs(pod))

    with mock_engine() as run:
        assert "monthlyCost" in run(account, program)  # the address is missing while a certificate is not issued
    return account


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a smaller example would take minutes
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(TABLES, _PODS)
def test_every_accepted_table_can_be_made(table: dict[str, Any], pod: dict[str, Any]) -> None:
    base = configs.aws_config(pod_changes=pod)
    values, found = accepted({**base, "aws": table}, "aws")
    assert isinstance(found, AwsSettings)
    account = make(values, found)
    (instance,) = [made for made in account.made if made.token == "aws:ec2/instance:Instance"]
    assert instance.inputs["instanceType"] == found.aws.instance_type_name
