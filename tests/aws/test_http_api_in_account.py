"""The HTTP API in the simulated account when somebody has to set DNS first."""

import re
from typing import Any

import pytest

from tests.aws.account_asserts import DOMAIN, records, zone_id
from tests.support.aws_stack import AwsStack


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
