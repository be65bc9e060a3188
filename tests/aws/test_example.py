"""The examples for AWS: their commands are run, against the simulated account."""

from pathlib import Path

import pytest

from lab.aws.account import Account
from lab.matchbox import MatchboxServer
from tests.support.clone import PACKAGED
from tests.support.examples import Reader, path_with_tools

pytestmark = pytest.mark.inputs(*PACKAGED, "tools")


@pytest.mark.parametrize(("example", "machines"), [("aws", 1), ("aws-ha", 3)])
def test_aws_example_is_checked_priced_and_previewed(
    account: Account, matchbox_server: MatchboxServer, tmp_path: Path, example: str, machines: int
) -> None:
    account.client("route53", "eu-west-1").create_hosted_zone(Name="example.org", CallerReference="podmin")
    reader = Reader(tmp_path, matchbox_server, account.variables())
    reader.prepare()
    plugin = account.plugin()
    install = f"pulumi plugin install resource {plugin.name} {plugin.version} --file {plugin.program()}"
    reader.run(f'PATH="$PATH:{path_with_tools()}"; {install}')

    result = reader.follow("README.md", f"{example}/README.md")
    assert f"Pulumi.{example}.yaml: good; {machines} machine(s), target aws" in result.stdout
    assert "\nSum " in result.stdout
    # several machines never let the database sleep
    assert ("Database awake, hours" in result.stdout) == (example == "aws")
    assert "to create" in result.stdout
    password = reader.folder / "home/pod-backup-password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert password.read_text().strip() not in result.stdout + result.stderr
