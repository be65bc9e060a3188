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
    "DebugTable",
    "DefaultMetasTable",
    "DhcpTable",
    "DiskSpaceTable",
    "EnvironmentTable",
    "ExistingNetworkTable",
    "FirewallTable",
    "HostTable",
    "ImageLayoutTable",
    "InstanceTable",
    "InvitationsTable",
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
    "RelayTable",
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
    "WelcomeMessageTable",
    "WordpressTable",
]


class AdminTable(TypedDict):
    """The person who runs the pod."""

    username: str
    """Account name of the administrator on the pod, such as podmin. The first start makes it; `diaspora-pod admin` on the machine shows its password."""
    email: str
    """Where users and the pod reach the podmin."""


class ImageLayoutTable(TypedDict):
    """Where things are inside the diaspora* image. The defaults fit `containers/diaspora/Containerfile`."""

    home: NotRequired[str]
    """Directory of the application in the image; `config/` and `public/` are below it. Default: /srv/diaspora."""
    uid: NotRequired[int]
    """User and group id that the application runs as; it owns the uploads. Default: 1000."""
    certificateAuthorities: NotRequired[str]
    """File in the image with the certificate authorities that the pod trusts. diaspora* does not start without it. Default: /etc/ssl/certs/ca-certificates.crt."""
    loginShell: NotRequired[bool]
    """Start commands through a login shell (`bash -lc`), as images that install Ruby with RVM need. Default: false."""


class WelcomeMessageTable(TypedDict):
    """Message that every new user gets from the administrator's account."""

    enabled: NotRequired[bool]
    """Send the message. Default: false."""
    subject: NotRequired[str | None]
    """Subject line."""
    text: NotRequired[str | None]
    """Body; `%{username}` becomes the new user's name."""


class InvitationsTable(TypedDict):
    """Invitations by existing users."""

    open: NotRequired[bool]
    """Allow users to invite others. Default: true."""
    count: NotRequired[int]
    """How many people one invitation link lets in. Default: 25."""


class CaptchaTable(TypedDict):
    """The picture puzzle on the sign-up page."""

    enable: NotRequired[bool]
    """Ask for it. Default: true."""
    imageSize: NotRequired[str]
    """Size of the picture in pixels. Default: 120x20."""
    captchaLength: NotRequired[int]
    """Number of characters. Default: 5."""
    imageStyle: NotRequired[str]
    """Style of the picture. Allowed: embosed_silver, simply_red, simply_green, simply_blue, distorted_black, all_black, charcoal_grey, almost_invisible, random. Default: simply_green."""
    distortion: NotRequired[str]
    """How far the characters are bent. Allowed: low, medium, high, random. Default: low."""


class TermsTable(TypedDict):
    """Terms of service page."""

    enable: NotRequired[bool]
    """Show the terms and ask new users to accept them. Default: false."""
    jurisdiction: NotRequired[str | None]
    """Country or state whose law applies."""
    minimumAge: NotRequired[int | None]
    """Minimum age in years."""


class RemoveOldUsersTable(TypedDict):
    """Removal of accounts that nobody uses. Needs working mail: users are warned first."""

    enable: NotRequired[bool]
    """Remove them. Default: false."""
    afterDays: NotRequired[int]
    """Days without a login. Default: 730."""
    warnDays: NotRequired[int]
    """Days between the warning and the removal. Default: 30."""
    limitRemovalsToPerDay: NotRequired[int]
    """At most this many a day. Default: 100."""


class MaintenanceTable(TypedDict):
    """Jobs that keep the pod small."""

    removeOldUsers: NotRequired[RemoveOldUsersTable]
    """Removal of accounts that nobody uses."""


class DefaultMetasTable(TypedDict):
    """What search engines see of the front page."""

    title: NotRequired[str | None]
    """Title of the page."""
    description: NotRequired[str | None]
    """Description of the page."""


class CspTable(TypedDict):
    """Content security policy."""

    reportOnly: NotRequired[bool]
    """Report violations instead of blocking them. Default: false."""
    reportUri: NotRequired[str | None]
    """Where browsers send reports."""


class PaypalDonationsTable(TypedDict):
    """A button for donations by PayPal."""

    enable: NotRequired[bool]
    """Show it. It needs one of the two kinds of button. Default: false."""
    currency: NotRequired[str]
    """Currency of the donations. Default: USD."""
    paypalHostedButtonId: NotRequired[str | None]
    """Number of a button that PayPal keeps."""
    paypalUnhostedButtonEncrypted: NotRequired[str | None]
    """The encrypted text of a button that PayPal does not keep."""


class CommunitySpotlightTable(TypedDict):
    """Page of recommended accounts."""

    enable: NotRequired[bool]
    """Show it. Default: false."""
    suggestEmail: NotRequired[str | None]
    """Where users send suggestions."""


class PodSettingsTable(TypedDict):
    """The `[configuration.settings]` table of diaspora.toml; names and meaning are diaspora*'s own."""

    enableRegistrations: NotRequired[bool]
    """Let anyone sign up. diaspora*'s own default is true; a new pod of ours starts closed. Default: false."""
    enableLocalPostsStream: NotRequired[str]
    """Who sees the stream of all local posts. Allowed: disabled, admins, moderators, everyone. Default: disabled."""
    autofollowOnJoin: NotRequired[bool]
    """New users follow `autofollowOnJoinUser`. Default: true."""
    autofollowOnJoinUser: NotRequired[str]
    """Whom new users follow. Default: hq@pod.diaspora.software."""
    sourceUrl: NotRequired[str]
    """Where the source of the running version is; the licence (AGPL) demands it. Default: https://github.com/diaspora/diaspora."""
    changelogUrl: NotRequired[str | None]
    """Where the changes of the running version are described."""
    defaultColorTheme: NotRequired[str]
    """Colour theme of new users. Default: original."""
    typhoeusVerbose: NotRequired[bool]
    """Log more about outgoing requests, to find a fault. Default: false."""
    typhoeusConcurrency: NotRequired[int]
    """Outgoing requests at once per job; memory grows with it. Default: 20."""
    archiveJobsConcurrency: NotRequired[int]
    """Account exports and imports at once. Default: 1."""
    liberapayUsername: NotRequired[str | None]
    """Account for donations."""
    bitcoinAddress: NotRequired[str | None]
    """Address for donations."""
    usernameBlacklist: NotRequired[Sequence[str] | None]
    """Names that nobody may register. diaspora* has a list of its own when this is not set."""
    welcomeMessage: NotRequired[WelcomeMessageTable]
    """Message to every new user."""
    invitations: NotRequired[InvitationsTable]
    """Invitations by existing users."""
    captcha: NotRequired[CaptchaTable]
    """The picture puzzle on the sign-up page."""
    terms: NotRequired[TermsTable]
    """Terms of service page."""
    maintenance: NotRequired[MaintenanceTable]
    """Jobs that keep the pod small."""
    defaultMetas: NotRequired[DefaultMetasTable]
    """What search engines see."""
    csp: NotRequired[CspTable]
    """Content security policy."""
    paypalDonations: NotRequired[PaypalDonationsTable]
    """A button for donations by PayPal."""
    communitySpotlight: NotRequired[CommunitySpotlightTable]
    """Page of recommended accounts."""


class SidekiqTable(TypedDict):
    """Background jobs. How many run at once is `pod.sizing.sidekiqConcurrency`."""

    retry: NotRequired[int]
    """How often a failed job is tried again, each time after a longer wait; 0: never. Default: 10."""
    backtrace: NotRequired[int]
    """Lines of the backtrace that are kept of a failed job; 0 saves memory of Redis. Default: 15."""
    deadJobsLimit: NotRequired[int]
    """How many jobs that failed for good are kept. Default: 5000."""
    deadJobsTimeout: NotRequired[int]
    """Seconds that they are kept; six weeks. Default: 3628800."""


class AssetsTable(TypedDict):
    """Style sheets, scripts and pictures of the application. The machine's own web server serves them."""

    host: NotRequired[str | None]
    """Address from which browsers load them instead, such as that of a content delivery network."""


class LogrotateTable(TypedDict):
    """Rotation of the application's log on the data partition."""

    enable: NotRequired[bool]
    """Start a new file each day. Default: true."""
    days: NotRequired[int]
    """Days that a file is kept. Default: 7."""


class DebugTable(TypedDict):
    """More to read in the log, to find a fault."""

    sql: NotRequired[bool]
    """Log every statement to the database. Default: false."""
    federation: NotRequired[bool]
    """Log every message to and from other pods, private ones too. Default: false."""


class LoggingTable(TypedDict):
    """The log of the application."""

    logrotate: NotRequired[LogrotateTable]
    """Rotation."""
    debug: NotRequired[DebugTable]
    """More to read."""


class EnvironmentTable(TypedDict):
    """The `[configuration.environment]` table of diaspora.toml, without what follows from other settings."""

    imageRedirectUrl: NotRequired[str | None]
    """Address of a server that holds the uploaded pictures of this pod: requests for them are redirected there."""
    pubsubServer: NotRequired[str | None]
    """Server that is told of new public posts (PubSubHubbub). diaspora* 0.9 is the last that knows it."""
    sidekiq: NotRequired[SidekiqTable]
    """Background jobs."""
    assets: NotRequired[AssetsTable]
    """Style sheets, scripts and pictures of the application."""
    logging: NotRequired[LoggingTable]
    """The log of the application."""


class MapboxTable(TypedDict):
    """Maps by mapbox.com."""

    accessToken: str
    """Token of your account there. Every browser gets to see it."""
    style: NotRequired[str]
    """Style of the map. Default: mapbox/streets-v9."""


class MapTable(TypedDict):
    """Maps beside posts that name a place."""

    mapbox: NotRequired[MapboxTable | None]
    """Take them from mapbox.com; without it diaspora* takes the maps that it knows itself."""


class PiwikTable(TypedDict):
    """Statistics by your own Piwik (today Matomo). diaspora*'s content security policy blocks its script unless `pod.settings.csp.reportOnly` is true."""

    host: str
    """Where it runs."""
    siteId: int
    """Number of this pod there."""


class StatisticsTable(TypedDict):
    """What the pod tells everybody about itself."""

    userCounts: NotRequired[bool]
    """How many users it has, and how many of them were there in the last months. Default: false."""
    postCounts: NotRequired[bool]
    """How many posts they wrote. Default: false."""
    commentCounts: NotRequired[bool]
    """How many comments they wrote. Default: false."""


class CamoTable(TypedDict):
    """A proxy (Camo) that fetches remote pictures for the pod's users. Its shared key is the secret `camoKey`."""

    root: str
    """Address of the proxy."""
    proxyMarkdownImages: NotRequired[bool]
    """Fetch pictures in posts. Default: false."""
    proxyOpengraphThumbnails: NotRequired[bool]
    """Fetch the preview pictures of links. Default: false."""
    proxyRemotePodImages: NotRequired[bool]
    """Fetch pictures of other pods; a lot of traffic. Default: false."""


class PrivacyTable(TypedDict):
    """The `[configuration.privacy]` table of diaspora.toml."""

    jqueryCdn: NotRequired[bool]
    """Let browsers load jQuery from jquery.com instead of from the pod. Default: false."""
    googleAnalyticsKey: NotRequired[str | None]
    """Key for Google Analytics. diaspora* 0.9 is the last that knows it."""
    piwik: NotRequired[PiwikTable | None]
    """Statistics by your own Piwik."""
    statistics: NotRequired[StatisticsTable]
    """What the pod tells everybody about itself."""
    camo: NotRequired[CamoTable | None]
    """A proxy that fetches remote pictures."""


class ServiceTable(TypedDict):
    """An account of an application at a service, so that users can post there too."""

    key: str
    """The application's key, as the service has given it; its secret is a secret key of the stack."""
    authorized: NotRequired[str | None]
    """The only user who may use it; everybody when not set."""


class WordpressTable(TypedDict):
    """An application at wordpress.com, so that users can post there too."""

    clientId: str
    """The application's client id; its secret is the secret `wordpressSecret`."""
    authorized: NotRequired[str | None]
    """The only user who may use it; everybody when not set."""


class ServicesTable(TypedDict):
    """The `[configuration.services]` table of diaspora.toml. diaspora* 0.9 is the last that knows it."""

    twitter: NotRequired[ServiceTable | None]
    """Twitter; with it the secret `twitterSecret` is required."""
    tumblr: NotRequired[ServiceTable | None]
    """Tumblr; with it the secret `tumblrSecret` is required."""
    wordpress: NotRequired[WordpressTable | None]
    """WordPress; with it the secret `wordpressSecret` is required."""


class SmtpTable(TypedDict):
    """The relay that takes the pod's mail. The password is the secret `smtpPassword`."""

    host: str
    """Name of the relay."""
    port: NotRequired[int]
    """Port; STARTTLS is used. diaspora* has no implicit TLS, so 465 does not work. Default: 587."""
    username: NotRequired[str | None]
    """Account at the relay; with it the secret `smtpPassword` is required."""
    authentication: NotRequired[str | None]
    """How to log in; `plain` when `username` is set, else `none`. With `none` diaspora* does not use STARTTLS either. Allowed: plain, login, cram_md5, none."""
    starttlsAuto: NotRequired[bool]
    """Encrypt the connection where the relay offers it. Default: true."""
    opensslVerifyMode: NotRequired[str]
    """`none` takes any certificate of the relay: anybody in between can read the mail and the password. Allowed: peer, none. Default: peer."""
    domain: NotRequired[str | None]
    """Name that the pod gives in the greeting (HELO); `pod.domain` when not set."""


class SmarthostTable(TypedDict):
    """A relay behind the one on the machine. The password is the secret `smarthostPassword`."""

    host: str
    """Name of the relay."""
    port: NotRequired[int]
    """Port: 587 with STARTTLS, 465 with TLS from the start, or 25. Default: 587."""
    username: NotRequired[str | None]
    """Account at the relay; with it the secret `smarthostPassword` is required, and the relay must prove its name."""


class RelayTable(TypedDict):
    """A mail server on the machine, for the pod alone: Postfix, with signatures (DKIM) by OpenDKIM."""

    image: str
    """Image of the relay, made from `containers/relay`, pinned by tag or digest."""
    selector: NotRequired[str]
    """Name of the key (DKIM selector) in the DNS: `SELECTOR._domainkey.DOMAIN`. Default: pod."""
    helloName: NotRequired[str | None]
    """Name that the relay gives itself; the machine's public address must lead back to it (PTR record). `pod.domain` when not set."""
    smarthost: NotRequired[SmarthostTable | None]
    """Hand all mail to this relay instead of delivering it to each receiver."""


class MailTable(TypedDict):
    """Mail that the pod sends: confirmations, password resets, notifications. Either through `smtp` or `relay`; on AWS by Amazon SES when neither is set."""

    senderAddress: str
    """Sender of the pod's mail."""
    smtp: NotRequired[SmtpTable | None]
    """The relay of a provider."""
    relay: NotRequired[RelayTable | None]
    """A relay on the machine."""


class AcmeTable(TypedDict):
    """The certificate authority of mode `acme`. Its terms of service are agreed to in your name."""

    email: NotRequired[str | None]
    """Contact of the account there; `pod.admin.email` when not set."""
    staging: NotRequired[bool]
    """Ask Let's Encrypt's test authority: no browser trusts its certificates, and its limits are generous. Default: false."""
    directory: NotRequired[str | None]
    """Address of another authority's ACME directory; Let's Encrypt when not set. One that wants an external account (EAB) does not work."""


class TlsTable(TypedDict):
    """Where HTTPS ends. A pod without HTTPS cannot federate, so there is no mode without it."""

    mode: NotRequired[str]
    """`acme`: the machine gets a certificate for `pod.domain` by itself and renews it; port 80 must be reachable from the internet. `own`: yours, `fullchain.pem` and `privkey.pem` in `/var/mnt/data/secrets/tls` on the machine. `behindProxy`: a proxy in front of the machine ends HTTPS, the machine answers plain HTTP. Allowed: acme, own, behindProxy. Default: acme."""
    acme: NotRequired[AcmeTable]
    """The certificate authority of mode `acme`."""
    trustedProxies: NotRequired[Sequence[str]]
    """Addresses of the proxies of mode `behindProxy`: only what they say in X-Forwarded-For and X-Forwarded-Proto counts."""


class RetentionTable(TypedDict):
    """How many snapshots are kept; older ones are removed after each backup."""

    days: NotRequired[int]
    """Days of which the last snapshot is kept. Default: 7."""
    weeks: NotRequired[int]
    """Weeks of which the last snapshot is kept. Default: 5."""
    months: NotRequired[int]
    """Months of which the last snapshot is kept. Default: 12."""


class BackupTable(TypedDict):
    """Encrypted backups of the whole pod, made by restic. Their password is the secret `backupPassword`."""

    repository: NotRequired[str]
    """Where snapshots are kept. `local` is a folder of the data partition, which protects against mistakes but not against the loss of the disk; the others are S3 (with `backupAccessKey` and `backupSecretKey`), SFTP (with `backupSshKey`; `sftp://USER@HOST//PATH` for a path from the root) and rest-server. Default: local."""
    username: NotRequired[str | None]
    """Account at a rest-server; with it the secret `backupRestPassword` is required."""
    hostKey: NotRequired[str | None]
    """Public key of the SFTP server, without its name: what `ssh-keyscan HOST` prints behind the name."""
    time: NotRequired[str]
    """When the daily backup starts, in the time zone of the machine, or up to half an hour later. Default: 03:30."""
    retention: NotRequired[RetentionTable]
    """How many snapshots are kept."""
    restoreFirst: NotRequired[bool]
    """On a machine with an empty data partition, restore the last backup before the pod starts for the first time. While the repository cannot be reached, or has no backup, the pod does not start and the machine tries again. Not with `local`. Default: false."""


class MonitoringTable(TypedDict):
    """Exporters for Prometheus, without a password. `host.firewall.open` lets others reach their ports."""

    nodeExporter: NotRequired[bool]
    """Numbers about the machine, on port 9100. Default: false."""
    podmanExporter: NotRequired[bool]
    """Numbers about the containers, on port 9882. It holds podman's socket, which is as much as root: see docs/monitoring.md. Default: false."""
    listen: NotRequired[str]
    """Address of the machine on which both answer. Default: 127.0.0.1."""


class DiskSpaceTable(TypedDict):
    """Protection from a full disk; the machine looks every 15 minutes. Data is never removed."""

    warnPercent: NotRequired[int]
    """Tell the podmin when this much of the data partition or of the system disk is used. Default: 85."""
    prunePercent: NotRequired[int]
    """Remove what can be made again when this much is used: local backups but the last one, caches, unused images. Default: 95."""


class UpgradeTable(TypedDict):
    """Upgrades of the pod. `diaspora-pod upgrade` on the machine does one at any time."""

    automatic: NotRequired[bool]
    """Do one every day, when the server has a new version of the pod for this machine. Default: false."""
    time: NotRequired[str]
    """When, in the time zone of the machine, or up to a quarter of an hour later. Default: 04:30."""


class SizingTable(TypedDict):
    """How much the pod does at once. What is not set follows `host.memoryMib`: 3 with 1 GiB, 5 with 2, 9 with 4."""

    pumaThreads: NotRequired[int | None]
    """Web requests at once."""
    sidekiqConcurrency: NotRequired[int | None]
    """Background jobs at once. On AWS 2 when not set and the machine has 1 GiB."""
    archiveImportMib: NotRequired[int]
    """Largest account archive that a user may upload to move to this pod, in MiB. Default: 1024."""


class PodTable(TypedDict):
    """The diaspora* pod."""

    domain: str
    """Name of the pod. It is part of every diaspora* ID and can never change after the first start."""
    name: NotRequired[str]
    """Name shown to users. Default: diaspora*."""
    admin: AdminTable
    """The person who runs the pod."""
    image: NotRequired[str | None]
    """diaspora* image, pinned by tag or digest. Required today: there is no default image that could be verified."""
    imageLayout: NotRequired[ImageLayoutTable]
    """Where things are inside that image."""
    settings: NotRequired[PodSettingsTable]
    """The `[configuration.settings]` table of diaspora.toml."""
    environment: NotRequired[EnvironmentTable]
    """The `[configuration.environment]` table."""
    map: NotRequired[MapTable]
    """Maps beside posts that name a place."""
    privacy: NotRequired[PrivacyTable]
    """The `[configuration.privacy]` table."""
    services: NotRequired[ServicesTable]
    """The `[configuration.services]` table."""
    mail: NotRequired[MailTable | None]
    """Mail that the pod sends; without it no mail is sent and nobody can reset a password, but on AWS, where Amazon SES sends it (`aws.mail`)."""
    tls: NotRequired[TlsTable]
    """Where HTTPS ends, and whose certificate it is."""
    backup: NotRequired[BackupTable | None]
    """Backups of the pod; without it none are made."""
    monitoring: NotRequired[MonitoringTable]
    """Exporters for Prometheus."""
    diskSpace: NotRequired[DiskSpaceTable]
    """What happens before a disk is full."""
    secretsOnMachine: NotRequired[Sequence[str]]
    """Secrets that you place on the machine with `diaspora-pod secret set`, once, instead of giving them to the stack: their names, or `all`. They are then neither in the stack nor in the Ignition config. Allowed: all, smtpPassword, smarthostPassword, camoKey, twitterSecret, tumblrSecret, wordpressSecret, backupPassword, backupAccessKey, backupSecretKey, backupSshKey, backupRestPassword."""
    upgrade: NotRequired[UpgradeTable]
    """Upgrades to another version of the pod."""
    sizing: NotRequired[SizingTable]
    """How much the pod does at once."""
    subnet: NotRequired[str]
    """Network of the pod's containers on the machine; change it where it gets in the way of your own network. Default: 10.89.71.0/24."""


class UserTable(TypedDict):
    """An account on the machine. Logins are by SSH key only."""

    name: str
    """Account name; core exists on every Fedora CoreOS machine and may use sudo."""
    sshAuthorizedKeys: Sequence[str]
    """Public keys that may log in; an RSA key needs 2048 bits or more."""
    groups: NotRequired[Sequence[str]]
    """Further groups, such as sudo or wheel."""


class StorageTable(TypedDict):
    """The machine's disk: a small root, and a big data partition that survives a reinstall."""

    disk: NotRequired[str]
    """Disk that the operating system is installed on (the installer erases it but for the data partition). Default: /dev/sda."""
    rootGib: NotRequired[int]
    """Size of the root filesystem in GiB; Fedora CoreOS refuses to boot below 8. Never change it on a machine with data: the data partition starts behind it. Not used with `dataDisk`, where the root takes its whole disk. Default: 12."""
    dataGib: NotRequired[int]
    """Size of the data partition in GiB; 0 takes the rest of the disk. Never change it on a machine with data. Default: 0."""
    dataDisk: NotRequired[str | None]
    """Second disk for the data partition instead of the system disk, best by its lasting name, such as /dev/disk/by-id/ata-EXAMPLE."""


class SwapTable(TypedDict):
    """Swap space, so that a small machine survives a peak."""

    zramMib: NotRequired[int]
    """Compressed swap in memory, in MiB; 0 turns it off. At most half of the memory is used. Default: 1024."""
    fileMib: NotRequired[int]
    """Swap file on the data partition, in MiB; 0 makes none. On AWS 1024 when not set and the machine has 1 GiB. Default: 0."""


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
    """A port that is open beside those for SSH and the pod. `from`: Who may reach it: addresses and networks; everybody when not set."""

    port: int
    """Port of the machine, or the published port of a container."""
    protocol: NotRequired[str]
    """Protocol. Allowed: tcp, udp. Default: tcp."""


class FirewallTable(TypedDict):
    """What can be reached on the machine. SSH and the pod's web ports are open; see docs/security.md."""

    enable: NotRequired[bool]
    """Refuse everything that is not opened. `false` leaves the machine without a firewall: every port that a program or a container opens can be reached. Default: true."""
    sshFrom: NotRequired[Sequence[str] | None]
    """Who may reach the SSH port (22): addresses and networks; everybody when not set. Mind that a mistake here locks you out."""
    open: NotRequired[Sequence[OpenPortTable]]
    """Further open ports."""


class HostTable(TypedDict):
    """What every machine has."""

    users: Sequence[UserTable]
    """Accounts that may log in by SSH; one of them is core or in the group sudo or wheel."""
    memoryMib: NotRequired[int]
    """Memory of the machine in MiB. What each container may take follows from it, and `pod.sizing`. On AWS it is that of the instance type. Default: 2048."""
    storage: NotRequired[StorageTable]
    """Disk layout."""
    swap: NotRequired[SwapTable]
    """Swap space."""
    updates: NotRequired[UpdatesTable]
    """When the operating system updates itself."""
    firewall: NotRequired[FirewallTable]
    """What can be reached on the machine."""
    timeZone: NotRequired[str]
    """Time zone of the machine and of its update windows. Default: Etc/UTC."""
    guestAgent: NotRequired[bool]
    """Install the QEMU guest agent (for virtual machines on QEMU/libvirt or Proxmox). Default: false."""
    kernelArguments: NotRequired[Sequence[str]]
    """Kernel arguments of the installed system."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents, merged after everything else for every machine; they win."""


class MachineTable(TypedDict):
    """One machine."""

    name: NotRequired[str]
    """Name of the machine, unique in the stack; resources are named after it. The component's name when not set."""
    hostname: NotRequired[str | None]
    """Host name; the machine's name when not set."""
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface, unless `connection.interface-name`, `ethernet.mac-address` or a `match` section says which card is meant. Without any connection, every interface uses DHCP."""
    architecture: NotRequired[str]
    """CPU architecture. Allowed: x86_64, aarch64. Default: x86_64."""
    disk: NotRequired[str | None]
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents for this machine, merged last; they win."""


class MatchboxTable(TypedDict):
    """The matchbox server."""

    httpUrl: str
    """Address that machines boot from, such as http://matchbox.lan:8080."""
    rpcEndpoint: str
    """Address of its gRPC API, HOST:PORT, such as matchbox.lan:8081."""
    caFile: NotRequired[str]
    """Certificate of the authority that signed the server's certificate (PEM); relative to the project folder. Default: ~/.matchbox/ca.crt."""
    clientCertFile: NotRequired[str]
    """Client certificate (PEM). Default: ~/.matchbox/client.crt."""
    clientKeyFile: NotRequired[str]
    """Key of the client certificate (PEM). Default: ~/.matchbox/client.key."""


class ReleaseTable(TypedDict):
    """The Fedora CoreOS release that is installed."""

    stream: NotRequired[str]
    """Update stream; with another one than stable, `version` is needed too. Allowed: stable, testing, next. Default: stable."""
    version: NotRequired[str]
    """Release; the machine updates itself from there (see `host.updates`). Its third number belongs to the stream: 1 next, 2 testing, 3 stable. Default: 44.20260802.3.1."""
    source: NotRequired[str]
    """Where machines load kernel and images from: Fedora's release servers, or the `assets` folder of matchbox. Allowed: releases, matchbox. Default: releases."""


class PxeMachineTable(TypedDict):
    """A machine that boots over the network."""

    name: str
    """Name of the machine, unique in the stack; resources are named after it."""
    hostname: NotRequired[str | None]
    """Host name; the machine's name when not set."""
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface, unless `connection.interface-name`, `ethernet.mac-address` or a `match` section says which card is meant. Without any connection, every interface uses DHCP."""
    architecture: NotRequired[str]
    """CPU architecture. Allowed: x86_64, aarch64. Default: x86_64."""
    disk: NotRequired[str | None]
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents for this machine, merged last; they win."""
    mac: str
    """MAC address of the network card that it boots from."""
    install: NotRequired[str]
    """`once`: install when it boots from the network; the firmware tries the disk first. `always`: reinstall at every network boot (needs `host.updates.strategy: off`). `off`: serve nothing, the machine boots its disk. Allowed: once, always, off. Default: once."""
    console: NotRequired[Sequence[str]]
    """Consoles of the installer, such as ttyS0,115200n8; the last one shows the messages. `console=` is put before."""
    kernelArguments: NotRequired[Sequence[str]]
    """Further kernel arguments of the installer."""
    installedConfig: NotRequired[str | None]
    """Config hash that this machine was installed with (the stack output `machines.NAME.config`). Machines whose config has changed since appear in the output `needsReinstall`."""


class PxeTable(TypedDict):
    """Machines that boot over the network."""

    matchbox: MatchboxTable
    """The matchbox server."""
    release: NotRequired[ReleaseTable]
    """The Fedora CoreOS release that is installed."""
    machines: Sequence[PxeMachineTable]
    """The machines."""


class AwsHttpApiTable(TypedDict):
    """API Gateway, with `edge: gateway`."""

    requestsPerSecond: NotRequired[int]
    """Requests that are let through in a second, and twice as many at a time; more are refused with status 429, so that a flood does not become a bill. Default: 100."""
    logDays: NotRequired[int]
    """Keep the access log (addresses, paths without their queries, status) for so many days; 0 keeps none. Allowed: 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653. Default: 14."""


class AwsReleaseTable(TypedDict):
    """The Fedora CoreOS image that the machine is made from; later releases come to it by updates."""

    stream: NotRequired[str]
    """Update stream. Allowed: stable, testing, next. Default: stable."""
    version: NotRequired[str]
    """Release of the image. A change replaces the machine (never its data), so nothing changes it but you. Default: 44.20260802.3.1."""


class InstanceTable(TypedDict):
    """The machine: an EC2 instance with a data volume of its own."""

    type: NotRequired[str | None]
    """Instance type; that of `aws.size` when not set. t4g types are of architecture aarch64, the others of x86_64."""
    release: NotRequired[AwsReleaseTable]
    """The image that the machine is made from."""
    imageId: NotRequired[str | None]
    """Image to use instead of the one that Fedora publishes for `release`."""
    rootGib: NotRequired[int]
    """Size of the root volume in GiB. A change replaces the machine. Default: 10."""
    dataGib: NotRequired[int]
    """Size of the data volume in GiB. It can grow, never shrink. Default: 10."""
    shellAccess: NotRequired[str]
    """How `host.users` get in: by an EC2 Instance Connect Endpoint (`aws ec2-instance-connect ssh`, no port is open to the internet), by SSH from `sshFrom`, or not at all. Allowed: instanceConnectEndpoint, ssh, none. Default: instanceConnectEndpoint."""
    sshFrom: NotRequired[Sequence[str] | None]
    """Networks that may reach the SSH port; required with `shellAccess: ssh`."""


class ExistingNetworkTable(TypedDict):
    """A VPC that is there already, with a way to the internet from its public subnet."""

    vpcId: str
    """The VPC."""
    publicSubnetId: str
    """Subnet for the machine; it has a route to an internet gateway. It must be in the first of `zones`."""
    privateSubnetIds: Sequence[str]
    """Subnets for the database and for the VPC link, in two zones or more."""


class NetworkTable(TypedDict):
    """The VPC."""

    cidr: NotRequired[str]
    """Addresses of the VPC; each subnet takes a sixteenth of them or a /24, whichever is smaller. Default: 10.0.0.0/16."""
    zones: NotRequired[Sequence[str]]
    """Last letters of the availability zones. The machine and its data are in the first one, which can never change. A few regions and accounts have no zone a or b: `pulumi preview` then says which there are."""
    ipv6: NotRequired[bool]
    """Give the VPC IPv6 addresses too. Default: false."""
    flowLogsDays: NotRequired[int]
    """Keep a log of all connections for so many days; 0 keeps none. Allowed: 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653. Default: 0."""
    existing: NotRequired[ExistingNetworkTable | None]
    """Use a VPC of yours instead of making one; `cidr` and `ipv6` then say nothing."""


class AwsDatabaseTable(TypedDict):
    """Where PostgreSQL runs."""

    engine: NotRequired[str]
    """`auroraServerless` pauses, and costs nothing but storage, while nobody uses the pod. `rds` is a small machine of its own. `onInstance` is the container of a pod on metal: the cheapest, and restored from the backup, not by AWS. Allowed: auroraServerless, rds, onInstance. Default: auroraServerless."""
    version: NotRequired[str]
    """Version of Aurora PostgreSQL; `rds` takes its first number, and the newest release of that. Another first number is a major upgrade, which only happens when this key is there: see docs/aws-data.md before. Default: 17.9."""
    minAcu: NotRequired[float]
    """Smallest capacity of Aurora in ACU (2 GiB of memory each); only 0 lets it pause. Default: 0."""
    maxAcu: NotRequired[float]
    """Largest capacity of Aurora in ACU. It limits the bill as well: 1 ACU is about 0.14 dollars an hour. Default: 1."""
    autoPauseSeconds: NotRequired[int]
    """Aurora pauses after so many seconds without a connection. Default: 300."""
    instanceClass: NotRequired[str]
    """Instance class of engine `rds`. Default: db.t4g.micro."""
    storageGib: NotRequired[int]
    """Storage of engine `rds` in GiB. Default: 20."""
    backupDays: NotRequired[int]
    """Days for which AWS can bring the database back to any moment; not with engine `onInstance`. Default: 7."""
    restoreFrom: NotRequired[str | None]
    """Snapshot that a new database is made from."""


class AwsDnsTable(TypedDict):
    """Who answers for the pod's domain."""

    provider: NotRequired[str]
    """`route53` sets every record. With `external` the stack output `dnsRecords` lists what you have to set; `up` stops before the pod's domain until the certificate's record is there, and goes on at the next `up`. Allowed: route53, external. Default: route53."""
    zone: NotRequired[str | None]
    """Name of the hosted zone, such as example.org; `pod.domain` when not set."""
    createZone: NotRequired[bool]
    """Make the zone. Your registrar must then be told its name servers (stack output `nameServers`). Default: false."""


class AwsMailTable(TypedDict):
    """Mail by Amazon SES. `pod.mail.senderAddress` chooses the sender; by default no-reply at the pod's domain."""

    enabled: NotRequired[bool]
    """Send the pod's mail by SES where `pod.mail` names neither `smtp` nor `relay`. With false such a pod sends no mail. Default: true."""
    existingIdentity: NotRequired[bool]
    """The sender's domain is an identity in SES already; that, its records and its settings are then left alone. Default: false."""
    mailFrom: NotRequired[str]
    """Subdomain to which bounces go. Default: bounce."""
    dmarc: NotRequired[str]
    """DMARC record of the sender's domain; `none` where it has one already. Default: v=DMARC1; p=quarantine; adkim=s."""


class AwsBackupsTable(TypedDict):
    """What AWS itself keeps, beside the pod's own backups (`pod.backup`)."""

    bucket: NotRequired[bool]
    """Make a bucket for the pod's own backups; `pod.backup` is then set to it. Default: true."""
    objectLockDays: NotRequired[int]
    """Nobody can delete what is in that bucket for so many days, whatever key they have; 0 turns this off. It can only be turned on when the bucket is made. Default: 0."""
    volumeSnapshotDays: NotRequired[int]
    """Days for which a daily snapshot of the data volume is kept; 0 makes none. Default: 7."""


class AwsTable(TypedDict):
    """The pod on AWS."""

    region: str
    """Region; taken from `aws:region` when it is not set here. Nothing can be moved to another one later."""
    size: NotRequired[str]
    """`minimal`: 1 GiB of memory with a swap file, under 20 dollars a month with a database that sleeps most of the time. `small`: 2 GiB, some dollars more. `diaspora-infra cost` and docs/cost.md show the sums. Allowed: minimal, small. Default: minimal."""
    edge: NotRequired[str]
    """`gateway`: API Gateway has the certificate and nothing on the machine can be reached from the internet, but no request may be larger than 10 MB (account archives are). `direct`: nginx on an address of the machine's own, with a certificate by `pod.tls`; no limit, and cheaper. Allowed: gateway, direct. Default: gateway."""
    httpApi: NotRequired[AwsHttpApiTable]
    """API Gateway."""
    instance: NotRequired[InstanceTable]
    """The machine."""
    network: NotRequired[NetworkTable]
    """The VPC."""
    database: NotRequired[AwsDatabaseTable]
    """Where PostgreSQL runs."""
    uploads: NotRequired[str]
    """Where pictures and archives are: in an S3 bucket, mounted by s3fs, or on the data volume. Allowed: bucket, volume. Default: bucket."""
    uploadsImage: NotRequired[str | None]
    """Container image with s3fs 1.91 or later, such as one made from `containers/s3fs`, pinned by tag or digest; with `uploads: bucket`. ghcr.io/efrecon/s3fs:1.94 when not set."""
    dns: NotRequired[AwsDnsTable]
    """Who answers for the pod's domain."""
    mail: NotRequired[AwsMailTable]
    """Mail by Amazon SES; not used when `pod.mail` names a relay of yours."""
    existingParameters: NotRequired[Mapping[str, str]]
    """Secrets that are in Parameter Store already: their keys, such as backupPassword, and the names of the parameters. The stack then has no such secret, and the machine reads yours. Encrypt them with the key that Parameter Store takes by itself (`alias/aws/ssm`); the machine cannot use another one."""
    backups: NotRequired[AwsBackupsTable]
    """What AWS itself keeps."""
    monthlyBudgetUsd: NotRequired[int]
    """A mail is sent when 80 percent of this are spent in a month, and when AWS foresees more than all of it. It counts the whole account, without tax. Default: 20."""
    alertEmail: NotRequired[str | None]
    """Where alarms and budget alerts are sent; `pod.admin.email` when not set."""
    protect: NotRequired[bool]
    """Refuse to delete what holds data: database, buckets, data volume, zone. Set it to false and run `pulumi up` before `pulumi destroy`. Default: true."""
    parameterPath: NotRequired[str | None]
    """Path of the pod's secrets in Parameter Store; `/diaspora/` and the domain when not set."""
    tags: NotRequired[Mapping[str, str]]
    """Tags of everything that can have tags. An object in S3 has ten at most, and three are the program's own."""


class BootFilesTable(TypedDict):
    """The files of iPXE that TFTP sends, by the firmware that asks. They are in the image of dnsmasq."""

    bios: NotRequired[str]
    """For a BIOS. Default: undionly.kpxe."""
    uefi: NotRequired[str]
    """For UEFI on x86_64. `snponly.efi` uses the firmware's own driver of the network card; the project's image has it too. Default: ipxe.efi."""
    uefiArm64: NotRequired[str | None]
    """For UEFI on aarch64. Not set: such machines get no answer, as the default image has no file for them."""


class DhcpTable(TypedDict):
    """How machines learn where to boot from."""

    mode: NotRequired[str]
    """`proxy`: the network has a DHCP server, such as a home router; this one adds where to boot from and gives no addresses. `full`: this is the only DHCP server. `off`: neither DHCP nor TFTP; you have both elsewhere. Allowed: proxy, full, off. Default: proxy."""
    network: NotRequired[str | None]
    """The network of the machines; required unless `mode` is `off`. The server has an address in it."""
    interface: NotRequired[str | None]
    """Answer on this interface only; on all when not set."""
    firstAddress: NotRequired[str | None]
    """First address to give, with mode `full`."""
    lastAddress: NotRequired[str | None]
    """Last address to give, with mode `full`."""
    router: NotRequired[str | None]
    """Gateway to tell, with mode `full`; the server itself when not set."""
    dnsServers: NotRequired[Sequence[str]]
    """DNS servers to tell, with mode `full`; none when empty."""
    leaseHours: NotRequired[int]
    """How long an address is given for, in hours. Default: 12."""
    bootFiles: NotRequired[BootFilesTable]
    """The files of iPXE."""


class ProvisioningTable(TypedDict):
    """A provisioning server: matchbox, and DHCP and TFTP that lead machines to it."""

    name: NotRequired[str]
    """Name of the machine. The component's name when not set. Default: provisioning."""
    hostname: NotRequired[str | None]
    """Host name; the machine's name when not set."""
    networks: NotRequired[Mapping[str, Mapping[str, Mapping[str, Any]]]]
    """NetworkManager connections: a name to the sections and keys of its keyfile. The name is also the interface, unless `connection.interface-name`, `ethernet.mac-address` or a `match` section says which card is meant. Without any connection, every interface uses DHCP."""
    architecture: NotRequired[str]
    """CPU architecture. Allowed: x86_64, aarch64. Default: x86_64."""
    disk: NotRequired[str | None]
    """System disk of this machine; `host.storage.disk` when not set."""
    snippets: NotRequired[Sequence[str]]
    """Butane documents for this machine, merged last; they win."""
    httpUrl: str
    """Address that machines boot from, such as http://192.168.1.5:8080: `pxe.matchbox.httpUrl` of their stack. With a name instead of the address, the DNS server of the network must know it."""
    rpcPort: NotRequired[int]
    """Port of the gRPC API, for podmins: `pxe.matchbox.rpcEndpoint` of the machines' stack. Default: 8081."""
    dhcp: NotRequired[DhcpTable]
    """How machines learn where to boot from."""
    matchboxImage: NotRequired[str | None]
    """Image of matchbox; when not set, the one under [Images](#images)."""
    dnsmasqImage: NotRequired[str | None]
    """Image of dnsmasq, with iPXE's files in /var/lib/tftpboot, such as one built from containers/dnsmasq; when not set, the one under [Images](#images)."""
