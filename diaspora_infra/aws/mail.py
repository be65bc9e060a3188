"""Mail: an identity in Amazon SES for the pod's domain, its DNS records, and SMTP credentials for this pod alone."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id, partition, region
from diaspora_infra.aws.arguments import ArgumentError, checked, last_line
from diaspora_infra.aws.defaults import MAIL
from diaspora_infra.aws.policy import Statement, document
from diaspora_infra.aws.tags import named
from diaspora_infra.config.aws.availability import DKIM_BY_REGION
from diaspora_infra.config.pod.mail import ses_host

PORT = 587
"""SMTP with STARTTLS; EC2 blocks port 25 (SES developer guide, connecting to an SMTP endpoint)."""
_RECORD_TTL_SECONDS = 1800


class MailRecord(TypedDict):
    """A DNS record that must be set."""

    key: str
    """A name for it that never changes, such as dkim-1."""
    name: pulumi.Input[str]
    """Whole name of the record."""
    type: str
    """CNAME, MX or TXT."""
    values: Sequence[pulumi.Input[str]]
    """Its values; TXT without quotation marks."""
    ttl: int
    """Seconds for which it may be remembered."""


class MailArgs(TypedDict):
    """What Mail needs."""

    domain: str
    """Domain that mails come from. A plain value, not an output: an existing identity is looked up by it."""
    sender: pulumi.Input[str]
    """Address that mails come from; it is in `domain`."""
    alerts_topic_arn: NotRequired[pulumi.Input[str]]
    """SNS topic that bounces and complaints are reported to; SES must be allowed to publish to it."""
    existing_identity: NotRequired[bool]
    """The domain is an identity in SES already, with its records; only the credentials are made then. False
    when not set. A plain value, not an output."""
    mail_from: NotRequired[pulumi.Input[str]]
    """Subdomain to which bounces go; bounce when not set."""
    dmarc: NotRequired[str]
    """DMARC record of the domain; `v=DMARC1; p=quarantine; adkim=s` when not set, and no record with `none`. A
    plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Mail(pulumi.ComponentResource):
    """Mail that passes DKIM, SPF and DMARC, and a user that can send from one address and do nothing else."""

    host: pulumi.Output[str]
    """Name of the SMTP server."""
    port: pulumi.Output[int]
    """Port of the SMTP server, which wants STARTTLS."""
    user: pulumi.Output[str]
    """SMTP user."""
    password: pulumi.Output[str]
    """SMTP password, a secret; it is good in this region only."""
    records: Sequence[MailRecord]
    """DNS records to set; none for an existing identity."""
    next_steps: pulumi.Output[str]
    """What a person has to do before strangers get mail."""

    def __init__(self, name: str, args: MailArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        sender = checked(args["sender"], lambda address: _checked_sender(name, args["domain"], address))
        super().__init__("diaspora-infra:index:Mail", name, {}, opts)
        self._name, self._args, self._tags = name, args, args.get("tags")
        self._child = pulumi.ResourceOptions(parent=self)
        self._region = region(self)
        prefix = pulumi.Output.concat("arn:", partition(self), ":ses:", self._region, ":", account_id(self))
        self.records = []
        sets: list[pulumi.Output[str]] = []
        if args.get("existing_identity", MAIL.existing_identity):
            if existing := self._existing_configuration_set():
                sets = [pulumi.Output.concat(prefix, ":configuration-set/", existing)]
        else:
            configuration_set = self._configuration_set()
            sets, self.records = [configuration_set.arn], self._identity(configuration_set)
        # all identities: SES asks about the recipient's, too, where the account has verified it, as it must have in the
        # sandbox; who may be the sender is said by the condition
        key = self._access_key(sender, [pulumi.Output.concat(prefix, ":identity/*"), *sets])
        # unlike the key itself, the SMTP password can do nothing but send
        self.user, self.password = key.id, pulumi.Output.secret(key.ses_smtp_password_v4)
        self.host = self._region.apply(ses_host)
        self.port = pulumi.Output.from_input(PORT)
        self.next_steps = self._region.apply(lambda region: sandbox_steps(region, args["domain"]))
        self.register_outputs(
            {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "password": self.password,
                "records": self.records,
                "nextSteps": self.next_steps,
            }
        )

    def _existing_configuration_set(self) -> str:
        """The configuration set that SES uses for an existing identity; empty when it has none."""
        domain, options = self._args["domain"], pulumi.InvokeOptions(parent=self)
        try:
            found = aws.sesv2.get_email_identity(email_identity=domain, opts=options)
        except Exception as error:
            raise ArgumentError(
                self._name,
                "existing_identity",
                f"no identity {domain} in SES of {aws.get_region(opts=options).region}",
                "leave it out, or create the identity first",
                last_line(error),
            ) from None
        return found.configuration_set_name

    def _configuration_set(self) -> aws.sesv2.ConfigurationSet:
        configuration_set = aws.sesv2.ConfigurationSet(
            f"{self._name}-mail",
            configuration_set_name=configuration_set_name(self._args["domain"]),
            # a server that offers no TLS gets no mail, which may hold a link to reset a password
            delivery_options={"tls_policy": "REQUIRE"},
            suppression_options={"suppressed_reasons": ["BOUNCE", "COMPLAINT"]},
            tags=named(self._tags, f"{self._name} mail"),
            opts=self._child,
        )
        if "alerts_topic_arn" in self._args:
            aws.sesv2.ConfigurationSetEventDestination(
                f"{self._name}-mail-alerts",
                configuration_set_name=configuration_set.configuration_set_name,
                event_destination_name="alerts",
                event_destination={
                    "enabled": True,
                    "matching_event_types": ["BOUNCE", "COMPLAINT", "REJECT"],
                    "sns_destination": {"topic_arn": self._args["alerts_topic_arn"]},
                },
                opts=self._child,
            )
        return configuration_set

    def _identity(self, configuration_set: aws.sesv2.ConfigurationSet) -> Sequence[MailRecord]:
        domain = self._args["domain"]
        identity = aws.sesv2.EmailIdentity(
            f"{self._name}-mail",
            email_identity=domain,
            configuration_set_name=configuration_set.configuration_set_name,
            dkim_signing_attributes={"next_signing_key_length": "RSA_2048_BIT"},
            tags=named(self._tags, f"{self._name} mail"),
            opts=self._child,
        )
        bounces = pulumi.Output.concat(self._args.get("mail_from", MAIL.mail_from), ".", domain)
        aws.sesv2.EmailIdentityMailFromAttributes(
            f"{self._name}-bounces",
            email_identity=identity.email_identity,
            mail_from_domain=bounces,
            # until its records are there, mail goes out from an address of Amazon rather than not at all
            behavior_on_mx_failure="USE_DEFAULT_VALUE",
            opts=self._child,
        )
        dkim = [_dkim_record(number, domain, self._region, identity) for number in (1, 2, 3)]
        return [*dkim, *self._policy_records(bounces)]

    def _policy_records(self, bounces: pulumi.Input[str]) -> Sequence[MailRecord]:
        policy = self._args.get("dmarc", MAIL.dmarc)
        dmarc = [] if policy == "none" else [_record("dmarc", f"_dmarc.{self._args['domain']}", "TXT", policy)]
        server = pulumi.Output.concat("10 feedback-smtp.", self._region, ".amazonses.com")
        return [
            _record("bounces-mx", bounces, "MX", server),
            _record("bounces-spf", bounces, "TXT", "v=spf1 include:amazonses.com -all"),
            *dmarc,
        ]

    def _access_key(self, sender: pulumi.Input[str], resources: list[pulumi.Output[str]]) -> aws.iam.AccessKey:
        """The key of a user that may send from one address."""
        name = f"{self._name}-smtp"
        user = aws.iam.User(name, tags=named(self._tags, f"{self._name} SMTP"), opts=self._child)
        aws.iam.UserPolicy(
            name,
            user=user.name,
            policy=pulumi.Output.all(sender, *resources).apply(
                lambda values: document(send_statements(values[0], values[1:]))
            ),
            opts=self._child,
        )
        return aws.iam.AccessKey(name, user=user.name, opts=self._child)


def _dkim_record(number: int, domain: str, region: pulumi.Output[str], identity: aws.sesv2.EmailIdentity) -> MailRecord:
    token = identity.dkim_signing_attributes.apply(lambda attributes: _token(attributes, number))
    name = pulumi.Output.concat(token, "._domainkey.", domain)
    return _record(f"dkim-{number}", name, "CNAME", pulumi.Output.concat(token, ".", region.apply(_dkim_server)))


def _dkim_server(region: str) -> str:
    return f"dkim.{region}.amazonses.com" if region in DKIM_BY_REGION else "dkim.amazonses.com"


def _token(attributes: Any, number: int) -> str:
    return str(attributes.tokens[number - 1])


def _record(key: str, name: pulumi.Input[str], kind: str, value: pulumi.Input[str]) -> MailRecord:
    return {"key": key, "name": name, "type": kind, "values": [value], "ttl": _RECORD_TTL_SECONDS}


def configuration_set_name(domain: str) -> str:
    """A name that no other pod of the account has: at most 64 letters, digits and dashes."""
    plain = re.sub("[^a-z0-9]", "-", domain.lower())
    return plain if len(plain) <= 64 else f"{plain[:55]}-{hashlib.sha256(domain.encode()).hexdigest()[:8]}"


def send_statements(sender: str, resources: list[str]) -> list[Statement]:
    """Send mail from one address, to anybody: the identities of recipients are among `resources`."""
    return [
        {
            "Sid": "SendAsThePod",
            "Effect": "Allow",
            "Action": "ses:SendRawEmail",
            "Resource": resources,
            "Condition": {"StringEquals": {"ses:FromAddress": sender}},
        }
    ]


def sandbox_steps(region: str, domain: str) -> str:
    """What a person has to do: a new account sends to nobody but addresses that it has verified."""
    return (
        f"Amazon SES starts every account in a sandbox: 200 mails a day, and only to addresses that you verified.\n"
        f"1. Wait until the domain is verified (its DNS records must be there):\n"
        f"   aws sesv2 get-email-identity --region {region} --email-identity {domain}\n"
        f"2. Ask to leave the sandbox; a person at AWS answers, mostly within a day:\n"
        f"   aws sesv2 put-account-details --region {region} --production-access-enabled --mail-type TRANSACTIONAL \\\n"
        f"     --website-url https://{domain} --contact-language EN\n"
        f"3. Until then, let the members of the pod verify their addresses:\n"
        f"   aws sesv2 create-email-identity --region {region} --email-identity somebody@example.org"
    )


def _checked_sender(component: str, domain: str, address: str) -> str:
    if not address.endswith(f"@{domain}"):
        raise ArgumentError(
            component, "sender", f"{address!r} is not in the domain {domain}", f"allowed: such as no-reply@{domain}"
        )
    return address
