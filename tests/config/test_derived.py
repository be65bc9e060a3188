"""What the user wrote and what follows from it: derived values keep to the rules for written ones."""

import copy
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel

from diaspora_infra.config import (
    SECRET_KEYS,
    AwsSettings,
    ConfigError,
    IgnitionSettings,
    PxeSettings,
    Settings,
    Target,
    WrittenSettings,
    load,
    load_written,
)
from diaspora_infra.config.aws.availability import INSTANCE_TYPES, REGIONS
from diaspora_infra.config.loader.derive import derive
from diaspora_infra.config.loader.stack_checks import check_stack
from tests.support import configs

# many examples, the same in each run
pytestmark = pytest.mark.inputs()

IMAGE = {"image": "localhost/relay:1"}
MAILS: list[dict[str, Any] | None] = [
    None,
    {"senderAddress": "Pod@Pod.Example.org"},
    {"senderAddress": "pod@pod.example.org", "relay": IMAGE},
    configs.mail(),
]
BACKUPS: list[dict[str, Any] | None] = [
    None,
    {},
    {"restoreFirst": True},
    {"repository": "s3:https://s3.example.org/my-pod"},
]


def given_keys(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A table with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


def table(value: dict[str, Any]) -> dict[str, Any]:
    """A table without the keys that are None: a stack file then does not have them."""
    return {key: each for key, each in value.items() if each is not None}


AWS = given_keys(
    size=st.sampled_from(["minimal", "small"]),
    edge=st.sampled_from(["gateway", "direct"]),
    uploads=st.sampled_from(["bucket", "volume"]),
    database=st.sampled_from([{}, {"engine": "rds"}, {"engine": "onInstance"}]),
    dns=st.sampled_from([{}, {"provider": "external"}, {"zone": "example.org"}]),
    mail=given_keys(
        enabled=st.booleans(), existingIdentity=st.booleans(), mailFrom=st.just("bounces"), dmarc=st.just("none")
    ),
    backups=given_keys(bucket=st.booleans()),
    topology=st.sampled_from(["single", "ha"]),
    instance=given_keys(type=st.sampled_from(sorted(INSTANCE_TYPES))),
)
POD = given_keys(
    mail=st.sampled_from(MAILS),
    backup=st.sampled_from(BACKUPS),
    tls=st.sampled_from(
        [None, {"mode": "own"}, {"mode": "behindProxy", "trustedProxies": ["10.0.0.1"]}, {"acme": {"staging": True}}]
    ),
    sizing=given_keys(sidekiqConcurrency=st.integers(1, 9)),
    settings=st.sampled_from([{}, {"maintenance": {"removeOldUsers": {"enable": True}}}]),
)
HOST = given_keys(swap=given_keys(fileMib=st.sampled_from([0, 512]), zramMib=st.sampled_from([0, 512])))


def check_again(settings: Settings) -> list[str]:
    """What the checks say of settings that were derived; those of secrets know of all that are needed."""
    names = settings.pod.secrets_on_machine
    parts = {key: part for key, part in settings if key in WrittenSettings.model_fields}
    found = check_stack(WrittenSettings.model_construct(**parts), () if "all" in names else SECRET_KEYS)
    return [str(problem) for problem in found]


def written_keys(model: BaseModel, path: str = "") -> set[str]:
    """The keys that count as set, with their paths."""
    found = {f"{path}{name}" for name in model.model_fields_set}
    for name in type(model).model_fields:
        part = getattr(model, name)
        if isinstance(part, BaseModel) and name in model.model_fields_set:
            found |= written_keys(part, f"{path}{name}.")
    return found


@hypothesis_settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from(sorted(REGIONS)), AWS, POD, HOST)
@example("eu-west-1", {}, {}, {})
@example("eu-west-1", {"mail": {"mailFrom": "bounces", "dmarc": "none"}}, {"mail": MAILS[1]}, {})
@example("eu-west-1", {"edge": "direct"}, {"tls": {"mode": "own"}, "backup": BACKUPS[2]}, {"swap": {"fileMib": 512}})
def test_what_is_derived_on_aws_violates_no_check(
    region: str, aws: dict[str, Any], pod: dict[str, Any], host: dict[str, Any]
) -> None:
    values = configs.aws_config(region=region, pod_changes=table(pod), **aws) | {"host": configs.host(**host)}
    values["pod"]["secretsOnMachine"] = []
    try:
        written = load_written(values, SECRET_KEYS)
    except ConfigError:
        assume(False)  # hypothesis's own way to leave an example out
    settings = derive(written)
    assert isinstance(settings, AwsSettings)
    assert check_again(settings) == []
    # ranges and forms of single values
    checked = AwsSettings.model_validate(settings.model_dump())
    assert checked.model_dump() == settings.model_dump()
    # what was derived is not taken for something that the user wrote
    assert written_keys(settings.host) == written_keys(written.host)
    assert settings.pod.model_fields_set == written.pod.model_fields_set
    # and deriving again changes nothing
    again = derive(written.with_derived(pod=settings.pod, host=settings.host))
    assert again == settings


@pytest.mark.parametrize(
    ("values", "kind"),
    [(configs.pxe_config(), PxeSettings), (configs.ignition_config(), IgnitionSettings)],
)
def test_nothing_is_derived_for_other_targets(values: dict[str, Any], kind: type[Settings]) -> None:
    written = load_written({**values, "aws": {"region": "eu-west-1", "uploads": "volume"}})
    settings = derive(written)
    assert type(settings) is kind
    assert (settings.pod, settings.host) == (written.pod, written.host)
    assert not hasattr(settings, "aws")
    assert check_again(settings) == []
    assert settings == load(values)


def test_what_the_user_wrote_is_left_as_it_is() -> None:
    written = load_written(configs.aws_config(region="eu-west-1"))
    before = copy.deepcopy(written)
    settings = derive(written)
    assert written == before
    assert (written.pod.mail, written.pod.tls.mode, written.host.memory_mib) == (None, "acme", 2048)
    assert settings.pod.mail is not None
    assert (settings.pod.mail.by_ses, settings.pod.tls.mode, settings.host.memory_mib) == (True, "behindProxy", 1024)


def test_a_target_without_its_key_is_refused() -> None:
    written = load_written(configs.ignition_config())
    for target in (Target.PXE, Target.AWS, Target.PROVISIONING):
        with pytest.raises(ValueError, match=f"target {target}"):
            derive(written.with_derived(target=target))
