"""Database: PostgreSQL by Aurora Serverless v2, which pauses while nobody uses the pod, or by a small RDS instance."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.alarms import create_alarm
from diaspora_infra.aws.arguments import ArgumentError, choice, raise_all
from diaspora_infra.aws.defaults import DATABASE as DEFAULTS
from diaspora_infra.aws.defaults import PROTECT, allowed_numbers
from diaspora_infra.aws.hook_messages import tell
from diaspora_infra.aws.parameters import generated_password
from diaspora_infra.aws.security_groups import POSTGRESQL_PORT
from diaspora_infra.aws.tags import named
from diaspora_infra.config.aws.availability import AURORA_VERSIONS
from diaspora_infra.config.aws.aws import AwsDatabase

DATABASE = "diaspora_production"
"""Name of the database, as diaspora* calls it."""
USER = "diaspora"
_WEEK_SECONDS = 7 * 24 * 3600
"""The longest time that an alarm can look at (CloudWatch API reference, PutMetricAlarm)."""
_MAX_NAME_LENGTH = 30  # with a number, a hash and `-final` it stays under the 63 characters of an identifier
# Any: the types of the two kinds of parameter groups differ in their names only
_TLS_ONLY: Any = {"name": "rds.force_ssl", "value": "1", "apply_method": "pending-reboot"}


class DatabaseEngine(StrEnum):
    """Who runs PostgreSQL."""

    AURORA_SERVERLESS = "auroraServerless"
    RDS = "rds"


class DatabaseArgs(TypedDict):
    """What a Database needs."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets in two zones or more, without a way to the internet."""
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Security groups that let the machine, and nothing else, in to port 5432."""
    password_parameter: NotRequired[pulumi.Input[str]]
    """Name of a parameter that a password is made in; either this or `password`."""
    password: NotRequired[pulumi.Input[str]]
    """A password of your own; letters, digits, dashes and underscores, 8 to 41 of them."""
    engine: NotRequired[DatabaseEngine]
    """Who runs PostgreSQL; auroraServerless when not set. A plain value, not an output."""
    version: NotRequired[str]
    """Version of Aurora PostgreSQL; 17.9 when not set, which is then the version of a new database only. RDS takes its
    first number, and the newest release of that. A plain value, not an output."""
    allow_major_upgrade: NotRequired[pulumi.Input[bool]]
    """Upgrade a database that is of an older major version; AWS refuses otherwise. When not set, true with a `version`
    and false without: a newer default of this module upgrades nothing."""
    min_acu: NotRequired[float]
    """Smallest capacity of Aurora, in steps of 0.5; 0 when not set, which lets it pause. A plain value,
    not an output."""
    max_acu: NotRequired[pulumi.Input[float]]
    """Largest capacity of Aurora; 1 when not set."""
    auto_pause_seconds: NotRequired[pulumi.Input[int]]
    """Aurora pauses after so many seconds without a connection; 300 when not set."""
    instance_class: NotRequired[pulumi.Input[str]]
    """Instance class of RDS; db.t4g.micro when not set."""
    storage_gib: NotRequired[pulumi.Input[int]]
    """Storage of RDS in GiB; 20 when not set."""
    standby: NotRequired[bool]
    """Keep a second server in another zone, which takes over when the first one fails, at the price of another one;
    false when not set. A plain value, not an output."""
    backup_days: NotRequired[pulumi.Input[int]]
    """Days for which AWS can bring the database back to any moment; 7 when not set."""
    restore_from: NotRequired[pulumi.Input[str]]
    """Snapshot that the database is made from. Any change of it makes another database."""
    weekly_acu_hours: NotRequired[pulumi.Input[float]]
    """ACU-hours of seven days above which an alarm goes on; only with `min_acu` 0. Without it there is no alarm."""
    topic_arn: NotRequired[pulumi.Input[str]]
    """Topic that is told when the alarm goes on and off."""
    protect: NotRequired[bool]
    """Refuse to delete the database; true when not set. A plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Database(pulumi.ComponentResource):
    """A PostgreSQL server that only TLS connections from inside the VPC reach, with backups and a final snapshot."""

    host: pulumi.Output[str]
    """Name of the server."""
    port: pulumi.Output[int]
    """Port of the server."""
    user: pulumi.Output[str]
    """User that owns the database."""
    password: pulumi.Output[str]
    """Password of that user, a secret."""
    database: pulumi.Output[str]
    """Name of the database."""
    identifier: pulumi.Output[str]
    """Name of the cluster or instance in RDS."""
    final_snapshot: pulumi.Output[str]
    """Name of the snapshot that is left when the database is deleted."""

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        engine = choice(name, "engine", args.get("engine", DEFAULTS.engine), DatabaseEngine)
        raise_all([*_problems(name, args, engine)])
        super().__init__("diaspora-infra:index:Database", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags")
        self._kept = args.get("protect", PROTECT)  # not `_protect`, which is Pulumi's own and reaches every child
        self._child = pulumi.ResourceOptions(parent=self, protect=self._kept)
        waiting = pulumi.ResourceHook(f"{name}-database-waiting", self._say_what_is_waited_for)
        self._server_options = pulumi.ResourceOptions(
            parent=self,
            protect=self._kept,
            # AWS may force a later minor release, and a default of this module is no reason for another one
            ignore_changes=[] if "version" in args else ["engineVersion"],
            hooks=pulumi.ResourceHookBinding(before_create=[waiting]),
        )
        self._postgresql = args.get("version", DEFAULTS.version)
        self._allow_major = args.get("allow_major_upgrade", "version" in args)
        self.password = self._password()
        subnets = aws.rds.SubnetGroup(
            f"{name}-database",
            subnet_ids=args["subnet_ids"],
            description=f"Subnets of the database of {name}",
            tags=named(self._tags, f"{name} database"),
            opts=self._child,
        )
        # The name of the group has random digits and stays the same for the life of a database: so do these.
        self.identifier = pulumi.Output.all(subnets.name, args.get("restore_from")).apply(
            lambda names: identifier(*names)
        )
        self.final_snapshot = pulumi.Output.concat(self.identifier, "-final")
        self.host = self._aurora(subnets) if engine is DatabaseEngine.AURORA_SERVERLESS else self._rds(subnets)
        self.port, self.user = pulumi.Output.from_input(POSTGRESQL_PORT), pulumi.Output.from_input(USER)
        self.database = pulumi.Output.from_input(DATABASE)
        self.register_outputs(
            {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "password": self.password,
                "database": self.database,
                "identifier": self.identifier,
                "finalSnapshot": self.final_snapshot,
            }
        )

    @property
    def _major(self) -> str:
        return self._postgresql.split(".")[0]

    def _password(self) -> pulumi.Output[str]:
        if "password" in self._args:
            return pulumi.Output.secret(self._args["password"]).apply(lambda text: checked_password(self._name, text))
        name = f"{self._name}-databasePassword"
        parameter = generated_password(name, self._args["password_parameter"], self._tags, self._child)
        return parameter.value.apply(lambda text: checked_password(self._name, text or ""))

    async def _say_what_is_waited_for(self, _: pulumi.ResourceHookArgs) -> None:
        await tell(
            "creating the database takes 10 to 20 minutes. On AWS's Free plan it ends with an error (`Free Tier "
            "accounts must use Express Configuration`, or FreeTierRestrictionError): upgrade the account to the Paid "
            "plan, and run `pulumi up` again",
            self,
        )

    def _aurora(self, subnets: aws.rds.SubnetGroup) -> pulumi.Output[str]:
        args, minimum = self._args, self._args.get("min_acu", DEFAULTS.min_acu)
        family = f"aurora-postgresql{self._major}"
        parameters = aws.rds.ClusterParameterGroup(
            f"{self._name}-postgresql{self._major}",
            family=family,
            description="TLS only",
            parameters=[_TLS_ONLY],
            tags=named(self._tags, f"{self._name} {family}"),
            # not protected: it holds no data, and goes with its major version
            opts=pulumi.ResourceOptions(parent=self),
        )
        scaling: aws.rds.ClusterServerlessv2ScalingConfigurationArgsDict = {
            "min_capacity": minimum,
            "max_capacity": args.get("max_acu", DEFAULTS.max_acu),
        }
        if minimum == 0:
            scaling["seconds_until_auto_pause"] = args.get("auto_pause_seconds", DEFAULTS.auto_pause_seconds)
        cluster = aws.rds.Cluster(
            f"{self._name}-database",
            cluster_identifier=self.identifier,
            engine="aurora-postgresql",
            engine_mode="provisioned",
            engine_version=self._postgresql,
            allow_major_version_upgrade=self._allow_major,
            # when the years of a version are over, AWS upgrades it rather than sends a bill for its support
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            serverlessv2_scaling_configuration=scaling,
            database_name=DATABASE,
            master_username=USER,
            master_password=self.password,
            port=POSTGRESQL_PORT,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=args["security_group_ids"],
            db_cluster_parameter_group_name=parameters.name,
            snapshot_identifier=args.get("restore_from"),
            storage_encrypted=True,
            backup_retention_period=args.get("backup_days", DEFAULTS.backup_days),
            copy_tags_to_snapshot=True,
            deletion_protection=self._kept,
            skip_final_snapshot=False,
            final_snapshot_identifier=self.final_snapshot,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} database"),
            opts=self._server_options,
        )
        self._aurora_server(cluster, subnets, 1)
        if args.get("standby", False):
            self._aurora_server(cluster, subnets, 2)
        if minimum == 0 and "weekly_acu_hours" in args:
            self._awake_alarm(cluster, args["weekly_acu_hours"])
        return cluster.endpoint

    def _aurora_server(self, cluster: aws.rds.Cluster, subnets: aws.rds.SubnetGroup, number: int) -> None:
        aws.rds.ClusterInstance(
            f"{self._name}-database" if number == 1 else f"{self._name}-database-{number}",
            identifier=pulumi.Output.concat(self.identifier, f"-{number}"),
            cluster_identifier=cluster.cluster_identifier,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            instance_class="db.serverless",
            # a standby of these tiers has the capacity of the first server at all times
            promotion_tier=None if number == 1 else 1,
            db_subnet_group_name=subnets.name,
            publicly_accessible=False,
            performance_insights_enabled=False,  # it keeps the database awake
            auto_minor_version_upgrade=False,  # the settings say the version
            copy_tags_to_snapshot=True,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} database"),
            opts=self._child,
        )

    def _awake_alarm(self, cluster: aws.rds.Cluster, acu_hours: pulumi.Input[float]) -> None:
        """An alarm on the capacity of the last seven days, which is what AWS charges for."""
        create_alarm(
            f"{self._name}-awake",
            self._args.get("topic_arn"),
            named(self._tags, f"{self._name} awake"),
            # not protected: it holds no data
            pulumi.ResourceOptions(parent=self),
            alarm_description=pulumi.Output.format(
                "The database was awake too long: more than {0} ACU-hours in seven days. The alarm counts ACU-minutes.",
                acu_hours,
            ),
            namespace="AWS/RDS",
            metric_name="ServerlessDatabaseCapacity",
            dimensions={"DBClusterIdentifier": cluster.cluster_identifier},
            # one value a minute
            statistic="Sum",
            comparison_operator="GreaterThanThreshold",
            threshold=pulumi.Output.from_input(acu_hours).apply(lambda hours: round(hours * 60)),
            period=_WEEK_SECONDS,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
        )

    def _rds(self, subnets: aws.rds.SubnetGroup) -> pulumi.Output[str]:
        args, family = self._args, f"postgres{self._major}"
        parameters = aws.rds.ParameterGroup(
            f"{self._name}-postgresql{self._major}",
            family=family,
            description="TLS only",
            parameters=[_TLS_ONLY],
            tags=named(self._tags, f"{self._name} {family}"),
            # not protected: it holds no data, and goes with its major version
            opts=pulumi.ResourceOptions(parent=self),
        )
        instance = aws.rds.Instance(
            f"{self._name}-database",
            identifier=self.identifier,
            engine="postgres",
            engine_version=self._major,
            allow_major_version_upgrade=self._allow_major,
            auto_minor_version_upgrade=True,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            instance_class=args.get("instance_class", DEFAULTS.instance_class),
            allocated_storage=args.get("storage_gib", DEFAULTS.storage_gib),
            storage_type="gp3",
            storage_encrypted=True,
            db_name=DATABASE,
            username=USER,
            password=self.password,
            port=POSTGRESQL_PORT,
            multi_az=args.get("standby", False),
            publicly_accessible=False,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=args["security_group_ids"],
            parameter_group_name=parameters.name,
            snapshot_identifier=args.get("restore_from"),
            backup_retention_period=args.get("backup_days", DEFAULTS.backup_days),
            copy_tags_to_snapshot=True,
            performance_insights_enabled=False,
            deletion_protection=self._kept,
            skip_final_snapshot=False,
            final_snapshot_identifier=self.final_snapshot,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} database"),
            opts=self._server_options,
        )
        return instance.address


def identifier(group: str, restore_from: str | None) -> str:
    """Name of the cluster or instance: another one for another snapshot, since the old one lives until the new does."""
    if restore_from is None:
        return group
    return f"{group}-{hashlib.sha256(restore_from.encode()).hexdigest()[:6]}"


def checked_password(component: str, text: str) -> str:
    """The password, or an error that does not show it (RDS API reference, CreateDBCluster, MasterUserPassword)."""
    if not re.fullmatch("[A-Za-z0-9_-]{8,41}", text):
        allowed = "allowed: 8 to 41 letters, digits, dashes and underscores"
        raise ArgumentError(component, "password", "the password does not fit", allowed)
    return text


def _problems(component: str, args: DatabaseArgs, engine: DatabaseEngine) -> Iterator[ArgumentError]:
    """What AWS would refuse late, or would take and make no use of. Outputs are left to AWS."""
    version, subnets = args.get("version", DEFAULTS.version), args["subnet_ids"]
    if not re.fullmatch(f"[a-z](?:-?[a-z0-9]){{0,{_MAX_NAME_LENGTH - 1}}}", component):
        allowed = f"allowed: up to {_MAX_NAME_LENGTH} small letters, digits and single dashes"
        yield ArgumentError(component, "name", f"{component!r} is no name of a database", allowed)
    if version not in AURORA_VERSIONS:
        allowed = f"allowed: {', '.join(AURORA_VERSIONS)}"
        yield ArgumentError(component, "version", f"{version} cannot be created, or cannot pause", allowed)
    if engine is DatabaseEngine.AURORA_SERVERLESS:
        yield from _capacity_problems(component, args)
    yield from _number_problems(component, "backup_days", args.get("backup_days"))
    if isinstance(subnets, Sequence) and len(subnets) < 2:
        yield ArgumentError(component, "subnet_ids", "a database needs subnets in two zones", "give two or more")
    if ("password" in args) == ("password_parameter" in args):
        given = "both are" if "password" in args else "none is"
        yield ArgumentError(component, "password, password_parameter", f"{given} given", "give one of them")


def _capacity_problems(component: str, args: DatabaseArgs) -> Iterator[ArgumentError]:
    minimum, maximum = args.get("min_acu", DEFAULTS.min_acu), args.get("max_acu", DEFAULTS.max_acu)
    pause = args.get("auto_pause_seconds")
    for argument, value in (("min_acu", minimum), ("max_acu", maximum), ("auto_pause_seconds", pause)):
        yield from _number_problems(component, argument, value)
    if isinstance(maximum, int | float) and minimum > maximum:
        problem = f"{_plain(minimum)} with max_acu: {_plain(maximum)}"
        yield ArgumentError(component, "min_acu", problem, "raise max_acu to min_acu or more")
    if minimum > 0 and pause is not None:
        yield ArgumentError(component, "auto_pause_seconds", "only used with min_acu: 0", "remove it")


def _number_problems(component: str, argument: str, value: object) -> Iterator[ArgumentError]:
    if isinstance(value, int | float) and (allowed := allowed_numbers(AwsDatabase, argument, value)):
        yield ArgumentError(component, argument, _plain(value), f"allowed: {allowed}")


def _plain(number: float) -> str:
    """A number as it was written: the settings hold 1 as 1.0."""
    return str(int(number)) if number == int(number) else str(number)
