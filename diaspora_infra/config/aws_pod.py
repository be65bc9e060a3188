"""What follows for the pod from the settings of the key `aws`, beside its size."""

from diaspora_infra.config.aws import Aws
from diaspora_infra.config.mail import Mail, Ses, ses_host
from diaspora_infra.config.pod import Pod


def pod_on_aws(pod: Pod, aws: Aws) -> Pod:
    """The pod; Amazon SES takes its mail, and behind API Gateway its machine speaks plain HTTP without a certificate.

    Nobody's X-Forwarded headers count there, so no proxy is trusted: what the gateway says is in `Forwarded`.
    """
    pod = pod.model_copy(update={"mail": mail_on_aws(pod, aws)})
    if aws.edge != "gateway":
        return pod
    return pod.model_copy(update={"tls": pod.tls.model_copy(update={"mode": "behindProxy"})})


def uses_ses(pod: Pod, aws: Aws) -> bool:
    """Tell whether Amazon SES takes the mail: it is on, and the podmin names no other way."""
    return aws.mail.enabled and (pod.mail is None or (pod.mail.smtp is None and pod.mail.relay is None))


def mail_on_aws(pod: Pod, aws: Aws) -> Mail | None:
    """The pod's mail, by SES where the podmin names no other way."""
    if not uses_ses(pod, aws):
        return pod.mail
    given = pod.mail or Mail(sender_address=f"no-reply@{pod.domain}")
    # the policy of the SMTP user compares it letter by letter
    sender = f"{given.sender_address.rpartition('@')[0]}@{given.sender_domain}"
    return given.model_copy(update={"sender_address": sender, "smtp": Ses(host=ses_host(aws.region))})
