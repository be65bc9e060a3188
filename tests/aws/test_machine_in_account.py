"""The machine on an address of its own, in the simulated account."""

from dataclasses import replace

from diaspora_infra.config import load
from diaspora_infra.host import render
from tests.aws.account_asserts import DOMAIN, offered, records
from tests.aws.account_client import instance, may_reach, user_data
from tests.aws.account_inventory import PLAIN, roles, unencrypted
from tests.aws.reachability import on_the_internet, reaches
from tests.aws.rules import problems
from tests.aws.simulated_types import asked, encrypted_backup_password, same_types
from tests.aws.stacks import DIRECT
from tests.support.aws_stack import REGION, AwsStack
from tests.support.zlibs import other_zlib


def test_direct_edge_opens_only_web_ports_and_keeps_the_address(aws_stack: AwsStack) -> None:
    aws_stack.values["aws"] |= DIRECT
    aws_stack.values["pod"]["backup"] = {}
    aws_stack.values["backupPassword"] = encrypted_backup_password(aws_stack)
    aws_stack.good("up")
    assert same_types("test_machine_in_account", aws_stack)
    assert problems(asked(aws_stack)) == []
    assert may_reach(aws_stack) == {
        ("internet", "pod machine", "80"),
        ("internet", "pod machine", "443"),
        ("192.0.2.0/24", "pod machine", "22"),
        ("pod machine", "pod database", "5432"),
        ("pod machine", "internet", "all"),
    }
    assert reaches(aws_stack) == {
        ("internet", "machine", "80"),
        ("internet", "machine", "443"),
        ("192.0.2.0/24", "machine", "22"),
        ("machine", "database", "5432"),
        ("machine", "internet", "all"),
        ("machine", "S3", "443"),
    }
    assert on_the_internet(aws_stack) == {"machine"}
    plain = {f"/diaspora/{DOMAIN}/{name}" for name in ("backupRepository", *PLAIN)}
    assert unencrypted(aws_stack) == plain
    assert set(roles(aws_stack)) == {"pod-machine", "pod-snapshots", "pod-flow-logs"}
    before = instance(aws_stack)
    assert before["PublicIpAddress"] == aws_stack.engine.outputs()["address"]
    # it needs no API, and its domain points at the machine
    assert aws_stack.client("apigatewayv2").get_apis()["Items"] == []
    assert aws_stack.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert records(aws_stack)[DOMAIN, "A"]["ResourceRecords"] == [{"Value": before["PublicIpAddress"]}]
    aws_stack.values["host"]["timeZone"] = "Europe/Dublin"
    aws_stack.good("up")
    after = instance(aws_stack)
    assert after["InstanceId"] != before["InstanceId"]
    assert after["PublicIpAddress"] == before["PublicIpAddress"]
    aws_stack.good("preview", "--expect-no-changes")
    # what another computer makes of the same settings
    config, bundle_hash = offered(aws_stack)
    values = {key: value for key, value in aws_stack.values.items() if key != "backupPassword"}
    settings = load({**values, "aws": {**values["aws"], "region": REGION}}, ["backupPassword"])
    parts = render(settings, settings.machines[0], {}).parts
    assert parts is not None
    assert (config.decode(), bundle_hash) == (parts.bundle, parts.bundle_hash)
    assert user_data(aws_stack, after["InstanceId"]) == parts.own
    here = aws_stack.engine
    aws_stack.engine = replace(here, preloaded=False, environment={**here.environment, **other_zlib()})
    aws_stack.good("preview", "--expect-no-changes")
