"""Mail and secrets of a whole pod in the simulated account: who sends, what the DNS says, what the machine may read."""

import json
from typing import Any

from tests.aws.smtp_reference import smtp_password
from tests.support.aws_stack import AwsStack

PATH = "/diaspora/pod.example.org"
EXISTING = "/my/backup-password"
PREFIX = "arn:aws:ssm:eu-west-1:123456789012:parameter"


def parameters(stack: AwsStack) -> dict[str, tuple[str, str]]:
    """Type and value of the parameters of the stack."""
    found = stack.client("ssm").get_parameters_by_path(Path=PATH, WithDecryption=True)["Parameters"]
    return {each["Name"].removeprefix(f"{PATH}/"): (each["Type"], each["Value"]) for each in found}


def records(stack: AwsStack) -> dict[tuple[str, str], list[str]]:
    """The records with values, by the name below the domain and the type."""
    route53 = stack.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    sets = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    return {
        (each["Name"].removesuffix("pod.example.org.").rstrip("."), each["Type"]): [
            value["Value"] for value in each["ResourceRecords"]
        ]
        for each in sets
        if "ResourceRecords" in each
    }


def access_key(stack: AwsStack) -> tuple[str, str, str]:
    """URN, id and secret of the access key in the engine's state."""
    exported = stack.engine._run(["stack", "export", "--show-secrets", "--stack", stack.engine.stack]).stdout
    (key,) = [
        each
        for each in json.loads(exported)["deployment"]["resources"]
        if each["type"] == "aws:iam/accessKey:AccessKey"
    ]
    return key["urn"], key["id"], json.loads(key["outputs"]["secret"]["plaintext"])


def machine_statements(stack: AwsStack) -> dict[str, Any]:
    """Every statement of the machine's role."""
    iam = stack.client("iam")
    (profile,) = iam.list_instance_profiles()["InstanceProfiles"]
    (role,) = profile["Roles"]
    found = {}
    for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
        found.update({statement["Sid"]: statement for statement in document["Statement"]})
    return found


def test_pod_uses_ses_and_reads_existing_parameters(aws_stack: AwsStack) -> None:
    aws_stack.client("ssm").put_parameter(Name=EXISTING, Value="nobody sees this", Type="SecureString")
    aws_stack.values["pod"] |= {"backup": {}, "mail": {"senderAddress": "hello@pod.example.org"}}
    aws_stack.values["aws"]["existingParameters"] = {"backupPassword": EXISTING}
    said = aws_stack.good("up").stdout
    outputs = aws_stack.engine.outputs()

    ses = aws_stack.client("sesv2")
    identity = ses.get_email_identity(EmailIdentity="pod.example.org")
    settings = ses.get_configuration_set(ConfigurationSetName=identity["ConfigurationSetName"])
    assert settings["DeliveryOptions"]["TlsPolicy"] == "REQUIRE"
    reports = ses.get_configuration_set_event_destinations(ConfigurationSetName=identity["ConfigurationSetName"])
    (topic,) = aws_stack.client("sns").list_topics()["Topics"]
    assert reports["EventDestinations"][0]["SnsDestination"] == topic
    policy = aws_stack.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert "ses.amazonaws.com" in statement["Principal"]["Service"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}

    found = records(aws_stack)
    tokens = identity["DkimAttributes"]["Tokens"]
    assert (
        found.items()
        >= {
            **{(f"{token}._domainkey", "CNAME"): [f"{token}.dkim.amazonses.com"] for token in tokens},
            ("bounce", "MX"): ["10 feedback-smtp.eu-west-1.amazonses.com"],
            ("bounce", "TXT"): ['"v=spf1 include:amazonses.com -all"'],
            ("_dmarc", "TXT"): ['"v=DMARC1; p=quarantine; adkim=s"'],
        }.items()
    )
    assert outputs["mail"]["host"] == "email-smtp.eu-west-1.amazonaws.com"
    assert outputs["mail"]["sender"] == "hello@pod.example.org"
    assert "--production-access-enabled" in outputs["mail"]["nextSteps"]

    # who may send: one user, as one address
    iam = aws_stack.client("iam")
    (user,) = iam.list_users()["Users"]
    (name,) = iam.list_user_policies(UserName=user["UserName"])["PolicyNames"]
    document = iam.get_user_policy(UserName=user["UserName"], PolicyName=name)["PolicyDocument"]
    (statement,) = document["Statement"]
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": "hello@pod.example.org"}}
    urn, key, secret = access_key(aws_stack)
    given = parameters(aws_stack)
    assert given["smtpUsername"] == ("SecureString", key)
    assert given["smtpPassword"] == ("SecureString", smtp_password(secret, "eu-west-1"))
    assert set(given) >= {"databaseHost", "databasePassword", "backupRepository"}

    # nothing is made for what is there already, and the machine may read it and nothing else outside its path
    assert "backupPassword" not in given
    statements = machine_statements(aws_stack)
    assert statements["ReadParameters"]["Resource"] == [f"{PREFIX}{PATH}/*", f"{PREFIX}{EXISTING}"]
    assert statements["ListParameters"]["Resource"] == [f"{PREFIX}{PATH}", f"{PREFIX}{PATH}/*"]
    texts = [file.read_text("utf-8", "replace") for file in aws_stack.engine.folder.rglob("*") if file.is_file()]
    everything = said + "".join(texts)
    for value in ("nobody sees this", secret, given["smtpPassword"][1], given["databasePassword"][1]):
        assert value not in everything

    # another key, and a value of the podmin's that nobody here knows
    aws_stack.client("ssm").put_parameter(Name=EXISTING, Value="another", Type="SecureString", Overwrite=True)
    aws_stack.good("up", "--replace", urn)
    _, another, secret = access_key(aws_stack)
    assert another != key
    given = parameters(aws_stack)
    assert (given["smtpUsername"][1], given["smtpPassword"][1]) == (another, smtp_password(secret, "eu-west-1"))
    (left,) = iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]
    assert left["AccessKeyId"] == another
    aws_stack.good("preview", "--expect-no-changes")
