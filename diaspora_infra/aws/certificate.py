"""Certificate: one of ACM for the pod's domain, issued because the right record is in DNS."""

from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.dns import Dns
from diaspora_infra.aws.tags import named


class CertificateArgs(TypedDict):
    """What a Certificate needs."""

    domain: str
    """The pod's domain."""
    dns: Dns
    """Where the record goes that proves who owns the domain."""
    wait: NotRequired[bool]
    """Wait until the certificate is issued; true when not set. Without it `arn` is None until a later run finds it
    issued: for a domain whose records, or whose name servers, a person has to set."""
    tags: NotRequired[dict[str, str]]
    """Tags of everything in it."""


class Certificate(pulumi.ComponentResource):
    """A certificate that ACM renews by itself as long as its record stays."""

    arn: pulumi.Output[str] | None
    """ARN of the issued certificate; None as long as it is not issued and nobody waits for it."""

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:aws:Certificate", name, {}, opts)
        self._args, self._title = args, f"{name} certificate"
        child = pulumi.ResourceOptions(parent=self)
        # asked before anything is made, so that what one run does depends on what was there, and not on who is faster
        issued = self._issued()
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args["domain"],
            validation_method="DNS",
            tags=named(args.get("tags", {}), self._title),
            # a new one is in use before the old one goes
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        option = certificate.domain_validation_options[0]
        proof = args["dns"].record(
            f"{name}-certificate",
            option.resource_record_name.apply(lambda record: (record or "").rstrip(".")),
            option.resource_record_type.apply(lambda kind: kind or "CNAME"),
            [option.resource_record_value.apply(lambda value: value or "")],
            child,
        )
        self.arn = None
        if args.get("wait", True) and not issued:
            pulumi.log.info(
                f"waiting up to 15 minutes for the certificate of {args['domain']}; if it does not come, the domain is "
                "not answered for by the hosted zone: tell the registrar the zone's name servers, then run `pulumi up` "
                "again",
                self,
            )
        if args.get("wait", True) or issued:
            validation = aws.acm.CertificateValidation(
                f"{name}-certificate",
                certificate_arn=certificate.arn,
                validation_record_fqdns=None if proof is None else [proof],
                opts=pulumi.ResourceOptions(
                    parent=self, custom_timeouts=pulumi.CustomTimeouts(create="15m", update="15m")
                ),
            )
            self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})

    def _issued(self) -> bool:
        """Whether ACM has issued it: asked at every run, since the state tells what was when it was made."""
        try:
            aws.acm.get_certificate(
                domain=self._args["domain"],
                statuses=["ISSUED"],
                tags={"Name": self._title},
                most_recent=True,
                opts=pulumi.InvokeOptions(parent=self),
            )
        except Exception as error:
            if "no matching" in str(error).lower() or "empty result" in str(error).lower():
                return False
            raise
        return True
