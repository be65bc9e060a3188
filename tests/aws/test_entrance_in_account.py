"""The entrance in the simulated account: from the domain to the machine, and who has to set DNS."""

import re
from typing import Any

import pytest

from tests.aws.account_view import instance
from tests.support.aws_stack import AwsStack

DOMAIN = "pod.example.org"


def zone_id(stack: AwsStack) -> str:
    (zone,) = stack.client("route53").list_hosted_zones()["HostedZones"]
    return str(zone["Id"])


def records(stack: AwsStack) -> dict[tuple[str, str], Any]:
    """The records of the one zone, but its own, by name and type."""
    sets = stack.client("route53").list_resource_record_sets(HostedZoneId=zone_id(stack))["ResourceRecordSets"]
    return {(each["Name"].rstrip("."), each["Type"]): each for each in sets if each["Type"] not in {"NS", "SOA"}}


def service_instances(stack: AwsStack) -> list[Any]:
    """What Cloud Map tells API Gateway."""
    discovery = stack.client("servicediscovery")
    (service,) = discovery.list_services()["Services"]
    found: list[Any] = discovery.list_instances(ServiceId=service["Id"])["Instances"]
    return [(each["Id"], each["Attributes"]) for each in found]


def test_a_request_finds_its_way_from_the_domain_to_the_machine(aws_stack: AwsStack) -> None:
    aws_stack.good("up")
    gateway = aws_stack.client("apigatewayv2")
    (domain,) = gateway.get_domain_names()["Items"]
    assert domain["DomainName"] == DOMAIN
    (configuration,) = domain["DomainNameConfigurations"]
    assert (configuration["SecurityPolicy"], configuration["EndpointType"]) == ("TLS_1_2", "REGIONAL")
    assert configuration["IpAddressType"] == "dualstack"
    acm = aws_stack.client("acm")
    certificate = acm.describe_certificate(CertificateArn=configuration["CertificateArn"])["Certificate"]
    assert (certificate["DomainName"], certificate["Status"]) == (DOMAIN, "ISSUED")
    for kind in ("A", "AAAA"):
        target = records(aws_stack)[DOMAIN, kind]["AliasTarget"]
        assert target["DNSName"].rstrip(".") == configuration["ApiGatewayDomainName"]
        assert target["HostedZoneId"] == configuration["HostedZoneId"]

    (api,) = gateway.get_apis()["Items"]
    assert api["DisableExecuteApiEndpoint"]
    (mapping,) = gateway.get_api_mappings(DomainName=DOMAIN)["Items"]
    assert (mapping["ApiId"], mapping["Stage"]) == (api["ApiId"], "$default")
    (stage,) = gateway.get_stages(ApiId=api["ApiId"])["Items"]
    assert stage["AutoDeploy"]
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 100
    (group,) = aws_stack.client("logs").describe_log_groups()["logGroups"]
    assert stage["AccessLogSettings"]["DestinationArn"] == group["arn"].removesuffix(":*")
    assert group["retentionInDays"] == 14

    (route,) = gateway.get_routes(ApiId=api["ApiId"])["Items"]
    assert route["RouteKey"] == "$default"
    (integration,) = gateway.get_integrations(ApiId=api["ApiId"])["Items"]
    assert route["Target"] == f"integrations/{integration['IntegrationId']}"
    assert integration["RequestParameters"] == {"overwrite:header.host": DOMAIN}
    (service,) = aws_stack.client("servicediscovery").list_services()["Services"]
    assert integration["IntegrationUri"] == service["Arn"]
    (link,) = gateway.get_vpc_links()["Items"]
    assert integration["ConnectionId"] == link["VpcLinkId"]
    ec2 = aws_stack.client("ec2")
    subnets = ec2.describe_subnets(SubnetIds=link["SubnetIds"])["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in subnets} == {"eu-west-1a", "eu-west-1b"}
    (own,) = ec2.describe_security_groups(GroupIds=link["SecurityGroupIds"])["SecurityGroups"]
    assert own["Description"] == "The VPC link of API Gateway"
    before = instance(aws_stack)
    where = {"AWS_INSTANCE_IPV4": before["PrivateIpAddress"], "AWS_INSTANCE_PORT": "80"}
    assert service_instances(aws_stack) == [("machine", where)]

    # another machine: API Gateway is told, and nothing else changes
    aws_stack.values["host"]["timeZone"] = "Europe/Dublin"
    aws_stack.good("up")
    after = instance(aws_stack)
    assert after["PrivateIpAddress"] != before["PrivateIpAddress"]
    where["AWS_INSTANCE_IPV4"] = after["PrivateIpAddress"]
    assert service_instances(aws_stack) == [("machine", where)]
    assert gateway.get_vpc_links()["Items"] == [link]
    assert [each["IntegrationId"] for each in gateway.get_integrations(ApiId=api["ApiId"])["Items"]] == [
        integration["IntegrationId"]
    ]


@pytest.mark.parametrize("dns", [{"provider": "external"}, {"createZone": True}])
def test_a_domain_that_waits_for_a_person_comes_with_the_next_up(aws_stack: AwsStack, dns: dict[str, Any]) -> None:
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
        # nothing changes until somebody sets the record
        aws_stack.good("preview", "--expect-no-changes")
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
        assert (own["name"], own["values"]) == (DOMAIN, [target])
        assert own["type"].startswith("CNAME")
    aws_stack.good("preview", "--expect-no-changes")


def test_direct_needs_no_api_and_points_at_the_machine(aws_stack: AwsStack) -> None:
    aws_stack.values["aws"]["edge"] = "direct"
    aws_stack.good("up")
    assert aws_stack.client("apigatewayv2").get_apis()["Items"] == []
    assert aws_stack.client("acm").list_certificates()["CertificateSummaryList"] == []
    found = records(aws_stack)
    assert {kind for _, kind in found} == {"A", "CNAME", "MX", "TXT"}
    assert found[DOMAIN, "A"]["ResourceRecords"] == [{"Value": instance(aws_stack)["PublicIpAddress"]}]


def test_a_zone_that_is_not_there_is_one_clear_line(aws_stack: AwsStack) -> None:
    aws_stack.client("route53").delete_hosted_zone(Id=zone_id(aws_stack))
    result = aws_stack.run("preview")
    assert result.returncode
    assert "aws.dns.zone: no public hosted zone pod.example.org in this account; allowed: " in result.stdout
    assert "Traceback" not in result.stdout
