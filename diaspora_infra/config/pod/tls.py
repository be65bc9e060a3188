"""The `pod.tls` key: HTTPS and certificates."""

from collections.abc import Iterator
from typing import Annotated, Literal

from diaspora_infra.config.checking import run_checks
from diaspora_infra.config.model import Model
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.types import NAME_OF_HOST, PORT, SOME_ADDRESSES, Email, Form, HttpUrl, not_everybody

# https://letsencrypt.org/docs/acme-protocol-updates/ and https://letsencrypt.org/docs/staging-environment/
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"

_DIRECTORY = "an address that starts with https://, such as https://acme.example.org/directory"


Directory = Annotated[HttpUrl, Form(f"https://{NAME_OF_HOST}(?::{PORT})?(?:/[A-Za-z0-9._~/-]*)?", _DIRECTORY)]
Proxy = Annotated[str, SOME_ADDRESSES, not_everybody("list the addresses of the proxies")]


class Acme(Model):
    """The certificate authority of mode `acme`. The machine accepts its terms of service in your name."""

    email: Email | None = None
    """Contact address of the ACME account; `pod.admin.email` when not set."""
    staging: bool = False
    """Use Let's Encrypt's staging authority: no browser trusts its certificates, but its limits are higher."""
    directory: Directory | None = None
    """Address of another authority's ACME directory; Let's Encrypt when not set. External account binding (EAB) is not
    supported."""

    @property
    def server(self) -> str:
        """Address of the ACME directory."""
        return self.directory or (LETS_ENCRYPT_STAGING if self.staging else LETS_ENCRYPT)


class Tls(Model):
    """HTTPS. A pod without HTTPS cannot federate, so there is no mode without it."""

    mode: Literal["acme", "own", "behindProxy"] = "acme"
    """`acme`: the machine gets and renews a certificate for `pod.domain`; port 80 must be reachable from the internet.
    `own`: your own certificate, `fullchain.pem` and `privkey.pem` in `/var/mnt/data/secrets/tls` on the machine.
    `behindProxy`: a proxy in front of the machine terminates TLS, and the machine serves plain HTTP."""
    acme: Acme = Acme.model_construct()
    """The certificate authority of mode `acme`."""
    trusted_proxies: list[Proxy] = []
    """Addresses of the proxies of mode `behindProxy`: only their X-Forwarded-For and X-Forwarded-Proto headers are
    trusted."""


def check_tls(tls: Tls) -> Iterator[Problem]:
    """Settings of `pod.tls` that do not work together."""
    yield from run_checks((_trusted_proxies, _acme, _authority), tls)


def _trusted_proxies(tls: Tls) -> Iterator[Problem]:
    # a mode that nobody set follows from API Gateway, which needs no trust (config/aws/derived.py)
    if tls.mode == "behindProxy" and "mode" in tls.model_fields_set and not tls.trusted_proxies:
        yield Problem(
            "pod.tls.trustedProxies",
            "required with mode: behindProxy; list at least one IP address or network, "
            "such as 192.0.2.10, 10.0.0.0/24 or fd00::/64",
        )
    if tls.mode != "behindProxy" and tls.trusted_proxies:
        yield Problem("pod.tls.trustedProxies", "only used with mode: behindProxy; remove it")


def _acme(tls: Tls) -> Iterator[Problem]:
    if tls.mode != "acme" and "acme" in tls.model_fields_set:
        yield Problem("pod.tls.acme", "only used with mode: acme; remove it")


def _authority(tls: Tls) -> Iterator[Problem]:
    if tls.acme.staging and tls.acme.directory:
        yield Problem(
            "pod.tls.acme.staging",
            "selects Let's Encrypt, but pod.tls.acme.directory selects another authority; remove one of the two",
        )
