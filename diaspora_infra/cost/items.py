"""The monthly cost of a stack, item by item, and the sum."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from diaspora_infra.config import AwsSettings, ConfigError, Problem, Settings
from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.aws.parameter_names import machine_parameters
from diaspora_infra.cost.prices import (
    CACHE_NODES,
    FREE_ALARMS,
    FREE_KMS_REQUESTS,
    FREE_TRAFFIC_OUT_GB,
    INSTANCES,
    PRICES,
    RDS_INSTANCES,
    SURPLUS_CREDITS,
    Price,
)
from diaspora_infra.cost.traffic import HOURS_A_MONTH, Traffic

ACCESS_LOG_GB = Decimal("0.5")
"""Size of the access log of API Gateway for a million requests."""
PARAMETER_MINUTES = 15
"""The machine reads its parameters so often; each secret among them is a request to KMS."""
LOAD_BALANCER_LCU = 1
"""Capacity units that a load balancer with so little traffic is charged for, at most: one holds 25 new connections a
second, 3,000 open ones, and 1 GB an hour."""
MACHINE_LOG_GB = Decimal("0.5")
"""Logs of a machine in a group in a month. Estimated."""
PUBLIC_SUBNETS = 3
"""Zones of a pod on several machines, in each of which its load balancer has an address."""
GROUP_ALARMS = 10
"""Alarms of a pod on several machines, without the one on failed builds of images."""
IMAGE_GB = {"diaspora": Decimal("0.5"), "s3fs": Decimal("0.05")}
"""Compressed size of an image that the stack builds. Estimated."""
BUILD_MINUTES = {"diaspora": Decimal(20), "s3fs": Decimal(3)}
"""Time of its build. Estimated."""
NO_SETTING = "none"
DATABASE_CAPACITY = "Aurora capacity"
"""Name of the item that grows with the hours in which the database is awake."""


@dataclass(frozen=True)
class Item:
    """One line of the bill. `setting` is the key of the stack file that changes it, or `none`."""

    name: str
    price: Price
    quantity: Decimal
    setting: str

    @property
    def usd(self) -> Decimal:
        """Dollars a month."""
        return self.price.usd * self.quantity


def monthly_usd(settings: Settings, traffic: Traffic, awake_hours: Decimal) -> Decimal:
    """Dollars a month; see `monthly_items`."""
    return sum((item.usd for item in monthly_items(settings, traffic, awake_hours)), Decimal(0))


def monthly_items(settings: Settings, traffic: Traffic, awake_hours: Decimal) -> tuple[Item, ...]:
    """Everything that a stack pays for in a month.

    The same settings have the same items, whatever the traffic. `awake_hours`, 0 to 730, are those in which a database
    that can sleep is awake; one that cannot is awake all the time. Raises ConfigError for another target than aws, and
    ValueError for hours that no month has.
    """
    stack = aws_settings(settings)
    if not 0 <= awake_hours <= HOURS_A_MONTH:
        raise ValueError(f"{awake_hours} hours awake; a month has {HOURS_A_MONTH}")
    machines = _groups(stack, traffic) if stack.aws.has_groups else _machine(stack, traffic)
    return (
        *machines,
        *_database(stack.aws, traffic, awake_hours),
        *_http_api(stack.aws, traffic),
        *_buckets(stack, traffic),
        *_images(stack),
        *_rest(stack, traffic),
    )


def database_pauses(settings: Settings) -> bool:
    """Tell whether the cost depends on the hours in which the database is awake."""
    return aws_settings(settings).aws.database.pauses


def aws_settings(settings: Settings) -> AwsSettings:
    """The settings of a stack on AWS. Raises ConfigError for another target."""
    if not isinstance(settings, AwsSettings):
        raise ConfigError([Problem("target", f"{settings.target} has no prices; allowed here: aws")])
    return settings


def _machine(settings: AwsSettings, traffic: Traffic) -> Iterator[Item]:
    aws = settings.aws
    name, instance = aws.instance_type_name, aws.instance
    yield Item(f"Machine {name}", INSTANCES[name], Decimal(HOURS_A_MONTH), "aws.size, aws.instance.type")
    surplus = SURPLUS_CREDITS[name.partition(".")[0]]
    yield Item("CPU above the share", surplus, traffic.surplus_cpu, "aws.size, aws.instance.type")
    yield Item("Public IPv4 address", PRICES["public IPv4 address"], Decimal(HOURS_A_MONTH), NO_SETTING)
    yield Item("Root volume", PRICES["gp3 volume"], Decimal(instance.root_gib), "aws.instance.rootGib")
    yield Item("Data volume", PRICES["gp3 volume"], Decimal(instance.data_gib), "aws.instance.dataGib")
    if days := aws.backups.volume_snapshot_days:
        # the first one holds all that is used, each later one what changed; a swap file may change wholly every day
        swap = Decimal(settings.host.swap.file_mib) / 1024
        used = traffic.volume + swap + (0 if settings.uploads_in_bucket else traffic.uploads)
        changed = traffic.volume_changes + swap
        if not settings.database_on_aws:
            used, changed = used + traffic.database, changed + traffic.database_changes
        kept = min(Decimal(instance.data_gib), used) + (days - 1) * min(Decimal(instance.data_gib), changed)
        yield Item("Snapshots of the data volume", PRICES["volume snapshots"], kept, "aws.backups.volumeSnapshotDays")


def _groups(settings: AwsSettings, traffic: Traffic) -> Iterator[Item]:
    """Machines in groups, with what shares requests and jobs among them."""
    aws, hours = settings.aws, Decimal(HOURS_A_MONTH)
    name, count = aws.instance_type_name, Decimal(aws.machine_count)
    setting = "aws.ha.webMachines, aws.instance.type"
    yield Item(f"{count} machines {name}", INSTANCES[name], count * hours, setting)
    surplus = SURPLUS_CREDITS[name.partition(".")[0]]
    yield Item("CPU above the share", surplus, traffic.surplus_cpu, setting)
    zones = Decimal(len(aws.network.zones or ()) or PUBLIC_SUBNETS)
    addresses = (count + zones) * hours
    yield Item("Public IPv4 addresses", PRICES["public IPv4 address"], addresses, "aws.ha.webMachines")
    yield Item("Root volumes", PRICES["gp3 volume"], count * aws.instance.root_gib, "aws.instance.rootGib")
    yield Item("Load balancer", PRICES["load balancer"], hours, "aws.topology")
    capacity = LOAD_BALANCER_LCU * hours
    yield Item("Load balancer capacity", PRICES["load balancer capacity"], capacity, "aws.topology")
    node = aws.ha.cache_node_type
    yield Item(f"2 cache nodes {node}", CACHE_NODES[node], 2 * hours, "aws.ha.cacheNodeType")
    alarms = Decimal(GROUP_ALARMS + bool(settings.built_images) - FREE_ALARMS)
    yield Item("Alarms above 10", PRICES["alarm"], alarms, "aws.topology, pod.image, aws.uploadsImage")


def _database(aws: Aws, traffic: Traffic, awake_hours: Decimal) -> Iterator[Item]:
    database, hours = aws.database, Decimal(HOURS_A_MONTH)
    # a standby costs as much as what it stands by for, with storage of its own for RDS
    servers, standby = (2, " with a standby") if aws.has_groups else (1, "")
    if database.engine == "rds":
        price = RDS_INSTANCES[database.instance_class]
        yield Item(f"RDS {database.instance_class}{standby}", price, servers * hours, "aws.database.instanceClass")
        storage = Decimal(servers * database.storage_gib)
        yield Item("RDS storage", PRICES["RDS storage"], storage, "aws.database.storageGib")
    if database.engine != "auroraServerless":
        return
    minimum, maximum = Decimal(str(max(database.min_acu, 0.5))), Decimal(str(database.max_acu))
    capacity = min(maximum, max(minimum, traffic.database_acu)) * (hours if database.min_acu else awake_hours)
    yield Item(DATABASE_CAPACITY, PRICES["Aurora capacity"], servers * capacity, "aws.database.maxAcu")
    yield Item("Aurora storage", PRICES["Aurora storage"], traffic.database, "aws.database.engine")
    yield Item(
        "Aurora reads and writes", PRICES["Aurora reads and writes"], traffic.database_requests, "aws.database.engine"
    )
    changes = traffic.database_changes * database.backup_days
    yield Item("Aurora backups", PRICES["Aurora backups"], changes, "aws.database.backupDays")


def _http_api(aws: Aws, traffic: Traffic) -> Iterator[Item]:
    if aws.behind_gateway:
        yield Item("API Gateway requests", PRICES["API Gateway requests"], traffic.requests, "aws.edge")
        yield Item("Cloud Map instance", PRICES["Cloud Map instance"], Decimal(1), "aws.edge")
        yield Item("Cloud Map lookups", PRICES["Cloud Map lookups"], traffic.requests, "aws.edge")
    if aws.dns.provider == "route53":
        yield Item("Hosted zone", PRICES["hosted zone"], Decimal(1), "aws.dns.provider")
        yield Item("DNS queries", PRICES["DNS queries"], traffic.dns_queries, "aws.dns.provider")


def _buckets(settings: AwsSettings, traffic: Traffic) -> Iterator[Item]:
    uploads = Decimal(settings.uploads_in_bucket)
    backups = Decimal(settings.backup_bucket)
    if uploads:
        yield Item("Uploads in S3", PRICES["S3 storage"], traffic.uploads, "aws.uploads")
    if backups:
        yield Item("Backups in S3", PRICES["S3 storage"], traffic.backups, "pod.backup, aws.backups.bucket")
    if uploads or backups:
        writes = uploads * traffic.storage_writes + backups * traffic.backup_writes
        yield Item("Writes to S3", PRICES["S3 writes"], writes, "aws.uploads, pod.backup, aws.backups.bucket")
    if uploads:
        yield Item("Reads from S3", PRICES["S3 reads"], traffic.storage_reads, "aws.uploads")


def _images(settings: AwsSettings) -> Iterator[Item]:
    """Images that the stack builds: a build every three months, for new versions, or one a month."""
    names = settings.built_images
    if not names:
        return
    builds, kept = (Decimal(1), 7) if settings.pod.image_refresh else (Decimal(1) / 3, 3)
    minutes = sum((BUILD_MINUTES[name] for name in names), Decimal(0))
    gigabytes = sum((IMAGE_GB[name] for name in names), Decimal(0))
    setting = "pod.image, aws.uploadsImage, pod.imageRefresh"
    yield Item("Builds of images", PRICES["CodeBuild"], builds * minutes, setting)
    yield Item("Images in ECR", PRICES["ECR storage"], kept * gigabytes, setting)


def _rest(settings: AwsSettings, traffic: Traffic) -> Iterator[Item]:
    aws = settings.aws
    if settings.pod.mail is not None and settings.pod.mail.by_ses:
        yield Item("Mails by SES", PRICES["SES mails"], traffic.mails, "pod.mail, aws.mail.enabled")
    out = max(Decimal(0), traffic.traffic_out - FREE_TRAFFIC_OUT_GB)
    yield Item("Traffic out above 100 GB", PRICES["traffic out"], out, NO_SETTING)
    yield Item("KMS requests above 20,000", PRICES["KMS requests"], _kms_requests(settings), NO_SETTING)
    if settings.behind_gateway or settings.database_on_aws:
        # each end pays its direction
        between = 2 * traffic.traffic_between_zones
        yield Item("Traffic between zones", PRICES["traffic between zones"], between, "aws.edge, aws.database.engine")
    log_days, log_key = _log_days(aws)
    log = _machine_logs(aws, traffic) if log_days else Decimal(0)
    flow_days = aws.network.flow_logs_days
    connections = traffic.connection_log if flow_days else Decimal(0)
    if log or connections:
        setting = f"{log_key}, aws.network.flowLogsDays"
        yield Item("Logs", PRICES["logs"], log + connections, setting)
        kept = (log * log_days + connections * flow_days) / 30
        yield Item("Logs kept", PRICES["logs kept"], kept, setting)


def _log_days(aws: Aws) -> tuple[int, str]:
    """Days for which CloudWatch keeps logs of requests or of machines in groups, and the key that says so."""
    if aws.has_groups:
        return aws.ha.log_days, "aws.ha.logDays"
    return (aws.http_api.log_days if aws.behind_gateway else 0), "aws.edge, aws.httpApi.logDays"


def _machine_logs(aws: Aws, traffic: Traffic) -> Decimal:
    """GB of those logs; machines in groups log the requests themselves."""
    requests = ACCESS_LOG_GB * traffic.requests
    return requests + aws.machine_count * MACHINE_LOG_GB if aws.has_groups else requests


def _kms_requests(settings: AwsSettings) -> Decimal:
    """Thousands of requests that decrypt the pod's secrets, above those that are free."""
    secrets = sum(parameter.form != "fact" for parameter in machine_parameters(settings.aws, settings.pod))
    asked = Decimal(secrets * settings.aws.machine_count * HOURS_A_MONTH * 60) / PARAMETER_MINUTES / 1000
    return max(Decimal(0), asked - FREE_KMS_REQUESTS)
