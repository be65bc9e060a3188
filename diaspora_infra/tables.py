"""The tables of a stack file as types, for the arguments of components. Their keys are those of docs/config.md.

`make golden` writes this module from diaspora_infra/config. Change the docstrings of the models, not this module.
A table is plain: its values are no outputs. Where a component takes a table as a `pulumi.Input`, the table as a whole
may be an output.
"""

# ruff: noqa: E501  # Pulumi takes docstrings into the schema of a package with their line breaks

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

__all__ = [
    "AcmeTable",
    "AdminTable",
    "AssetsTable",
    "AwsBackupsTable",
    "AwsDatabaseTable",
    "AwsDnsTable",
    "AwsHaTable",
    "AwsHttpApiTable",
    "AwsMailTable",
    "AwsReleaseTable",
    "AwsTable",
    "BackupTable",
    "BootFilesTable",
    "CamoTable",
    "CaptchaTable",
    "CommunitySpotlightTable",
    "CspTable",
    "DailyJobsTable",
    "DebugTable",
    "DefaultMetasTable",
    "DhcpTable",
    "DiasporaImageTable",
    "DiskSpaceTable",
    "EnvironmentTable",
    "ExistingNetworkTable",
    "FirewallTable",
    "HostTable",
    "ImageArchiveTable",
    "ImageLayoutTable",
    "InstanceTable",
    "InvitationsTable",
    "JournalTable",
    "LoggingTable",
    "LogrotateTable",
    "MachineTable",
    "MailTable",
    "MaintenanceTable",
    "MapTable",
    "MapboxTable",
    "MatchboxTable",
    "MonitoringTable",
    "NetworkTable",
    "OpenPortTable",
    "PaypalDonationsTable",
    "PiwikTable",
    "PodSettingsTable",
    "PodTable",
    "PrivacyTable",
    "ProvisioningTable",
    "PxeMachineTable",
    "PxeTable",
    "RegistryTable",
    "RelayTable",
    "ReleaseNoticeTable",
    "ReleaseTable",
    "RemoveOldUsersTable",
    "RetentionTable",
    "ServiceTable",
    "ServicesTable",
    "SidekiqTable",
    "SizingTable",
    "SmarthostTable",
    "SmtpTable",
    "StatisticsTable",
    "StorageTable",
    "SwapTable",
    "TermsTable",
    "TlsTable",
    "UpdateWindowTable",
    "UpdatesTable",
    "UpgradeTable",
    "UserTable",
    "VersionsTable",
    "WelcomeMessageTable",
    "WordpressTable",
]


class AdminTable(TypedDict):
    """The person who runs the pod."""

    username: str
    """Account name of the administrator on the pod, such as podmin. The first start creates the account; `diaspora-pod admin` on the machine shows the password."""
    email: str
    """E-mail address of the podmin, for users and for alerts."""


class ImageArchiveTable(TypedDict):
    """The image of diaspora* in an OCI archive, which machines fetch instead of building it. `diaspora-image` on a provisioning server prints both values."""

    url: str
    """Where a web server has the archive. It needs no HTTPS, because the digest comes with the config."""
    sha256: str
    """Digest of the archive. A machine does not use an archive that has another one."""


class VersionsTable(TypedDict):
    """Versions of the programs beside diaspora*, for security releases that this project does not have yet."""

    postgresql: NotRequired[str]
    """PostgreSQL. Only its minor version: the major one changes with a version of this project, which moves the database. Default: 17.9."""
    redis: NotRequired[str]
    """Redis. A minor version gets its patch releases every night; three numbers stay. Redis 7.4 may not read what 8.0 has written. Default: 7.4."""
    nginx: NotRequired[str]
    """nginx. A minor version gets its patch releases every night; three numbers stay. Default: 1.28."""
    certbot: NotRequired[str]
    """certbot, which gets certificates. Default: 5.7.0."""
    restic: NotRequired[str]
    """restic, which writes backups. Default: 0.18.0."""
    pgbouncer: NotRequired[str]
    """PgBouncer, on AWS in front of the database. Default: 1.24.1-p1."""
    nodeExporter: NotRequired[str]
    """Exporter of `pod.monitoring.nodeExporter`. Default: 1.9.1."""
    podmanExporter: NotRequired[str]
    """Exporter of `pod.monitoring.podmanExporter`. Default: 1.17.2."""


class RegistryTable(TypedDict):
    """Login at a private registry, with which the machine pulls the images that are there. The password is the secret `registryPassword`."""

    server: str
    """The registry, as it is written in the names of the images."""
    username: str
    """Account at the registry; one that may only pull is enough."""


class ImageLayoutTable(TypedDict):
    """Paths and user inside the diaspora* image. The defaults fit `containers/diaspora/Containerfile`."""

    home: NotRequired[str]
    """Directory of the application in the image; `config/` and `public/` are below it. Default: /srv/diaspora."""
    uid: NotRequired[int]
    """User and group id of the application, which owns the uploads. Default: 1000."""
    certificateAuthorities: NotRequired[str]
    """File in the image with trusted certificate authorities. diaspora* does not start without it. Default: /etc/ssl/certs/ca-certificates.crt."""
    loginShell: NotRequired[bool]
    """Start commands through a login shell (`bash -lc`), as images that install Ruby with RVM need. Default: false."""


class WelcomeMessageTable(TypedDict):
    """Message from the administrator's account to every new user."""

    enabled: NotRequired[bool]
    """Send the message. Default: false."""
    subject: NotRequired[str | None]
    """Subject line."""
    text: NotRequired[str | None]
    """Body; `%{username}` becomes the new user's name, and `%%` a per cent sign."""


class InvitationsTable(TypedDict):
    """Invitations by existing users."""

    open: NotRequired[bool]
    """Allow users to invite others. Default: true."""
    count: NotRequired[int]
    """Number of sign-ups per invitation link. Default: 25."""


class CaptchaTable(TypedDict):
    """CAPTCHA on the sign-up page."""

    enable: NotRequired[bool]
    """Require the CAPTCHA. Default: true."""
    imageSize: NotRequired[str]
    """Size of the picture in pixels. Default: 120x20."""
    captchaLength: NotRequired[int]
    """Number of characters. Default: 5."""
    imageStyle: NotRequired[str]
    """Style of the picture. Allowed: embosed_silver, simply_red, simply_green, simply_blue, distorted_black, all_black, charcoal_grey, almost_invisible, random. Default: simply_green."""
    distortion: NotRequired[str]
    """Distortion of the characters. Allowed: low, medium, high, random. Default: low."""


class TermsTable(TypedDict):
    """Terms of service page."""

    enable: NotRequired[bool]
    """Show the terms and ask new users to accept them. Default: false."""
    jurisdiction: NotRequired[str | None]
    """Country or state whose law applies."""
    minimumAge: NotRequired[int | None]
    """Minimum age in years."""


class RemoveOldUsersTable(TypedDict):
    """Removal of unused accounts. Needs working mail: users are warned first."""

    enable: NotRequired[bool]
    """Remove unused accounts. Default: false."""
    afterDays: NotRequired[int]
    """Days without a login. Default: 730."""
    warnDays: NotRequired[int]
    """Days between the warning and the removal. Default: 30."""
    limitRemovalsToPerDay: NotRequired[int]
    """Maximum number of removals per day. Default: 100."""


class MaintenanceTable(TypedDict):
    """Jobs that keep the pod small."""

    removeOldUsers: NotRequired[RemoveOldUsersTable]
    """Removal of unused accounts."""


class DefaultMetasTable(TypedDict):
    """Metadata of the front page, for search engines."""

    title: NotRequired[str | None]
    """Title of the page; diaspora*'s own when not set."""
    description: NotRequired[str | None]
    """Description of the page; diaspora*'s own when not set."""


class CspTable(TypedDict):
    """Content security policy."""

    reportOnly: NotRequired[bool]
    """Report violations instead of blocking them; requires `reportUri`. Default: false."""
    reportUri: NotRequired[str | None]
    """Where browsers send reports."""


class PaypalDonationsTable(TypedDict):
    """A button for donations by PayPal."""

    enable: NotRequired[bool]
    """Show the button; requires exactly one of the two kinds of button. Default: false."""
    currency: NotRequired[str]
    """Currency of the donations. Default: USD."""
    paypalHostedButtonId: NotRequired[str | None]
    """Id of a button that PayPal hosts."""
    paypalUnhostedButtonEncrypted: NotRequired[str | None]
    """The encrypted text of a button that PayPal does not host."""


class CommunitySpotlightTable(TypedDict):
    """Page of recommended accounts."""

    enable: NotRequired[bool]
    """Show the page. Default: false."""
    suggestEmail: NotRequired[str | None]
    """Where users send suggestions."""


class PodSettingsTable(TypedDict):
    """The `[configuration.settings]` table of diaspora.toml; names and meaning are diaspora*'s own."""

    enableRegistrations: NotRequired[bool]
    """Let anyone sign up. The default of diaspora* is true; this project starts a new pod closed. Default: false."""
    enableLocalPostsStream: NotRequired[str]
    """Who sees the stream of all local posts. Allowed: disabled, admins, moderators, everyone. Default: disabled."""
    autofollowOnJoin: NotRequired[bool]
    """New users follow `autofollowOnJoinUser`. Default: true."""
    autofollowOnJoinUser: NotRequired[str]
    """Account that new users follow. Default: hq@pod.diaspora.software."""
    sourceUrl: NotRequired[str]
    """Address of the source of the running version; the licence (AGPL) requires it. Default: https://github.com/diaspora/diaspora."""
    changelogUrl: NotRequired[str | None]
    """Address of the changelog of the running version."""
    defaultColorTheme: NotRequired[str]
    """Colour theme of new users. Allowed: original, original_white, dark_green, magenta, egyptian_blue, dark. Default: original."""
    typhoeusVerbose: NotRequired[bool]
    """Log more about outgoing requests, for debugging. Default: false."""
    typhoeusConcurrency: NotRequired[int]
    """Concurrent outgoing requests per job; more need more memory. Default: 20."""
    archiveJobsConcurrency: NotRequired[int]
    """Concurrent account exports and imports. Default: 1."""
    liberapayUsername: NotRequired[str | None]
    """Account at liberapay.com for donations."""
    bitcoinAddress: NotRequired[str | None]
    """Address for donations."""
    usernameBlacklist: NotRequired[Sequence[str] | None]
    """User names that cannot be registered; diaspora*'s own list when not set."""
    welcomeMessage: NotRequired[WelcomeMessageTable]
    """Message to every new user."""
    invitations: NotRequired[InvitationsTable]
    """Invitations by existing users."""
    captcha: NotRequired[CaptchaTable]
    """CAPTCHA on the sign-up page."""
    terms: NotRequired[TermsTable]
    """Terms of service page."""
    maintenance: NotRequired[MaintenanceTable]
    """Jobs that keep the pod small."""
    defaultMetas: NotRequired[DefaultMetasTable]
    """Metadata for search engines."""
    csp: NotRequired[CspTable]
    """Content security policy."""
    paypalDonations: NotRequired[PaypalDonationsTable]
    """A button for donations by PayPal."""
    communitySpotlight: NotRequired[CommunitySpotlightTable]
    """Page of recommended accounts."""


class SidekiqTable(TypedDict):
    """Background jobs. How many run at once is `pod.sizing.sidekiqConcurrency`."""

    retry: NotRequired[int]
    """Maximum retries of a failed job, with growing delays; 0: none. Default: 10."""
    backtrace: NotRequired[int]
    """Lines of the backtrace to keep for a failed job; 0 saves memory of Redis. Default: 15."""
    deadJobsLimit: NotRequired[int]
    """Maximum number of dead jobs to keep. Default: 5000."""
    deadJobsTimeout: NotRequired[int]
    """Seconds to keep dead jobs; the default is six weeks. Default: 3628800."""


class AssetsTable(TypedDict):
    """Style sheets, scripts and pictures of the application. The machine's own web server serves them."""

    host: NotRequired[str | None]
    """Address from which browsers load assets instead, such as a content delivery network. It has no port, because diaspora*'s content security policy allows its host alone."""


class LogrotateTable(TypedDict):
    """Rotation of the application's log on the data partition: diaspora* itself starts a new file each day."""

    days: NotRequired[int]
    """Days to keep a file. Default: 7."""


class DebugTable(TypedDict):
    """More details in the log, for debugging."""

    sql: NotRequired[bool]
    """Log every statement to the database. Default: false."""
    federation: NotRequired[bool]
    """Log every message to and from other pods, private ones too. Default: false."""


class LoggingTable(TypedDict):
    """The log of the application."""

    logrotate: NotRequired[LogrotateTable]
    """Rotation."""
    debug: NotRequired[DebugTable]
    """More details."""


class EnvironmentTable(TypedDict):
    """The `[configuration.environment]` table of diaspora.toml, without keys that other settings determine."""

    imageRedirectUrl: NotRequired[str | None]
    """Address of a server that holds uploaded pictures of this pod: requests for pictures that are not on this machine are redirected there."""
    pubsubServer: NotRequired[str | None]
    """Server that receives new public posts (PubSubHubbub). diaspora* 0.9 is the last version with this key."""
    sidekiq: NotRequired[SidekiqTable]
    """Background jobs."""
    assets: NotRequired[AssetsTable]
    """Style sheets, scripts and pictures of the application."""
    logging: NotRequired[LoggingTable]
    """The log of the application."""


class MapboxTable(TypedDict):
    """Maps by mapbox.com."""

    accessToken: str
    """Token of your account at mapbox.com. It is visible to every browser."""
    style: NotRequired[str]
    """Style of the map. Default: mapbox/streets-v9."""


class MapTable(TypedDict):
    """Maps for posts with a location."""

    mapbox: NotRequired[MapboxTable | None]
    """Use maps from mapbox.com instead of diaspora*'s default."""


class PiwikTable(TypedDict):
    """Statistics by your own Piwik (today Matomo). diaspora*'s content security policy blocks its script unless `pod.settings.csp.reportOnly` is true."""

    host: str
    """Host name of the Piwik server, with an optional path."""
    siteId: int
    """Site id of this pod in Piwik."""


class StatisticsTable(TypedDict):
    """Statistics that the pod publishes."""

    userCounts: NotRequired[bool]
    """Number of users, and of active users in the last months. Default: false."""
    postCounts: NotRequired[bool]
    """Number of posts. Default: false."""
    commentCounts: NotRequired[bool]
    """Number of comments. Default: false."""


class CamoTable(TypedDict):
    """A proxy (Camo) that fetches remote pictures for the pod's users. Its shared key is the secret `camoKey`."""

    root: str
    """Address of the proxy."""
    proxyMarkdownImages: NotRequired[bool]
    """Fetch pictures in posts. Default: false."""
    proxyOpengraphThumbnails: NotRequired[bool]
    """Fetch the preview pictures of links. Default: false."""
    proxyRemotePodImages: NotRequired[bool]
    """Fetch pictures of other pods; causes a lot of traffic. Default: false."""


class PrivacyTable(TypedDict):
    """The `[configuration.privacy]` table of diaspora.toml."""

    jqueryCdn: NotRequired[bool]
    """Let browsers load jQuery from jquery.com instead of from the pod. Default: false."""
    googleAnalyticsKey: NotRequired[str | None]
    """Key for Google Analytics. diaspora* 0.9 is the last version with this key."""
    piwik: NotRequired[PiwikTable | None]
    """Statistics by your own Piwik."""
    statistics: NotRequired[StatisticsTable]
    """Statistics that the pod publishes."""
    camo: NotRequired[CamoTable | None]
    """A proxy that fetches remote pictures."""


class ServiceTable(TypedDict):
    """An application at a service, so that users can also post there."""

    key: str
    """Key of the application at the service; the application's secret is a secret key of the stack."""
    authorized: NotRequired[str | None]
    """The only user who may use the service; all when not set."""


class WordpressTable(TypedDict):
    """An application at wordpress.com, so that users can also post there."""

    clientId: str
    """Client id of the application; the application's secret is the secret `wordpressSecret`."""
    authorized: NotRequired[str | None]
    """The only user who may use the service; all when not set."""


class ServicesTable(TypedDict):
    """The `[configuration.services]` table of diaspora.toml. diaspora* 0.9 is the last version with this table."""

    twitter: NotRequired[ServiceTable | None]
    """Twitter; with it the secret `twitterSecret` is required."""
    tumblr: NotRequired[ServiceTable | None]
    """Tumblr; with it the secret `tumblrSecret` is required."""
    wordpress: NotRequired[WordpressTable | None]
    """WordPress; with it the secret `wordpressSecret` is required."""


class SmtpTable(TypedDict):
    """An external relay for the pod's mail. The password is the secret `smtpPassword`."""

    host: str
    """Name of the relay."""
    port: NotRequired[int]
    """Port. With a password STARTTLS is required. diaspora* has no implicit TLS, so 465 does not work. Default: 587."""
    username: NotRequired[str | None]
    """Account at the relay; with it the secret `smtpPassword` is required."""
    authentication: NotRequired[str | None]
    """Authentication; `plain` when `username` is set, else `none`. With `none` diaspora* does not use STARTTLS either: mail goes to the relay in the clear. Allowed: plain, login, cram_md5, none."""
    opensslVerifyMode: NotRequired[str]
    """`none` accepts any certificate of the relay: an attacker in between can read the mail and the password. Allowed: peer, none. Default: peer."""
    domain: NotRequired[str | None]
    """Name in the pod's greeting (HELO); `pod.domain` when not set."""


class SmarthostTable(TypedDict):
    """An external relay behind the relay on the machine. The password is the secret `smarthostPassword`."""

    host: str
    """Name of the relay."""
    port: NotRequired[int]
    """Port: 587 with STARTTLS, 465 with TLS from the start, or 25. Default: 587."""
    username: NotRequired[str | None]
    """Account at the relay; with it the secret `smarthostPassword` is required, and the certificate of the relay is verified."""


class RelayTable(TypedDict):
    """A mail server on the machine, only for the pod: Postfix, with DKIM signatures by OpenDKIM."""

    image: str
    """Image of the relay, built from `containers/relay`, pinned by tag or digest."""
    selector: NotRequired[str]
    """DKIM selector in the DNS: `SELECTOR._domainkey.DOMAIN`. Default: pod."""
    helloName: NotRequired[str | None]
    """Host name in the relay's greeting; the PTR record of the machine's public address must be this name. `pod.domain` when not set."""
    smarthost: NotRequired[SmarthostTable | None]
    """Send all mail to this relay instead of delivering to each receiver."""


class MailTable(TypedDict):
    """Mail that the pod sends: confirmations, password resets, notifications. Either through `smtp` or `relay`; on AWS by Amazon SES when neither is set."""

    senderAddress: str
    """Sender of the pod's mail."""
    smtp: NotRequired[SmtpTable | None]
    """The relay of a provider."""
    relay: NotRequired[RelayTable | None]
    """A relay on the machine."""


class AcmeTable(TypedDict):
    """The certificate authority of mode `acme`. The machine accepts its terms of service in your name."""

    email: NotRequired[str | None]
    """Contact address of the ACME account; `pod.admin.email` when not set."""
    staging: NotRequired[bool]
    """Use Let's Encrypt's staging authority: no browser trusts its certificates, but its limits are higher. Default: false."""
    directory: NotRequired[str | None]
    """Address of another authority's ACME directory; Let's Encrypt when not set. External account binding (EAB) is not supported."""


class TlsTable(TypedDict):
    """HTTPS. A pod without HTTPS cannot federate, so there is no mode without it."""

    mode: NotRequired[str]
    """`acme`: the machine gets and renews a certificate for `pod.domain`; port 80 must be reachable from the internet. `own`: your own certificate, `fullchain.pem` and `privkey.pem` in `/var/mnt/data/secrets/tls` on the machine. `behindProxy`: a proxy in front of the machine terminates TLS, and the machine serves plain HTTP. Allowed: acme, own, behindProxy. Default: acme."""
    acme: NotRequired[AcmeTable]
    """The certificate authority of mode `acme`."""
    trustedProxies: NotRequired[Sequence[str]]
    """Addresses of the proxies of mode `behindProxy`: only their X-Forwarded-For and X-Forwarded-Proto headers are trusted."""


class RetentionTable(TypedDict):
    """Retention of snapshots; older snapshots are removed after each backup."""

    days: NotRequired[int]
    """Number of daily snapshots to keep. Default: 7."""
    weeks: NotRequired[int]
    """Number of weekly snapshots to keep. Default: 5."""
    months: NotRequired[int]
    """Number of monthly snapshots to keep. Default: 12."""


class BackupTable(TypedDict):
    """Encrypted backups of the whole pod with restic. The password is the secret `backupPassword`."""

    repository: NotRequired[str]
    """Where snapshots are stored. `local` is a folder of the data partition, which protects against mistakes but not against the loss of the disk; the others are S3 (with `backupAccessKey` and `backupSecretKey`), SFTP (with `backupSshKey`; `sftp://USER@HOST//PATH` for a path from the root) and rest-server. Default: local."""
    username: NotRequired[str | None]
    """Account at a rest-server; with it the secret `backupRestPassword` is required."""
    hostKey: NotRequired[str | None]
    """Public key of the SFTP server, without its name: the output of `ssh-keyscan HOST` after the name."""
    time: NotRequired[str]
    """Start of the daily backup, in the time zone of the machine, with a random delay of up to half an hour. It may not overlap a window of `host.updates`. Default: 01:30."""
    retention: NotRequired[RetentionTable]
    """Retention of snapshots."""
    restoreFirst: NotRequired[bool]
    """On a machine with an empty data partition, restore the latest backup before the first start of the pod. While the repository is unreachable or has no backup, the pod does not start, and the machine retries. Not with `local`. Default: false."""


class DailyJobsTable(TypedDict):
    """The daily jobs of diaspora*: clean-ups, birthdays, and the checks of other pods. They follow each other, so that a database that pauses wakes up once for all of them."""

    time: NotRequired[str | None]
    """Start of the jobs, in the time zone of the machine, with a delay of up to half an hour that follows from the domain. When not set: 05:30, or the first half hour after it that is an hour apart from backup, upgrade and update windows."""


class MonitoringTable(TypedDict):
    """Exporters for Prometheus, without a password. `host.firewall.open` opens their ports."""

    nodeExporter: NotRequired[bool]
    """Metrics of the machine, on port 9100. Default: false."""
    podmanExporter: NotRequired[bool]
    """Metrics of the containers, on port 9882. The exporter uses podman's socket, which is equivalent to root: see docs/monitoring.md. Default: false."""
    listen: NotRequired[str]
    """Address of the machine on which the exporters listen. Default: 127.0.0.1."""


class DiskSpaceTable(TypedDict):
    """Protection from a full disk, checked every 15 minutes. Data is never removed."""

    warnPercent: NotRequired[int]
    """Usage of the data partition or the system disk, in percent, at which the podmin gets an alert. Default: 85."""
    prunePercent: NotRequired[int]
    """Usage in percent at which local backups except the last, caches and unused images are removed. Default: 95."""


class UpgradeTable(TypedDict):
    """Upgrades of the pod. `diaspora-pod upgrade` on the machine starts one at any time."""

    automatic: NotRequired[bool]
    """Upgrade every day if the server (on AWS the stack) has a new version of the pod for this machine. Default: false."""
    time: NotRequired[str]
    """Time of the upgrade in the time zone of the machine, with a random delay of up to a quarter of an hour. It may not overlap a window of `host.updates`. With `pod.imageRefresh` (not on AWS), also when the machine looks whether its image is to be built again. Default: 04:30."""


class ReleaseNoticeTable(TypedDict):
    """Notices about new releases, as alerts to the podmin: of each release once. The machine asks GitHub every week."""

    enabled: NotRequired[bool]
    """Tell about releases of diaspora* that are newer than the one that runs. Default: true."""
    project: NotRequired[str | None]
    """The repository of this project on GitHub. With it the podmin also hears of security advisories for the version of this project that made the machine. None when not set, because the project has no public repository yet."""


class SizingTable(TypedDict):
    """Concurrency of the pod. Values that are not set follow `host.memoryMib`: 3 with 1 GiB, 5 with 2, 9 with 4."""

    pumaThreads: NotRequired[int | None]
    """Concurrent web requests."""
    sidekiqConcurrency: NotRequired[int | None]
    """Concurrent background jobs. On AWS 2 when not set and the machine has 1 GiB."""
    archiveImportMib: NotRequired[int]
    """Maximum size of an account archive that users upload to move to this pod, in MiB; 0 accepts none, and diaspora* 0.9 has no page for it. Who sends a cookie like that of a session can use twice as much of the data partition. Default: 0."""


class PodTable(TypedDict):
    """The diaspora* pod."""

    domain: str
    """Domain of the pod. It is part of every diaspora* ID and can never change after the first start. Not with `www.`, which diaspora* removes from names."""
    name: NotRequired[str]
    """Name shown to users. Default: diaspora*."""
    admin: AdminTable
    """The person who runs the pod."""
    image: NotRequired[str | None]
    """diaspora* image of your own, pinned by tag or digest. When not set, each machine builds the image itself from `containers/diaspora/Containerfile`; on AWS the stack builds it, in CodeBuild."""
    version: NotRequired[str]
    """Release of diaspora* to build. No effect where `image` is set, which decides what runs. Default: 0.9.1.0."""
    sourceCommit: NotRequired[str | None]
    """Commit of diaspora* to build; that of the release `version` when not set. Required for a release that is not in the table of this project."""
    imageRefresh: NotRequired[bool]
    """Build the image again every 30 days, with the security updates of its Debian packages; only without `image`. On AWS `diaspora-pod upgrade` takes the new image; other machines build it beside the pod, which then runs it, or goes on with the old one (docs/image.md). Default: false."""
    imageArchive: NotRequired[ImageArchiveTable | None]
    """An archive of the image, which machines fetch instead of building it; where it is not there or not the right one, they build it. Not on AWS. None when not set."""
    versions: NotRequired[VersionsTable]
    """Versions of the programs beside diaspora*."""
    registry: NotRequired[RegistryTable | None]
    """Login at a private registry, for the images that are there; none when not set."""
    imageLayout: NotRequired[ImageLayoutTable]
    """Paths and user inside an image of your own."""
    settings: NotRequired[PodSettingsTable]
    """The `[configuration.settings]` table of diaspora.toml."""
    environment: NotRequired[EnvironmentTable]
    """The `[configuration.environment]` table."""
    map: NotRequired[MapTable]
    """Maps for posts with a location."""
    privacy: NotRequired[PrivacyTable]
    """The `[configuration.privacy]` table."""
    services: NotRequired[ServicesTable]
    """The `[configuration.services]` table."""
    mail: NotRequired[MailTable | None]
    """Mail that the pod sends. When not set, the pod sends no mail, and users cannot reset their passwords; on AWS, Amazon SES sends the mail then (`aws.mail`)."""
    tls: NotRequired[TlsTable]
    """HTTPS and certificates."""
    backup: NotRequired[BackupTable | None]
    """Backups of the pod; none when not set."""
    dailyJobs: NotRequired[DailyJobsTable]
    """When diaspora* does its daily jobs."""
    monitoring: NotRequired[MonitoringTable]
    """Exporters for Prometheus."""
    diskSpace: NotRequired[DiskSpaceTable]
    """Protection from a full disk."""
    secretsOnMachine: NotRequired[Sequence[str]]
    """Secrets that you set once on the machine with `diaspora-pod secret set`, instead of in the stack: their names, or `all`. They are then neither in the stack nor in the Ignition config. Allowed: all, smtpPassword, smarthostPassword, camoKey, twitterSecret, tumblrSecret, wordpressSecret, backupPassword, backupAccessKey, backupSecretKey, backupSshKey, backupRestPassword, registryPassword."""
    upgrade: NotRequired[UpgradeTable]
    """Upgrades to another version of the pod."""
    releaseNotice: NotRequired[ReleaseNoticeTable]
    """Notices about new releases."""
    sizing: NotRequired[SizingTable]
    """Concurrency of the pod."""
    subnet: NotRequired[str]
    """Network of the pod's containers on the machine; change it if it conflicts with your own network. Default: 10.89.71.0/24."""


class UserTable(TypedDict):
    """An account on the machine. Logins are by SSH key only."""

    name: str
    """Account name; core exists on every Fedora CoreOS machine and may use sudo. Not one of the system's own users and groups."""
    sshAuthorizedKeys: Sequence[str]
    """Public keys that may log in; an RSA key needs 2048 bits or more."""
    groups: NotRequired[Sequence[str]]
    """Further groups. A snippet can create others (`passwd.groups`) and add users to them (`passwd.users`). Allowed: adm, docker, sudo, systemd-journal, wheel."""


class StorageTable(TypedDict):
    """The machine's disk: a small root, and a big data partition that survives a reinstall."""

    disk: NotRequired[str | None]
    """Disk of the operating system, preferably by a persistent name, such as /dev/disk/by-id/ata-EXAMPLE: /dev/sda may be another disk at the next boot. An installation over the network erases everything on it except the data partition, so `pxe` requires it here or for each machine."""
    rootGib: NotRequired[int]
    """Space for the operating system in GiB: the data partition starts 1 GiB behind it, and the root filesystem fills what /boot leaves. Fedora CoreOS asks for a root of 8 GiB and may get a /boot of 2 GiB, so choose 10 or more. Never change it on a machine with data. Not used with `dataDisk`, where the root uses its whole disk. Default: 12."""
    dataGib: NotRequired[int]
    """Size of the data partition in GiB; 0 uses the rest of the disk, and keeps a partition as large as it is. On a machine with data change it to 0 only. Default: 0."""
    dataDisk: NotRequired[str | None]
    """Second disk for the data partition instead of the system disk, preferably by a persistent name, such as /dev/disk/by-id/ata-EXAMPLE."""


class SwapTable(TypedDict):
    """Swap space, so that a small machine survives a peak."""

    zramMib: NotRequired[int]
    """Compressed swap in memory, in MiB; 0 turns it off. At most half of the memory is used. Default: 1024."""
    fileMib: NotRequired[int]
    """Swap file on the data partition, in MiB; 0 creates none. On AWS 1024 when not set and the machine has 1 GiB. Default: 0."""


class UpdateWindowTable(TypedDict):
    """A weekly time span in which the machine may reboot into a new release."""

    days: Sequence[str]
    """Days on which the span starts. Allowed: Mon, Tue, Wed, Thu, Fri, Sat, Sun."""
    startTime: str
    """Start, HH:MM in the machine's time zone."""
    lengthMinutes: int
    """Length in minutes."""


class UpdatesTable(TypedDict):
    """When the operating system updates itself (zincati)."""

    strategy: NotRequired[str]
    """`periodic` reboots only in `windows`, `immediate` at any time, `off` never. Allowed: periodic, immediate, off. Default: periodic."""
    windows: NotRequired[Sequence[UpdateWindowTable]]
    """Spans for `periodic`; not used with another strategy."""


_OpenPortTableWords = TypedDict("_OpenPortTableWords", {"from": NotRequired[Sequence[str] | None]})


class OpenPortTable(_OpenPortTableWords):
    """An open port in addition to those for SSH and the pod. `from`: Addresses and networks that may reach the port; all when not set."""

    port: int
    """Port of the machine, or the published port of a container."""
    protocol: NotRequired[str]
    """Protocol. Allowed: tcp, udp. Default: tcp."""


class FirewallTable(TypedDict):
    """Firewall of the machine. SSH and the pod's web ports are open; see docs/security.md."""

    enable: NotRequired[bool]
    """Block all ports that are not opened. `false` leaves the machine without a firewall: every port that a program or a container opens is reachable. Default: true."""
    sshFrom: NotRequired[Sequence[str] | None]
    """Addresses and networks that may reach the SSH port (22); all when not set. A mistake here locks you out."""
    open: NotRequired[Sequence[OpenPortTable]]
    """Further open ports."""


class JournalTable(TypedDict):
    """The journal of the machine, which has the log of the web server with the addresses of visitors."""

    days: NotRequired[int]
    """Days for which the journal is kept. Default: 14."""
    maxMib: NotRequired[int]
    """Maximum size on the system disk, in MiB. Default: 512."""


class HostTable(TypedDict):
    """Settings of every machine."""

    users: Sequence[UserTable]
    """Accounts that may log in by SSH; one of them is core or in the group sudo or wheel."""
    memoryMib: NotRequired[int]
    """Memory of the machine in MiB, which determines the memory limits of the containers and the defaults of `pod.sizing`. On AWS the instance type determines it. Default: 2048."""
    storage: NotRequired[StorageTable]
    """Disk layout."""
    swap: NotRequired[SwapTable]
    """Swap space."""
    updates: NotRequired[UpdatesTable]
    """When the operating system updates itself."""
    firewall: NotRequired[FirewallTable]
    """Firewall of the machine."""
    journal: NotRequired[JournalTable]
    """How long the machine keeps its logs."""
    timeZone: NotRequired[str]
    """Time zone of the machine and of its update windows. Default: Etc/UTC."""
    guestAgent: NotRequired[bool]
    """Install the QEMU guest agent (for virtual machines on QEMU/libvirt or Proxmox). Default: false."""
    kernelArguments: NotRequired[Sequence[str]]
    """Kernel arguments of the installed system."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents, merged after everything else on every machine; they override it."""
    snippetFiles: NotRequired[Sequence[str]]
    """Files with one Butane document each, merged after `snippets`: names and patterns such as snippets/*.bu, relative to the project folder and inside of it. In stack files only."""


class MachineTable(TypedDict):
    """One machine."""

    name: NotRequired[str]
    """Name of the machine, unique in the stack; resources are named after it. The component's name when not set."""
    hostname: NotRequired[str | None]
    """Host name; the machine's name when not set."""
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface, unless `connection.interface-name`, `ethernet.mac-address` or a `match` section selects another card. Without any connection, every interface uses DHCP."""
    architecture: NotRequired[str]
    """CPU architecture. Allowed: x86_64, aarch64. Default: x86_64."""
    disk: NotRequired[str | None]
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents for this machine, merged last; they override everything else."""


class MatchboxTable(TypedDict):
    """The matchbox server."""

    httpUrl: str
    """Address that machines boot from, such as http://matchbox.lan:8080."""
    rpcEndpoint: str
    """Address of the gRPC API, HOST:PORT, such as matchbox.lan:8081."""
    caFile: NotRequired[str]
    """Certificate of the authority that signed the server's certificate (PEM); relative to the project folder. Default: ~/.matchbox/ca.crt."""
    clientCertFile: NotRequired[str]
    """Client certificate (PEM). Default: ~/.matchbox/client.crt."""
    clientKeyFile: NotRequired[str]
    """Key of the client certificate (PEM). Default: ~/.matchbox/client.key."""


class ReleaseTable(TypedDict):
    """The Fedora CoreOS release that is installed."""

    stream: NotRequired[str]
    """Update stream; a stream other than stable also requires `version`. Allowed: stable, testing, next. Default: stable."""
    version: NotRequired[str]
    """Release; the machine then updates itself (see `host.updates`). The third number identifies the stream: 1 next, 2 testing, 3 stable. Default: 44.20260802.3.1."""
    source: NotRequired[str]
    """Source of kernel and images: the `assets` folder of matchbox (`diaspora-infra assets download` fills it), or Fedora's release servers, which needs an iPXE with HTTPS: your own build, for UEFI only. Allowed: releases, matchbox. Default: matchbox."""


class PxeMachineTable(TypedDict):
    """A machine that boots over the network."""

    name: str
    """Name of the machine, unique in the stack; resources are named after it."""
    hostname: NotRequired[str | None]
    """Host name; the machine's name when not set."""
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface, unless `connection.interface-name`, `ethernet.mac-address` or a `match` section selects another card. Without any connection, every interface uses DHCP."""
    architecture: NotRequired[str]
    """CPU architecture. Allowed: x86_64, aarch64. Default: x86_64."""
    disk: NotRequired[str | None]
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents for this machine, merged last; they override everything else."""
    mac: str
    """MAC address of the network card that the machine boots from."""
    install: NotRequired[str]
    """`once`: install at a network boot; the firmware tries the disk first. `always`: reinstall at every network boot (requires `host.updates.strategy: off`). `off`: serve nothing, the machine boots from its disk. Allowed: once, always, off. Default: once."""
    console: NotRequired[Sequence[str]]
    """Consoles of the installer and of the installed system, such as ttyS0,115200n8; the last one shows the messages. `console=` is added."""
    kernelArguments: NotRequired[Sequence[str]]
    """Further kernel arguments of the installer."""
    installedConfig: NotRequired[str | None]
    """Config hash of the last installation (the stack output `machines.NAME.config`). Machines whose config has changed since then are listed in the output `needsReinstall`."""


class PxeTable(TypedDict):
    """Machines that boot over the network."""

    matchbox: MatchboxTable
    """The matchbox server."""
    release: NotRequired[ReleaseTable]
    """The Fedora CoreOS release that is installed."""
    machines: Sequence[PxeMachineTable]
    """The machines; required without `machineFiles`."""
    machineFiles: NotRequired[Sequence[str]]
    """Files with one machine or a list of machines each, which follow those in `machines`: names and patterns such as machines/*.yaml, relative to the project folder and inside of it. In stack files only."""


class AwsHaTable(TypedDict):
    """The machines and the cache of topology `ha`."""

    webMachines: NotRequired[int]
    """How many machines answer requests. One more does the background jobs. Default: 2."""
    cacheNodeType: NotRequired[str]
    """Type of the two nodes of the cache, which holds the background jobs. Default: cache.t4g.micro."""
    logDays: NotRequired[int]
    """Days to keep the logs of all machines in CloudWatch; with 0 they are not sent there. Allowed: 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653. Default: 14."""


class AwsHttpApiTable(TypedDict):
    """API Gateway, with `edge: gateway`."""

    requestsPerSecond: NotRequired[int]
    """Requests per second that are accepted, with bursts of twice as many; more get status 429, which limits the cost of a flood. Default: 100."""
    logDays: NotRequired[int]
    """Days to keep the access log (addresses, paths without queries, status); 0 keeps none. Allowed: 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653. Default: 14."""


class AwsReleaseTable(TypedDict):
    """The Fedora CoreOS image that a machine is created from; with `topology: single` it then updates itself."""

    stream: NotRequired[str]
    """Update stream. Allowed: stable, testing, next. Default: stable."""
    version: NotRequired[str]
    """Release of the image. A change replaces the machine (never its data), so only you should change it. Default: 44.20260802.3.1."""


class InstanceTable(TypedDict):
    """The machine: an EC2 instance with its own data volume."""

    type: NotRequired[str | None]
    """Instance type; that of `aws.size` when not set. t4g types have the architecture aarch64, the others x86_64."""
    release: NotRequired[AwsReleaseTable]
    """The image that the machine is created from."""
    imageId: NotRequired[str | None]
    """Image to use instead of Fedora's image for `release`."""
    rootGib: NotRequired[int]
    """Size of the root volume in GiB. A change replaces the machine. Default: 10."""
    dataGib: NotRequired[int]
    """Size of the data volume in GiB. It can grow, never shrink. Not with `topology: ha`. Default: 10."""
    shellAccess: NotRequired[str]
    """How `host.users` log in: through an EC2 Instance Connect Endpoint (`aws ec2-instance-connect ssh`, no port is open to the internet), by SSH from `sshFrom`, or not at all. Allowed: instanceConnectEndpoint, ssh, none. Default: instanceConnectEndpoint."""
    sshFrom: NotRequired[Sequence[str] | None]
    """Networks that may reach the SSH port; required with `shellAccess: ssh`."""


class ExistingNetworkTable(TypedDict):
    """An existing VPC, with a route to the internet from its public subnet."""

    vpcId: str
    """The VPC."""
    publicSubnetId: str
    """Subnet for the machine, with a route to an internet gateway. It must be in the first of `zones`, if they are set."""
    privateSubnetIds: Sequence[str]
    """Subnets for the database and the VPC link, in at least two zones."""


class NetworkTable(TypedDict):
    """The VPC."""

    cidr: NotRequired[str]
    """Addresses of the VPC; each subnet gets a sixteenth of them or a /24, whichever is smaller. Default: 10.0.0.0/16."""
    zones: NotRequired[Sequence[str] | None]
    """Last letters of the availability zones. The machine and its data are in the first one, which can never change. When not set: the first two that exist in the account and take a VPC link of API Gateway, with `topology: ha` also the next one; with `existing`, the zone of its public subnet. `pulumi preview` refuses zones that do not exist or, with `edge: gateway`, take no VPC link."""
    ipv6: NotRequired[bool]
    """Also give the VPC IPv6 addresses. Default: false."""
    flowLogsDays: NotRequired[int]
    """Days to keep a log of all connections; 0 keeps none. Allowed: 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653. Default: 0."""
    existing: NotRequired[ExistingNetworkTable | None]
    """Use an existing VPC instead of creating one; `cidr` and `ipv6` must not be set then."""


class AwsDatabaseTable(TypedDict):
    """Where PostgreSQL runs."""

    engine: NotRequired[str]
    """`auroraServerless` pauses while nobody uses the pod, and then costs only storage. `rds` is a small separate instance. `onInstance` is a container on the machine: the cheapest for every pod, restored from the pod's backup, not by AWS. With `topology: ha` the first two have a standby in another zone, and `rds` is the default. Allowed: auroraServerless, rds, onInstance. Default: auroraServerless."""
    version: NotRequired[str]
    """Version of Aurora PostgreSQL; `rds` uses the newest release of its major version. Another major version is an upgrade, which only happens when this key is set: see docs/aws-data.md first. Default: 17.9."""
    minAcu: NotRequired[float]
    """Minimum capacity of Aurora in ACU (2 GiB of memory each); only with 0 Aurora can pause. 0.5 when not set with `topology: ha`, where nothing pauses. Default: 0."""
    maxAcu: NotRequired[float]
    """Maximum capacity of Aurora in ACU, which also limits the cost: 1 ACU is about 0.14 dollars an hour. Default: 1."""
    autoPauseSeconds: NotRequired[int]
    """Seconds without a connection after which Aurora pauses; only with `minAcu: 0`. Default: 300."""
    instanceClass: NotRequired[str]
    """Instance class of engine `rds`; db.t4g.small when not set with `topology: ha`. Default: db.t4g.micro."""
    storageGib: NotRequired[int]
    """Storage of engine `rds` in GiB. Default: 20."""
    backupDays: NotRequired[int]
    """Days for which AWS can restore the database to any point in time; not with engine `onInstance`. Default: 7."""
    restoreFrom: NotRequired[str | None]
    """Snapshot that a new database is created from."""


class AwsDnsTable(TypedDict):
    """DNS of the pod's domain."""

    provider: NotRequired[str]
    """`route53` sets every record. With `external` the stack output `dnsRecords` lists the records that you have to set; `up` stops before the pod's domain until the certificate's record exists, and continues at the next `up`. Allowed: route53, external. Default: route53."""
    zone: NotRequired[str | None]
    """Name of the hosted zone, such as example.org; `pod.domain` when not set."""
    createZone: NotRequired[bool]
    """Create the zone. Then set its name servers (stack output `nameServers`) at your registrar. Default: false."""


class AwsMailTable(TypedDict):
    """Mail by Amazon SES. `pod.mail.senderAddress` sets the sender; default: no-reply at the pod's domain."""

    enabled: NotRequired[bool]
    """Send the pod's mail by SES when `pod.mail` sets neither `smtp` nor `relay`. With false such a pod sends no mail. Default: true."""
    existingIdentity: NotRequired[bool]
    """The sender's domain already is an identity in SES; the stack then does not change the identity or its records. Default: false."""
    mailFrom: NotRequired[str]
    """Subdomain to which bounces go. Default: bounce."""
    dmarc: NotRequired[str]
    """DMARC record of the sender's domain; `none` if the domain already has one. Default: v=DMARC1; p=quarantine; adkim=s."""


class AwsBackupsTable(TypedDict):
    """Backups on AWS, in addition to the pod's own backups (`pod.backup`)."""

    bucket: NotRequired[bool]
    """Create a bucket for the pod's own backups, and use it in `pod.backup`. Default: true."""
    objectLockDays: NotRequired[int]
    """Days for which nobody can delete objects in that bucket, with any key; 0 turns this off. It can only be turned on when the bucket is created. Default: 0."""
    volumeSnapshotDays: NotRequired[int]
    """Days to keep daily snapshots of the data volume; 0 creates none. Default: 7."""


class AwsTable(TypedDict):
    """The pod on AWS."""

    region: str
    """Region; `aws:region` when not set here. Nothing can be moved to another region later."""
    topology: NotRequired[str]
    """`single`: one machine, with its data on a volume. `ha`: several machines without data of their own in several zones, behind a load balancer, beside a database and a cache with a standby each (docs/cost.md). Allowed: single, ha. Default: single."""
    ha: NotRequired[AwsHaTable]
    """Machines and cache of `topology: ha`."""
    size: NotRequired[str]
    """`minimal`: 1 GiB of memory with a swap file. `small`: 2 GiB, some dollars more. `diaspora-infra cost` and docs/cost.md show the cost. With `topology: ha` always `small`, unless `instance.type` is set. Allowed: minimal, small. Default: minimal."""
    edge: NotRequired[str]
    """`gateway`: API Gateway has the certificate, and the machine is not reachable from the internet, but requests are limited to 10 MB (account archives are larger). `direct`: nginx on the machine's own public address, with a certificate by `pod.tls`; without that limit, and cheaper. `loadBalancer`: a load balancer has the certificate; only with `topology: ha`, where it is the default and nothing else is possible. Allowed: gateway, direct, loadBalancer. Default: gateway."""
    httpApi: NotRequired[AwsHttpApiTable]
    """API Gateway."""
    instance: NotRequired[InstanceTable]
    """The machine."""
    network: NotRequired[NetworkTable]
    """The VPC."""
    database: NotRequired[AwsDatabaseTable]
    """Where PostgreSQL runs."""
    uploads: NotRequired[str]
    """Where uploads and archives are stored: in an S3 bucket, mounted by s3fs, or on the data volume. Allowed: bucket, volume. Default: bucket."""
    uploadsImage: NotRequired[str | None]
    """Container image with s3fs 1.91 or later of your own; the stack builds one from `containers/s3fs` when not set. It runs as root and may mount, with the credentials of the machine, so name it by digest where others push it."""
    dns: NotRequired[AwsDnsTable]
    """DNS of the pod's domain."""
    mail: NotRequired[AwsMailTable]
    """Mail by Amazon SES; not used when `pod.mail` sets `smtp` or `relay`."""
    existingParameters: NotRequired[Mapping[str, str]]
    """Secrets that already exist in Parameter Store: their keys, such as backupPassword, and the names of the parameters. The stack then does not contain the secret, and the machine reads that parameter. Encrypt the parameters with the default key of Parameter Store (`alias/aws/ssm`); the machine cannot use another one."""
    backups: NotRequired[AwsBackupsTable]
    """Backups on AWS."""
    monthlyBudgetUsd: NotRequired[int]
    """Budget for alerts by mail: when 80 percent is spent in a month, and when the forecast exceeds it. It covers the whole account, without tax. 250 when not set with `topology: ha`. Default: 20."""
    alertEmail: NotRequired[str | None]
    """Recipient of alarms and budget alerts; `pod.admin.email` when not set."""
    protect: NotRequired[bool]
    """Protect resources with data from deletion: database, buckets, data volume, zone. Set this to false and run `pulumi up` before `pulumi destroy`. Default: true."""
    parameterPath: NotRequired[str | None]
    """Path of the pod's secrets in Parameter Store; `/diaspora/` and the domain when not set."""
    tags: NotRequired[Mapping[str, str]]
    """Tags of all resources that support tags. S3 objects have at most ten, of which the program uses three."""


class BootFilesTable(TypedDict):
    """The iPXE files that TFTP sends to each kind of firmware. They are in the image of dnsmasq."""

    bios: NotRequired[str]
    """For a BIOS. Default: undionly.kpxe."""
    uefi: NotRequired[str]
    """For UEFI on x86_64. `snponly.efi` uses the firmware's own driver of the network card; the project's image also contains it. Default: ipxe.efi."""
    uefiArm64: NotRequired[str | None]
    """For UEFI on aarch64. When not set, such machines get no answer, because the default image has no file for them."""


class DhcpTable(TypedDict):
    """DHCP and TFTP, which tell machines where to boot from."""

    mode: NotRequired[str]
    """`proxy`: the network has another DHCP server, such as a home router; this one only adds where to boot from. `full`: this is the only DHCP server. `off`: neither DHCP nor TFTP; other servers provide both. Allowed: proxy, full, off. Default: proxy."""
    network: NotRequired[str | None]
    """The network of the machines; required unless `mode` is `off`. The server has an address in it."""
    interface: NotRequired[str | None]
    """Answer on this interface only; on all when not set."""
    firstAddress: NotRequired[str | None]
    """First address for clients, with mode `full`."""
    lastAddress: NotRequired[str | None]
    """Last address for clients, with mode `full`."""
    router: NotRequired[str | None]
    """Gateway for clients, with mode `full`; the server itself when not set."""
    dnsServers: NotRequired[Sequence[str]]
    """DNS servers for clients, with mode `full`; none when empty."""
    leaseHours: NotRequired[int]
    """Lease time of addresses in hours. Default: 12."""
    bootFiles: NotRequired[BootFilesTable]
    """The iPXE files."""


class DiasporaImageTable(TypedDict):
    """The image of diaspora* that the server builds."""

    version: NotRequired[str]
    """Release of diaspora*: `pod.version` of the machines. Default: 0.9.1.0."""
    sourceCommit: NotRequired[str | None]
    """Commit of diaspora*; that of the release when not set. `pod.sourceCommit` of the machines."""


class ProvisioningTable(TypedDict):
    """A provisioning server: matchbox, with DHCP and TFTP for network boot."""

    name: NotRequired[str]
    """Name of the machine. The component's name when not set. Default: provisioning."""
    hostname: NotRequired[str | None]
    """Host name; the machine's name when not set."""
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface, unless `connection.interface-name`, `ethernet.mac-address` or a `match` section selects another card. Without any connection, every interface uses DHCP."""
    architecture: NotRequired[str]
    """CPU architecture. Allowed: x86_64, aarch64. Default: x86_64."""
    disk: NotRequired[str | None]
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents for this machine, merged last; they override everything else."""
    httpUrl: str
    """Address that machines boot from, such as http://192.168.1.5:8080: `pxe.matchbox.httpUrl` of their stack. With a name instead of the address, the DNS server of the network must know it."""
    rpcPort: NotRequired[int]
    """Port of the gRPC API, for podmins: `pxe.matchbox.rpcEndpoint` of the machines' stack. Default: 8081."""
    dhcp: NotRequired[DhcpTable]
    """DHCP and TFTP."""
    diasporaImage: NotRequired[DiasporaImageTable | None]
    """Build the image of diaspora* once, and hand it out to machines of the same architecture, whose `pod.imageArchive` names it. `{}` builds the default release; none when not set."""
    matchboxImage: NotRequired[str | None]
    """Image of matchbox; when not set, the one under [Images](#images)."""
    dnsmasqImage: NotRequired[str | None]
    """Image of dnsmasq, with iPXE's files in /var/lib/tftpboot, such as one built from containers/dnsmasq; when not set, the one under [Images](#images)."""
