"""The `aws` key: the pod on AWS, each part with what can be chosen about it."""

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from diaspora_infra.config.aws.availability import (
    AURORA_VERSIONS,
    INSTANCE_TYPES,
    REGIONS,
    SIZES,
    InstanceType,
    Size,
)
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.pod import SecretName
from diaspora_infra.config.problems import refused
from diaspora_infra.config.types import (
    DEFAULT_RELEASE,
    SOME_ADDRESSES,
    Architecture,
    Domain,
    Email,
    Form,
    ImageReference,
    NonEmpty,
    ReleaseVersion,
    Stream,
    StreamField,
    not_everybody,
)

_NETWORK = "a private IPv4 network from /16 to /24, such as 10.0.0.0/16"
_PRIVATE = [ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def _vpc_network(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError(refused(value, _NETWORK)) from None
    if not 16 <= network.prefixlen <= 24 or not any(network.subnet_of(private) for private in _PRIVATE):
        raise ValueError(refused(value, _NETWORK))
    return value


def _one_of(values: Iterable[str], allowed: str) -> Form:
    return Form("|".join(value.replace(".", "[.]") for value in sorted(values)), allowed)


Source = Annotated[str, SOME_ADDRESSES, not_everybody("list the networks that you connect from")]
VpcNetwork = Annotated[str, Form("[0-9]{1,3}(?:[.][0-9]{1,3}){3}/[0-9]{1,2}", _NETWORK), AfterValidator(_vpc_network)]
Region = Annotated[str, _one_of(REGIONS, "a region of AWS, such as eu-west-1")]
InstanceTypeName = Annotated[str, _one_of(INSTANCE_TYPES, f"one of {', '.join(INSTANCE_TYPES)}")]
AuroraVersion = Annotated[str, _one_of(AURORA_VERSIONS, f"one of {', '.join(AURORA_VERSIONS)}")]
LogDays = Literal[
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""Days for which CloudWatch can keep a log (API reference of CloudWatch Logs, PutRetentionPolicy), or none."""
ZoneLetter = Annotated[str, Form("[a-f]", "the last letter of an availability zone, such as a")]


def _identifier(prefix: str) -> Form:
    return Form(f"{prefix}-[0-9a-f]{{8,17}}", f"an id such as {prefix}-0123456789abcdef0")


class ExistingNetwork(Model):
    """A VPC that is there already, with a way to the internet from its public subnet."""

    vpc_id: Annotated[str, _identifier("vpc")]
    """The VPC."""
    public_subnet_id: Annotated[str, _identifier("subnet")]
    """Subnet for the machine; it has a route to an internet gateway. It must be in the first of `zones`."""
    private_subnet_ids: list[Annotated[str, _identifier("subnet")]] = Field(min_length=2)
    """Subnets for the database and for the VPC link, in two zones or more."""


class Network(Model):
    """The VPC."""

    cidr: VpcNetwork = "10.0.0.0/16"
    """Addresses of the VPC; each subnet takes a sixteenth of them or a /24, whichever is smaller."""
    zones: list[ZoneLetter] = Field(default=["a", "b"], min_length=2, max_length=6)
    """Last letters of the availability zones. The machine and its data are in the first one, which can never change.
    A few regions and accounts have no zone a or b: `pulumi preview` then says which there are."""
    ipv6: bool = False
    """Give the VPC IPv6 addresses too."""
    flow_logs_days: LogDays = 0
    """Keep a log of all connections for so many days; 0 keeps none."""
    existing: ExistingNetwork | None = None
    """Use a VPC of yours instead of making one; `cidr` and `ipv6` then say nothing."""


class AwsRelease(Model):
    """The Fedora CoreOS image that the machine is made from; later releases come to it by updates."""

    stream: StreamField = Stream.STABLE
    """Update stream."""
    version: ReleaseVersion = DEFAULT_RELEASE
    """Release of the image. A change replaces the machine (never its data), so nothing changes it but you."""


class Instance(Model):
    """The machine: an EC2 instance with a data volume of its own."""

    type: InstanceTypeName | None = None
    """Instance type; that of `aws.size` when not set. t4g types are of architecture aarch64, the others of x86_64."""
    release: AwsRelease = AwsRelease()
    """The image that the machine is made from."""
    image_id: Annotated[str, _identifier("ami")] | None = None
    """Image to use instead of the one that Fedora publishes for `release`."""
    root_gib: int = Field(default=10, ge=10, le=1024)
    """Size of the root volume in GiB. A change replaces the machine."""
    data_gib: int = Field(default=10, ge=4, le=16384)
    """Size of the data volume in GiB. It can grow, never shrink."""
    shell_access: Literal["instanceConnectEndpoint", "ssh", "none"] = "instanceConnectEndpoint"
    """How `host.users` get in: by an EC2 Instance Connect Endpoint (`aws ec2-instance-connect ssh`, no port is open to
    the internet), by SSH from `sshFrom`, or not at all."""
    ssh_from: list[Source] | None = Field(default=None, min_length=1)
    """Networks that may reach the SSH port; required with `shellAccess: ssh`."""


class AwsDatabase(Model):
    """Where PostgreSQL runs."""

    engine: Literal["auroraServerless", "rds", "onInstance"] = "auroraServerless"
    """`auroraServerless` pauses, and costs nothing but storage, while nobody uses the pod. `rds` is a small machine of
    its own. `onInstance` is the container of a pod on metal: the cheapest, and restored from the backup, not by AWS."""
    version: AuroraVersion = "17.9"
    """Version of Aurora PostgreSQL; `rds` takes its first number, and the newest release of that. Another first number
    is a major upgrade, which only happens when this key is there: see docs/aws-data.md before."""
    min_acu: float = Field(default=0, ge=0, le=256, multiple_of=0.5)
    """Smallest capacity of Aurora in ACU (2 GiB of memory each); only 0 lets it pause."""
    max_acu: float = Field(default=1, ge=0.5, le=256, multiple_of=0.5)
    """Largest capacity of Aurora in ACU. It limits the bill as well: 1 ACU is about 0.14 dollars an hour."""
    auto_pause_seconds: int = Field(default=300, ge=300, le=86400)
    """Aurora pauses after so many seconds without a connection."""
    instance_class: Annotated[str, Form("db[.]t4g[.](?:micro|small|medium)", "db.t4g.micro, .small or .medium")] = (
        "db.t4g.micro"
    )
    """Instance class of engine `rds`."""
    storage_gib: int = Field(default=20, ge=20, le=16384)
    """Storage of engine `rds` in GiB."""
    backup_days: int = Field(default=7, ge=1, le=35)
    """Days for which AWS can bring the database back to any moment; not with engine `onInstance`."""
    restore_from: Annotated[str, Form("[A-Za-z0-9:-]{1,255}", "the name or ARN of a snapshot")] | None = None
    """Snapshot that a new database is made from."""


class AwsDns(Model):
    """Who answers for the pod's domain."""

    provider: Literal["route53", "external"] = "route53"
    """`route53` sets every record. With `external` the stack output `dnsRecords` lists what you have to set; `up` stops
    before the pod's domain until the certificate's record is there, and goes on at the next `up`."""
    zone: Domain | None = None
    """Name of the hosted zone, such as example.org; `pod.domain` when not set."""
    create_zone: bool = False
    """Make the zone. Your registrar must then be told its name servers (stack output `nameServers`)."""


class AwsHttpApi(Model):
    """API Gateway, with `edge: gateway`."""

    requests_per_second: int = Field(default=100, ge=1, le=10000)
    """Requests that are let through in a second, and twice as many at a time; more are refused with status 429, so that
    a flood does not become a bill."""
    log_days: LogDays = 14
    """Keep the access log (addresses, paths without their queries, status) for so many days; 0 keeps none."""


class AwsMail(Model):
    """Mail by Amazon SES. `pod.mail.senderAddress` chooses the sender; by default no-reply at the pod's domain."""

    enabled: bool = True
    """Send the pod's mail by SES where `pod.mail` names neither `smtp` nor `relay`. With false such a pod sends no
    mail."""
    existing_identity: bool = False
    """The sender's domain is an identity in SES already; that, its records and its settings are then left alone."""
    mail_from: Annotated[str, Form("[a-z0-9][a-z0-9-]{0,62}", "a label such as bounce")] = "bounce"
    """Subdomain to which bounces go."""
    dmarc: Annotated[str, Form("none|v=DMARC1;[ -~]{0,200}", "a DMARC record such as v=DMARC1; p=none, or none")] = (
        "v=DMARC1; p=quarantine; adkim=s"
    )
    """DMARC record of the sender's domain; `none` where it has one already."""


class AwsBackups(Model):
    """What AWS itself keeps, beside the pod's own backups (`pod.backup`)."""

    bucket: bool = True
    """Make a bucket for the pod's own backups; `pod.backup` is then set to it."""
    object_lock_days: int = Field(default=0, ge=0, le=3650)
    """Nobody can delete what is in that bucket for so many days, whatever key they have; 0 turns this off. It can only
    be turned on when the bucket is made."""
    volume_snapshot_days: int = Field(default=7, ge=0, le=365)
    """Days for which a daily snapshot of the data volume is kept; 0 makes none."""


ParameterName = Annotated[
    str,
    Form("(?:/[A-Za-z0-9_.-]+){1,15}|[A-Za-z0-9_.-]+", "the name of a parameter, such as /my/backup-password"),
    Field(max_length=1011),
]
Tag = Annotated[str, Form(r"[A-Za-z0-9 +\-=._:/@]{0,256}", "letters, digits, spaces and + - = . _ : / @")]


def _not_reserved(value: object) -> object:
    for key in value if isinstance(value, dict) else ():
        if str(key).lower().startswith("aws:"):
            raise ValueError(f"{key!r} begins with aws:, which AWS reserves; choose another name")
    return value


class Aws(Model):
    """The pod on AWS."""

    region: Region
    """Region; taken from `aws:region` when it is not set here. Nothing can be moved to another one later."""
    size: Size = "minimal"
    """`minimal`: 1 GiB of memory with a swap file, under 20 dollars a month with a database that sleeps most of the
    time. `small`: 2 GiB, some dollars more. `diaspora-infra cost` and docs/cost.md show the sums."""
    edge: Literal["gateway", "direct"] = "gateway"
    """`gateway`: API Gateway has the certificate and nothing on the machine can be reached from the internet, but no
    request may be larger than 10 MB (account archives are). `direct`: nginx on an address of the machine's own, with a
    certificate by `pod.tls`; no limit, and cheaper."""
    http_api: AwsHttpApi = AwsHttpApi()
    """API Gateway."""
    instance: Instance = Instance()
    """The machine."""
    network: Network = Network()
    """The VPC."""
    database: AwsDatabase = AwsDatabase()
    """Where PostgreSQL runs."""
    uploads: Literal["bucket", "volume"] = "bucket"
    """Where pictures and archives are: in an S3 bucket, mounted by s3fs, or on the data volume."""
    uploads_image: ImageReference | None = None
    """Container image with s3fs 1.91 or later, such as one made from `containers/s3fs`, pinned by tag or digest; with
    `uploads: bucket`. ghcr.io/efrecon/s3fs:1.94 when not set."""
    dns: AwsDns = AwsDns()
    """Who answers for the pod's domain."""
    mail: AwsMail = AwsMail()
    """Mail by Amazon SES; not used when `pod.mail` names a relay of yours."""
    existing_parameters: dict[SecretName, ParameterName] = {}
    """Secrets that are in Parameter Store already: their keys, such as backupPassword, and the names of the parameters.
    The stack then has no such secret, and the machine reads yours. Encrypt them with the key that Parameter Store takes
    by itself (`alias/aws/ssm`); the machine cannot use another one."""
    backups: AwsBackups = AwsBackups()
    """What AWS itself keeps."""
    monthly_budget_usd: int = Field(default=20, ge=1, le=100000)
    """A mail is sent when 80 percent of this are spent in a month, and when AWS foresees more than all of it. It counts
    the whole account, without tax."""
    alert_email: Email | None = None
    """Where alarms and budget alerts are sent; `pod.admin.email` when not set."""
    protect: bool = True
    """Refuse to delete what holds data: database, buckets, data volume, zone. Set it to false and run `pulumi up`
    before `pulumi destroy`."""
    parameter_path: (
        Annotated[str, Form("(?:/[A-Za-z0-9_.-]+){1,10}", "a path such as /diaspora/pod.example.org")] | None
    ) = None
    """Path of the pod's secrets in Parameter Store; `/diaspora/` and the domain when not set."""
    tags: Annotated[dict[NonEmpty, Tag], BeforeValidator(_not_reserved)] = Field(default={}, max_length=7)
    """Tags of everything that can have tags. An object in S3 has ten at most, and three are the program's own."""

    @property
    def instance_type(self) -> InstanceType:
        """Architecture and memory of the machine."""
        return INSTANCE_TYPES[self.instance_type_name]

    @property
    def instance_type_name(self) -> str:
        """Type of the machine, such as t4g.micro."""
        return self.instance.type or SIZES[self.size]

    @property
    def architecture(self) -> Architecture:
        """Architecture of the machine."""
        return self.instance_type.architecture

    @property
    def zones(self) -> list[str]:
        """Names of the availability zones, such as eu-west-1a."""
        return [f"{self.region}{letter}" for letter in self.network.zones]
