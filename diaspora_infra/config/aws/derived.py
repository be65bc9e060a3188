"""The settings that follow from the key `aws`: memory, swap, concurrency, mail, TLS. What the user sets wins.

They can be derived again from what was derived, with the same result, and pass the same checks.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.host.host import Host
from diaspora_infra.config.model import InvalidValueError, Model
from diaspora_infra.config.pod.mail import Mail, Ses, ses_host
from diaspora_infra.config.pod.pod import Pod

_Model = TypeVar("_Model", bound=Model)

SMALL_MEMORY_MIB = 1024
"""Up to this size a machine gets a swap file, and Sidekiq runs fewer jobs at once."""
SWAP_FILE_MIB = 1024
"""Beside zram: two Rails processes, Redis and the system together need more than 1 GiB."""
SIDEKIQ_CONCURRENCY = 2
"""A job of diaspora* may hold many outgoing requests (`typhoeusConcurrency`) and their answers in memory."""


BUDGET_OF_GROUPS_USD = 250
"""80 percent of it are more than a pod on several machines costs without a flood of requests."""


_OF_GROUPS: Mapping[str, Any] = {"edge": "loadBalancer", "size": "small", "monthly_budget_usd": BUDGET_OF_GROUPS_USD}
_TABLES_OF_GROUPS: Mapping[str, Mapping[str, Any]] = {
    "database": {"engine": "rds", "instance_class": "db.t4g.small", "min_acu": 0.5},
    "backups": {"volume_snapshot_days": 0},
}


def derived_aws(aws: Aws) -> Aws:
    """The key `aws` with the defaults of its topology. Where that is not valid, nobody can read these defaults."""
    try:
        if not aws.has_groups:
            return aws
        change = _where_not_set
    except InvalidValueError:
        change = _not_known
    tables = {key: change(table, _TABLES_OF_GROUPS[key]) for key, table in aws if key in _TABLES_OF_GROUPS}
    return change(aws, _OF_GROUPS).with_derived(**tables)


def _where_not_set(model: _Model, values: Mapping[str, Any]) -> _Model:
    return model.with_derived(**{key: value for key, value in values.items() if key not in model.model_fields_set})


def _not_known(model: _Model, values: Mapping[str, Any]) -> _Model:
    return model.without(values.keys() - model.model_fields_set)


def derived_on_aws(pod: Pod, host: Host, aws: Aws) -> tuple[Pod, Host]:
    """Pod and host with all that follows from the key `aws`."""
    return _behind_proxy(_sized_pod(pod, aws), aws).with_derived(mail=mail_on_aws(pod, aws)), _sized_host(host, aws)


def _sized_host(host: Host, aws: Aws) -> Host:
    """The host with the memory of the instance type, and with a swap file for small machines."""
    changes: dict[str, Any] = {"memory_mib": aws.instance_type.memory_mib}
    if aws.instance_type.memory_mib <= SMALL_MEMORY_MIB and "file_mib" not in host.swap.model_fields_set:
        changes["swap"] = host.swap.with_derived(file_mib=SWAP_FILE_MIB)
    return host.with_derived(**changes)


def _sized_pod(pod: Pod, aws: Aws) -> Pod:
    """The pod with fewer background jobs at once on small machines; web requests follow the memory anyway."""
    if aws.instance_type.memory_mib > SMALL_MEMORY_MIB or pod.sizing.sidekiq_concurrency is not None:
        return pod
    return pod.with_derived(sizing=pod.sizing.with_derived(sidekiq_concurrency=SIDEKIQ_CONCURRENCY))


def _behind_proxy(pod: Pod, aws: Aws) -> Pod:
    """The pod; behind API Gateway or a load balancer its machine speaks plain HTTP without a certificate.

    The load balancer is in the VPC, so only addresses there are trusted to name those of clients. No proxy is trusted
    behind the gateway, so X-Forwarded headers are ignored: it sends `Forwarded`.
    """
    if not aws.certificate_of_acm:
        return pod
    trusted = [aws.network.cidr] if aws.has_groups else pod.tls.trusted_proxies
    return pod.with_derived(tls=pod.tls.with_derived(mode="behindProxy", trusted_proxies=trusted))


def uses_ses(pod: Pod, aws: Aws) -> bool:
    """Tell whether Amazon SES sends the mail: SES is enabled, and `pod.mail` sets neither smtp nor relay."""
    return aws.mail.enabled and (pod.mail is None or not pod.mail.by_own_relay)


def mail_on_aws(pod: Pod, aws: Aws) -> Mail | None:
    """The pod's mail, by SES unless `pod.mail` sets smtp or relay."""
    if not uses_ses(pod, aws):
        return pod.mail
    given = pod.mail or Mail(sender_address=f"no-reply@{pod.domain}")
    # the policy of the SMTP user compares it letter by letter
    sender = f"{given.sender_address.rpartition('@')[0]}@{given.sender_domain}"
    return given.with_derived(sender_address=sender, smtp=Ses(host=ses_host(aws.region)))


def built_images(aws: Aws, pod: Pod) -> tuple[str, ...]:
    """Names of the images that the stack builds, because the settings name none: s3fs, diaspora."""
    s3fs = ("s3fs",) if builds_s3fs(aws) else ()
    return (*s3fs, "diaspora") if pod.image is None else s3fs


def builds_s3fs(aws: Aws) -> bool:
    """Tell whether the stack builds the image of s3fs."""
    return aws.uploads_in_bucket and aws.uploads_image is None
