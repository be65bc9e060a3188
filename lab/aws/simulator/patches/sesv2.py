"""SES: DKIM tokens, the MAIL FROM domain, and tags of identities.

moto 5.2.5: an identity has no DKIM tokens, but a date as text, which no client can read; tags are kept under an ARN
that the identity does not have; PutEmailIdentityMailFromAttributes is an unknown operation.
AWS: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_DkimAttributes.html,
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_PutEmailIdentityMailFromAttributes.html; the ARN:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonses.html.
Changes moto/ses/models.py, moto/sesv2/models.py, moto/sesv2/responses.py, moto/sesv2/urls.py.
"""

import hashlib
import json
from typing import Any
from urllib.parse import unquote

from moto.core.utils import unix_time
from moto.ses.models import EmailIdentity
from moto.ses.utils import get_arn
from moto.sesv2 import urls
from moto.sesv2.models import SESV2Backend
from moto.sesv2.responses import SESV2Response

_original_identity = EmailIdentity.__init__
_original_response: Any = EmailIdentity.get_response_object


def init_identity(
    self: EmailIdentity,
    email_identity: str,
    tags: list[dict[str, str]] | None,
    dkim_signing_attributes: object | None,
    configuration_set_name: str | None,
) -> None:
    """Make tokens and a date."""
    _original_identity(self, email_identity, tags, dkim_signing_attributes, configuration_set_name)
    self.mail_from_attributes = {}
    if self.identity_type == "DOMAIN":
        self.dkim_attributes["Tokens"] = [
            hashlib.sha256(f"{email_identity}{index}".encode()).hexdigest()[:32] for index in range(3)
        ]
    if "LastKeyGenerationTimestamp" in self.dkim_attributes:
        self.dkim_attributes["LastKeyGenerationTimestamp"] = unix_time()


def get_response_object(self: EmailIdentity) -> dict[str, Any]:
    """Show the MAIL FROM domain."""
    answer: dict[str, Any] = _original_response.fget(self)
    mail_from = self.mail_from_attributes
    return {**answer, "MailFromAttributes": mail_from} if mail_from else answer


def create_email_identity(
    self: SESV2Backend,
    email_identity: str,
    tags: list[dict[str, str]] | None,
    dkim_signing_attributes: object | None,
    configuration_set_name: str | None,
) -> EmailIdentity:
    """Make an identity, and tag it by its ARN."""
    if tags:
        self.core_backend.tagger.tag_resource(arn=get_arn(self, "ses", f"identity/{email_identity}"), tags=tags)
    return self.core_backend.create_email_identity_v2(
        email_identity, tags, dkim_signing_attributes, configuration_set_name
    )


def put_email_identity_mail_from_attributes(self: SESV2Response) -> str:
    """PutEmailIdentityMailFromAttributes; the domain counts as verified at once."""
    identity: Any = self.sesv2_backend.get_email_identity(unquote(self._get_param("EmailIdentity")))
    mail_from_domain = self._get_param("MailFromDomain")
    identity.mail_from_attributes = {
        "MailFromDomain": mail_from_domain,
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": self._get_param("BehaviorOnMxFailure") or "USE_DEFAULT_VALUE",
    }
    if not mail_from_domain:
        identity.mail_from_attributes = {}
    return json.dumps({})


PATCHES = [
    (EmailIdentity, "__init__", init_identity),
    (EmailIdentity, "get_response_object", property(get_response_object)),
    (SESV2Backend, "create_email_identity", create_email_identity),
    (SESV2Response, "put_email_identity_mail_from_attributes", put_email_identity_mail_from_attributes),
    (urls.url_paths, "{0}/v2/email/identities/(?P<EmailIdentity>[^/]+)/mail-from$", SESV2Response.dispatch),
]
