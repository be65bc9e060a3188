"""An account on Pulumi's mocks: answers like AWS's, and everything that a program asked for."""

from dataclasses import dataclass
from typing import Any

from pulumi.runtime import mocks

from tests.support.mocked import Monitor

ACCOUNT = "123456789012"
REGION = "eu-west-1"
CALLS: dict[str, dict[str, Any]] = {
    "aws:ec2/getAmi:getAmi": {"id": "ami-08af5d9fc5c1edb78", "architecture": "arm64"},
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": {
        "locations": [f"{REGION}{letter}" for letter in "abc"]
    },
    "aws:ec2/getRouteTable:getRouteTable": {
        "routeTableId": "rtb-1",
        "routes": [
            {"cidrBlock": "10.0.0.0/16", "gatewayId": "local"},
            {"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-1"},
        ],
    },
    "aws:ec2/getNetworkInterfaces:getNetworkInterfaces": {"ids": []},
    "aws:index/getAvailabilityZones:getAvailabilityZones": {
        "names": [f"{REGION}{letter}" for letter in "abc"],
        "zoneIds": ["euw1-az3", "euw1-az1", "euw1-az2"],
    },
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:index/getPartition:getPartition": {"partition": "aws", "dnsSuffix": "amazonaws.com"},
    "aws:index/getRegion:getRegion": {"region": REGION},
    "aws:route53/getZone:getZone": {"zoneId": "Z0123456789"},
    "aws:sesv2/getEmailIdentity:getEmailIdentity": {"configurationSetName": "own-settings"},
    "aws:ssm/getParameter:getParameter": {"type": "SecureString"},
}


_ARNS = {
    "aws:cloudwatch/logGroup:LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}",
    "aws:iam/instanceProfile:InstanceProfile": "arn:aws:iam::{account}:instance-profile/{name}",
    "aws:iam/role:Role": "arn:aws:iam::{account}:role/{name}",
    "aws:iam/user:User": "arn:aws:iam::{account}:user/{name}",
    "aws:s3/bucket:Bucket": "arn:aws:s3:::{name}",
    "aws:sesv2/configurationSet:ConfigurationSet": "arn:aws:ses:{region}:{account}:configuration-set/{name}",
    "aws:sns/topic:Topic": "arn:aws:sns:{region}:{account}:{name}",
    "aws:ssm/parameter:Parameter": "arn:aws:ssm:{region}:{account}:parameter/{name}",
}


@dataclass(frozen=True)
class Made:
    """A resource that was asked for."""

    token: str
    name: str
    inputs: dict[str, Any]
    urn: str
    parent: str
    custom: bool
    request: Any

    @property
    def kind(self) -> str:
        """The class's name, such as Vpc."""
        return self.token.rpartition(":")[2]


class MockAccount(mocks.Mocks):
    """Makes everything; `calls` are answers by function, in place of the usual ones (None: refused)."""

    def __init__(self, calls: dict[str, dict[str, Any] | None] | None = None) -> None:
        self.monitor = Monitor(self)
        self.calls: dict[str, dict[str, Any] | None] = {**CALLS, **(calls or {})}
        self.asked: list[mocks.MockCallArgs] = []
        self._inputs: dict[tuple[str, str], dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self._inputs[args.typ, args.name] = dict(args.inputs)
        kind = args.typ.rpartition(":")[2]
        identifier = f"{kind.lower()}-{args.name}"
        form = _ARNS.get(args.typ, "arn:aws:{service}:{region}:{account}:{kind}/{name}")
        service = args.typ.split(":")[1].split("/")[0]
        arn = form.format(service=service, region=REGION, account=ACCOUNT, kind=kind.lower(), name=identifier)
        computed = _computed(args.typ, identifier)
        parts = {
            key: {**args.inputs[key], **value}
            for key, value in computed.items()
            if isinstance(value, dict) and isinstance(args.inputs.get(key), dict)
        }
        return identifier, {"arn": arn, "name": args.name, **computed, **args.inputs, **parts}

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.asked.append(args)
        answer = self.calls.get(args.token)
        if answer is None:
            return {}, [("", "no matching ACM Certificate found" if "Certificate" in args.token else "empty result")]
        return answer

    @property
    def made(self) -> list[Made]:
        """Everything that was asked for."""
        return [
            Made(
                request.type,
                request.name,
                self._inputs.get((request.type, request.name), {}),
                urn,
                request.parent,
                bool(request.custom),
                request,
            )
            for urn, request in self.monitor.requests.items()
            if request.type != "pulumi:pulumi:Stack"
        ]

    def of(self, kind: str) -> list[Made]:
        """Those of one class."""
        return [each for each in self.made if each.kind == kind]


def _computed(token: str, identifier: str) -> dict[str, Any]:
    """What AWS adds, where programs use it."""
    return {
        "aws:acm/certificate:Certificate": {
            "domainValidationOptions": [
                {
                    "domainName": "pod.example.org",
                    "resourceRecordName": "_a.pod.example.org.",
                    "resourceRecordType": "CNAME",
                    "resourceRecordValue": "_b.acm-validations.aws.",
                }
            ]
        },
        "aws:apigatewayv2/domainName:DomainName": {
            "domainNameConfiguration": {
                "targetDomainName": "d-1.execute-api.eu-west-1.amazonaws.com",
                "hostedZoneId": "ZLY8HYME6SFDD",
            }
        },
        "aws:ecr/repository:Repository": {
            "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{identifier}",
        },
        "aws:ec2/eip:Eip": {"publicIp": "192.0.2.10", "allocationId": "eipalloc-1"},
        "aws:ec2/instance:Instance": {"privateIp": "10.0.0.10", "publicIp": "192.0.2.20"},
        "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
        "aws:ec2/vpc:Vpc": {"ipv6CidrBlock": "2001:db8::/56"},
        "aws:elasticache/replicationGroup:ReplicationGroup": {
            "primaryEndpointAddress": f"master.{identifier}.1.euw1.cache.amazonaws.com"
        },
        "aws:iam/accessKey:AccessKey": {"sesSmtpPasswordV4": "password-of-the-test", "secret": "key-of-the-test"},
        "aws:lb/loadBalancer:LoadBalancer": {
            "dnsName": f"{identifier}-1.eu-west-1.elb.amazonaws.com",
            "zoneId": "Z32O12XQLNTSW2",
            "arnSuffix": f"app/{identifier}/1",
        },
        "aws:lb/targetGroup:TargetGroup": {"arnSuffix": f"targetgroup/{identifier}/1"},
        "aws:rds/cluster:Cluster": {"endpoint": f"{identifier}.cluster-1.eu-west-1.rds.amazonaws.com"},
        "aws:rds/instance:Instance": {"address": f"{identifier}.1.eu-west-1.rds.amazonaws.com"},
        "aws:route53/record:Record": {"fqdn": "record.pod.example.org"},
        "aws:route53/zone:Zone": {"zoneId": "Z0123456789", "nameServers": ["ns1.example.net"]},
        "aws:s3/bucket:Bucket": {"bucket": identifier},
        "aws:sesv2/emailIdentity:EmailIdentity": {"dkimSigningAttributes": {"tokens": ["t1", "t2", "t3"]}},
    }.get(token, {})
