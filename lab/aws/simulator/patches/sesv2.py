"""SES: DKIM tokens, the MAIL FROM domain, and tags of identities."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response


def apply() -> None:
    """Without: an identity has no DKIM tokens but a date that no client can read, and loses its tags.

    And its MAIL FROM domain is an unknown operation.
    """
    for name in ("create_email_identity", "get_email_identity"):
        setattr(SESV2Response, name, _with_details(getattr(SESV2Response, name)))
    SESV2Response.create_email_identity = _with_tags(SESV2Response.create_email_identity)
    SESV2Response.put_email_identity_mail_from_attributes = _put_mail_from
    path = "{0}/v2/email/identities/(?P<name>[^/]+)/mail-from$"
    urls.url_paths = {path: SESV2Response.dispatch, **urls.url_paths}


def _with_details(original: Callable[[Any], str]) -> Callable[[Any], str]:
    def answer(response: Any) -> str:
        details = json.loads(original(response))
        name = _identity(response)
        if "@" not in name:
            tokens = [hashlib.sha256(f"{name}{index}".encode()).hexdigest()[:32] for index in range(3)]
            attributes = details.setdefault("DkimAttributes", {})
            attributes["Tokens"] = tokens
            if made := attributes.get("LastKeyGenerationTimestamp"):
                attributes["LastKeyGenerationTimestamp"] = datetime.fromisoformat(made).timestamp()
        mail_from = _mail_from(response).get(name)
        if mail_from:
            details["MailFromAttributes"] = mail_from
        return json.dumps(details)

    return answer


def _with_tags(original: Callable[[Any], str]) -> Callable[[Any], str]:
    def answer(response: Any) -> str:
        created = original(response)
        body = json.loads(response.body)
        if body.get("Tags"):
            arn = f"arn:aws:ses:{response.region}:{response.current_account}:identity/{body['EmailIdentity']}"
            tags = {tag["Key"]: tag["Value"] for tag in body["Tags"]}
            response.sesv2_backend.tag_resource(arn, tags)
        return created

    return answer


def _put_mail_from(response: Any) -> str:
    name = unquote(response.uri.split("/identities/")[1].split("/")[0])
    body = json.loads(response.body)
    domains = _mail_from(response)
    domains.pop(name, None)
    if body.get("MailFromDomain"):
        domains[name] = {
            "MailFromDomain": body["MailFromDomain"],
            "MailFromDomainStatus": "SUCCESS",
            "BehaviorOnMxFailure": body.get("BehaviorOnMxFailure", "USE_DEFAULT_VALUE"),
        }
    return json.dumps({})


def _identity(response: Any) -> str:
    return unquote(response._get_param("EmailIdentity") or response.uri.split("/")[-1].split("?")[0])


def _mail_from(response: Any) -> dict[str, Any]:
    """Kept in the backend, so that a reset of the simulator forgets it."""
    domains: dict[str, Any] = response.sesv2_backend.__dict__.setdefault("_mail_from", {})
    return domains
