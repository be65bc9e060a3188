"""What the features of the pod may look at is what decides about their bundle."""

import dataclasses
from typing import Any

import pytest

from diaspora_infra.config import Architecture, Settings, load
from diaspora_infra.config.host.firewall import Firewall
from diaspora_infra.config.host.host import Swap
from diaspora_infra.host import render as render_machine
from diaspora_infra.host.fragment import AwsContext, PodContext, pod_context
from diaspora_infra.host.render import _pod_part, _pod_parts
from tests.host.aws_pod import aws_context
from tests.host.pod import SMTP_PASSWORD
from tests.support.configs import host, mail, pod, pxe, pxe_config
from tests.support.configs import machine as pxe_machine

ONE = aws_context(pod_changes={"backup": {}}, secrets={"backupPassword": "x"}).of_pod
assert isinstance(ONE, AwsContext)
OTHER: dict[str, Any] = {
    "pod": ONE.pod.with_derived(name="another"),
    "architecture": Architecture.X86_64,
    "memory_mib": 4096,
    "swap": Swap(zram_mib=0),
    "firewall": Firewall(enable=False),
    "secrets": (("backupPassword", "another"),),
    "database_on_aws": False,
    "behind_gateway": False,
    "uploads_in_bucket": False,
    "backup_bucket": False,
    "daily_jobs_minute": ONE.daily_jobs_minute + 1,
    "aws": ONE.aws.with_derived(region="eu-central-1"),
    "role": "job",
}
FIELDS = [field.name for field in dataclasses.fields(AwsContext)]


def of_first_machine(settings: Settings, secrets: dict[str, str]) -> PodContext:
    return pod_context(settings, settings.machines[0], secrets)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    _pod_parts.clear()


@pytest.mark.parametrize("field", FIELDS)
def test_contexts_that_differ_in_one_field_have_a_bundle_each(field: str) -> None:
    changed = dataclasses.replace(ONE, **{field: OTHER[field]})
    assert changed != ONE
    first = _pod_part(ONE)
    assert _pod_part(changed) is not first
    assert len(_pod_parts) == 2
    assert _pod_part(ONE) is first


def test_equal_contexts_share_a_bundle() -> None:
    one, again = (
        of_first_machine(load(pxe_config(pod=pod(mail=mail())), {"smtpPassword"}), secrets)
        for secrets in ({"smtpPassword": "x"}, {"smtpPassword": "x", "backupPassword": "that nobody asked for"})
    )
    assert one is not again
    assert (one, hash(one)) == (again, hash(again))
    assert _pod_part(one) is _pod_part(again)


def test_what_the_bundle_does_not_follow_from_makes_no_other_one() -> None:
    """Neither the machine nor what of the host is not the pod's."""
    machines = [pxe_machine(1), pxe_machine(2, hostname="other", disk="/dev/sdb")]
    for values in (host(), host(timeZone="Europe/Berlin", guestAgent=True)):
        settings = load(pxe_config(host=values, pxe=pxe(*machines)))
        for machine in settings.machines:
            render_machine(settings, machine, {})
    assert len(_pod_parts) == 1


@pytest.mark.parametrize("name", ["machine", "settings", "host"])
def test_a_feature_of_the_pod_cannot_reach_the_machine(name: str) -> None:
    context = of_first_machine(load(pxe_config()), {})
    assert type(context) is PodContext
    for each in (context, ONE):
        with pytest.raises(AttributeError):
            getattr(each, name)
    with pytest.raises(AttributeError):
        context.aws  # type: ignore[attr-defined]  # noqa: B018  # what only AwsContext has


def test_a_context_is_fixed_and_shows_no_secret() -> None:
    settings = load(pxe_config(pod=pod(mail=mail())), {"smtpPassword"})
    context = of_first_machine(settings, {"smtpPassword": SMTP_PASSWORD})
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.memory_mib = 1  # type: ignore[misc]
    assert SMTP_PASSWORD not in repr(context)
