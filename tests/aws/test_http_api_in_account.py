"""The HTTP API in the simulated account when somebody has to set DNS first."""

import re
from pathlib import Path
from typing import Any

import pytest

from lab.aws.account import Account
from tests.aws.account_asserts import DOMAIN, records, zone_id
from tests.support.aws_stack import AwsStack, program


@pytest.mark.parametrize("dns", [{"provider": "external"}, {"createZone": True}])
def test_domain_is_added_by_the_next_up_after_manual_dns_setup(aws_stack: AwsStack, dns: dict[str, Any]) -> None:
    route53, gateway = aws_stack.client("route53"), aws_stack.client("apigatewayv2")
    aws_stack.values["aws"]["dns"] = dns
    if "createZone" in dns:
        route53.delete_hosted_zone(Id=zone_id(aws_stack))
    first = aws_stack.good("up")
    assert "is not issued yet, so this run leaves the domain out" in first.stdout
    outputs = aws_stack.engine.outputs()
    assert "run pulumi up again" in outputs["nextStep"]
    assert gateway.get_domain_names()["Items"] == []
    if "createZone" in dns:
        assert len(outputs["nameServers"]) == 4
    else:
        *mail, proof = outputs["dnsRecords"]
        # those of the mail are there from the first time on, with what SES has made up
        assert [each["type"] for each in mail] == ["CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]
        assert all(re.fullmatch(r"[0-9a-f]{32}\._domainkey\.pod\.example\.org", each["name"]) for each in mail[:3])
        assert records(aws_stack) == {}
        change = {"Name": proof["name"], "Type": proof["type"], "TTL": 60}
        change["ResourceRecords"] = [{"Value": value} for value in proof["values"]]
        route53.change_resource_record_sets(
            HostedZoneId=zone_id(aws_stack),
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": change}]},
        )

    aws_stack.good("up")
    outputs = aws_stack.engine.outputs()
    assert outputs.get("nextStep") is None
    (domain,) = gateway.get_domain_names()["Items"]
    target = domain["DomainNameConfigurations"][0]["ApiGatewayDomainName"]
    if "createZone" in dns:
        assert records(aws_stack)[DOMAIN, "A"]["AliasTarget"]["DNSName"].rstrip(".") == target
    else:
        *_, own = outputs["dnsRecords"]
        assert own["name"] == DOMAIN
        assert own["type"].startswith("CNAME")
        assert own["values"] == [target]
    aws_stack.good("preview", "--expect-no-changes")


def test_missing_zone_is_reported_in_one_line(aws_stack: AwsStack) -> None:
    aws_stack.client("route53").delete_hosted_zone(Id=zone_id(aws_stack))
    result = aws_stack.run("preview")
    assert result.returncode
    assert (
        "aws.dns.zone: no public hosted zone pod.example.org could be found and read in this account" in result.stdout
    )
    assert "Traceback" not in result.stdout


def age(stack: AwsStack) -> str:
    """Make the certificate 73 hours old; returns its ARN."""
    acm = stack.client("acm")
    (certificate,) = acm.list_certificates(CertificateStatuses=["PENDING_VALIDATION"])["CertificateSummaryList"]
    arn = str(certificate["CertificateArn"])
    acm.add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "lab:hours", "Value": "73"}])
    return arn


def the_only_certificate(stack: AwsStack) -> tuple[str, str]:
    """ARN and status, without one that timed out: the provider leaves it in the account."""
    acm = stack.client("acm")
    arns = [each["CertificateArn"] for each in acm.list_certificates()["CertificateSummaryList"]]
    found = {arn: acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] for arn in arns}
    (certificate,) = [(arn, status) for arn, status in found.items() if status != "VALIDATION_TIMED_OUT"]
    return certificate


def test_certificate_that_timed_out_is_requested_again_by_a_refresh(aws_stack: AwsStack) -> None:
    """The zone does not answer for the domain, so AWS never finds the record that the stack sets."""
    route53 = aws_stack.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        route53.delete_hosted_zone(Id=zone["Id"])
    aws_stack.values["aws"]["dns"] = {"createZone": True}
    aws_stack.good("up")
    # what AWS would not see without the registrar
    zone = zone_id(aws_stack)
    (proof,) = [each for (name, kind), each in records(aws_stack).items() if kind == "CNAME" and name.startswith("_")]
    change = {"Action": "DELETE", "ResourceRecordSet": proof}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    old = age(aws_stack)

    failed = aws_stack.run("up")
    assert failed.returncode
    assert f"{old}' does not exist" in failed.stdout

    aws_stack.good("up", "--refresh")
    new, _ = the_only_certificate(aws_stack)
    assert new != old
    aws_stack.good("up")
    assert the_only_certificate(aws_stack) == (new, "ISSUED")
    assert aws_stack.engine.outputs().get("nextStep") is None


CERTIFICATE = """
import pulumi
from diaspora_infra.aws.certificate import Certificate

settings = pulumi.Config("diaspora-infra").require_object("certificate")
certificate = Certificate("pod", {"domain": "pod.example.org", **settings})
pulumi.export("arn", certificate.arn)
"""


def test_wait_for_a_certificate_that_timed_out_names_the_way_out(account: Account, tmp_path: Path) -> None:
    stack = AwsStack(account, tmp_path / "lab", program(tmp_path, "diaspora-infra", CERTIFICATE))
    zone = stack.client("route53").create_hosted_zone(Name="pod.example.org", CallerReference="x")["HostedZone"]["Id"]
    stack.values["certificate"] = {"wait": False}
    stack.good("up")
    old = age(stack)

    stack.values["certificate"] = {"wait": True, "zone_id": zone.rpartition("/")[2]}
    failed = stack.run("up")
    assert failed.returncode
    assert f"reading ACM Certificate ({old}): VALIDATION_TIMED_OUT" in failed.stdout
    assert "where the error ends with VALIDATION_TIMED_OUT, run `pulumi up --refresh`" in failed.stdout

    stack.good("up", "--refresh")
    new, status = the_only_certificate(stack)
    assert (new != old, status) == (True, "ISSUED")
    assert stack.engine.outputs()["arn"] == new
