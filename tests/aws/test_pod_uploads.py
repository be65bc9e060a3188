"""Uploads of a whole pod on Pulumi's mocks: the bucket, its way to the machine, and what the machine may do with it."""

import json
from typing import Any

import pulumi
import pytest

from diaspora_infra.aws import AwsPod
from tests.aws.mock_account import MockAccount
from tests.support import configs
from tests.support.mocked import Runner


def make(run: Runner, **changes: Any) -> MockAccount:
    values = configs.aws_config(**{"region": "eu-west-1", **changes})
    account = MockAccount()

    def program() -> "pulumi.Output[Any]":
        tables: Any = {key: values[key] for key in ("pod", "host", "aws")}
        return AwsPod("one", tables).instance_id

    run(account, program)
    return account


def names(account: MockAccount, kind: str) -> set[str]:
    return {each.name for each in account.of(kind)}


def role(account: MockAccount) -> str:
    return json.dumps([each.inputs["policy"] for each in account.of("RolePolicy")])


def test_machine_gets_the_bucket_name_and_permissions(run: Runner) -> None:
    account = make(run)
    assert "one-uploads" in names(account, "Bucket")
    (parameter,) = [each.inputs for each in account.of("Parameter") if each.inputs["name"].endswith("/uploadsBucket")]
    assert (parameter["name"], parameter["type"]) == ("/diaspora/pod.example.org/uploadsBucket", "String")
    assert "ReadAndWriteUploads" in role(account)
    assert "ListUploads" in role(account)


def test_uploads_on_volume_create_no_bucket(run: Runner) -> None:
    account = make(run, uploads="volume")
    assert not [name for name in names(account, "Bucket") if "uploads" in name]
    assert not [name for name in names(account, "Parameter") if "uploads" in name]
    assert "Uploads" not in role(account)


@pytest.mark.parametrize("protect", [True, False])
def test_bucket_with_objects_is_deleted_only_without_protection(run: Runner, protect: bool) -> None:
    account = make(run, protect=protect)
    (bucket,) = [each.inputs for each in account.of("Bucket") if each.name == "one-uploads"]
    assert bucket["forceDestroy"] is not protect
