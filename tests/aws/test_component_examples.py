"""The examples on the pages of the components in Python, on Pulumi's mocks. tests/typing checks their types."""

import json

from diaspora_infra.plugin import SCHEMA
from generators.component_examples import examples
from tests.aws.mock_account import MockAccount
from tests.support.languages import examples_on_pages
from tests.support.mocked import Runner


def test_the_examples_make_every_component(run: Runner) -> None:
    program = compile("\n".join(examples_on_pages("python").values()), "examples", "exec")
    account = MockAccount()
    run(account, lambda: exec(program, {}))
    expected = {(each.token, each.name) for each in examples().values()}
    assert expected <= {(each.token, each.name) for each in account.made}
    assert {token for token, _ in expected} == json.loads(SCHEMA.read_text(encoding="utf-8"))["resources"].keys()
