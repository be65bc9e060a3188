class Alerts(pulumi.ComponentResource):
    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    topic_arn: pulumi.Output[str]
class AlertsArgs(TypedDict):
    email: pulumi.Input[str]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
class Architecture(StrEnum):
    AARCH64: object = 'aarch64'
    X86_64: object = 'x86_64'
class ArgumentError(pulumi.RunError):
    def __init__(self, component: str, argument: str, problem: str, fix: str, reason: str | None = None) -> None: ...
    def sentence(self, fix: str | None = None) -> str: ...
class AwsPod(pulumi.ComponentResource):
    def __init__(self, name: str, args: AwsPodArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    alerts: Alerts
    backups: Backups
    budget: Budget
    bundle: Bundle
    certificate: Certificate | None
    data_volume_id: pulumi.Output[str]
    database: Database | None
    dns: Dns
    dns_records: pulumi.Output[Sequence[DnsRecord]] | None
    http_api: HttpApi | None
    image_build: ImageBuild | None
    instance_id: pulumi.Output[str]
    machine: Machine
    mail: Mail | None
    mail_host: pulumi.Output[str] | None
    mail_next_steps: pulumi.Output[str] | None
    mail_sender: pulumi.Output[str] | None
    monthly_cost: pulumi.Output[Mapping[str, Any]]
    name_servers: pulumi.Output[Sequence[str]] | None
    network: Network | None
    next_step: pulumi.Output[str | None] | None
    parameters: Parameters
    pending_upgrade: pulumi.Output[str | None]
    public_ip: pulumi.Output[str]
    security_groups: SecurityGroups
    shell_command: pulumi.Output[str] | None
    uploads: Uploads | None
    url: pulumi.Output[str]
    vpc_id: pulumi.Output[str]
class AwsPodArgs(TypedDict):
    aws: NotRequired[AwsTable]
    host: NotRequired[HostTable]
    pod: NotRequired[PodTable]
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
class Backups(pulumi.ComponentResource):
    def __init__(self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    bucket: pulumi.Output[str] | None
    repository: pulumi.Output[str] | None
    statements: Sequence[Statement]
    volume_tags: Mapping[str, pulumi.Input[str]]
class BackupsArgs(TypedDict):
    bucket: NotRequired[pulumi.Input[str]]
    make_bucket: NotRequired[bool]
    object_lock_days: NotRequired[int]
    protect: NotRequired[bool]
    snapshots_of: pulumi.Input[str]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    volume_snapshot_days: NotRequired[int]
class Budget(pulumi.ComponentResource):
    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    budget_name: pulumi.Output[str]
class BudgetArgs(TypedDict):
    email: pulumi.Input[str]
    monthly_usd: pulumi.Input[int]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
class BuiltImageArgs(TypedDict):
    arguments: Mapping[str, str]
    containerfile: str
    start: str
    tag: str
class Bundle(pulumi.ComponentResource):
    def __init__(self, name: str, args: BundleArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    bucket: pulumi.Output[str]
    offered: pulumi.Output[str]
    statements: Sequence[Statement]
class BundleArgs(TypedDict):
    config: pulumi.Input[str]
    hash: pulumi.Input[str]
    path: pulumi.Input[str]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
class Certificate(pulumi.ComponentResource):
    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    arn: pulumi.Output[str]
    issued: pulumi.Output[bool] | None
    records: pulumi.Output[Sequence[DnsRecord]]
class CertificateArgs(TypedDict):
    domain: pulumi.Input[str]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    wait: NotRequired[bool]
    zone_id: NotRequired[pulumi.Input[str] | None]
class Database(pulumi.ComponentResource):
    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    database: pulumi.Output[str]
    final_snapshot: pulumi.Output[str]
    host: pulumi.Output[str]
    identifier: pulumi.Output[str]
    password: pulumi.Output[str]
    port: pulumi.Output[int]
    user: pulumi.Output[str]
class DatabaseArgs(TypedDict):
    allow_major_upgrade: NotRequired[pulumi.Input[bool]]
    auto_pause_seconds: NotRequired[pulumi.Input[int]]
    backup_days: NotRequired[pulumi.Input[int]]
    engine: NotRequired[DatabaseEngine]
    instance_class: NotRequired[pulumi.Input[str]]
    max_acu: NotRequired[pulumi.Input[float]]
    min_acu: NotRequired[float]
    password: NotRequired[pulumi.Input[str]]
    password_parameter: NotRequired[pulumi.Input[str]]
    protect: NotRequired[bool]
    restore_from: NotRequired[pulumi.Input[str]]
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    storage_gib: NotRequired[pulumi.Input[int]]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    topic_arn: NotRequired[pulumi.Input[str]]
    version: NotRequired[str]
    weekly_acu_hours: NotRequired[pulumi.Input[float]]
class DatabaseEngine(StrEnum):
    AURORA_SERVERLESS: object = 'auroraServerless'
    RDS: object = 'rds'
class Dns(pulumi.ComponentResource):
    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    name_servers: pulumi.Output[str] | None
    zone_id: pulumi.Output[str] | None
class DnsArgs(TypedDict):
    create: NotRequired[bool]
    protect: NotRequired[bool]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    zone: NotRequired[str]
class DnsRecord(TypedDict):
    name: str
    type: str
    values: Sequence[str]
class Edge(StrEnum):
    DIRECT: object = 'direct'
    GATEWAY: object = 'gateway'
class HttpApi(pulumi.ComponentResource):
    def __init__(self, name: str, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    api_id: pulumi.Output[str]
    log_group: pulumi.Output[str] | None
    records: pulumi.Output[Sequence[DnsRecord]]
class HttpApiArgs(TypedDict):
    address: pulumi.Input[str]
    certificate_arn: pulumi.Input[str]
    certificate_issued: NotRequired[pulumi.Input[bool] | None]
    domain: pulumi.Input[str]
    log_days: NotRequired[int]
    port: NotRequired[pulumi.Input[int]]
    requests_per_second: NotRequired[pulumi.Input[int]]
    security_group_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    zone_id: NotRequired[pulumi.Input[str] | None]
class ImageArgs(TypedDict):
    architecture: Architecture
    id: NotRequired[str]
    stream: NotRequired[Stream]
    version: str
class ImageBuild(pulumi.ComponentResource):
    def __init__(self, name: str, args: ImageBuildArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    project_arn: pulumi.Output[str]
    repositories: Mapping[str, pulumi.Output[str]]
    statements: Sequence[Statement]
class ImageBuildArgs(TypedDict):
    architecture: Architecture
    images: Mapping[str, BuiltImageArgs]
    parameters: Mapping[str, pulumi.Input[str]]
    project: str
    refresh: NotRequired[bool]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    topic_arn: NotRequired[pulumi.Input[str]]
class Machine(pulumi.ComponentResource):
    def __init__(self, name: str, args: MachineArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    instance_id: pulumi.Output[str]
    private_ip: pulumi.Output[str]
    public_ip: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    role_name: pulumi.Output[str]
    volume_id: pulumi.Output[str]
class MachineArgs(TypedDict):
    data_gib: NotRequired[pulumi.Input[int]]
    elastic_ip: NotRequired[bool]
    ignition: pulumi.Input[str]
    image: ImageArgs
    instance_type: pulumi.Input[str]
    protect: NotRequired[bool]
    root_gib: NotRequired[pulumi.Input[int]]
    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    shell_endpoint: NotRequired[ShellEndpointArgs]
    statements: NotRequired[pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]]]
    subnet_id: pulumi.Input[str]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    topic_arn: NotRequired[pulumi.Input[str]]
    volume_tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    zone: pulumi.Input[str]
class Mail(pulumi.ComponentResource):
    def __init__(self, name: str, args: MailArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    host: pulumi.Output[str]
    next_steps: pulumi.Output[str]
    password: pulumi.Output[str]
    port: pulumi.Output[int]
    records: Sequence[MailRecord]
    user: pulumi.Output[str]
class MailArgs(TypedDict):
    alerts_topic_arn: NotRequired[pulumi.Input[str]]
    dmarc: NotRequired[str]
    domain: str
    existing_identity: NotRequired[bool]
    mail_from: NotRequired[pulumi.Input[str]]
    sender: pulumi.Input[str]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
class MailRecord(TypedDict):
    key: str
    name: pulumi.Input[str]
    ttl: int
    type: str
    values: Sequence[pulumi.Input[str]]
class Network(pulumi.ComponentResource):
    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    private_subnet_ids: Sequence[pulumi.Output[str]]
    public_subnet_id: pulumi.Output[str]
    vpc_id: pulumi.Output[str]
class NetworkArgs(TypedDict):
    cidr: NotRequired[pulumi.Input[str]]
    flow_logs_days: NotRequired[int]
    ipv6: NotRequired[bool]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    zones: Sequence[str]
class Parameters(pulumi.ComponentResource):
    def __init__(self, name: str, args: ParametersArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    names: pulumi.Output[Mapping[str, str]]
    statements: Sequence[Statement]
class ParametersArgs(TypedDict):
    existing: NotRequired[Mapping[str, str]]
    facts: NotRequired[Mapping[str, pulumi.Input[str]]]
    path: pulumi.Input[str]
    secrets: NotRequired[Mapping[str, pulumi.Input[str]]]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
class SecurityGroups(pulumi.ComponentResource):
    def __init__(self, name: str, args: SecurityGroupsArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    database_id: pulumi.Output[str] | None
    endpoint_id: pulumi.Output[str] | None
    link_id: pulumi.Output[str] | None
    machine_id: pulumi.Output[str]
class SecurityGroupsArgs(TypedDict):
    database: NotRequired[bool]
    edge: NotRequired[Edge]
    ipv6: NotRequired[bool]
    shell_access: NotRequired[ShellAccess]
    ssh_from: NotRequired[Sequence[str]]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    vpc_id: pulumi.Input[str]
class ShellAccess(StrEnum):
    INSTANCE_CONNECT_ENDPOINT: object = 'instanceConnectEndpoint'
    NONE: object = 'none'
    SSH: object = 'ssh'
class ShellEndpointArgs(TypedDict):
    security_group_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
class Stream(StrEnum):
    NEXT: object = 'next'
    STABLE: object = 'stable'
    TESTING: object = 'testing'
class Uploads(pulumi.ComponentResource):
    def __init__(self, name: str, args: UploadsArgs, opts: pulumi.ResourceOptions | None = None) -> None: ...
    bucket: pulumi.Output[str]
    statements: Sequence[Statement]
class UploadsArgs(TypedDict):
    bucket: NotRequired[pulumi.Input[str]]
    noncurrent_days: NotRequired[pulumi.Input[int]]
    protect: NotRequired[bool]
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
