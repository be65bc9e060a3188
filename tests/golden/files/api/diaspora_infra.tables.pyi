class AcmeTable(TypedDict):
    directory: NotRequired[str | None]
    email: NotRequired[str | None]
    staging: NotRequired[bool]
class AdminTable(TypedDict):
    email: str
    username: str
class AssetsTable(TypedDict):
    host: NotRequired[str | None]
class AwsBackupsTable(TypedDict):
    bucket: NotRequired[bool]
    objectLockDays: NotRequired[int]
    volumeSnapshotDays: NotRequired[int]
class AwsDatabaseTable(TypedDict):
    autoPauseSeconds: NotRequired[int]
    backupDays: NotRequired[int]
    engine: NotRequired[str]
    instanceClass: NotRequired[str]
    maxAcu: NotRequired[float]
    minAcu: NotRequired[float]
    restoreFrom: NotRequired[str | None]
    storageGib: NotRequired[int]
    version: NotRequired[str]
class AwsDnsTable(TypedDict):
    createZone: NotRequired[bool]
    provider: NotRequired[str]
    zone: NotRequired[str | None]
class AwsHttpApiTable(TypedDict):
    logDays: NotRequired[int]
    requestsPerSecond: NotRequired[int]
class AwsMailTable(TypedDict):
    dmarc: NotRequired[str]
    enabled: NotRequired[bool]
    existingIdentity: NotRequired[bool]
    mailFrom: NotRequired[str]
class AwsReleaseTable(TypedDict):
    stream: NotRequired[str]
    version: NotRequired[str]
class AwsTable(TypedDict):
    alertEmail: NotRequired[str | None]
    backups: NotRequired[AwsBackupsTable]
    database: NotRequired[AwsDatabaseTable]
    dns: NotRequired[AwsDnsTable]
    edge: NotRequired[str]
    existingParameters: NotRequired[Mapping[str, str]]
    httpApi: NotRequired[AwsHttpApiTable]
    instance: NotRequired[InstanceTable]
    mail: NotRequired[AwsMailTable]
    monthlyBudgetUsd: NotRequired[int]
    network: NotRequired[NetworkTable]
    parameterPath: NotRequired[str | None]
    protect: NotRequired[bool]
    region: str
    size: NotRequired[str]
    tags: NotRequired[Mapping[str, str]]
    uploads: NotRequired[str]
    uploadsImage: NotRequired[str | None]
class BackupTable(TypedDict):
    hostKey: NotRequired[str | None]
    repository: NotRequired[str]
    restoreFirst: NotRequired[bool]
    retention: NotRequired[RetentionTable]
    time: NotRequired[str]
    username: NotRequired[str | None]
class BootFilesTable(TypedDict):
    bios: NotRequired[str]
    uefi: NotRequired[str]
    uefiArm64: NotRequired[str | None]
class CamoTable(TypedDict):
    proxyMarkdownImages: NotRequired[bool]
    proxyOpengraphThumbnails: NotRequired[bool]
    proxyRemotePodImages: NotRequired[bool]
    root: str
class CaptchaTable(TypedDict):
    captchaLength: NotRequired[int]
    distortion: NotRequired[str]
    enable: NotRequired[bool]
    imageSize: NotRequired[str]
    imageStyle: NotRequired[str]
class CommunitySpotlightTable(TypedDict):
    enable: NotRequired[bool]
    suggestEmail: NotRequired[str | None]
class CspTable(TypedDict):
    reportOnly: NotRequired[bool]
    reportUri: NotRequired[str | None]
class DailyJobsTable(TypedDict):
    time: NotRequired[str | None]
class DebugTable(TypedDict):
    federation: NotRequired[bool]
    sql: NotRequired[bool]
class DefaultMetasTable(TypedDict):
    description: NotRequired[str | None]
    title: NotRequired[str | None]
class DhcpTable(TypedDict):
    bootFiles: NotRequired[BootFilesTable]
    dnsServers: NotRequired[Sequence[str]]
    firstAddress: NotRequired[str | None]
    interface: NotRequired[str | None]
    lastAddress: NotRequired[str | None]
    leaseHours: NotRequired[int]
    mode: NotRequired[str]
    network: NotRequired[str | None]
    router: NotRequired[str | None]
class DiskSpaceTable(TypedDict):
    prunePercent: NotRequired[int]
    warnPercent: NotRequired[int]
class EnvironmentTable(TypedDict):
    assets: NotRequired[AssetsTable]
    imageRedirectUrl: NotRequired[str | None]
    logging: NotRequired[LoggingTable]
    pubsubServer: NotRequired[str | None]
    sidekiq: NotRequired[SidekiqTable]
class ExistingNetworkTable(TypedDict):
    privateSubnetIds: Sequence[str]
    publicSubnetId: str
    vpcId: str
class FirewallTable(TypedDict):
    enable: NotRequired[bool]
    open: NotRequired[Sequence[OpenPortTable]]
    sshFrom: NotRequired[Sequence[str] | None]
class HostTable(TypedDict):
    firewall: NotRequired[FirewallTable]
    guestAgent: NotRequired[bool]
    journal: NotRequired[JournalTable]
    kernelArguments: NotRequired[Sequence[str]]
    memoryMib: NotRequired[int]
    snippetFiles: NotRequired[Sequence[str]]
    snippets: NotRequired[Sequence[str]]
    storage: NotRequired[StorageTable]
    swap: NotRequired[SwapTable]
    timeZone: NotRequired[str]
    updates: NotRequired[UpdatesTable]
    users: Sequence[UserTable]
class ImageLayoutTable(TypedDict):
    certificateAuthorities: NotRequired[str]
    home: NotRequired[str]
    loginShell: NotRequired[bool]
    uid: NotRequired[int]
class InstanceTable(TypedDict):
    dataGib: NotRequired[int]
    imageId: NotRequired[str | None]
    release: NotRequired[AwsReleaseTable]
    rootGib: NotRequired[int]
    shellAccess: NotRequired[str]
    sshFrom: NotRequired[Sequence[str] | None]
    type: NotRequired[str | None]
class InvitationsTable(TypedDict):
    count: NotRequired[int]
    open: NotRequired[bool]
class JournalTable(TypedDict):
    days: NotRequired[int]
    maxMib: NotRequired[int]
class LoggingTable(TypedDict):
    debug: NotRequired[DebugTable]
    logrotate: NotRequired[LogrotateTable]
class LogrotateTable(TypedDict):
    days: NotRequired[int]
class MachineTable(TypedDict):
    architecture: NotRequired[str]
    disk: NotRequired[str | None]
    hostname: NotRequired[str | None]
    name: NotRequired[str]
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    snippets: NotRequired[Sequence[str]]
class MailTable(TypedDict):
    relay: NotRequired[RelayTable | None]
    senderAddress: str
    smtp: NotRequired[SmtpTable | None]
class MaintenanceTable(TypedDict):
    removeOldUsers: NotRequired[RemoveOldUsersTable]
class MapTable(TypedDict):
    mapbox: NotRequired[MapboxTable | None]
class MapboxTable(TypedDict):
    accessToken: str
    style: NotRequired[str]
class MatchboxTable(TypedDict):
    caFile: NotRequired[str]
    clientCertFile: NotRequired[str]
    clientKeyFile: NotRequired[str]
    httpUrl: str
    rpcEndpoint: str
class MonitoringTable(TypedDict):
    listen: NotRequired[str]
    nodeExporter: NotRequired[bool]
    podmanExporter: NotRequired[bool]
class NetworkTable(TypedDict):
    cidr: NotRequired[str]
    existing: NotRequired[ExistingNetworkTable | None]
    flowLogsDays: NotRequired[int]
    ipv6: NotRequired[bool]
    zones: NotRequired[Sequence[str] | None]
class OpenPortTable(_OpenPortTableWords):
    port: int
    protocol: NotRequired[str]
class PaypalDonationsTable(TypedDict):
    currency: NotRequired[str]
    enable: NotRequired[bool]
    paypalHostedButtonId: NotRequired[str | None]
    paypalUnhostedButtonEncrypted: NotRequired[str | None]
class PiwikTable(TypedDict):
    host: str
    siteId: int
class PodSettingsTable(TypedDict):
    archiveJobsConcurrency: NotRequired[int]
    autofollowOnJoin: NotRequired[bool]
    autofollowOnJoinUser: NotRequired[str]
    bitcoinAddress: NotRequired[str | None]
    captcha: NotRequired[CaptchaTable]
    changelogUrl: NotRequired[str | None]
    communitySpotlight: NotRequired[CommunitySpotlightTable]
    csp: NotRequired[CspTable]
    defaultColorTheme: NotRequired[str]
    defaultMetas: NotRequired[DefaultMetasTable]
    enableLocalPostsStream: NotRequired[str]
    enableRegistrations: NotRequired[bool]
    invitations: NotRequired[InvitationsTable]
    liberapayUsername: NotRequired[str | None]
    maintenance: NotRequired[MaintenanceTable]
    paypalDonations: NotRequired[PaypalDonationsTable]
    sourceUrl: NotRequired[str]
    terms: NotRequired[TermsTable]
    typhoeusConcurrency: NotRequired[int]
    typhoeusVerbose: NotRequired[bool]
    usernameBlacklist: NotRequired[Sequence[str] | None]
    welcomeMessage: NotRequired[WelcomeMessageTable]
class PodTable(TypedDict):
    admin: AdminTable
    backup: NotRequired[BackupTable | None]
    dailyJobs: NotRequired[DailyJobsTable]
    diskSpace: NotRequired[DiskSpaceTable]
    domain: str
    environment: NotRequired[EnvironmentTable]
    image: NotRequired[str | None]
    imageLayout: NotRequired[ImageLayoutTable]
    imageRefresh: NotRequired[bool]
    mail: NotRequired[MailTable | None]
    map: NotRequired[MapTable]
    monitoring: NotRequired[MonitoringTable]
    name: NotRequired[str]
    privacy: NotRequired[PrivacyTable]
    registry: NotRequired[RegistryTable | None]
    releaseNotice: NotRequired[ReleaseNoticeTable]
    secretsOnMachine: NotRequired[Sequence[str]]
    services: NotRequired[ServicesTable]
    settings: NotRequired[PodSettingsTable]
    sizing: NotRequired[SizingTable]
    sourceCommit: NotRequired[str | None]
    subnet: NotRequired[str]
    tls: NotRequired[TlsTable]
    upgrade: NotRequired[UpgradeTable]
    version: NotRequired[str]
    versions: NotRequired[VersionsTable]
class PrivacyTable(TypedDict):
    camo: NotRequired[CamoTable | None]
    googleAnalyticsKey: NotRequired[str | None]
    jqueryCdn: NotRequired[bool]
    piwik: NotRequired[PiwikTable | None]
    statistics: NotRequired[StatisticsTable]
class ProvisioningTable(TypedDict):
    architecture: NotRequired[str]
    dhcp: NotRequired[DhcpTable]
    disk: NotRequired[str | None]
    dnsmasqImage: NotRequired[str | None]
    hostname: NotRequired[str | None]
    httpUrl: str
    matchboxImage: NotRequired[str | None]
    name: NotRequired[str]
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    rpcPort: NotRequired[int]
    snippets: NotRequired[Sequence[str]]
class PxeMachineTable(TypedDict):
    architecture: NotRequired[str]
    console: NotRequired[Sequence[str]]
    disk: NotRequired[str | None]
    hostname: NotRequired[str | None]
    install: NotRequired[str]
    installedConfig: NotRequired[str | None]
    kernelArguments: NotRequired[Sequence[str]]
    mac: str
    name: str
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    snippets: NotRequired[Sequence[str]]
class PxeTable(TypedDict):
    machineFiles: NotRequired[Sequence[str]]
    machines: Sequence[PxeMachineTable]
    matchbox: MatchboxTable
    release: NotRequired[ReleaseTable]
class RegistryTable(TypedDict):
    server: str
    username: str
class RelayTable(TypedDict):
    helloName: NotRequired[str | None]
    image: str
    selector: NotRequired[str]
    smarthost: NotRequired[SmarthostTable | None]
class ReleaseNoticeTable(TypedDict):
    enabled: NotRequired[bool]
    project: NotRequired[str | None]
class ReleaseTable(TypedDict):
    source: NotRequired[str]
    stream: NotRequired[str]
    version: NotRequired[str]
class RemoveOldUsersTable(TypedDict):
    afterDays: NotRequired[int]
    enable: NotRequired[bool]
    limitRemovalsToPerDay: NotRequired[int]
    warnDays: NotRequired[int]
class RetentionTable(TypedDict):
    days: NotRequired[int]
    months: NotRequired[int]
    weeks: NotRequired[int]
class ServiceTable(TypedDict):
    authorized: NotRequired[str | None]
    key: str
class ServicesTable(TypedDict):
    tumblr: NotRequired[ServiceTable | None]
    twitter: NotRequired[ServiceTable | None]
    wordpress: NotRequired[WordpressTable | None]
class SidekiqTable(TypedDict):
    backtrace: NotRequired[int]
    deadJobsLimit: NotRequired[int]
    deadJobsTimeout: NotRequired[int]
    retry: NotRequired[int]
class SizingTable(TypedDict):
    archiveImportMib: NotRequired[int]
    pumaThreads: NotRequired[int | None]
    sidekiqConcurrency: NotRequired[int | None]
class SmarthostTable(TypedDict):
    host: str
    port: NotRequired[int]
    username: NotRequired[str | None]
class SmtpTable(TypedDict):
    authentication: NotRequired[str | None]
    domain: NotRequired[str | None]
    host: str
    opensslVerifyMode: NotRequired[str]
    port: NotRequired[int]
    username: NotRequired[str | None]
class StatisticsTable(TypedDict):
    commentCounts: NotRequired[bool]
    postCounts: NotRequired[bool]
    userCounts: NotRequired[bool]
class StorageTable(TypedDict):
    dataDisk: NotRequired[str | None]
    dataGib: NotRequired[int]
    disk: NotRequired[str | None]
    rootGib: NotRequired[int]
class SwapTable(TypedDict):
    fileMib: NotRequired[int]
    zramMib: NotRequired[int]
class TermsTable(TypedDict):
    enable: NotRequired[bool]
    jurisdiction: NotRequired[str | None]
    minimumAge: NotRequired[int | None]
class TlsTable(TypedDict):
    acme: NotRequired[AcmeTable]
    mode: NotRequired[str]
    trustedProxies: NotRequired[Sequence[str]]
class UpdateWindowTable(TypedDict):
    days: Sequence[str]
    lengthMinutes: int
    startTime: str
class UpdatesTable(TypedDict):
    strategy: NotRequired[str]
    windows: NotRequired[Sequence[UpdateWindowTable]]
class UpgradeTable(TypedDict):
    automatic: NotRequired[bool]
    time: NotRequired[str]
class UserTable(TypedDict):
    groups: NotRequired[Sequence[str]]
    name: str
    sshAuthorizedKeys: Sequence[str]
class VersionsTable(TypedDict):
    certbot: NotRequired[str]
    nginx: NotRequired[str]
    nodeExporter: NotRequired[str]
    pgbouncer: NotRequired[str]
    podmanExporter: NotRequired[str]
    postgresql: NotRequired[str]
    redis: NotRequired[str]
    restic: NotRequired[str]
class WelcomeMessageTable(TypedDict):
    enabled: NotRequired[bool]
    subject: NotRequired[str | None]
    text: NotRequired[str | None]
class WordpressTable(TypedDict):
    authorized: NotRequired[str | None]
    clientId: str
