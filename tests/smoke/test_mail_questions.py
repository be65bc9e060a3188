"""Amazon SES: the account, and the identity of the domain."""

from dataclasses import replace
from typing import Any

import pytest

from diaspora_infra.smoke.answer import Status
from tests.smoke.worlds import asked, client, planted, refusing, stack, without, world

ACCOUNT = {
    "ProductionAccessEnabled": True,
    "SendingEnabled": True,
    "EnforcementStatus": "HEALTHY",
    "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 12.0},
}
IDENTITY = {
    "IdentityType": "DOMAIN",
    "VerifiedForSendingStatus": True,
    "DkimAttributes": {"SigningEnabled": True, "Status": "SUCCESS"},
    "MailFromAttributes": {
        "MailFromDomain": "bounce.pod.example.org",
        "MailFromDomainStatus": "SUCCESS",
        "BehaviorOnMxFailure": "USE_DEFAULT_VALUE",
    },
}
CREDENTIALS = "iam/accessKey:AccessKey"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, Status.OK, "production, sending enabled, HEALTHY, 12 of 50000 mails a day"),
        ({"ProductionAccessEnabled": False}, Status.NOT_OK, "only addresses that you have verified get mail"),
        ({"SendingEnabled": False}, Status.NOT_OK, "AWS sends no mail of this account"),
        ({"EnforcementStatus": "SHUTDOWN"}, Status.NOT_OK, "AWS sends no mail of this account"),
        ({"EnforcementStatus": "PROBATION"}, Status.NOT_OK, "AWS may stop the mail of this account"),
    ],
)
def test_account(change: dict[str, Any], status: Status, words: str) -> None:
    answers = planted("sesv2", "get_account", ACCOUNT | change)
    answer = asked("mail-account", world(client=answers))
    assert answer.status is status
    assert words in f"{answer.observed} {answer.meaning}"
    answers.done()


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, Status.OK, "pod.example.org verified, DKIM SUCCESS, bounces SUCCESS"),
        ({"VerifiedForSendingStatus": False}, Status.NOT_OK, "AWS refuses all mail of the pod"),
        ({"DkimAttributes": {"SigningEnabled": True, "Status": "PENDING"}}, Status.NOT_OK, "not signed"),
        ({"DkimAttributes": {"SigningEnabled": False, "Status": "SUCCESS"}}, Status.NOT_OK, "DKIM SUCCESS, not used"),
        (
            {"MailFromAttributes": {**IDENTITY["MailFromAttributes"], "MailFromDomainStatus": "FAILED"}},  # type: ignore[dict-item]
            Status.NOT_OK,
            "SPF does not count",
        ),
    ],
)
def test_identity(change: dict[str, Any], status: Status, words: str) -> None:
    answers = planted("sesv2", "get_email_identity", IDENTITY | change)
    answer = asked("mail-identity", world(client=answers))
    assert answer.status is status
    assert words in f"{answer.observed} {answer.meaning}"
    answers.done()


def test_identity_without_a_subdomain_for_bounces_is_ok() -> None:
    identity = {key: value for key, value in IDENTITY.items() if key != "MailFromAttributes"}
    answer = asked("mail-identity", world(client=planted("sesv2", "get_email_identity", identity)))
    assert (answer.status, answer.observed.partition("bounces ")[2]) == (Status.OK, "not set up")


@pytest.mark.usefixtures("account")
def test_identity_of_the_simulated_account_is_found_by_the_senders_domain() -> None:
    client("sesv2").create_email_identity(EmailIdentity="mail.example.org")
    other = replace(stack(), sender="no-reply@mail.example.org")
    answer = asked("mail-identity", world(other, client=client))
    assert answer.observed.startswith("mail.example.org not verified")
    answer = asked("mail-identity", world(client=client))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "pod.example.org is no identity")


@pytest.mark.parametrize(
    ("key", "operation", "permission"),
    [
        ("mail-account", "get_account", "ses:GetAccount"),
        ("mail-identity", "get_email_identity", "ses:GetEmailIdentity"),
    ],
)
def test_refused_permission_is_named(key: str, operation: str, permission: str) -> None:
    answer = asked(key, world(client=refusing("sesv2", operation, "AccessDeniedException")))
    assert (answer.status, answer.observed) == (Status.NOT_ASKED, f"needs permission {permission}")
    assert answer.unanswered


@pytest.mark.parametrize("key", ["mail-account", "mail-identity"])
def test_pod_that_sends_by_others_is_not_asked(key: str) -> None:
    answer = asked(key, world(without(stack(), CREDENTIALS)))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)
