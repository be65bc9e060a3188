"""Mail on AWS: by Amazon SES unless the podmin configures a relay; and secrets in existing parameters."""

from typing import Any

import boto3
import pytest

from diaspora_infra.config import AwsSettings, ConfigError, Settings, load, needed_secrets
from diaspora_infra.config.aws.availability import REGIONS, REGIONS_WITHOUT_SES
from diaspora_infra.config.aws.parameter_names import machine_parameters
from diaspora_infra.config.pod.mail import Ses
from tests.support import configs

RELAY = {"senderAddress": "pod@pod.example.org", "relay": {"image": "localhost/relay:1"}}


def settings(
    *, pod: dict[str, Any] | None = None, target: str = "aws", secrets: tuple[str, ...] = (), **aws: Any
) -> Settings:
    return load(configs.aws_config(pod_changes=pod, **{"region": "eu-west-1", **aws}) | {"target": target}, secrets)


def lines(**changes: Any) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        settings(**changes)
    return str(raised.value).splitlines()


def parameters(found: Settings) -> dict[str, str | None]:
    """The secrets that the machine reads, with the names of existing parameters."""
    assert isinstance(found, AwsSettings)
    return {
        parameter.name: parameter.existing
        for parameter in machine_parameters(found.aws, found.pod)
        if parameter.form != "fact"
    }


def test_pod_without_mail_settings_uses_ses() -> None:
    found = settings(region="eu-central-1")
    assert found.pod.mail is not None
    assert found.pod.mail.by_ses
    assert found.pod.mail.sender_address == "no-reply@pod.example.org"
    assert found.pod.mail.smtp == Ses(host="email-smtp.eu-central-1.amazonaws.com")
    assert found.pod.mail.smtp.port == 587
    assert needed_secrets(found) == []
    assert set(parameters(found)) == {"databasePassword", "smtpUsername", "smtpPassword"}


def test_sender_address_can_be_set_and_its_domain_is_lower_cased() -> None:
    found = settings(pod={"mail": {"senderAddress": "Pod@Pod.Example.org"}})
    assert found.pod.mail is not None
    assert found.pod.mail.by_ses
    assert found.pod.mail.sender_address == "Pod@pod.example.org"


@pytest.mark.parametrize(
    ("pod", "aws"), [({"mail": RELAY}, {}), (None, {"mail": {"enabled": False}}), ({"mail": configs.mail()}, {})]
)
def test_smtp_relay_or_disabled_mail_keeps_ses_unused(pod: dict[str, Any] | None, aws: dict[str, Any]) -> None:
    found = settings(pod=pod, secrets=("smtpPassword",), **aws)
    assert not (found.pod.mail and found.pod.mail.by_ses)
    assert (found.pod.mail is None) == (pod is None)
    assert "smtpUsername" not in parameters(found)


def test_other_targets_do_not_use_ses() -> None:
    assert settings(target="ignition").pod.mail is None
    assert lines(target="ignition", pod={"mail": {"senderAddress": "a@pod.example.org"}}) == [
        "pod.mail: set smtp or relay"
    ]


def test_removal_of_old_users_requires_mail() -> None:
    pod = {"settings": {"maintenance": {"removeOldUsers": {"enable": True}}}}
    assert settings(pod=pod).pod.settings.maintenance.remove_old_users.enable
    (line,) = lines(pod=pod, mail={"enabled": False})
    assert line.startswith("pod.settings.maintenance.removeOldUsers.enable: users would be removed without a warning")


def test_generated_secrets_are_not_placed_on_the_machine() -> None:
    pod = {"backup": {}, "secretsOnMachine": ["all"]}
    assert set(parameters(settings(pod=pod))) == {"databasePassword", "smtpUsername", "smtpPassword"}
    pod["secretsOnMachine"] = ["smtpPassword"]
    assert lines(pod=pod, secrets=("backupPassword",)) == [
        "pod.secretsOnMachine[0]: no setting uses smtpPassword; remove it"
    ]


_NO_RELAY = "not used with pod.mail.smtp or pod.mail.relay; remove it"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"mail": {"enabled": False, "dmarc": "v=DMARC1; p=none"}},
            ["aws.mail.dmarc: only used with aws.mail.enabled: true; remove it"],
        ),
        (
            {"mail": {"enabled": True, "mailFrom": "bounce"}, "pod": {"mail": RELAY}},
            [f"aws.mail.enabled: {_NO_RELAY}", f"aws.mail.mailFrom: {_NO_RELAY}"],
        ),
        (
            {"mail": {"existingIdentity": True, "mailFrom": "x"}},
            ["aws.mail.mailFrom: not used with existingIdentity: true; remove it"],
        ),
        (
            {"mail": {"enabled": False}, "pod": {"mail": {"senderAddress": "a@pod.example.org"}}},
            ["pod.mail: set smtp or relay"],
        ),
        (
            {"pod": {"mail": {"senderAddress": "a@example.com"}}},
            [
                "pod.mail.senderAddress: the records of example.com cannot be set in the zone pod.example.org; "
                "choose an address in that zone, or set aws.mail.existingIdentity: true or aws.dns.provider: external"
            ],
        ),
    ],
)
def test_unused_or_impossible_mail_settings_are_refused(changes: dict[str, Any], found: list[str]) -> None:
    assert lines(**changes) == found


def test_region_without_ses_requires_a_relay_or_disabled_mail() -> None:
    assert lines(region="ap-east-1") == [
        "aws.mail.enabled: Amazon SES is not available in ap-east-1; set false, or a relay in pod.mail"
    ]
    assert settings(region="ap-east-1", mail={"enabled": False}).pod.mail is None
    assert settings(region="ap-east-1", pod={"mail": RELAY}).pod.mail is not None


def test_regions_without_ses_match_those_of_boto3() -> None:
    ses_regions = boto3.Session().get_available_regions("sesv2")
    assert REGIONS - set(ses_regions) == REGIONS_WITHOUT_SES


@pytest.mark.parametrize(
    "aws", [{"dns": {"zone": "example.org"}}, {"dns": {"provider": "external"}}, {"mail": {"existingIdentity": True}}]
)
def test_sender_outside_pod_domain_is_accepted_when_records_can_be_set(aws: dict[str, Any]) -> None:
    found = settings(pod={"mail": {"senderAddress": "pod@example.org"}}, **aws)
    assert found.pod.mail is not None
    assert found.pod.mail.by_ses


# existing parameters


def test_existing_parameter_replaces_a_secret_of_the_stack() -> None:
    pod = {"backup": {}, "mail": configs.mail()}
    existing = {"backupPassword": "/my/backup-password", "smtpPassword": "smtp_of-mine"}
    found = settings(pod=pod, existingParameters=existing)
    assert needed_secrets(found) == []
    assert parameters(found) == {"databasePassword": None, **existing}
    found = settings(pod=pod, existingParameters={"backupPassword": "/x"}, secrets=("smtpPassword",))
    assert [secret.key for secret in needed_secrets(found)] == ["smtpPassword"]


def test_other_targets_do_not_read_parameters() -> None:
    existing = {"backupPassword": "/x"}
    (line,) = lines(target="ignition", pod={"backup": {}}, existingParameters=existing)
    assert line.startswith("backupPassword: required")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (
            {"existingParameters": {"backupPasword": "/x"}, "pod": {"backup": {}}, "secrets": ("backupPassword",)},
            "aws.existingParameters.backupPasword: 'backupPasword' is not valid; allowed: smtpPassword, smarthost",
        ),
        (
            {"existingParameters": {"backupPassword": "my password"}, "pod": {"backup": {}}},
            "aws.existingParameters.backupPassword: 'my password' is not valid; allowed: the name of a parameter",
        ),
        (
            {"existingParameters": {"backupPassword": "/x"}},
            "aws.existingParameters.backupPassword: no setting uses this secret; remove it",
        ),
        (
            {"existingParameters": {"smtpPassword": "/x"}},
            "aws.existingParameters.smtpPassword: no setting uses this secret; remove it",
        ),
        (
            {"existingParameters": {"backupPassword": "/x"}, "pod": {"backup": {}}, "secrets": ("backupPassword",)},
            "aws.existingParameters.backupPassword: also set in the stack; run: pulumi config rm "
            "diaspora-infra:backupPassword, or remove this key",
        ),
        (
            {
                "existingParameters": {"backupPassword": "/x"},
                "pod": {"backup": {}, "secretsOnMachine": ["backupPassword"]},
            },
            "aws.existingParameters.backupPassword: also listed in pod.secretsOnMachine; remove one of the two",
        ),
    ],
)
def test_invalid_or_duplicate_existing_parameters_are_refused(changes: dict[str, Any], found: str) -> None:
    (line,) = lines(**changes)
    assert line.startswith(found)
