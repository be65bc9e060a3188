"""The settings that follow from the key `aws`: memory, swap, concurrency, mail, TLS. What the user sets wins."""

from typing import Any

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.host.host import Host
from diaspora_infra.config.pod.mail import Mail, Ses, ses_host
from diaspora_infra.config.pod.pod import Pod

SMALL_MEMORY_MIB = 1024
"""Up to this size a machine gets a swap file, and Sidekiq runs fewer jobs at once."""
SWAP_FILE_MIB = 1024
"""Beside zram: two Rails processes, Redis and the system together need more than 1 GiB."""
SIDEKIQ_CONCURRENCY = 2
"""A job of diaspora* may hold many outgoing requests (`typhoeusConcurrency`) and their answers in memory."""


def sized_host(host: Host, aws: Aws) -> Host:
    """The host with the memory of the instance type, and with a swap file for small machines."""
    changes: dict[str, Any] = {"memory_mib": aws.instance_type.memory_mib}
    if aws.instance_type.memory_mib <= SMALL_MEMORY_MIB and "file_mib" not in host.swap.model_fields_set:
        changes["swap"] = host.swap.model_copy(update={"file_mib": SWAP_FILE_MIB})
    return host.model_copy(update=changes)


def sized_pod(pod: Pod, aws: Aws) -> Pod:
    """The pod with fewer background jobs at once on small machines; web requests follow the memory anyway."""
    if aws.instance_type.memory_mib > SMALL_MEMORY_MIB or pod.sizing.sidekiq_concurrency is not None:
        return pod
    sizing = pod.sizing.model_copy(update={"sidekiq_concurrency": SIDEKIQ_CONCURRENCY})
    return pod.model_copy(update={"sizing": sizing})


def pod_on_aws(pod: Pod, aws: Aws) -> Pod:
    """The pod; Amazon SES takes its mail, and behind API Gateway its machine speaks plain HTTP without a certificate.

    No proxy is trusted there, so X-Forwarded headers are ignored: the gateway sends `Forwarded`.
    """
    pod = pod.model_copy(update={"mail": mail_on_aws(pod, aws)})
    if aws.edge != "gateway":
        return pod
    return pod.model_copy(update={"tls": pod.tls.model_copy(update={"mode": "behindProxy"})})


def uses_ses(pod: Pod, aws: Aws) -> bool:
    """Tell whether Amazon SES sends the mail: SES is enabled, and `pod.mail` sets neither smtp nor relay."""
    return aws.mail.enabled and (pod.mail is None or (pod.mail.smtp is None and pod.mail.relay is None))


def mail_on_aws(pod: Pod, aws: Aws) -> Mail | None:
    """The pod's mail, by SES unless `pod.mail` sets smtp or relay."""
    if not uses_ses(pod, aws):
        return pod.mail
    given = pod.mail or Mail(sender_address=f"no-reply@{pod.domain}")
    # the policy of the SMTP user compares it letter by letter
    sender = f"{given.sender_address.rpartition('@')[0]}@{given.sender_domain}"
    return given.model_copy(update={"sender_address": sender, "smtp": Ses(host=ses_host(aws.region))})
