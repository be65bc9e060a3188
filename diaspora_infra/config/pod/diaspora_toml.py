"""The tables of diaspora.toml except `[configuration.settings]`, and its keys that are not settings here.

Names and meaning are those of config/defaults.yml and config/diaspora.toml.example in diaspora* 0.9.1.
"""

from typing import Annotated

from pydantic import Field

from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.diaspora_text import DiasporaLine, DiasporaText, text_form
from diaspora_infra.config.types import HOST, MAX_INTEGER, NAME_OF_HOST, PORT, Form, HttpUrl

SiteHost = Annotated[
    str,
    text_form(
        f"{NAME_OF_HOST}(?::{PORT})?(?:/[A-Za-z0-9._~/-]*)?",
        "a host without https:// before it, such as stats.example.org",
    ),
]


class Sidekiq(Model):
    """Background jobs. How many run at once is `pod.sizing.sidekiqConcurrency`."""

    retry: int = Field(default=10, ge=0, le=25)
    """Maximum retries of a failed job, with growing delays; 0: none."""
    backtrace: int = Field(default=15, ge=0, le=1000)
    """Lines of the backtrace to keep for a failed job; 0 saves memory of Redis."""
    dead_jobs_limit: int = Field(default=5000, ge=0, le=MAX_INTEGER)
    """Maximum number of dead jobs to keep."""
    dead_jobs_timeout: int = Field(default=3628800, ge=1, le=MAX_INTEGER)
    """Seconds to keep dead jobs; the default is six weeks."""


AssetsHost = Annotated[
    HttpUrl,
    Form(f"https://{HOST}(?:/[A-Za-z0-9._~/-]*)?", "https:// with a host and no port, such as https://cdn.example.org"),
]


class Assets(Model):
    """Style sheets, scripts and pictures of the application. The machine's own web server serves them."""

    host: AssetsHost | None = None
    """Address from which browsers load assets instead, such as a content delivery network. It has no port, because
    diaspora*'s content security policy allows its host alone."""


class Logrotate(Model):
    """Rotation of the application's log on the data partition: diaspora* itself starts a new file each day."""

    days: int = Field(default=7, ge=1, le=3650)
    """Days to keep a file."""


class Debug(Model):
    """More details in the log, for debugging."""

    sql: bool = False
    """Log every statement to the database."""
    federation: bool = False
    """Log every message to and from other pods, private ones too."""


class Logging(Model):
    """The log of the application."""

    logrotate: Logrotate = Logrotate.model_construct()
    """Rotation."""
    debug: Debug = Debug.model_construct()
    """More details."""


class Environment(Model):
    """The `[configuration.environment]` table of diaspora.toml, without keys that other settings determine."""

    image_redirect_url: HttpUrl | None = None
    """Address of a server that holds uploaded pictures of this pod: requests for pictures that are not on this machine
    are redirected there."""
    pubsub_server: HttpUrl | None = None
    """Server that receives new public posts (PubSubHubbub). diaspora* 0.9 is the last version with this key."""
    sidekiq: Sidekiq = Sidekiq.model_construct()
    """Background jobs."""
    assets: Assets = Assets.model_construct()
    """Style sheets, scripts and pictures of the application."""
    logging: Logging = Logging.model_construct()
    """The log of the application."""


class Mapbox(Model):
    """Maps by mapbox.com."""

    access_token: DiasporaLine
    """Token of your account at mapbox.com. It is visible to every browser."""
    style: DiasporaLine = "mapbox/streets-v9"
    """Style of the map."""


class Map(Model):
    """Maps for posts with a location."""

    mapbox: Mapbox | None = None
    """Use maps from mapbox.com instead of diaspora*'s default."""


class Piwik(Model):
    """Statistics by your own Piwik (today Matomo).

    diaspora*'s content security policy blocks its script unless `pod.settings.csp.reportOnly` is true.
    """

    host: SiteHost
    """Host name of the Piwik server, with an optional path."""
    site_id: int = Field(ge=1, le=MAX_INTEGER)
    """Site id of this pod in Piwik."""


class Statistics(Model):
    """Statistics that the pod publishes."""

    user_counts: bool = False
    """Number of users, and of active users in the last months."""
    post_counts: bool = False
    """Number of posts."""
    comment_counts: bool = False
    """Number of comments."""


class Camo(Model):
    """A proxy (Camo) that fetches remote pictures for the pod's users. Its shared key is the secret `camoKey`."""

    root: HttpUrl
    """Address of the proxy."""
    proxy_markdown_images: bool = False
    """Fetch pictures in posts."""
    proxy_opengraph_thumbnails: bool = False
    """Fetch the preview pictures of links."""
    proxy_remote_pod_images: bool = False
    """Fetch pictures of other pods; causes a lot of traffic."""


AnalyticsKey = Annotated[str, text_form("[A-Za-z0-9-]+", "a key of letters, digits and -, such as UA-12345-1")]
"""Text that diaspora* puts between quotes into a script."""


class Privacy(Model):
    """The `[configuration.privacy]` table of diaspora.toml."""

    jquery_cdn: bool = False
    """Let browsers load jQuery from jquery.com instead of from the pod."""
    google_analytics_key: AnalyticsKey | None = None
    """Key for Google Analytics. diaspora* 0.9 is the last version with this key."""
    piwik: Piwik | None = None
    """Statistics by your own Piwik."""
    statistics: Statistics = Statistics.model_construct()
    """Statistics that the pod publishes."""
    camo: Camo | None = None
    """A proxy that fetches remote pictures."""


class PaypalDonations(Model):
    """A button for donations by PayPal."""

    enable: bool = False
    """Show the button; requires exactly one of the two kinds of button."""
    currency: Annotated[str, Form("[A-Z]{3}", "three capital letters, such as EUR")] = "USD"
    """Currency of the donations."""
    paypal_hosted_button_id: DiasporaLine | None = None
    """Id of a button that PayPal hosts."""
    paypal_unhosted_button_encrypted: DiasporaText | None = None
    """The encrypted text of a button that PayPal does not host."""


AuthorizedUser = Annotated[
    str,
    text_form(
        "[a-z0-9_.-]{1,32}",
        "a user name: lower-case letters, digits, _ . and -, at most 32 characters, except true, false and nil",
    ),
]


class Service(Model):
    """An application at a service, so that users can also post there."""

    key: DiasporaLine
    """Key of the application at the service; the application's secret is a secret key of the stack."""
    authorized: AuthorizedUser | None = None
    """The only user who may use the service; all when not set."""


class Wordpress(Model):
    """An application at wordpress.com, so that users can also post there."""

    client_id: DiasporaLine
    """Client id of the application; the application's secret is the secret `wordpressSecret`."""
    authorized: AuthorizedUser | None = None
    """The only user who may use the service; all when not set."""


class Services(Model):
    """The `[configuration.services]` table of diaspora.toml. diaspora* 0.9 is the last version with this table."""

    twitter: Service | None = None
    """Twitter; with it the secret `twitterSecret` is required."""
    tumblr: Service | None = None
    """Tumblr; with it the secret `tumblrSecret` is required."""
    wordpress: Wordpress | None = None
    """WordPress; with it the secret `wordpressSecret` is required."""


_REMOVE = "remove it"

# key or table of diaspora.toml: why it is not a setting, and the remedy
NOT_SETTINGS = {
    "heroku": ("the pod runs in containers", _REMOVE),
    "environment.url": ("the URL follows from the domain", "set pod.domain"),
    "environment.certificate_authorities": (
        "the path depends on the image",
        "set pod.imageLayout.certificateAuthorities",
    ),
    "environment.redis": ("the pod has its own Redis", _REMOVE),
    "environment.require_ssl": ("a pod without HTTPS cannot federate", "set pod.tls instead"),
    "environment.sidekiq.concurrency": ("the concurrency belongs to the sizing", "set pod.sizing.sidekiqConcurrency"),
    "environment.logging.logrotate.enable": (
        "diaspora* rotates its log itself, and nothing else would do it",
        "set pod.environment.logging.logrotate.days",
    ),
    "environment.sidekiq.log": ("Sidekiq 7 writes to the journal only", _REMOVE),
    "environment.s3": (
        "diaspora* needs a bucket with public ACLs and a permanent key, cannot import accounts with S3, and no backup "
        "would contain the pictures",
        "remove it to keep uploads on the data partition",
    ),
    "environment.assets.serve": ("the machine's web server serves the assets", _REMOVE),
    "environment.assets.upload": ("the pod does not use S3", "set pod.environment.assets.host"),
    "server": ("systemd starts one web server and one Sidekiq", "set pod.sizing"),
    "map.mapbox.enabled": ("pod.map.mapbox turns Mapbox on", _REMOVE),
    "privacy.piwik.enable": ("pod.privacy.piwik turns Piwik on", _REMOVE),
    "settings.pod_name": ("the name belongs to the pod", "set pod.name"),
    "settings.bitcoin_wallet_id": ("diaspora* no longer reads this key", "set pod.settings.bitcoinAddress"),
    "services.twitter.enable": ("pod.services.twitter turns the service on", _REMOVE),
    "services.tumblr.enable": ("pod.services.tumblr turns the service on", _REMOVE),
    "services.wordpress.enable": ("pod.services.wordpress turns the service on", _REMOVE),
    "services.wordpress.key": ("diaspora* does not read this key", "set clientId"),
    "mail.enable": ("pod.mail turns mail on", _REMOVE),
    "mail.method": ("the image has no sendmail, so the method is always smtp", _REMOVE),
    "mail.sendmail": ("the image has no sendmail", "set pod.mail.smtp"),
    "mail.smtp.starttls_auto": ("a password is never sent without STARTTLS, and without one it is not used", _REMOVE),
    "mail.message_bus_api_key": ("diaspora* no longer reads this key", _REMOVE),
    "admins": ("the administrator belongs to the pod", "set pod.admin"),
}
"""For each of them, the pod writes the right value or keeps diaspora*'s default."""


def why_not_a_setting(path: str) -> str | None:
    """The message about a path that is a key of diaspora.toml but not a setting, such as `pod.server`."""
    normalized = path.replace("_", "").lower()
    for key, (reason, remedy) in NOT_SETTINGS.items():
        if normalized == f"pod.{key}".replace("_", ""):
            return f"not a setting, because {reason}; {remedy}"
    return None
