"""Policy linters check whole pods; a program with planted faults shows that they find faults."""

import re
from collections.abc import Mapping

import pytest

from diaspora_infra.config.aws.availability import (
    AURORA_VERSIONS,
    INSTANCE_TYPES,
    REGIONS,
    REGIONS_WITHOUT_SMALL_RDS,
    REGIONS_WITHOUT_T3A,
)
from tests.aws.policy_linters.accepted import ACCEPTED, FINDINGS
from tests.aws.policy_linters.faults import FAULTS, faulty
from tests.aws.policy_linters.running import PolicyLinters, Verdict
from tests.aws.rules import Resources
from tests.aws.stacks import STACKS, resources

# they are asked once
pytestmark = [pytest.mark.system, pytest.mark.xdist_group("policy_linters")]


@pytest.fixture(scope="module")
def stacks() -> Mapping[str, Resources]:
    return {name: resources(program) for name, program in {**STACKS, "faulty": faulty}.items()}


@pytest.fixture(scope="module")
def verdict(stacks: Mapping[str, Resources], tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    return PolicyLinters(tmp_path_factory.mktemp("policy_linters")).check(stacks)


def test_policy_linters_find_only_accepted_findings(verdict: Verdict) -> None:
    found = {(each.check, each.resource) for each in verdict.findings if each.stack != "faulty"}
    assert found - FINDINGS == set(), "new findings"
    assert FINDINGS - found == set(), "no longer found: take them out of the list"


def test_accepted_findings_are_unique_and_have_a_reason() -> None:
    checks = [each.check for each in ACCEPTED]
    assert sorted(set(checks)) == sorted(checks)
    assert all(each.reason and each.resources for each in ACCEPTED)


@pytest.mark.parametrize("address", FAULTS)
def test_each_planted_fault_is_found_by_its_check(verdict: Verdict, address: str) -> None:
    found = {(each.check, each.resource) for each in verdict.findings if each.stack == "faulty"}
    assert (FAULTS[address], address) in found


def test_checks_of_planted_faults_are_not_accepted_elsewhere() -> None:
    """Or else the same fault in a pod would pass: an entry names resources, and none of the planted kind."""
    kinds = {(check, address.partition(".")[0]) for address, check in FAULTS.items()}
    accepted = {(check, resource.partition(".")[0]) for check, resource in FINDINGS}
    # names of servers in parameters of type String
    assert kinds & accepted == {("CKV2_AWS_34", "aws_ssm_parameter")}


def test_aurora_versions_are_those_that_can_be_created(verdict: Verdict) -> None:
    known = [version for version in verdict.offers["creatable"] if re.fullmatch(r"1[67]\.\d+", version)]
    assert set(known) == set(AURORA_VERSIONS)
    assert not {"13.9", "16.3", "16.99"} & set(AURORA_VERSIONS)


def test_every_region_offers_the_instance_types_and_classes(verdict: Verdict) -> None:
    assert "t4g.smal" not in verdict.offers["types"]["eu-west-1"]
    for region in REGIONS:
        assert region in verdict.offers["serverless"], region
        missing = INSTANCE_TYPES.keys() - set(verdict.offers["types"][region])
        expected = {name for name in INSTANCE_TYPES if name.startswith("t3a.") and region in REGIONS_WITHOUT_T3A}
        assert missing == expected, region
        classes = {"db.t4g.micro", "db.t4g.small", "db.t4g.medium"} & set(verdict.offers["classes"][region])
        assert len(classes) == (0 if region in REGIONS_WITHOUT_SMALL_RDS else 3), region
