"""What the policy linters say of stacks."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tests.aws.policy_linters.plan import address, plan, schemas
from tests.aws.rules import Resources
from tools.policy_linters import policy_linters_python

ASK = Path(__file__).with_name("ask.py")


class Finding(NamedTuple):
    """A check that failed for a resource of a stack."""

    stack: str
    check: str
    resource: str


@dataclass(frozen=True)
class Verdict:
    """What checkov and parliament found, and what cfn-lint says that AWS offers."""

    findings: frozenset[Finding]
    offers: Mapping[str, Any]


@dataclass(frozen=True)
class PolicyLinters:
    """The policy linters; `folder` takes the plans."""

    folder: Path

    @cached_property
    def _schemas(self) -> Mapping[str, Any]:
        return schemas(self.folder)

    def check(self, stacks: Mapping[str, Resources]) -> Verdict:
        """Ask all of them about all stacks at once: most of the time goes into their start."""
        plans = [self._write(name, resources) for name, resources in stacks.items()]
        policies = {
            f"{stack} {address(each)}": each.inputs["policy"]
            for stack, resources in stacks.items()
            for each in resources
            # what expires in a repository of images is no policy of IAM
            if "policy" in each.inputs and not each.token.startswith("aws:ecr/lifecyclePolicy:")
        }
        request = json.dumps({"plans": plans, "policies": policies})
        result = subprocess.run(
            [str(policy_linters_python()), str(ASK)],
            input=request,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        assert result.returncode == 0, result.stderr
        answer = json.loads(result.stdout)
        found = {Finding(*each) for each in answer.pop("checkov")}
        for name, issue, about in answer.pop("parliament"):
            stack, _, resource = name.partition(" ")
            found.add(Finding(stack, f"{issue}: {about}" if about else issue, resource))
        return Verdict(frozenset(found), answer)

    def _write(self, name: str, resources: Resources) -> str:
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps(plan(resources, self._schemas)), encoding="utf-8")
        return str(file)
