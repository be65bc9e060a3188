"""The `pod.mail` key: mail that the pod sends, through an external relay or a relay on the machine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.model import Model
from diaspora_infra.config.pod.diaspora_text import DiasporaLine
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import Domain, Email, Form, ImageReference

if TYPE_CHECKING:
    from diaspora_infra.config.pod.pod import Pod

Selector = Annotated[
    str, Form("[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", "lower-case letters, digits and -, at most 32 characters")
]


class Smtp(Model):
    """An external relay for the pod's mail. The password is the secret `smtpPassword`."""

    host: Domain
    """Name of the relay."""
    port: int = Field(default=587, ge=1, le=65535)
    """Port. With a password STARTTLS is required. diaspora* has no implicit TLS, so 465 does not work."""
    username: DiasporaLine | None = None
    """Account at the relay; with it the secret `smtpPassword` is required."""
    authentication: Literal["plain", "login", "cram_md5", "none"] | None = None
    """Authentication; `plain` when `username` is set, else `none`. With `none` diaspora* does not use STARTTLS
    either: mail goes to the relay in the clear."""
    openssl_verify_mode: Literal["peer", "none"] = "peer"
    """`none` accepts any certificate of the relay: an attacker in between can read the mail and the password."""
    domain: Domain | None = None
    """Name in the pod's greeting (HELO); `pod.domain` when not set."""


class Ses(Smtp):
    """Amazon SES. The stack creates name and password of the account, and only the machine reads them."""

    authentication: Literal["plain"] = "plain"
    """Authentication."""


def ses_host(region: str) -> str:
    """The SMTP server of Amazon SES in a region (AWS General Reference, endpoints of SES)."""
    return f"email-smtp.{region}.amazonaws.com"


class Smarthost(Model):
    """An external relay behind the relay on the machine. The password is the secret `smarthostPassword`."""

    host: Domain
    """Name of the relay."""
    port: int = Field(default=587, ge=1, le=65535)
    """Port: 587 with STARTTLS, 465 with TLS from the start, or 25."""
    username: Annotated[str, Form("[!-9;-~]+", "an account name without spaces and colons")] | None = None
    """Account at the relay; with it the secret `smarthostPassword` is required, and the certificate of the relay is
    verified."""


class Relay(Model):
    """A mail server on the machine, only for the pod: Postfix, with DKIM signatures by OpenDKIM."""

    image: ImageReference
    """Image of the relay, built from `containers/relay`, pinned by tag or digest."""
    selector: Selector = "pod"
    """DKIM selector in the DNS: `SELECTOR._domainkey.DOMAIN`."""
    hello_name: Domain | None = None
    """Host name in the relay's greeting; the PTR record of the machine's public address must be this name. `pod.domain`
    when not set."""
    smarthost: Smarthost | None = None
    """Send all mail to this relay instead of delivering to each receiver."""


class Mail(Model):
    """Mail that the pod sends: confirmations, password resets, notifications.

    Either through `smtp` or `relay`; on AWS by Amazon SES when neither is set.
    """

    sender_address: Email
    """Sender of the pod's mail."""
    smtp: Smtp | None = None
    """The relay of a provider."""
    relay: Relay | None = None
    """A relay on the machine."""

    @property
    def by_ses(self) -> bool:
        """Tell whether Amazon SES sends the mail, as on AWS when neither `smtp` nor `relay` is set."""
        return isinstance(self.smtp, Ses)

    @property
    def by_own_relay(self) -> bool:
        """Tell whether a relay takes it that the podmin names: `smtp` or `relay`."""
        return self.relay is not None or (self.smtp is not None and not self.by_ses)

    @property
    def sender_domain(self) -> str:
        """Domain of the sender, in lower case."""
        return self.sender_address.rpartition("@")[2].lower()


def check_mail(pod: "Pod") -> Iterator[Problem]:
    """Settings of the mail that do not work together, or not with the pod's domain."""
    yield from run_checks((_one_way, _signer, _authentication, _port), pod)


def check_way_of_mail(mail: Mail | None, *, ses: bool) -> Iterator[Problem]:
    """Mail that nobody takes. `ses`: Amazon SES takes it where nobody else does."""
    if mail is not None and mail.smtp is None and mail.relay is None and not ses:
        yield Problem("pod.mail", "set smtp or relay")


def _one_way(pod: "Pod") -> Iterator[Problem]:
    mail = pod.mail
    if mail is not None and mail.smtp is not None and mail.relay is not None:
        yield Problem("pod.mail.relay", "set together with pod.mail.smtp; remove one of the two")


def _signer(pod: "Pod") -> Iterator[Problem]:
    mail, domain = pod.mail, pod.domain
    if mail is not None and mail.relay is not None and not f".{domain}".endswith(f".{mail.sender_domain}"):
        yield Problem(
            "pod.mail.senderAddress",
            f"the relay cannot sign for {mail.sender_domain}; allowed: an address at {domain} or a parent domain",
        )


def _smtp(pod: "Pod") -> Smtp | None:
    """The relay that the podmin names."""
    return None if pod.mail is None or pod.mail.by_ses else pod.mail.smtp


def _authentication(pod: "Pod") -> Iterator[Problem]:
    smtp = _smtp(pod)
    if smtp is None:
        return
    if smtp.authentication == "none" and smtp.username is not None:
        yield Problem("pod.mail.smtp.authentication", "none, but pod.mail.smtp.username is set; remove one of the two")
    if smtp.authentication not in {None, "none"} and smtp.username is None:
        yield Problem(
            "pod.mail.smtp.username",
            f"required with authentication: {smtp.authentication}; set the account at the relay",
        )


def _port(pod: "Pod") -> Iterator[Problem]:
    smtp = _smtp(pod)
    if smtp is not None and smtp.port == 465:
        yield Problem(
            "pod.mail.smtp.port",
            "465 needs implicit TLS, which diaspora* does not support; use a port with STARTTLS, usually 587",
        )
