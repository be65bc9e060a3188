"""Alarms of CloudWatch, which tell a topic when they go on and off."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.tags import Tags


def create_alarm(
    name: str,
    topic_arn: pulumi.Input[str] | None,
    tags: Tags,
    opts: pulumi.ResourceOptions,
    actions: Sequence[pulumi.Input[str]] = (),
    **rule: Any,
) -> None:
    """Make an alarm on one metric; `actions` happen when it goes on, before the topic is told, if there is one."""
    topics = [topic_arn] if topic_arn is not None else []
    aws.cloudwatch.MetricAlarm(name, alarm_actions=[*actions, *topics], ok_actions=topics, tags=tags, opts=opts, **rule)
