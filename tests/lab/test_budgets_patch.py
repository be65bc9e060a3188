"""The simulator's patch for budgets: operations that moto lacks."""

from pathlib import Path

import boto3
import pytest
from moto.budgets.responses import BudgetsResponse

from lab.aws.account import Account
from lab.matchbox import free_ports

ACCOUNT = "123456789012"
NAME = {"AccountId": ACCOUNT, "BudgetName": "pod"}
NOTICE = {
    "NotificationType": "ACTUAL",
    "ComparisonOperator": "GREATER_THAN",
    "Threshold": 80.0,
    "ThresholdType": "PERCENTAGE",
}
SUBSCRIBER = {"SubscriptionType": "EMAIL", "Address": "podmin@example.org"}
ARN = f"arn:aws:budgets::{ACCOUNT}:budget/pod"


@pytest.mark.parametrize(
    "operation",
    [
        "update_budget",
        "describe_subscribers_for_notification",
        "list_tags_for_resource",
        "tag_resource",
        "untag_resource",
    ],
)
def test_moto_still_lacks_the_patched_operations(operation: str) -> None:
    assert not hasattr(BudgetsResponse, operation), f"moto has {operation} now: take it out of the patch"


def test_patched_budget_can_be_updated_described_and_tagged(tmp_path: Path) -> None:
    account = Account(tmp_path, *free_ports(1))
    account.start()
    try:
        client = boto3.client(
            "budgets",
            endpoint_url=account.endpoint,
            region_name="us-east-1",
            aws_access_key_id="simulator",
            aws_secret_access_key="simulator",
        )
        budget = {"BudgetName": "pod", "BudgetType": "COST", "TimeUnit": "MONTHLY"}
        client.create_budget(
            AccountId=ACCOUNT,
            Budget={**budget, "BudgetLimit": {"Amount": "20", "Unit": "USD"}},
            ResourceTags=[{"Key": "Pod", "Value": "a"}, {"Key": "Name", "Value": "b"}],
        )
        client.create_notification(**NAME, Notification=NOTICE, Subscribers=[SUBSCRIBER])
        asked = client.describe_subscribers_for_notification(**NAME, Notification=NOTICE)
        assert asked["Subscribers"] == [SUBSCRIBER]
        with pytest.raises(client.exceptions.NotFoundException):
            client.describe_subscribers_for_notification(**NAME, Notification={**NOTICE, "Threshold": 90.0})
        client.update_budget(AccountId=ACCOUNT, NewBudget={**budget, "BudgetLimit": {"Amount": "35", "Unit": "USD"}})
        assert client.describe_budget(**NAME)["Budget"]["BudgetLimit"]["Amount"] == "35"
        with pytest.raises(client.exceptions.NotFoundException):
            client.update_budget(AccountId=ACCOUNT, NewBudget={**budget, "BudgetName": "other"})
        client.tag_resource(ResourceARN=ARN, ResourceTags=[{"Key": "Pod", "Value": "c"}])
        client.untag_resource(ResourceARN=ARN, ResourceTagKeys=["Name"])
        assert client.list_tags_for_resource(ResourceARN=ARN)["ResourceTags"] == [{"Key": "Pod", "Value": "c"}]
        account.reset()
        assert client.list_tags_for_resource(ResourceARN=ARN)["ResourceTags"] == []
    finally:
        account.stop()
