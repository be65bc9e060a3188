"""The `aws` key: the pod on AWS."""

import ipaddress
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from diaspora_infra.config.aws.availability import (
    AURORA_VERSIONS,
    INSTANCE_TYPES,
    MAX_IDLE_SECONDS,
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
    Number,
    ReleaseVersion,
    Stream,
    StreamField,
    not_everybody,
)

WEB, JOB = "web", "job"
"""Roles of machines in groups, and names of these: the first answers requests, the second does everything else."""

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
"""Retention periods of CloudWatch (API reference of CloudWatch Logs, PutRetentionPolicy); 0 for no log."""
ZoneLetter = Annotated[str, Form("[a-f]", "the last letter of an availability zone, such as a")]


def _identifier(prefix: str) -> Form:
    return Form(f"{prefix}-[0-9a-f]{{8,17}}", f"an id such as {prefix}-0123456789abcdef0")


class ExistingNetwork(Model):
    """An existing VPC, with a route to the internet from its public subnet."""

    vpc_id: Annotated[str, _identifier("vpc")]
    """The VPC."""
    public_subnet_id: Annotated[str, _identifier("subnet")]
    """Subnet for the machine, with a route to an internet gateway. It must be in the first of `zones`, if they are
    set."""
    private_subnet_ids: list[Annotated[str, _identifier("subnet")]] = Field(min_length=2)
    """Subnets for the database and the VPC link, in at least two zones."""


class Network(Model):
    """The VPC."""

    cidr: VpcNetwork = "10.0.0.0/16"
    """Addresses of the VPC; each subnet gets a sixteenth of them or a /24, whichever is smaller."""
    zones: list[ZoneLetter] | None = Field(default=None, min_length=2, max_length=6)
    """Last letters of the availability zones. The machine and its data are in the first one, which can never change.
    When not set: the first two that exist in the account and take a VPC link of API Gateway, with `topology: ha` also
    the next one; with `existing`, the zone of its public subnet. `pulumi preview` refuses zones that do not exist or,
    with `edge: gateway`, take no VPC link."""
    ipv6: bool = False
    """Also give the VPC IPv6 addresses."""
    flow_logs_days: LogDays = 0
    """Days to keep a log of all connections; 0 keeps none."""
    existing: ExistingNetwork | None = None
    """Use an existing VPC instead of creating one; `cidr` and `ipv6` must not be set then."""


class AwsRelease(Model):
    """The Fedora CoreOS image that a machine is created from; with `topology: single` it then updates itself."""

    stream: StreamField = Stream.STABLE
    """Update stream."""
    version: ReleaseVersion = DEFAULT_RELEASE
    """Release of the image. A change replaces the machine (never its data), so only you should change it."""


class Instance(Model):
    """The machine: an EC2 instance with its own data volume."""

    type: InstanceTypeName | None = None
    """Instance type; that of `aws.size` when not set. t4g types have the architecture aarch64, the others x86_64."""
    release: AwsRelease = AwsRelease.model_construct()
    """The image that the machine is created from."""
    image_id: Annotated[str, _identifier("ami")] | None = None
    """Image to use instead of Fedora's image for `release`."""
    root_gib: int = Field(default=10, ge=10, le=1024)
    """Size of the root volume in GiB. A change replaces the machine."""
    data_gib: int = Field(default=10, ge=4, le=16384)
    """Size of the data volume in GiB. It can grow, never shrink. Not with `topology: ha`."""
    shell_access: Literal["instanceConnectEndpoint", "ssh", "none"] = "instanceConnectEndpoint"
    """How `host.users` log in: through an EC2 Instance Connect Endpoint (`aws ec2-instance-connect ssh`, no port is
    open to the internet), by SSH from `sshFrom`, or not at all."""
    ssh_from: list[Source] | None = Field(default=None, min_length=1)
    """Networks that may reach the SSH port; required with `shellAccess: ssh`."""


class AwsDatabase(Model):
    """Where PostgreSQL runs."""

    engine: Literal["auroraServerless", "rds", "onInstance"] = "auroraServerless"
    """`auroraServerless` pauses while nobody uses the pod, and then costs only storage. `rds` is a small separate
    instance. `onInstance` is a container on the machine: the cheapest for every pod, restored from the pod's backup,
    not by AWS. With `topology: ha` the first two have a standby in another zone, and `rds` is the default."""
    version: AuroraVersion = "17.9"
    """Version of Aurora PostgreSQL; `rds` uses the newest release of its major version. Another major version is an
    upgrade, which only happens when this key is set: see docs/aws-data.md first."""
    min_acu: Number = Field(default=0, ge=0, le=256, multiple_of=0.5)
    """Minimum capacity of Aurora in ACU (2 GiB of memory each); only with 0 Aurora can pause. 0.5 when not
    set with `topology: ha`, where nothing pauses."""
    max_acu: Number = Field(default=1, ge=1, le=256, multiple_of=0.5)
    """Maximum capacity of Aurora in ACU, which also limits the cost: 1 ACU is about 0.14 dollars an hour."""
    auto_pause_seconds: int = Field(default=300, ge=300, le=86400)
    """Seconds without a connection after which Aurora pauses; only with `minAcu: 0`."""
    instance_class: Annotated[str, Form("db[.]t4g[.](?:micro|small|medium)", "db.t4g.micro, .small or .medium")] = (
        "db.t4g.micro"
    )
    """Instance class of engine `rds`; db.t4g.small when not set with `topology: ha`."""
    storage_gib: int = Field(default=20, ge=20, le=16384)
    """Storage of engine `rds` in GiB."""
    backup_days: int = Field(default=7, ge=1, le=35)
    """Days for which AWS can restore the database to any point in time; not with engine `onInstance`."""
    restore_from: Annotated[str, Form("[A-Za-z0-9:-]{1,255}", "the name or ARN of a snapshot")] | None = None
    """Snapshot that a new database is created from."""

    @property
    def pauses(self) -> bool:
        """Whether it can sleep."""
        return self.engine == "auroraServerless" and self.min_acu == 0

    @property
    def idle_seconds(self) -> int:
        """PgBouncer closes a connection that nobody used for so long: a fifth of the pause, so it adds little."""
        return min(MAX_IDLE_SECONDS, self.auto_pause_seconds // 5)


class AwsDns(Model):
    """DNS of the pod's domain."""

    provider: Literal["route53", "external"] = "route53"
    """`route53` sets every record. With `external` the stack output `dnsRecords` lists the records that you have to
    set; `up` stops before the pod's domain until the certificate's record exists, and continues at the next `up`."""
    zone: Domain | None = None
    """Name of the hosted zone, such as example.org; `pod.domain` when not set."""
    create_zone: bool = False
    """Create the zone. Then set its name servers (stack output `nameServers`) at your registrar."""


class AwsHa(Model):
    """The machines and the cache of topology `ha`."""

    web_machines: int = Field(default=2, ge=2, le=20)
    """How many machines answer requests. One more does the background jobs."""
    cache_node_type: Annotated[
        str, Form("cache[.]t4g[.](?:micro|small|medium)", "cache.t4g.micro, .small or .medium")
    ] = "cache.t4g.micro"
    """Type of the two nodes of the cache, which holds the background jobs."""
    log_days: LogDays = 14
    """Days to keep the logs of all machines in CloudWatch; with 0 they are not sent there."""


class AwsHttpApi(Model):
    """API Gateway, with `edge: gateway`."""

    requests_per_second: int = Field(default=100, ge=1, le=10000)
    """Requests per second that are accepted, with bursts of twice as many; more get status 429, which limits the cost
    of a flood."""
    log_days: LogDays = 14
    """Days to keep the access log (addresses, paths without queries, status); 0 keeps none."""


class AwsMail(Model):
    """Mail by Amazon SES. `pod.mail.senderAddress` sets the sender; default: no-reply at the pod's domain."""

    enabled: bool = True
    """Send the pod's mail by SES when `pod.mail` sets neither `smtp` nor `relay`. With false such a pod sends no
    mail."""
    existing_identity: bool = False
    """The sender's domain already is an identity in SES; the stack then does not change the identity or its records."""
    mail_from: Annotated[str, Form("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "a label such as bounce")] = "bounce"
    """Subdomain to which bounces go."""
    dmarc: Annotated[
        str, Form(r"none|v=DMARC1;[ !#-\[\]-~]{0,200}", "a DMARC record such as v=DMARC1; p=none, or none")
    ] = "v=DMARC1; p=quarantine; adkim=s"
    """DMARC record of the sender's domain; `none` if the domain already has one."""


class AwsBackups(Model):
    """Backups on AWS, in addition to the pod's own backups (`pod.backup`)."""

    bucket: bool = True
    """Create a bucket for the pod's own backups, and use it in `pod.backup`."""
    object_lock_days: int = Field(default=0, ge=0, le=3650)
    """Days for which nobody can delete objects in that bucket, with any key; 0 turns this off. It can only be turned on
    when the bucket is created."""
    volume_snapshot_days: int = Field(default=7, ge=0, le=365)
    """Days to keep daily snapshots of the data volume; 0 creates none."""


ParameterName = Annotated[
    str,
    Form("(?:/[A-Za-z0-9_.-]+){1,15}|[A-Za-z0-9_.-]+", "the name of a parameter, such as /my/backup-password", 1011),
]
TagKey = Annotated[str, Form(r"[A-Za-z0-9 +\-=._:/@]{1,128}", "1 to 128 letters, digits, spaces and + - = . _ : / @")]
Tag = Annotated[str, Form(r"[A-Za-z0-9 +\-=._:/@]{0,256}", "letters, digits, spaces and + - = . _ : / @")]


def _not_reserved(value: object) -> object:
    for key in value if isinstance(value, dict) else ():
        if str(key).lower().startswith("aws:"):
            raise ValueError(f"{key!r} begins with aws:, which AWS reserves; choose another name")
    return value


class Aws(Model):
    """The pod on AWS."""

    region: Region
    """Region; `aws:region` when not set here. Nothing can be moved to another region later."""
    topology: Literal["single", "ha"] = "single"
    """`single`: one machine, with its data on a volume. `ha`: several machines without data of their own in several
    zones, behind a load balancer, beside a database and a cache with a standby each (docs/cost.md)."""
    ha: AwsHa = AwsHa.model_construct()
    """Machines and cache of `topology: ha`."""
    size: Size = "minimal"
    """`minimal`: 1 GiB of memory with a swap file. `small`: 2 GiB, some dollars more. `diaspora-infra cost` and
    docs/cost.md show the cost. With `topology: ha` always `small`, unless `instance.type` is set."""
    edge: Literal["gateway", "direct", "loadBalancer"] = "gateway"
    """`gateway`: API Gateway has the certificate, and the machine is not reachable from the internet, but requests are
    limited to 10 MB (account archives are larger). `direct`: nginx on the machine's own public address, with a
    certificate by `pod.tls`; without that limit, and cheaper. `loadBalancer`: a load balancer has the certificate; only
    with `topology: ha`, where it is the default and nothing else is possible."""
    http_api: AwsHttpApi = AwsHttpApi.model_construct()
    """API Gateway."""
    instance: Instance = Instance.model_construct()
    """The machine."""
    network: Network = Network.model_construct()
    """The VPC."""
    database: AwsDatabase = AwsDatabase.model_construct()
    """Where PostgreSQL runs."""
    uploads: Literal["bucket", "volume"] = "bucket"
    """Where uploads and archives are stored: in an S3 bucket, mounted by s3fs, or on the data volume."""
    uploads_image: ImageReference | None = None
    """Container image with s3fs 1.91 or later of your own; the stack builds one from `containers/s3fs` when not set. It
    runs as root and may mount, with the credentials of the machine, so name it by digest where others push it."""
    dns: AwsDns = AwsDns.model_construct()
    """DNS of the pod's domain."""
    mail: AwsMail = AwsMail.model_construct()
    """Mail by Amazon SES; not used when `pod.mail` sets `smtp` or `relay`."""
    existing_parameters: dict[SecretName, ParameterName] = {}
    """Secrets that already exist in Parameter Store: their keys, such as backupPassword, and the names of the
    parameters. The stack then does not contain the secret, and the machine reads that parameter. Encrypt the parameters
    with the default key of Parameter Store (`alias/aws/ssm`); the machine cannot use another one."""
    backups: AwsBackups = AwsBackups.model_construct()
    """Backups on AWS."""
    monthly_budget_usd: int = Field(default=20, ge=1, le=100000)
    """Budget for alerts by mail: when 80 percent is spent in a month, and when the forecast exceeds it. It covers the
    whole account, without tax. 250 when not set with `topology: ha`."""
    alert_email: Email | None = None
    """Recipient of alarms and budget alerts; `pod.admin.email` when not set."""
    protect: bool = True
    """Protect resources with data from deletion: database, buckets, data volume, zone. Set this to false and run
    `pulumi up` before `pulumi destroy`."""
    parameter_path: (
        Annotated[
            str,
            Form(
                "(?!/(?:[Aa][Ww][Ss]|[Ss][Ss][Mm]))(?:/[A-Za-z0-9_.-]+){1,10}",
                "a path such as /diaspora/pod.example.org, except below names of AWS (/aws and /ssm)",
            ),
        ]
        | None
    ) = None
    """Path of the pod's secrets in Parameter Store; `/diaspora/` and the domain when not set."""
    tags: Annotated[dict[TagKey, Tag], BeforeValidator(_not_reserved)] = Field(default={}, max_length=7)
    """Tags of all resources that support tags. S3 objects have at most ten, of which the program uses three."""

    @property
    def has_groups(self) -> bool:
        """The pod has groups of machines behind a load balancer instead of one machine."""
        return self.topology == "ha"

    @property
    def machine_count(self) -> int:
        """How many machines run."""
        return self.ha.web_machines + 1 if self.has_groups else 1

    @property
    def database_on_aws(self) -> bool:
        """AWS runs the database, and the machine only leads to it."""
        return self.database.engine != "onInstance"

    @property
    def behind_gateway(self) -> bool:
        """API Gateway is in front of the machine and has the certificate."""
        return self.edge == "gateway" and not self.has_groups

    @property
    def certificate_of_acm(self) -> bool:
        """What is in front of the machines has the certificate, which AWS Certificate Manager issues."""
        return self.behind_gateway or self.has_groups

    @property
    def uploads_in_bucket(self) -> bool:
        """Uploads are in the bucket that the stack makes, and not on the data partition."""
        return self.uploads == "bucket"

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
