"""Mail of a whole pod on Pulumi's mocks: when SES sends it, its records, and its account's way to the machine."""

import json
from typing import Any

import pulumi
import pytest

from diaspora_infra.aws import AwsPod
from diaspora_infra.aws.alerts import topic_policy
from diaspora_infra.aws.stack import stack_outputs
from tests.aws.mock_account import MockAccount
from tests.support import configs
from tests.support.mocked import Runner

RELAY = {"senderAddress": "pod@pod.example.org", "relay": {"image": "localhost/relay:1"}}
TYPES = ["CNAME", "CNAME", "CNAME", "MX", "TXT", "TXT"]


def make(
    run: Runner, account: MockAccount, secrets: dict[str, str] | None = None, **changes: Any
) -> tuple[MockAccount, Any]:
    """Make a pod; returns the account and the stack outputs."""
    values = configs.aws_config(**{"region": "eu-west-1", **changes})

    def program() -> "pulumi.Output[Any]":
        tables: Any = {key: values[key] for key in ("pod", "host", "aws")}
        outputs = stack_outputs(AwsPod("one", {**tables, "secrets": secrets or {}}))
        return pulumi.Output.all(**{key: outputs[key] for key in ("mail", "dnsRecords") if key in outputs})

    return account, run(account, program)


def plain(value: Any) -> Any:
    return value["value"] if isinstance(value, dict) and "value" in value else value


def parameters(account: MockAccount) -> dict[str, Any]:
    return {each.inputs["name"].rpartition("/")[2]: plain(each.inputs["value"]) for each in account.of("Parameter")}


def test_mail_records_are_set_in_the_zone(run: Runner) -> None:
    account, outputs = make(run, MockAccount())
    mail = [each for each in account.of("Record") if each.name.startswith("one-mail-")]
    assert sorted(each.inputs["type"] for each in mail) == TYPES
    assert {each.inputs["zoneId"] for each in mail} == {"Z0123456789"}
    assert outputs["mail"]["sender"] == "no-reply@pod.example.org"
    assert "dnsRecords" not in outputs


def test_external_dns_exports_the_list_of_records(run: Runner) -> None:
    account, outputs = make(run, MockAccount(), dns={"provider": "external"})
    assert account.of("Record") == []
    *mail, proof = outputs["dnsRecords"]
    assert sorted(each["type"] for each in mail) == TYPES
    assert "acm" in proof["values"][0]


def test_smtp_account_is_stored_as_encrypted_parameters(run: Runner) -> None:
    account, _ = make(run, MockAccount())
    found = parameters(account)
    assert found["smtpUsername"] == "accesskey-one-smtp"
    assert found["smtpPassword"] == "password-of-the-test"
    kinds = {each.inputs["name"].rpartition("/")[2]: each.inputs["type"] for each in account.of("Parameter")}
    assert kinds["smtpUsername"] == kinds["smtpPassword"] == "SecureString"


def test_smtp_password_of_the_podmin_does_not_replace_that_of_ses(run: Runner) -> None:
    account, _ = make(run, MockAccount(), {"smtpPassword": "of another relay"})
    assert parameters(account)["smtpPassword"] == "password-of-the-test"


@pytest.mark.parametrize("changes", [{"pod_changes": {"mail": RELAY}}, {"mail": {"enabled": False}}])
def test_pod_without_ses_creates_no_ses_resources(run: Runner, changes: dict[str, Any]) -> None:
    account, outputs = make(run, MockAccount(), **changes)
    for kind in ("EmailIdentity", "ConfigurationSet", "AccessKey", "User"):
        assert account.of(kind) == []
    assert "mail" not in outputs
    assert not [each for each in account.of("Record") if "mail" in each.name]
    assert not {"smtpUsername", "smtpPassword"} & set(parameters(account))


def test_existing_ses_identity_gets_no_records(run: Runner) -> None:
    account, outputs = make(run, MockAccount(), mail={"existingIdentity": True})
    assert account.of("EmailIdentity") == []
    assert not [each for each in account.of("Record") if "mail" in each.name]
    assert "smtpPassword" in parameters(account)
    assert "put-account-details" in outputs["mail"]["nextSteps"]


def test_existing_parameter_is_not_created(run: Runner) -> None:
    changes = {"pod_changes": {"backup": {}}, "existingParameters": {"backupPassword": "/my/backup-password"}}
    account, _ = make(run, MockAccount(), **changes)
    assert "backupPassword" not in parameters(account)
    lookups = [each for each in account.asked if each.token.endswith(":getParameter")]
    # the other one is what the machine tells
    (asked,) = [each for each in lookups if not each.args["name"].endswith(("/bundleApplied", "/deployment"))]
    assert asked.args["name"] == "/my/backup-password"
    assert not asked.args["withDecryption"], "nobody here needs to know what is in it"
    (statement,) = [
        each
        for policy in account.of("RolePolicy")
        for each in json.loads(policy.inputs["policy"])["Statement"]
        if each["Sid"] == "ReadParameters"
    ]
    assert statement["Resource"][1:] == ["arn:aws:ssm:eu-west-1:123456789012:parameter/my/backup-password"]


def test_missing_existing_parameter_is_reported_in_one_line(run: Runner) -> None:
    changes = {"pod_changes": {"backup": {}}, "existingParameters": {"backupPassword": "/my/backup-password"}}
    account = MockAccount({"aws:ssm/getParameter:getParameter": None})
    with pytest.raises(pulumi.RunError, match=r"^aws\.existingParameters\.backupPassword: no parameter /my/backup-p"):
        make(run, account, **changes)


def test_topic_accepts_bounces_only_from_this_account() -> None:
    (statement,) = json.loads(topic_policy("arn:topic", "123456789012"))["Statement"]
    assert "ses.amazonaws.com" in statement["Principal"]["Service"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
