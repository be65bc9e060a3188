"""The certificate of the domain, and its DNS records as a real resolver sees them."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from diaspora_infra.smoke.answer import Answer, Status
from diaspora_infra.smoke.ask_names import expected_records
from diaspora_infra.smoke.stack_state import PodStack
from diaspora_infra.smoke.world import resolver_names
from tests.smoke.name_server import Records, fixed, name_server
from tests.smoke.worlds import asked, client, planted, stack, without, world

NOW = datetime.datetime.now(datetime.UTC)
CERTIFICATE = "acm/certificate:Certificate"
RECORD = "route53/record:Record"


def certificate(status: str, days: float | None = None, renewal: str | None = None) -> Answer:
    """The answer about a certificate that expires in so many days."""
    described: dict[str, Any] = {"Status": status}
    if days is not None:
        described["NotAfter"] = NOW + datetime.timedelta(days=days)
    if renewal is not None:
        described["RenewalSummary"] = {"RenewalStatus": renewal, "DomainValidationOptions": [], "UpdatedAt": NOW}
        described["RenewalSummary"]["DomainValidationOptions"] = [{"DomainName": "pod.example.org"}]
    answers = planted("acm", "describe_certificate", {"Certificate": described})
    found = asked("certificate", world(client=answers))
    answers.done()
    return found


def test_issued_certificate_is_ok() -> None:
    answer = certificate("ISSUED", 200)
    assert (answer.status, answer.observed) == (
        Status.OK,
        f"ISSUED, until {NOW + datetime.timedelta(days=200):%Y-%m-%d}",
    )
    assert certificate("ISSUED", 31).status is Status.OK


def test_certificate_that_is_not_renewed_is_not_ok() -> None:
    answer = certificate("ISSUED", 29, "PENDING_VALIDATION")
    assert (answer.status, answer.meaning) == (Status.NOT_OK, "AWS could not renew the certificate")
    assert answer.observed.endswith(", PENDING_VALIDATION")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("PENDING_VALIDATION", "there is no HTTPS yet"),
        ("VALIDATION_TIMED_OUT", "72 hours without a record"),
        ("FAILED", "never issued again"),
    ],
)
def test_certificate_that_is_not_issued_is_not_ok(status: str, words: str) -> None:
    answer = certificate(status)
    assert (answer.status, answer.observed) == (Status.NOT_OK, status)
    assert words in answer.meaning


@pytest.mark.usefixtures("account")
def test_certificate_of_the_simulated_account_is_read() -> None:
    made = client("acm").request_certificate(DomainName="pod.example.org", ValidationMethod="DNS")["CertificateArn"]
    found = stack()
    resources = [replace(each, id=made) if each.kind == f"aws:{CERTIFICATE}" else each for each in found.resources]
    answer = asked("certificate", world(replace(found, resources=resources), client=client))
    assert answer.observed.startswith("PENDING_VALIDATION")


def test_stack_without_certificate_is_not_asked() -> None:
    answer = asked("certificate", world(stack("aws-direct")))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)


GATEWAY = "d-3a53562a79.execute-api.eu-west-1.amazonaws.com"
ADDRESSES = {
    ("pod.example.org", "A"): ["192.0.2.1", "192.0.2.2"],
    ("pod.example.org", "AAAA"): ["2001:db8::1"],
    (GATEWAY, "A"): ["192.0.2.2", "192.0.2.3"],
    (GATEWAY, "AAAA"): ["2001:db8::1"],
}


def right(found: PodStack) -> dict[tuple[str, str], Sequence[str]]:
    """All records of a stack, as they should be in DNS."""
    plain = {
        (record.name, record.kind): [
            f"{value.rstrip('.')}." if record.kind in {"CNAME", "MX"} else value for value in record.values
        ]
        for record in expected_records(world(found))
        if not record.alias
    }
    return {**ADDRESSES, **plain}


def dns(records: Records | Mapping[tuple[str, str], Sequence[str]], found: PodStack | None = None) -> Answer:
    """The answer where a name server has these records."""
    with name_server(records if callable(records) else fixed(records)) as port:
        return asked("dns", world(found, names=resolver_names(["127.0.0.1"], port)))


def test_records_of_the_stack_are_ok() -> None:
    answer = dns(right(stack()))
    assert (answer.status, answer.observed) == (Status.OK, "9 records as the stack wants them")


def test_every_wrong_record_is_counted_and_three_are_shown() -> None:
    answer = dns({})
    assert (answer.status, answer.meaning) == (Status.NOT_OK, "9 of 9 DNS records are not as the stack wants them")
    assert answer.observed.count("is missing (expected: ") == 3
    assert answer.observed.endswith("; and 6 more")


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("bounce.pod.example.org", "MX", ["20 feedback-smtp.eu-west-1.amazonses.com."]),
        ("bounce.pod.example.org", "MX", ["10 feedback-smtp.eu-west-1.amazonses.com.", "20 mail.example.org."]),
        ("_dmarc.pod.example.org", "TXT", ["v=DMARC1; p=none"]),
        ("_d930b28be6c5927595552b219965053e.pod.example.org", "CNAME", ["other.example.org."]),
        ("pod.example.org", "A", ["198.51.100.1"]),
        ("pod.example.org", "AAAA", []),
    ],
)
def test_record_with_another_value_is_not_ok(name: str, kind: str, values: Sequence[str]) -> None:
    answer = dns({**right(stack()), (name, kind): values})
    assert (answer.status, answer.meaning) == (Status.NOT_OK, "1 of 9 DNS records are not as the stack wants them")
    assert answer.observed.startswith(f"{kind} {name} is {', '.join(sorted(values)) or 'missing'} (expected: ")


def test_other_texts_beside_the_expected_one_are_ok() -> None:
    records = right(stack())
    name = "bounce.pod.example.org"
    assert dns({**records, (name, "TXT"): ["google-site=1", *records[name, "TXT"]]}).status is Status.OK


def test_addresses_of_the_gateway_may_change_from_answer_to_answer() -> None:
    """Each answer shows some of them."""
    records, turn = right(stack()), count()

    def find(name: str, kind: str) -> Sequence[str] | None:
        if name == "pod.example.org" and kind == "A":
            return [f"192.0.2.{next(turn)}"]
        return fixed(records)(name, kind)

    assert dns(find).status is Status.OK
    assert next(turn) == 3


def test_records_that_a_person_sets_are_asked_for() -> None:
    pending = [
        {"name": "pod.example.org", "type": "ALIAS", "values": [GATEWAY]},
        {"name": "x._domainkey.pod.example.org", "type": "CNAME", "values": ["x.dkim.amazonses.com"]},
    ]
    found = replace(without(stack(), RECORD), dns_records=pending)
    assert dns(ADDRESSES, found).observed == (
        "CNAME x._domainkey.pod.example.org is missing (expected: x.dkim.amazonses.com)"
    )
    assert dns({**ADDRESSES, ("x._domainkey.pod.example.org", "CNAME"): ["X.dkim.amazonses.com."]}, found).status is (
        Status.OK
    )


def test_resolver_that_refuses_gives_no_good_answer() -> None:
    answer = dns(lambda _name, _kind: ["refused"])
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert answer.observed.startswith("DNS: no answer for ")


def test_stack_without_records_is_not_asked() -> None:
    answer = asked("dns", world(without(stack(), RECORD)))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)
