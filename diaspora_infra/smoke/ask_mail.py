"""Questions about Amazon SES: who gets mail, and whether it is believed."""

from botocore.exceptions import ClientError

from diaspora_infra.smoke.answer import Answer, not_asked, not_ok, ok
from diaspora_infra.smoke.world import World

_CREDENTIALS = "iam/accessKey:AccessKey"
_SANDBOX_FIX = "`pulumi stack output mail` shows the command that asks for production access"


def mail_account(world: World) -> Answer:
    """A new account is in the sandbox; AWS stops accounts whose mail bounces."""
    if world.stack.first(_CREDENTIALS, "Mail") is None:
        return not_asked("the stack sends no mail by Amazon SES")
    account = world.client("sesv2").get_account()
    quota = account.get("SendQuota", {})
    seen = (
        f"{'production' if account['ProductionAccessEnabled'] else 'sandbox'}, "
        f"sending {'enabled' if account['SendingEnabled'] else 'disabled'}, {account.get('EnforcementStatus', '?')}, "
        f"{quota.get('SentLast24Hours', 0):.0f} of {quota.get('Max24HourSend', 0):.0f} mails a day"
    )
    if not account["SendingEnabled"] or account.get("EnforcementStatus", "HEALTHY") == "SHUTDOWN":
        return not_ok(
            seen, "AWS sends no mail of this account", "Amazon SES in the console, Account dashboard, names the reason"
        )
    if not account["ProductionAccessEnabled"]:
        return not_ok(seen, "only addresses that you have verified get mail", _SANDBOX_FIX)
    if account.get("EnforcementStatus", "HEALTHY") != "HEALTHY":
        return not_ok(
            seen,
            "AWS may stop the mail of this account: too much of it bounces, or is complained about",
            "answer the mail of AWS; Amazon SES in the console, Reputation metrics",
        )
    return ok(seen)


def mail_identity(world: World) -> Answer:
    """The domain is proven, and mail is signed for it."""
    domain = _sender_domain(world)
    if domain is None:
        return not_asked("the stack has no identity in Amazon SES")
    try:
        identity = world.client("sesv2").get_email_identity(EmailIdentity=domain)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        return not_ok(f"{domain} is no identity", "AWS refuses all mail of the pod", "run `pulumi up --refresh`")
    dkim, bounces = identity.get("DkimAttributes", {}), identity.get("MailFromAttributes", {})
    seen = (
        f"{domain} {'verified' if identity['VerifiedForSendingStatus'] else 'not verified'}, "
        f"DKIM {dkim.get('Status', '?')}{'' if dkim.get('SigningEnabled') else ', not used'}, "
        f"bounces {bounces.get('MailFromDomainStatus', 'not set up')}"
    )
    if not identity["VerifiedForSendingStatus"]:
        return not_ok(
            seen, "AWS refuses all mail of the pod", "the DKIM records must be in DNS; AWS looks for them for 72 hours"
        )
    if dkim.get("Status") != "SUCCESS" or not dkim.get("SigningEnabled"):
        return not_ok(
            seen, "mail is not signed for the domain, so others refuse it as forged", "set the DKIM records in DNS"
        )
    if bounces and bounces.get("MailFromDomainStatus") != "SUCCESS":
        return not_ok(
            seen, "mail goes out from an address of Amazon, so SPF does not count", "set the MX and TXT records in DNS"
        )
    return ok(seen)


def _sender_domain(world: World) -> str | None:
    """The domain of the pod's mail; its identity may be older than the stack, which then has only the credentials."""
    return world.stack.sender.rpartition("@")[2] if world.stack.first(_CREDENTIALS, "Mail") else None
