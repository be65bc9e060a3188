"""The `pod` key: the diaspora* pod itself."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from diaspora_infra.config.images import DIASPORA_VERSION
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.daily_jobs import DailyJobs
from diaspora_infra.config.pod.diaspora_text import (
    DiasporaFormat,
    DiasporaLine,
    DisplayName,
    PageAddress,
    text_form,
)
from diaspora_infra.config.pod.diaspora_toml import Environment, Map, PaypalDonations, Privacy, Services
from diaspora_infra.config.pod.disk_space import DiskSpace
from diaspora_infra.config.pod.image_archive import ImageArchive
from diaspora_infra.config.pod.mail import Mail
from diaspora_infra.config.pod.monitoring import Monitoring
from diaspora_infra.config.pod.registry import Registry
from diaspora_infra.config.pod.release_notice import ReleaseNotice
from diaspora_infra.config.pod.tls import Tls
from diaspora_infra.config.pod.upgrade import Upgrade
from diaspora_infra.config.pod.versions import DiasporaVersion, SourceCommit, Versions
from diaspora_infra.config.problems import quoted, refused
from diaspora_infra.config.types import (
    DOMAIN,
    MAX_INTEGER,
    AbsolutePath,
    Domain,
    Email,
    Form,
    ImageReference,
    MountPath,
)

# config/defaults.yml of diaspora* 0.9.1, settings.username_blacklist
RESERVED_USERNAMES = frozenset(
    {
        "admin", "administrator", "hostmaster", "info", "postmaster", "root",
        "ssladmin", "ssladministrator", "sslwebmaster", "sysadmin", "webmaster",
        "support", "contact", "example_user1dsioaioedfhgoiesajdigtoearogjaidofgjo",
    }
)  # fmt: skip


def _not_reserved(value: str) -> str:
    if value in RESERVED_USERNAMES:
        raise ValueError(f"{value!r} is reserved by diaspora*; choose another name, such as podmin")
    return value


Username = Annotated[
    str,
    text_form(
        "[a-z0-9_.-]{1,32}", "lower-case letters, digits, _ . and -, at most 32 characters, except true, false and nil"
    ),
    AfterValidator(_not_reserved),
]


def _keeps_its_name(value: str) -> str:
    if "www." in value:
        raise ValueError(
            f"{quoted(value)} contains www., which diaspora* removes from the addresses of its users, so that other "
            "pods do not find them; choose a name without it"
        )
    return value


PodDomain = Annotated[
    Domain,
    AfterValidator(_keeps_its_name),
    Field(json_schema_extra={"not": {"pattern": "www[.]"}}),
]


_SUBNET = "a private IPv4 network from /16 to /28, such as 10.89.71.0/24"
_PRIVATE = [ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]


def _private(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
        valid = any(network.subnet_of(private) for private in _PRIVATE)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(refused(value, _SUBNET))
    return value


Subnet = Annotated[str, Form("[0-9]{1,3}(?:[.][0-9]{1,3}){3}/(?:1[6-9]|2[0-8])", _SUBNET), AfterValidator(_private)]

SecretName = Literal[
    "smtpPassword", "smarthostPassword", "camoKey", "twitterSecret", "tumblrSecret", "wordpressSecret",
    "backupPassword", "backupAccessKey", "backupSecretKey", "backupSshKey", "backupRestPassword",
    "registryPassword",
]  # fmt: skip
"""The keys of the secrets."""
PlacedSecret = Literal["all", SecretName]


class Admin(Model):
    """The person who runs the pod."""

    username: Username
    """Account name of the administrator on the pod, such as podmin. The first start creates the account;
    `diaspora-pod admin` on the machine shows the password."""
    email: Email
    """E-mail address of the podmin, for users and for alerts."""


class ImageLayout(Model):
    """Paths and user inside the diaspora* image. The defaults fit `containers/diaspora/Containerfile`."""

    home: MountPath = "/srv/diaspora"
    """Directory of the application in the image; `config/` and `public/` are below it."""
    uid: int = Field(default=1000, ge=1, le=65533)
    """User and group id of the application, which owns the uploads."""
    certificate_authorities: AbsolutePath = "/etc/ssl/certs/ca-certificates.crt"
    """File in the image with trusted certificate authorities. diaspora* does not start without it."""
    login_shell: bool = False
    """Start commands through a login shell (`bash -lc`), as images that install Ruby with RVM need."""

    @property
    def shell(self) -> str:
        """The option by which bash in the image takes a command."""
        return "-lc" if self.login_shell else "-c"


class WelcomeMessage(Model):
    """Message from the administrator's account to every new user."""

    enabled: bool = False
    """Send the message."""
    subject: DiasporaLine | None = None
    """Subject line."""
    text: DiasporaFormat | None = None
    """Body; `%{username}` becomes the new user's name, and `%%` a per cent sign."""


class Invitations(Model):
    """Invitations by existing users."""

    open: bool = True
    """Allow users to invite others."""
    count: int = Field(default=25, ge=0, le=MAX_INTEGER)
    """Number of sign-ups per invitation link."""


class Captcha(Model):
    """CAPTCHA on the sign-up page."""

    enable: bool = True
    """Require the CAPTCHA."""
    image_size: Annotated[
        str, Form("[1-9][0-9]{1,2}x[1-9][0-9]{1,2}", "WIDTHxHEIGHT in pixels, each from 10 to 999, such as 120x20")
    ] = "120x20"
    """Size of the picture in pixels."""
    captcha_length: int = Field(default=5, ge=1, le=12)
    """Number of characters."""
    image_style: Literal[
        "embosed_silver", "simply_red", "simply_green", "simply_blue",
        "distorted_black", "all_black", "charcoal_grey", "almost_invisible", "random",
    ] = "simply_green"  # fmt: skip
    """Style of the picture."""
    distortion: Literal["low", "medium", "high", "random"] = "low"
    """Distortion of the characters."""


class Terms(Model):
    """Terms of service page."""

    enable: bool = False
    """Show the terms and ask new users to accept them."""
    jurisdiction: DiasporaLine | None = None
    """Country or state whose law applies."""
    minimum_age: int | None = Field(default=None, ge=0, le=99)
    """Minimum age in years."""


class RemoveOldUsers(Model):
    """Removal of unused accounts. Needs working mail: users are warned first."""

    enable: bool = False
    """Remove unused accounts."""
    after_days: int = Field(default=730, ge=1, le=36500)
    """Days without a login."""
    warn_days: int = Field(default=30, ge=1, le=36500)
    """Days between the warning and the removal."""
    limit_removals_to_per_day: int = Field(default=100, ge=1, le=MAX_INTEGER)
    """Maximum number of removals per day."""


class Maintenance(Model):
    """Jobs that keep the pod small."""

    remove_old_users: RemoveOldUsers = RemoveOldUsers.model_construct()
    """Removal of unused accounts."""


class DefaultMetas(Model):
    """Metadata of the front page, for search engines."""

    title: DiasporaLine | None = None
    """Title of the page; diaspora*'s own when not set."""
    description: DiasporaLine | None = None
    """Description of the page; diaspora*'s own when not set."""


ReportAddress = Annotated[
    str, Form("(?:https?://|/)[!-+.-:<-~-]+", "an address without spaces, commas and semicolons, such as /csp-reports")
]
"""A value of the header Content-Security-Policy, in which a semicolon or comma ends it."""


class Csp(Model):
    """Content security policy."""

    report_only: bool = False
    """Report violations instead of blocking them; requires `reportUri`."""
    report_uri: ReportAddress | None = None
    """Where browsers send reports."""


class CommunitySpotlight(Model):
    """Page of recommended accounts."""

    enable: bool = False
    """Show the page."""
    suggest_email: Email | None = None
    """Where users send suggestions."""


DiasporaId = Annotated[
    str,
    Form(
        rf"[A-Za-z0-9_.-]+@{DOMAIN.replace('a-z', 'A-Za-z')}",
        "the diaspora* ID of an account, such as hq@pod.diaspora.software",
    ),
]
LiberapayName = Annotated[str, text_form("[A-Za-z0-9_.-]+", "letters, digits, _ . and -")]
ReservedName = Annotated[str, Form("[a-z0-9_.-]+", "a user name: lower-case letters, digits, _ . and -")]
"""diaspora* compares it with user names, which never have other characters."""


class PodSettings(Model):
    """The `[configuration.settings]` table of diaspora.toml; names and meaning are diaspora*'s own."""

    enable_registrations: bool = False
    """Let anyone sign up. The default of diaspora* is true; this project starts a new pod closed."""
    enable_local_posts_stream: Literal["disabled", "admins", "moderators", "everyone"] = "disabled"
    """Who sees the stream of all local posts."""
    autofollow_on_join: bool = True
    """New users follow `autofollowOnJoinUser`."""
    autofollow_on_join_user: DiasporaId = "hq@pod.diaspora.software"
    """Account that new users follow."""
    source_url: PageAddress = "https://github.com/diaspora/diaspora"
    """Address of the source of the running version; the licence (AGPL) requires it."""
    changelog_url: PageAddress | None = None
    """Address of the changelog of the running version."""
    default_color_theme: Literal["original", "original_white", "dark_green", "magenta", "egyptian_blue", "dark"] = (
        "original"
    )
    """Colour theme of new users."""
    typhoeus_verbose: bool = False
    """Log more about outgoing requests, for debugging."""
    typhoeus_concurrency: int = Field(default=20, ge=1, le=200)
    """Concurrent outgoing requests per job; more need more memory."""
    archive_jobs_concurrency: int = Field(default=1, ge=1, le=10)
    """Concurrent account exports and imports."""
    liberapay_username: LiberapayName | None = None
    """Account at liberapay.com for donations."""
    bitcoin_address: DiasporaLine | None = None
    """Address for donations."""
    username_blacklist: list[ReservedName] | None = None
    """User names that cannot be registered; diaspora*'s own list when not set."""
    welcome_message: WelcomeMessage = WelcomeMessage.model_construct()
    """Message to every new user."""
    invitations: Invitations = Invitations.model_construct()
    """Invitations by existing users."""
    captcha: Captcha = Captcha.model_construct()
    """CAPTCHA on the sign-up page."""
    terms: Terms = Terms.model_construct()
    """Terms of service page."""
    maintenance: Maintenance = Maintenance.model_construct()
    """Jobs that keep the pod small."""
    default_metas: DefaultMetas = DefaultMetas.model_construct()
    """Metadata for search engines."""
    csp: Csp = Csp.model_construct()
    """Content security policy."""
    paypal_donations: PaypalDonations = PaypalDonations.model_construct()
    """A button for donations by PayPal."""
    community_spotlight: CommunitySpotlight = CommunitySpotlight.model_construct()
    """Page of recommended accounts."""


class Sizing(Model):
    """Concurrency of the pod. Values that are not set follow `host.memoryMib`: 3 with 1 GiB, 5 with 2, 9 with 4."""

    puma_threads: int | None = Field(default=None, ge=1, le=64)
    """Concurrent web requests."""
    sidekiq_concurrency: int | None = Field(default=None, ge=1, le=64)
    """Concurrent background jobs. On AWS 2 when not set and the machine has 1 GiB."""
    archive_import_mib: int = Field(default=0, ge=0, le=65536)
    """Maximum size of an account archive that users upload to move to this pod, in MiB; 0 accepts none, and diaspora*
    0.9 has no page for it. Who sends a cookie like that of a session can use twice as much of the data partition."""


class Pod(Model):
    """The diaspora* pod."""

    domain: PodDomain
    """Domain of the pod. It is part of every diaspora* ID and can never change after the first start. Not
    with `www.`, which diaspora* removes from names."""
    name: DisplayName = "diaspora*"
    """Name shown to users."""
    admin: Admin
    """The person who runs the pod."""
    image: ImageReference | None = None
    """diaspora* image of your own, pinned by tag or digest. When not set, each machine builds the image itself from
    `containers/diaspora/Containerfile`; on AWS the stack builds it, in CodeBuild."""
    version: DiasporaVersion = DIASPORA_VERSION
    """Release of diaspora* to build. No effect where `image` is set, which decides what runs."""
    source_commit: SourceCommit | None = None
    """Commit of diaspora* to build; that of the release `version` when not set. Required for a release that is not in
    the table of this project."""
    image_refresh: bool = False
    """Build the image again every 30 days, with the security updates of its Debian packages; only without `image`. On
    AWS `diaspora-pod upgrade` takes the new image; other machines build it beside the pod, which then runs it, or goes
    on with the old one (docs/image.md)."""
    image_archive: ImageArchive | None = None
    """An archive of the image, which machines fetch instead of building it; where it is not there or not the right one,
    they build it. Not on AWS. None when not set."""
    versions: Versions = Versions.model_construct()
    """Versions of the programs beside diaspora*."""
    registry: Registry | None = None
    """Login at a private registry, for the images that are there; none when not set."""
    image_layout: ImageLayout = ImageLayout.model_construct()
    """Paths and user inside an image of your own."""
    settings: PodSettings = PodSettings.model_construct()
    """The `[configuration.settings]` table of diaspora.toml."""
    environment: Environment = Environment.model_construct()
    """The `[configuration.environment]` table."""
    map: Map = Map.model_construct()
    """Maps for posts with a location."""
    privacy: Privacy = Privacy.model_construct()
    """The `[configuration.privacy]` table."""
    services: Services = Services.model_construct()
    """The `[configuration.services]` table."""
    mail: Mail | None = None
    """Mail that the pod sends. When not set, the pod sends no mail, and users cannot reset their passwords; on AWS,
    Amazon SES sends the mail then (`aws.mail`)."""
    tls: Tls = Tls.model_construct()
    """HTTPS and certificates."""
    backup: Backup | None = None
    """Backups of the pod; none when not set."""
    daily_jobs: DailyJobs = DailyJobs.model_construct()
    """When diaspora* does its daily jobs."""
    monitoring: Monitoring = Monitoring.model_construct()
    """Exporters for Prometheus."""
    disk_space: DiskSpace = DiskSpace.model_construct()
    """Protection from a full disk."""
    secrets_on_machine: list[PlacedSecret] = []
    """Secrets that you set once on the machine with `diaspora-pod secret set`, instead of in the stack: their names, or
    `all`. They are then neither in the stack nor in the Ignition config."""
    upgrade: Upgrade = Upgrade.model_construct()
    """Upgrades to another version of the pod."""
    release_notice: ReleaseNotice = ReleaseNotice.model_construct()
    """Notices about new releases."""
    sizing: Sizing = Sizing.model_construct()
    """Concurrency of the pod."""
    subnet: Subnet = "10.89.71.0/24"
    """Network of the pod's containers on the machine; change it if it conflicts with your own network."""
