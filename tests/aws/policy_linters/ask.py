"""Asks checkov, parliament and cfn-lint's data. It runs by the Python of `tools.policy_linters`, without code of ours.

Reads {"plans": [file], "policies": {name: document}} from stdin, writes {"checkov": [[file, check, resource]],
"parliament": [[name, issue, about]], "types": {region: [type]}, "classes": {region: [class]}, "serverless": [region],
"creatable": [version]}.
"""

import json
import sys
import warnings
from pathlib import Path

AURORA, SERVERLESS = "aurora-postgresql", "db.serverless"


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    answers, sys.stdout = sys.stdout, sys.stderr
    warnings.simplefilter("ignore")
    found = {"checkov": checkov(request["plans"]), "parliament": parliament(request["policies"]), **offers()}
    json.dump(found, answers)


def checkov(plans):
    """Failed checks of Terraform plans."""
    from checkov.runner_filter import RunnerFilter
    from checkov.terraform.plan_runner import Runner

    report = Runner().run(root_folder=None, files=plans, runner_filter=RunnerFilter(framework=["terraform_plan"]))
    if report.parsing_errors:
        raise ValueError(f"checkov cannot read {report.parsing_errors}")
    failed = {(Path(record.file_path).stem, record.check_id, record.resource) for record in report.failed_checks}
    return sorted(failed)


def parliament(policies):
    """What is wrong with policies."""
    from parliament import analyze_policy_string

    return sorted(
        {
            (name, finding.issue, _about(finding))
            for name, document in policies.items()
            for finding in analyze_policy_string(document, include_community_auditors=True).findings
        }
    )


def _about(finding):
    return finding.detail if isinstance(finding.detail, str) else ""


def offers():
    """What AWS offers, by the data of cfn-lint."""
    import cfnlint

    extensions = Path(cfnlint.__file__).parent / "data/schemas/extensions"

    def data(name):
        return json.loads((extensions / name).read_text(encoding="utf-8"))

    types = data("aws_ec2_instance/instancetype_enum.json")
    known = data("aws_rds_dbcluster/engine_version.json")
    old = data("aws_rds_dbcluster/engine_version_deprecated.json")
    creatable = _versions(known, AURORA) - _versions(old, AURORA)
    classes = data("aws_rds_dbinstance/dbinstanceclass_enum.json")
    return {
        "types": {region: entry["enum"] for region, entry in types.items() if "enum" in entry},
        "classes": {region: sorted(_classes(entry, "postgres")) for region, entry in classes.items()},
        "serverless": [region for region, entry in classes.items() if SERVERLESS in _classes(entry, AURORA)],
        "creatable": sorted(creatable),
    }


def _versions(schema, engine):
    rules = [rule for rule in schema["allOf"] if rule["if"]["properties"]["Engine"].get("const") == engine]
    return {version for rule in rules for version in _enum(rule, "EngineVersion")}


def _classes(schema, engine):
    rules = [rule for rule in schema["allOf"] if rule["if"]["properties"]["Engine"].get("const") == engine]
    return {each for rule in rules for each in _enum(rule, "DBInstanceClass")}


def _enum(rule, name):
    """The values that a rule knows: in its condition where it forbids them, else in what follows."""
    part = rule["if"] if "enum" in rule["if"]["properties"].get(name, {}) else rule["then"]
    return part["properties"][name]["enum"]


if __name__ == "__main__":
    main()
