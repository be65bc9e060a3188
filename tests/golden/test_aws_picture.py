"""The diagrams in docs/aws.md match the code."""

import pulumi
import pytest

from diaspora_infra.config import SECRET_KEYS, load, parse_stack_file
from lab.engine import PROJECT
from tests.aws.mock_account import MockAccount
from tests.support.aws_picture import block, parts, put_into, reach
from tests.support.golden import Golden
from tests.support.mocked import mock_engine

# the SDK warns of its own old classes where they are defined
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PAGE = PROJECT / "docs" / "aws.md"


@pytest.fixture(scope="module")
def account() -> MockAccount:
    """The resources that the stack of examples/aws requests."""
    from diaspora_infra.aws import AwsPod
    from diaspora_infra.aws.stack import stack_outputs

    values = parse_stack_file((PROJECT / "examples/aws/Pulumi.aws.yaml").read_bytes()).values
    settings = load(values, SECRET_KEYS)
    answers = MockAccount()

    def program() -> pulumi.Output[object]:
        pod = AwsPod("pod", {"_settings": settings, "secrets": {"backupPassword": "stand-in"}})
        return pulumi.Output.from_input(stack_outputs(pod))

    with mock_engine() as run:
        run(answers, program)
    return answers


def test_diagrams_in_aws_page_match_the_code(golden: Golden, account: MockAccount) -> None:
    page = PAGE.read_text(encoding="utf-8")
    page = put_into(page, "reach", block(reach(account)))
    golden.check(PAGE, put_into(page, "parts", block(parts(account))))
