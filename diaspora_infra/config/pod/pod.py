"""The `pod` key: the diaspora* pod itself."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.backup import Backup
from diaspora_infra.config.pod.diaspora_toml import Environment, Map, PaypalDonations, Privacy, Services
from diaspora_infra.config.pod.disk_space import DiskSpace
from diaspora_infra.config.pod.mail import Mail
from diaspora_infra.config.pod.monitoring import Monitoring
from diaspora_infra.config.pod.tls import Tls
from diaspora_infra.config.pod.upgrade import Upgrade
from diaspora_infra.config.problems import refused
from diaspora_infra.config.types import AbsolutePath, Domain, Email, Form, ImageReference, Line, NonEmpty

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
    Form("[a-z0-9_.-]{1,32}", "lower-case letters, digits, _ . and -, at most 32 characters"),
    AfterValidator(_not_reserved),
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
]  # fmt: skip
"""The keys of the secrets."""
PlacedSecret = Literal["all", SecretName]


class Admin(Model):
    """The person who runs the pod."""

    username: Username
    """Account name of the administrator on the pod, such as podmin. The first start makes it; `diaspora-pod admin` on
    the machine shows its password."""
    email: Email
    """Where users and the pod reach the podmin."""


class ImageLayout(Model):
    """Where things are inside the diaspora* image. The defaults fit `containers/diaspora/Containerfile`."""

    home: AbsolutePath = "/srv/diaspora"
    """Directory of the application in the image; `config/` and `public/` are below it."""
    uid: int = Field(default=1000, ge=1, le=65533)
    """User and group id that the application runs as; it owns the uploads."""
    certificate_authorities: AbsolutePath = "/etc/ssl/certs/ca-certificates.crt"
    """File in the image with the certificate authorities that the pod trusts. diaspora* does not start without it."""
    login_shell: bool = False
    """Start commands through a login shell (`bash -lc`), as images that install Ruby with RVM need."""

    @property
    def shell(self) -> str:
        """The option by which bash in the image takes a command."""
        return "-lc" if self.login_shell else "-c"


class WelcomeMessage(Model):
    """Message that every new user gets from the administrator's account."""

    enabled: bool = False
    """Send the message."""
    subject: NonEmpty | None = None
    """Subject line."""
    text: Annotated[str, Field(min_length=1)] | None = None
    """Body; `%{username}` becomes the new user's name."""


class Invitations(Model):
    """Invitations by existing users."""

    open: bool = True
    """Allow users to invite others."""
    count: int = Field(default=25, ge=0)
    """How many people one invitation link lets in."""


class Captcha(Model):
    """The picture puzzle on the sign-up page."""

    enable: bool = True
    """Ask for it."""
    image_size: Annotated[str, Form("[0-9]{2,4}x[0-9]{2,4}", "WIDTHxHEIGHT in pixels, such as 120x20")] = "120x20"
    """Size of the picture in pixels."""
    captcha_length: int = Field(default=5, ge=1, le=12)
    """Number of characters."""
    image_style: Literal[
        "embosed_silver", "simply_red", "simply_green", "simply_blue",
        "distorted_black", "all_black", "charcoal_grey", "almost_invisible", "random",
    ] = "simply_green"  # fmt: skip
    """Style of the picture."""
    distortion: Literal["low", "medium", "high", "random"] = "low"
    """How far the characters are bent."""


class Terms(Model):
    """Terms of service page."""

    enable: bool = False
    """Show the terms and ask new users to accept them."""
    jurisdiction: NonEmpty | None = None
    """Country or state whose law applies."""
    minimum_age: int | None = Field(default=None, ge=0, le=99)
    """Minimum age in years."""


class RemoveOldUsers(Model):
    """Removal of accounts that nobody uses. Needs working mail: users are warned first."""

    enable: bool = False
    """Remove them."""
    after_days: int = Field(default=730, ge=1)
    """Days without a login."""
    warn_days: int = Field(default=30, ge=1)
    """Days between the warning and the removal."""
    limit_removals_to_per_day: int = Field(default=100, ge=1)
    """At most this many a day."""


class Maintenance(Model):
    """Jobs that keep the pod small."""

    remove_old_users: RemoveOldUsers = RemoveOldUsers()
    """Removal of accounts that nobody uses."""


class DefaultMetas(Model):
    """What search engines see of the front page."""

    title: Line | None = None
    """Title of the page."""
    description: Line | None = None
    """Description of the page."""


class Csp(Model):
    """Content security policy."""

    report_only: bool = False
    """Report violations instead of blocking them."""
    report_uri: NonEmpty | None = None
    """Where browsers send reports."""


class CommunitySpotlight(Model):
    """Page of recommended accounts."""

    enable: bool = False
    """Show it."""
    suggest_email: Email | None = None
    """Where users send suggestions."""


class PodSettings(Model):
    """The `[configuration.settings]` table of diaspora.toml; names and meaning are diaspora*'s own."""

    enable_registrations: bool = False
    """Let anyone sign up. diaspora*'s own default is true; a new pod of ours starts closed."""
    enable_local_posts_stream: Literal["disabled", "admins", "moderators", "everyone"] = "disabled"
    """Who sees the stream of all local posts."""
    autofollow_on_join: bool = True
    """New users follow `autofollowOnJoinUser`."""
    autofollow_on_join_user: NonEmpty = "hq@pod.diaspora.software"
    """Whom new users follow."""
    source_url: NonEmpty = "https://github.com/diaspora/diaspora"
    """Where the source of the running version is; the licence (AGPL) demands it."""
    changelog_url: NonEmpty | None = None
    """Where the changes of the running version are described."""
    default_color_theme: NonEmpty = "original"
    """Colour theme of new users."""
    typhoeus_verbose: bool = False
    """Log more about outgoing requests, to find a fault."""
    typhoeus_concurrency: int = Field(default=20, ge=1, le=200)
    """Outgoing requests at once per job; memory grows with it."""
    archive_jobs_concurrency: int = Field(default=1, ge=1, le=10)
    """Account exports and imports at once."""
    liberapay_username: NonEmpty | None = None
    """Account for donations."""
    bitcoin_address: NonEmpty | None = None
    """Address for donations."""
    username_blacklist: list[NonEmpty] | None = None
    """Names that nobody may register. diaspora* has a list of its own when this is not set."""
    welcome_message: WelcomeMessage = WelcomeMessage()
    """Message to every new user."""
    invitations: Invitations = Invitations()
    """Invitations by existing users."""
    captcha: Captcha = Captcha()
    """The picture puzzle on the sign-up page."""
    terms: Terms = Terms()
    """Terms of service page."""
    maintenance: Maintenance = Maintenance()
    """Jobs that keep the pod small."""
    default_metas: DefaultMetas = DefaultMetas()
    """What search engines see."""
    csp: Csp = Csp()
    """Content security policy."""
    paypal_donations: PaypalDonations = PaypalDonations()
    """A button for donations by PayPal."""
    community_spotlight: CommunitySpotlight = CommunitySpotlight()
    """Page of recommended accounts."""


class Sizing(Model):
    """How much the pod does at once. What is not set follows `host.memoryMib`: 3 with 1 GiB, 5 with 2, 9 with 4."""

    puma_threads: int | None = Field(default=None, ge=1, le=64)
    """Web requests at once."""
    sidekiq_concurrency: int | None = Field(default=None, ge=1, le=64)
    """Background jobs at once. On AWS 2 when not set and the machine has 1 GiB."""
    archive_import_mib: int = Field(default=1024, ge=5, le=65536)
    """Largest account archive that a user may upload to move to this pod, in MiB."""


class Pod(Model):
    """The diaspora* pod."""

    domain: Domain
    """Name of the pod. It is part of every diaspora* ID and can never change after the first start."""
    name: NonEmpty = "diaspora*"
    """Name shown to users."""
    admin: Admin
    """The person who runs the pod."""
    image: ImageReference | None = None
    """diaspora* image, pinned by tag or digest. Required today: there is no default image that could be verified."""
    image_layout: ImageLayout = ImageLayout()
    """Where things are inside that image."""
    settings: PodSettings = PodSettings()
    """The `[configuration.settings]` table of diaspora.toml."""
    environment: Environment = Environment()
    """The `[configuration.environment]` table."""
    map: Map = Map()
    """Maps beside posts that name a place."""
    privacy: Privacy = Privacy()
    """The `[configuration.privacy]` table."""
    services: Services = Services()
    """The `[configuration.services]` table."""
    mail: Mail | None = None
    """Mail that the pod sends; without it no mail is sent and nobody can reset a password, but on AWS, where
    Amazon SES sends it (`aws.mail`)."""
    tls: Tls = Tls()
    """Where HTTPS ends, and whose certificate it is."""
    backup: Backup | None = None
    """Backups of the pod; without it none are made."""
    monitoring: Monitoring = Monitoring()
    """Exporters for Prometheus."""
    disk_space: DiskSpace = DiskSpace()
    """What happens before a disk is full."""
    secrets_on_machine: list[PlacedSecret] = []
    """Secrets that you place on the machine with `diaspora-pod secret set`, once, instead of giving them to the stack:
    their names, or `all`. They are then neither in the stack nor in the Ignition config."""
    upgrade: Upgrade = Upgrade()
    """Upgrades to another version of the pod."""
    sizing: Sizing = Sizing()
    """How much the pod does at once."""
    subnet: Subnet = "10.89.71.0/24"
    """Network of the pod's containers on the machine; change it where it gets in the way of your own network."""
