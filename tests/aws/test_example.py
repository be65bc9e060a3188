"""The example examples/aws: its commands are run, against the simulated account."""

from pathlib import Path

from lab.aws.account import Account
from lab.matchbox import MatchboxServer
from tests.support.examples import Reader, path_with_tools


def test_aws_example_is_checked_priced_and_previewed(
    account: Account, matchbox_server: MatchboxServer, tmp_path: Path
) -> None:
    account.client("route53", "eu-west-1").create_hosted_zone(Name="example.org", CallerReference="podmin")
    reader = Reader(tmp_path, matchbox_server, account.variables())
    reader.prepare()
    plugin = account.plugin()
    install = f"pulumi plugin install resource {plugin.name} {plugin.version} --file {plugin.program()}"
    reader.run(f'PATH="$PATH:{path_with_tools()}"; {install}')

    result = reader.follow("README.md", "aws/README.md")
    assert "Pulumi.aws.yaml: good; 1 machine(s), target aws" in result.stdout
    assert "Database awake, hours" in result.stdout
    assert "to create" in result.stdout
    password = reader.folder / "home/pod-backup-password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert password.read_text().strip() not in result.stdout + result.stderr
