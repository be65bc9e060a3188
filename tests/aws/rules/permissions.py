"""Roles, policies and topics; mail and tags."""

import re
from collections.abc import Iterator

from tests.aws.rules.resources import REGION, Asked, Resources, of, several, statements

USERS = {
    "aws:iam/instanceProfile:InstanceProfile": ("role", "ec2.amazonaws.com"),
    "aws:dlm/lifecyclePolicy:LifecyclePolicy": ("executionRoleArn", "dlm.amazonaws.com"),
    "aws:ec2/flowLog:FlowLog": ("iamRoleArn", "vpc-flow-logs.amazonaws.com"),
    "aws:codebuild/project:Project": ("serviceRole", "codebuild.amazonaws.com"),
    "aws:cloudwatch/eventTarget:EventTarget": ("roleArn", "events.amazonaws.com"),
}
"""Who takes a role: the input that names it, and the service that the role must trust."""

LONGEST = {"aws:iam/rolePolicy:RolePolicy": 10240, "aws:iam/userPolicy:UserPolicy": 2048}
"""Characters of inline policies, without spaces (IAM user guide, quotas)."""

SENDERS = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch.amazonaws.com",
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": "ses.amazonaws.com",
}

OF_NO_RESOURCE = {
    "ecr:GetAuthorizationToken", "autoscaling:DescribeAutoScalingInstances", "cloudwatch:PutMetricData",
}  # fmt: skip
"""Actions that AWS allows for all resources or not at all (service authorization reference, Amazon ECR, EC2 Auto
Scaling and Amazon CloudWatch)."""

OTHER_IN_TAGS = re.compile(r"[^\w\s+=.:/@-]")
"""What services other than EC2 refuse in a tag (tagging best practices, naming limits)."""

DESCRIPTION = re.compile(r"[A-Za-z0-9. _:/()#,@\[\]+=&;{}!$*-]{1,255}")
"""Description of a security group or rule (EC2 API reference, CreateSecurityGroup)."""


def policies(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:iam/role:Role"):
        for statement in statements(each, "assumeRolePolicy"):
            if not statement.get("Principal", {}).get("Service"):
                yield f"{each.name}: nobody may take this role"
    for each in of(resources, *LONGEST):
        for statement in statements(each):
            for key in ("Action", "Resource"):
                values = several(statement[key])
                if key == "Resource" and OF_NO_RESOURCE.issuperset(several(statement["Action"])):
                    continue
                if any(value == "*" or (key == "Action" and value.endswith(":*")) for value in values):
                    yield f"{each.name}: {key} {values}"
            # the only thing that tells one pod's metrics from another's
            if "cloudwatch:PutMetricData" in several(statement["Action"]) and not (
                statement.get("Condition", {}).get("StringEquals", {}).get("cloudwatch:namespace")
            ):
                yield f"{each.name}: metrics of any name"
            if any("parameter//" in value for value in several(statement["Resource"])):
                yield f"{each.name}: a parameter's name begins with a slash, its ARN has one"
        if len(re.sub(r"\s", "", each.inputs["policy"])) > LONGEST[each.token]:
            yield f"{each.name}: a policy that is too long"


def trusts(resources: Resources) -> Iterator[str]:
    roles = {each.urn: each for each in of(resources, "aws:iam/role:Role")}
    for each in of(resources, *USERS):
        if _sends_alerts(each):
            continue
        name, service = USERS[each.token]
        trusting = [roles[urn] for urn in each.depends.get(name, []) if urn in roles]
        found = {
            str(statement.get("Principal", {}).get("Service"))
            for role in trusting
            for statement in statements(role, "assumeRolePolicy")
        }
        if found != {service}:
            yield f"{each.name}: a role for {sorted(found)}, not for {service}"


def _sends_alerts(target: Asked) -> bool:
    """Whether this is a target of EventBridge that is a topic, which has a policy of its own instead of a role."""
    return target.token == "aws:cloudwatch/eventTarget:EventTarget" and ":sns:" in target.inputs["arn"]


def builds(resources: Resources) -> Iterator[str]:
    """StartBuild takes other commands than those of the project, so it is for EventBridge alone."""
    roles = {each.urn: each for each in of(resources, "aws:iam/role:Role")}
    for each in of(resources, "aws:iam/rolePolicy:RolePolicy"):
        if not any("codebuild:StartBuild" in several(statement["Action"]) for statement in statements(each)):
            continue
        for urn in each.depends.get("role", []):
            trusted = [statement.get("Principal") for statement in statements(roles[urn], "assumeRolePolicy")]
            if trusted != [{"Service": "events.amazonaws.com"}]:
                yield f"{each.name}: who starts a build may replace its commands"


def topics(resources: Resources) -> Iterator[str]:
    allowed = {
        sender
        for each in of(resources, "aws:sns/topicPolicy:TopicPolicy")
        for statement in statements(each)
        for sender in several(statement.get("Principal", {}).get("Service"))
    }
    for each in of(resources, "aws:cloudwatch/eventTarget:EventTarget") if allowed else ():
        if _sends_alerts(each) and "events.amazonaws.com" not in allowed:
            yield f"{each.name}: its alerts would be thrown away"
    for each in of(resources, *SENDERS) if allowed else ():
        if SENDERS[each.token] not in allowed:
            yield f"{each.name}: its alerts would be thrown away"


def mails(resources: Resources) -> Iterator[str]:
    domains = {each.inputs["emailIdentity"] for each in of(resources, "aws:sesv2/emailIdentity:EmailIdentity")}
    for each in of(resources, "aws:sesv2/emailIdentityMailFromAttributes:EmailIdentityMailFromAttributes"):
        if not any(each.inputs["mailFromDomain"].endswith(f".{domain}") for domain in domains):
            yield f"{each.name}: MAIL FROM is below the domain"
    if domains:
        shown = {(each.inputs["type"], each.inputs["name"]) for each in of(resources, "aws:route53/record:Record")}
        keys = [name for kind, name in shown if kind == "CNAME" and "._domainkey." in name]
        if shown and len(keys) != 3:
            yield f"{len(keys)} DKIM keys in DNS"


def endpoints(resources: Resources) -> Iterator[str]:
    for each in of(resources, "aws:ec2/vpcEndpoint:VpcEndpoint"):
        if each.inputs["serviceName"] != f"com.amazonaws.{REGION}.s3":
            yield f"{each.name}: an endpoint of another region"


def texts(resources: Resources) -> Iterator[str]:
    groups = (
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    )
    for each in of(resources, *groups):
        if not DESCRIPTION.fullmatch(each.inputs.get("description", "")):
            yield f"{each.name}: description"


def tags(resources: Resources) -> Iterator[str]:
    for each in resources:
        found = each.inputs.get("tags") or {}
        if isinstance(found, list):  # those of an Auto Scaling group
            found = {tag["key"]: tag["value"] for tag in found}
        if len(found) > (10 if each.token == "aws:s3/bucketObjectv2:BucketObjectv2" else 50):
            yield f"{each.name}: {len(found)} tags"
        for key, value in found.items():
            if len(key) > 128 or len(value) > 256 or key.lower().startswith("aws:"):
                yield f"{each.name}: tag {key}"
            if not each.token.startswith("aws:ec2/") and OTHER_IN_TAGS.search(key + value):
                yield f"{each.name}: letters in tag {key}"
