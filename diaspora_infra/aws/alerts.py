"""Alerts: where alarms go, and who is told."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.account import account_id
from diaspora_infra.aws.policy import Statement, document
from diaspora_infra.aws.tags import named

EVENTS = "events.amazonaws.com"
SENDERS = ("cloudwatch.amazonaws.com", "ses.amazonaws.com")
"""The services that may send alerts, for this account alone. A budget sends its mail without the topic."""


class AlertsArgs(TypedDict):
    """What Alerts needs."""

    email: pulumi.Input[str]
    """Who is told. AWS first sends a mail there with a link that confirms it; until then it sends nothing else."""
    events: NotRequired[bool]
    """Let rules of EventBridge send alerts too; false when not set. A plain value, not an output."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of everything in it."""


class Alerts(pulumi.ComponentResource):
    """A topic that sends what it gets by mail."""

    topic_arn: pulumi.Output[str]
    """ARN of the topic; it is known when services may send to it."""

    def __init__(self, name: str, args: AlertsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Alerts", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # not encrypted with a key: those that cost nothing shut alarms out, and no alert holds a secret
        topic = aws.sns.Topic(f"{name}-alerts", tags=named(args.get("tags"), f"{name} alerts"), opts=child)
        policy = aws.sns.TopicPolicy(
            f"{name}-alerts",
            arn=topic.arn,
            policy=pulumi.Output.all(topic.arn, account_id(self)).apply(
                lambda values: topic_policy(*values, events=args.get("events", False))
            ),
            opts=child,
        )
        aws.sns.TopicSubscription(
            f"{name}-podmin", topic=topic.arn, protocol="email", endpoint=args["email"], opts=child
        )
        self.topic_arn = policy.arn
        self.register_outputs({"topicArn": self.topic_arn})


def topic_policy(topic: str, account: str, *, events: bool = False) -> str:
    """Let the services of AWS send to a topic, on behalf of this account only; with `events` EventBridge as well.

    EventBridge sends nothing where the policy of a topic has a condition for it (EventBridge user guide, Amazon SNS
    permissions), so whoever knows the name of the topic could send a mail by a rule of another account.
    """
    send = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
    statements: list[Statement] = [
        {
            "Sid": "OwnServices",
            "Principal": {"Service": list(SENDERS)},
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            **send,
        }
    ]
    if events:
        statements.append({"Sid": "Events", "Principal": {"Service": EVENTS}, **send})
    return document(statements)
