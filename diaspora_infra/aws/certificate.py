"""Certificate: one of ACM for the pod's domain, issued because the right record is in DNS."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.dns import DnsRecord, create_record, pending_record
from diaspora_infra.aws.hook_messages import tell
from diaspora_infra.aws.tags import named


class CertificateArgs(TypedDict):
    """What a Certificate needs."""

    domain: pulumi.Input[str]
    """The pod's domain."""
    zone_id: NotRequired[pulumi.Input[str] | None]
    """Hosted zone for the record that proves who owns the domain, such as `zone_id` of a Dns. Without it another DNS
    provider answers for the domain, and a person has to set `records`."""
    wait: NotRequired[bool]
    """Wait until the certificate is issued; true when not set. Without it `issued` is false until a later run finds it
    issued: for a domain whose records, or whose name servers, a person has to set.
    A plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Certificate(pulumi.ComponentResource):
    """A certificate that ACM renews as long as its record stays."""

    arn: pulumi.Output[str]
    """ARN of the certificate, once it is issued if somebody waits for it."""
    issued: pulumi.Output[bool] | None
    """Whether the certificate is issued, asked at every run; None when the run waits for it."""
    records: pulumi.Output[Sequence[DnsRecord]]
    """DNS records that a person has to set; empty with a `zone_id`."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Certificate", name, {}, opts)
        self._name, self._args = name, args
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args["domain"],
            validation_method="DNS",
            tags=named(args.get("tags"), f"{name} certificate"),
            # a new one is in use before the old one goes
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        if args.get("wait", True):
            proof = self._proof(certificate, [])
            self.arn, self.issued = self._validated(certificate, proof), None
        else:
            seen = self._seen(certificate)
            # after the question, so that the answer is what was there before this run, and not who was faster
            self._proof(certificate, [seen])
            self.arn, self.issued = certificate.arn, seen.status.apply(lambda status: status == "ISSUED")
        self.records = self._pending_records(certificate)
        self.register_outputs({"arn": self.arn, "issued": self.issued, "records": self.records})

    def _proof(self, certificate: aws.acm.Certificate, after: list[pulumi.Resource]) -> pulumi.Output[str] | None:
        """Set the record that shows ACM who owns the domain; returns its name, None without a hosted zone."""
        zone_id = self._args.get("zone_id")
        if zone_id is None:
            return None
        domain, kind, value = _proof_parts(certificate)
        return create_record(
            f"{self._name}-certificate",
            zone_id,
            domain,
            kind,
            [value],
            pulumi.ResourceOptions(parent=self, depends_on=after),
            # ACM wants the same record for every certificate of an account and a domain
            overwrite=True,
        )

    def _pending_records(self, certificate: aws.acm.Certificate) -> pulumi.Output[Sequence[DnsRecord]]:
        if self._args.get("zone_id") is not None:
            return pulumi.Output.from_input([])
        domain, kind, value = _proof_parts(certificate)
        return pending_record(domain, kind, [value]).apply(lambda record: [record])

    def _validated(self, certificate: aws.acm.Certificate, proof: pulumi.Output[str] | None) -> pulumi.Output[str]:
        waiting = pulumi.ResourceHook(f"{self._name}-certificate-waiting", self._say_what_is_waited_for)
        return aws.acm.CertificateValidation(
            f"{self._name}-certificate",
            certificate_arn=certificate.arn,
            validation_record_fqdns=None if proof is None else [proof],
            opts=pulumi.ResourceOptions(
                parent=self,
                custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m"),
                hooks=pulumi.ResourceHookBinding(before_create=[waiting]),
            ),
        ).certificate_arn

    async def _say_what_is_waited_for(self, _: pulumi.ResourceHookArgs) -> None:
        domain = await pulumi.Output.from_input(self._args["domain"]).future()
        await tell(
            f"waiting up to 15 minutes for the certificate of {domain}; if it does not come, the domain "
            "is not answered for by the hosted zone: tell the registrar the zone's name servers, then run `pulumi up` "
            "again. AWS gives up after 72 hours: where the error ends with VALIDATION_TIMED_OUT, run `pulumi up "
            "--refresh`, which requests another certificate",
            self,
        )

    def _seen(self, certificate: aws.acm.Certificate) -> aws.acm.Certificate:
        """The certificate as it is now: the state tells what it was when it was made.

        The provider does not find one that AWS gave up after 72 hours, and `up --refresh` then makes another
        (docs/aws.md).

        Not `get_certificate`, which waits for more than a minute when nothing is issued.
        """
        return aws.acm.Certificate.get(
            f"{self._name}-certificate-now", certificate.id, opts=pulumi.ResourceOptions(parent=self)
        )


def _proof_parts(
    certificate: aws.acm.Certificate,
) -> tuple[pulumi.Output[str], pulumi.Output[str], pulumi.Output[str]]:
    """Name, type and value of the record that shows ACM who owns the domain."""
    option = certificate.domain_validation_options[0]
    return (
        option.resource_record_name.apply(lambda name: (name or "").rstrip(".")),
        option.resource_record_type.apply(lambda kind: kind or "CNAME"),
        option.resource_record_value.apply(lambda value: value or ""),
    )
