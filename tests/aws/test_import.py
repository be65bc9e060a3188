"""What exists in an account becomes a part of a stack, by the steps of docs/replace-older-stack.md."""

import json
import re
from pathlib import Path

import pytest

from lab.aws.account import Account
from lab.engine import PROJECT
from tests.support.aws_stack import AwsStack, program

PAGE = (PROJECT / "docs/replace-older-stack.md").read_text(encoding="utf-8")
BUCKET = "pictures-of-my-pod"


@pytest.fixture
def stack(account: Account, tmp_path: Path) -> AwsStack:
    """The program of the page."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    stack = AwsStack(account, tmp_path / "lab", program(tmp_path, "own", text))
    stack.values = {}
    return stack


def make_by_hand(stack: AwsStack) -> dict[str, str]:
    """Make a VPC, a bucket with a picture and a zone; returns their ids by type."""
    s3, place = stack.client("s3"), {"LocationConstraint": stack.region}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    s3.put_object(Bucket=BUCKET, Key="images/cat.png", Body=b"a cat")
    zone = stack.client("route53").create_hosted_zone(Name="example.org", CallerReference="podmin")["HostedZone"]["Id"]
    return {
        "aws:ec2/vpc:Vpc": stack.client("ec2").create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"],
        "aws:s3/bucket:Bucket": BUCKET,
        "aws:route53/zone:Zone": zone.rpartition("/")[2],
    }


def test_what_exists_is_imported_and_not_replaced(stack: AwsStack, tmp_path: Path) -> None:
    ids, file = make_by_hand(stack), tmp_path / "import.json"
    stack.good("preview", "--import-file", str(file))
    found = json.loads(file.read_text(encoding="utf-8"))
    kept = [
        {**each, "id": ids[each["type"]]} if each["type"] in ids else each
        for each in found["resources"]
        if each.get("component") or each["type"] in ids
    ]
    assert {each["type"] for each in kept} > ids.keys()
    file.write_text(json.dumps({**found, "resources": kept}), encoding="utf-8")
    (options,) = re.findall(r"`pulumi import --file import.json (.*?)`", PAGE)
    stack.engine._run(["import", "--file", str(file), *options.split(), "--yes", "--stack", stack.engine.stack])

    preview = stack.good("preview").stdout
    assert "~ 3 to update" in preview
    assert "replace" not in preview
    stack.good("up")
    assert {each["type"]: each["id"] for each in stack.engine.export() if each["type"] in ids} == ids
    assert stack.client("s3").get_object(Bucket=BUCKET, Key="images/cat.png")["Body"].read() == b"a cat"
    stack.good("preview", "--expect-no-changes")
    refused = stack.run("destroy", "--skip-preview=false")
    assert refused.returncode != 0
    assert "because it is protected" in refused.stdout + refused.stderr
