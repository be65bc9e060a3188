"""Which account and which zones a stack of target aws asks for, on Pulumi's mocks."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.config import CONFIG

from diaspora_infra.aws.stack import aws_stack
from diaspora_infra.config import ConfigError, load
from tests.aws.mock_account import MockAccount
from tests.support import configs
from tests.support.mocked import Runner, mock_engine


@pytest.fixture
def run() -> Iterator[Runner]:
    with mock_engine() as runner:
        yield runner


def stack(run: Runner, config: dict[str, str]) -> dict[str, Any]:
    """Inputs of the provider that a stack makes, with this config of the namespace aws."""
    settings = load(configs.aws_config(region="eu-west-1"))
    account = MockAccount()
    before = CONFIG.set(config)
    try:
        run(account, lambda: aws_stack(settings, {}) and None)
    finally:
        CONFIG.reset(before)
    (provider,) = [each for each in account.made if each.token == "pulumi:providers:aws"]
    users = {
        each.request.provider.rpartition("::")[0] for each in account.made if each.custom and each.urn != provider.urn
    }
    assert users == {provider.urn}, "everything is made by this provider"
    return provider.inputs


def test_the_account_is_that_of_the_config(run: Runner) -> None:
    config = {
        "aws:region": "eu-west-1",
        "aws:profile": "12",
        "aws:allowedAccountIds": '["123456789012", 210987654321]',
        "aws:forbiddenAccountIds": '["000000000001"]',
    }
    inputs = stack(run, config)
    assert (inputs["region"], inputs["profile"]) == ("eu-west-1", "12")
    assert json.loads(inputs["allowedAccountIds"]) == ["123456789012", "210987654321"]
    assert json.loads(inputs["forbiddenAccountIds"]) == ["000000000001"]


def test_without_config_it_is_that_of_the_environment(run: Runner) -> None:
    inputs = stack(run, {"aws:region": "eu-west-1"})
    assert inputs.keys().isdisjoint({"profile", "allowedAccountIds", "forbiddenAccountIds"})


def test_a_key_that_nothing_reads_is_refused(run: Runner) -> None:
    with pytest.raises(ConfigError, match=r"^aws:assumeRoles: nothing uses it; allowed: aws:region, aws:profile, "):
        stack(run, {"aws:assumeRoles": "[]"})
