"""Database: PostgreSQL by Aurora Serverless v2, which pauses while nobody uses the pod, or by a small RDS instance."""

import hashlib
import re
from enum import StrEnum
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.parameters import made_once
from diaspora_infra.aws.tags import named
from diaspora_infra.config.aws.availability import AURORA_VERSIONS

DATABASE = "diaspora_production"
"""Name of the database, as diaspora* calls it."""
USER = "diaspora"
PORT = 5432
_LONGEST_NAME = 30  # with a number, a hash and `-final` it stays under the 63 characters of an identifier


class DatabaseEngine(StrEnum):
    """Who runs PostgreSQL."""

    AURORA_SERVERLESS = "auroraServerless"
    RDS = "rds"


class DatabaseArgs(TypedDict):
    """What a Database needs."""

    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Subnets in two zones or more, without a way to the internet."""
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]
    """Security groups that let the machine, and nothing else, in to port 5432."""
    password_parameter: NotRequired[str]
    """Name of a parameter that a password is made in; either this or `password`."""
    password: NotRequired[pulumi.Input[str]]
    """A password of your own; letters, digits, dashes and underscores, 8 to 41 of them."""
    engine: NotRequired[DatabaseEngine]
    """`auroraServerless` (the default) or `rds`."""
    version: NotRequired[str]
    """Version of Aurora PostgreSQL, such as 17.9. RDS takes its first number, and the newest release of that."""
    allow_major_upgrade: NotRequired[bool]
    """Upgrade a database that is of an older major version; AWS refuses otherwise. When not set, true with a `version`
    and false without: a newer default of this module upgrades nothing."""
    min_acu: NotRequired[float]
    """Smallest capacity of Aurora, in steps of 0.5; 0, which lets it pause, when not set."""
    max_acu: NotRequired[float]
    """Largest capacity of Aurora; 1 when not set."""
    auto_pause_seconds: NotRequired[int]
    """Aurora pauses after so many seconds without a connection; 300 when not set."""
    instance_class: NotRequired[str]
    """Instance class of RDS; db.t4g.micro when not set."""
    storage_gib: NotRequired[int]
    """Storage of RDS in GiB; 20 when not set."""
    backup_days: NotRequired[int]
    """Days for which AWS can bring the database back to any moment; 7 when not set."""
    restore_from: NotRequired[str]
    """Snapshot that the database is made from. Any change of it makes another database."""
    protect: NotRequired[bool]
    """Refuse to delete the database; true when not set."""
    tags: NotRequired[dict[str, str]]
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
        engine = DatabaseEngine(args.get("engine", DatabaseEngine.AURORA_SERVERLESS))
        _check(name, args, engine)
        super().__init__("diaspora-infra:aws:Database", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags", {})
        self._kept = args.get("protect", True)  # not `_protect`, which is Pulumi's own and reaches every child
        self._child = pulumi.ResourceOptions(parent=self, protect=self._kept)
        self._version: str = args.get("version", "17.9")
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
        self.identifier = subnets.name.apply(lambda group: identifier(group, args.get("restore_from")))
        self.final_snapshot = self.identifier.apply(lambda text: f"{text}-final")
        self.host = self._aurora(subnets) if engine is DatabaseEngine.AURORA_SERVERLESS else self._rds(subnets)
        self.port, self.user = pulumi.Output.from_input(PORT), pulumi.Output.from_input(USER)
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
        return self._version.split(".")[0]

    def _password(self) -> pulumi.Output[str]:
        if "password" in self._args:
            return pulumi.Output.secret(self._args["password"]).apply(lambda text: checked_password(self._name, text))
        made = made_once(f"{self._name}-databasePassword", self._args["password_parameter"], self._tags, self._child)
        return made.value.apply(lambda text: checked_password(self._name, text or ""))

    def _aurora(self, subnets: aws.rds.SubnetGroup) -> pulumi.Output[str]:
        args, least = self._args, self._args.get("min_acu", 0)
        family = f"aurora-postgresql{self._major}"
        parameters = aws.rds.ClusterParameterGroup(
            f"{self._name}-postgresql{self._major}",
            family=family,
            description="TLS only",
            parameters=[{"name": "rds.force_ssl", "value": "1", "apply_method": "pending-reboot"}],
            tags=named(self._tags, f"{self._name} {family}"),
            # not protected: it holds no data, and goes with its major version
            opts=pulumi.ResourceOptions(parent=self),
        )
        scaling: aws.rds.ClusterServerlessv2ScalingConfigurationArgsDict = {
            "min_capacity": least,
            "max_capacity": args.get("max_acu", 1),
        }
        if least == 0:
            scaling["seconds_until_auto_pause"] = args.get("auto_pause_seconds", 300)
        cluster = aws.rds.Cluster(
            f"{self._name}-database",
            cluster_identifier=self.identifier,
            engine="aurora-postgresql",
            engine_mode="provisioned",
            engine_version=self._version,
            allow_major_version_upgrade=self._allow_major,
            # when the years of a version are over, AWS upgrades it rather than sends a bill for its support
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            serverlessv2_scaling_configuration=scaling,
            database_name=DATABASE,
            master_username=USER,
            master_password=self.password,
            port=PORT,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=args["security_group_ids"],
            db_cluster_parameter_group_name=parameters.name,
            snapshot_identifier=args.get("restore_from"),
            storage_encrypted=True,
            backup_retention_period=args.get("backup_days", 7),
            copy_tags_to_snapshot=True,
            deletion_protection=self._kept,
            skip_final_snapshot=False,
            final_snapshot_identifier=self.final_snapshot,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} database"),
            opts=self._child,
        )
        aws.rds.ClusterInstance(
            f"{self._name}-database",
            identifier=self.identifier.apply(lambda text: f"{text}-1"),
            cluster_identifier=cluster.cluster_identifier,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            instance_class="db.serverless",
            db_subnet_group_name=subnets.name,
            publicly_accessible=False,
            performance_insights_enabled=False,  # it keeps the database awake
            auto_minor_version_upgrade=False,  # the settings say the version
            copy_tags_to_snapshot=True,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} database"),
            opts=self._child,
        )
        return cluster.endpoint

    def _rds(self, subnets: aws.rds.SubnetGroup) -> pulumi.Output[str]:
        args, family = self._args, f"postgres{self._major}"
        parameters = aws.rds.ParameterGroup(
            f"{self._name}-postgresql{self._major}",
            family=family,
            description="TLS only",
            parameters=[{"name": "rds.force_ssl", "value": "1", "apply_method": "pending-reboot"}],
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
            instance_class=args.get("instance_class", "db.t4g.micro"),
            allocated_storage=args.get("storage_gib", 20),
            storage_type="gp3",
            storage_encrypted=True,
            db_name=DATABASE,
            username=USER,
            password=self.password,
            port=PORT,
            multi_az=False,
            publicly_accessible=False,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=args["security_group_ids"],
            parameter_group_name=parameters.name,
            snapshot_identifier=args.get("restore_from"),
            backup_retention_period=args.get("backup_days", 7),
            copy_tags_to_snapshot=True,
            performance_insights_enabled=False,
            deletion_protection=self._kept,
            skip_final_snapshot=False,
            final_snapshot_identifier=self.final_snapshot,
            apply_immediately=True,
            tags=named(self._tags, f"{self._name} database"),
            opts=self._child,
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
        raise pulumi.RunError(
            f"{component}: the password does not fit; allowed: 8 to 41 letters, digits, dashes and underscores"
        )
    return text


def _check(component: str, args: DatabaseArgs, engine: DatabaseEngine) -> None:
    """Refuse what AWS would refuse late, or would take and make no use of. Raises pulumi.RunError."""
    least, most = args.get("min_acu", 0), args.get("max_acu", 1)
    aurora = engine is DatabaseEngine.AURORA_SERVERLESS
    pause, version, subnets = args.get("auto_pause_seconds", 300), args.get("version", "17.9"), args["subnet_ids"]
    days = args.get("backup_days", 7)
    problems = [
        (not re.fullmatch(f"[a-z](?:-?[a-z0-9]){{0,{_LONGEST_NAME - 1}}}", component),
         f"is no name of a database; allowed: up to {_LONGEST_NAME} small letters, digits and single dashes"),
        (version not in AURORA_VERSIONS, f"version: {version} cannot be created, or cannot pause; allowed: "
         f"{', '.join(AURORA_VERSIONS)}"),
        (aurora and not 0 <= least <= most <= 256, f"min_acu: {least} with max_acu: {most}; allowed: 0 to 256, "
         "and max_acu no less than min_acu"),
        (aurora and (least % 0.5 or most % 0.5 or most < 0.5), "min_acu, max_acu: allowed: steps of 0.5, and max_acu "
         "0.5 or more"),
        (aurora and not 300 <= pause <= 86400, f"auto_pause_seconds: {pause}; allowed: 300 to 86400"),
        (aurora and least > 0 and "auto_pause_seconds" in args, "auto_pause_seconds: nothing uses it, since only "
         "min_acu: 0 pauses; allowed: leave it out"),
        (not 1 <= days <= 35, f"backup_days: {days}; allowed: 1 to 35"),
        (isinstance(subnets, list) and len(subnets) < 2, "subnet_ids: a database needs subnets in two zones; allowed: "
         "two or more"),
        (("password" in args) == ("password_parameter" in args), "password, password_parameter: allowed: one of them"),
    ]  # fmt: skip
    found = [f"{component}: {message}" for wrong, message in problems if wrong]
    if found:
        raise pulumi.RunError("\n".join(found))
