"""All checks of a stack with a pod, of its keys alone and together.

The settings may be the valid part of what the user wrote (loader/valid_part.py); config/checking.py says what follows.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from diaspora_infra.config.aws.aws import Aws
from diaspora_infra.config.aws.checks import check_aws, check_host_on_aws, check_pod_on_aws
from diaspora_infra.config.checking import readable, run_checks
from diaspora_infra.config.host.host import Machine
from diaspora_infra.config.loader.checks import (
    check_addresses,
    check_host,
    check_image_build,
    check_machines,
    check_machines_on_host,
    check_pod,
    check_release,
    check_removed_users,
)
from diaspora_infra.config.pod.backup import check_restore_first
from diaspora_infra.config.pod.daily_jobs import check_daily_jobs
from diaspora_infra.config.pod.image_archive import check_archive_and_machines, check_archive_and_target
from diaspora_infra.config.pod.mail import check_way_of_mail
from diaspora_infra.config.pod.registry import check_registry
from diaspora_infra.config.pod.times import backup_spans, check_times, update_spans, upgrade_spans
from diaspora_infra.config.pod.upgrade import check_served, check_upgrade_time
from diaspora_infra.config.problems import Problem
from diaspora_infra.config.provisioning.server import check_provisioning
from diaspora_infra.config.secrets import (
    missing_secrets,
    parameters_in_vain,
    secrets_given_twice,
    secrets_named_in_vain,
)
from diaspora_infra.config.settings import WrittenSettings, aws_machines
from diaspora_infra.config.types import Target


def check_stack(stack: WrittenSettings, given: Collection[str], misplaced: Collection[str] = ()) -> Iterator[Problem]:
    """Settings that do not work together.

    `given` are the keys of the secrets in the stack config; those in `misplaced` are somewhere else, with a message.
    """
    yield from run_checks(_CHECKS, stack)
    yield from run_checks(_CHECKS_OF_SECRETS, stack, given)
    yield from run_checks((_missing_secrets,), stack, {*given, *misplaced})


def _used_aws(stack: WrittenSettings) -> Aws | None:
    """The key `aws` of a stack on AWS."""
    return stack.aws if stack.target is Target.AWS else None


def _ses(stack: WrittenSettings) -> bool:
    """Whether Amazon SES sends the pod's mail unless `pod.mail` says otherwise."""
    aws = _used_aws(stack)
    return aws is not None and aws.mail.enabled


def _bucket(stack: WrittenSettings) -> bool:
    """Whether the stack makes a repository for backups."""
    aws = _used_aws(stack)
    return aws is not None and aws.backups.bucket


def _machines(stack: WrittenSettings, target: Target) -> Sequence[Machine]:
    """The machines of a target; of another one than that of the stack, those that are written."""
    if target is Target.PXE:
        return stack.pxe.machines if stack.pxe else ()
    if target is Target.AWS:
        return aws_machines(stack.aws) if stack.aws else ()
    return stack.ignition.machines


def _registry(stack: WrittenSettings) -> Iterable[Problem]:
    pod, aws = stack.pod, _used_aws(stack)
    relay = pod.mail.relay if pod.mail else None
    return check_registry(pod.registry, [pod.image, relay.image if relay else None, aws.uploads_image if aws else None])


def _releases(stack: WrittenSettings) -> Iterator[Problem]:
    if stack.pxe:
        yield from check_release("pxe", stack.pxe.release)


def _aws_release(stack: WrittenSettings) -> Iterator[Problem]:
    if stack.aws:
        yield from check_release("aws.instance", stack.aws.instance.release)


def _aws(stack: WrittenSettings) -> Iterator[Problem]:
    if stack.aws:
        yield from check_aws(stack.aws)


def _on_aws(stack: WrittenSettings) -> Iterator[Problem]:
    aws = _used_aws(stack)
    if aws:
        yield from check_pod_on_aws(aws, stack.pod)
        yield from check_host_on_aws(aws, stack.host)


def _provisioning(stack: WrittenSettings) -> Iterator[Problem]:
    if stack.provisioning:
        yield from check_provisioning(stack.provisioning)


def _each_target(stack: WrittenSettings) -> Iterator[Problem]:
    for target in (Target.PXE, Target.IGNITION):
        yield from run_checks((_machines_of, _addresses), stack, target)


def _machines_of(stack: WrittenSettings, target: Target) -> Iterator[Problem]:
    yield from check_machines(f"{target}.machines", _machines(stack, target))


def _addresses(stack: WrittenSettings, target: Target) -> Iterator[Problem]:
    yield from check_addresses(f"{target}.machines", stack.pod, _machines(stack, target))


def _architectures(stack: WrittenSettings) -> Iterator[Problem]:
    found = readable(_machines(stack, stack.target), lambda machine: machine.architecture)
    yield from check_archive_and_machines(stack.pod, found.values())


def _upgrade_time(stack: WrittenSettings) -> Iterator[Problem]:
    on_aws, refreshed = stack.target is Target.AWS, stack.pod.image_refresh
    yield from check_upgrade_time(stack.pod.upgrade, on_aws=on_aws, refreshed=refreshed)


def _served(stack: WrittenSettings) -> Iterator[Problem]:
    if stack.target is not Target.AWS:
        yield from check_served(stack.pod.upgrade, _machines(stack, stack.target))


def _machines_on_host(stack: WrittenSettings) -> Iterator[Problem]:
    machines = _machines(stack, stack.target)
    yield from check_machines_on_host(f"{stack.target}.machines", stack.host, machines)


def _image_build(stack: WrittenSettings) -> Iterator[Problem]:
    if stack.target is not Target.AWS:
        yield from check_image_build(stack.pod, stack.host)


def _missing_secrets(stack: WrittenSettings, given: Collection[str]) -> Iterator[Problem]:
    aws = _used_aws(stack)
    existing = aws.existing_parameters if aws else ()
    yield from missing_secrets(stack.pod, {*given, *existing}, groups=aws is not None and aws.has_groups)


def _parameters_in_vain(stack: WrittenSettings, given: Collection[str]) -> Iterator[Problem]:
    aws = _used_aws(stack)
    if aws:
        yield from parameters_in_vain(stack.pod, given, aws.existing_parameters)


_CHECKS: tuple[Callable[[WrittenSettings], Iterable[Problem]], ...] = (
    lambda stack: check_pod(stack.pod),
    lambda stack: check_removed_users(stack.pod, ses=_ses(stack)),
    lambda stack: check_way_of_mail(stack.pod.mail, ses=_ses(stack)),
    lambda stack: check_restore_first(stack.pod.backup, bucket=_bucket(stack)),
    lambda stack: secrets_named_in_vain(stack.pod),
    _registry,
    lambda stack: check_host(stack.host),
    lambda stack: check_times(backup_spans(stack.pod.backup), stack.host.updates),
    lambda stack: check_times(upgrade_spans(stack.pod.upgrade), stack.host.updates),
    lambda stack: check_daily_jobs(stack.pod.daily_jobs, backup_spans(stack.pod.backup)),
    lambda stack: check_daily_jobs(stack.pod.daily_jobs, upgrade_spans(stack.pod.upgrade)),
    lambda stack: check_daily_jobs(stack.pod.daily_jobs, update_spans(stack.host.updates)),
    _releases,
    _aws_release,
    _aws,
    _on_aws,
    _provisioning,
    _each_target,
    lambda stack: check_archive_and_target(stack.pod, stack.target),
    _architectures,
    _upgrade_time,
    _served,
    _machines_on_host,
    _image_build,
)
_CHECKS_OF_SECRETS: tuple[Callable[[WrittenSettings, Collection[str]], Iterable[Problem]], ...] = (
    lambda stack, given: secrets_given_twice(stack.pod, given),
    _parameters_in_vain,
)
