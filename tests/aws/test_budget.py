"""The budget, through a real engine and the Terraform provider's own logic, in a simulated account."""

from pathlib import Path
from typing import Any

import pytest

from lab.aws.account import Account
from tests.support.aws_stack import AwsStack, program

ACCOUNT = "123456789012"
PROGRAM = """
import pulumi
from diaspora_infra.aws.budget import Budget

settings = pulumi.Config("diaspora-infra").require_object("budget")
budget = Budget("pod", {**settings, "tags": {"Pod": "pod.example.org"}})
pulumi.export("name", budget.budget_name)
"""


@pytest.fixture
def stack(account: Account, tmp_path: Path) -> AwsStack:
    """A stack with nothing but a budget."""
    return AwsStack(account, tmp_path / "lab", program(tmp_path, "diaspora-infra", PROGRAM))


def alerts(client: Any, name: str) -> dict[tuple[str, float], list[str]]:
    """Addresses by kind and percent."""
    budget = {"AccountId": ACCOUNT, "BudgetName": name}
    found = client.describe_notifications_for_budget(**budget)["Notifications"]
    assert all((each["ComparisonOperator"], each["ThresholdType"]) == ("GREATER_THAN", "PERCENTAGE") for each in found)
    return {
        (each["NotificationType"], each["Threshold"]): [
            subscriber["Address"]
            for subscriber in client.describe_subscribers_for_notification(**budget, Notification=each)["Subscribers"]
            if subscriber["SubscriptionType"] == "EMAIL"
        ]
        for each in found
    }


def test_budget_sends_alerts_to_the_podmin(stack: AwsStack) -> None:
    stack.values = {"budget": {"monthly_usd": 20, "email": "podmin@example.org"}}
    stack.good("up")
    stack.good("refresh", "--expect-no-changes")
    stack.good("preview", "--expect-no-changes")
    client, name = stack.client("budgets"), stack.engine.outputs()["name"]
    budget = client.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert (budget["BudgetType"], budget["TimeUnit"]) == ("COST", "MONTHLY")
    assert (float(budget["BudgetLimit"]["Amount"]), budget["BudgetLimit"]["Unit"]) == (20, "USD")
    assert not any(budget["CostTypes"][f"Include{kind}"] for kind in ("Tax", "Credit", "Refund"))
    assert not budget.get("CostFilters"), "the whole account"
    address = ["podmin@example.org"]
    assert alerts(client, name) == {("ACTUAL", 80): address, ("FORECASTED", 100): address}
    tags = client.list_tags_for_resource(ResourceARN=f"arn:aws:budgets::{ACCOUNT}:budget/{name}")["ResourceTags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Pod": "pod.example.org", "Name": "pod budget"}

    stack.values = {"budget": {"monthly_usd": 35, "email": "other@example.org"}}
    stack.good("up")
    assert stack.engine.outputs()["name"] == name
    changed = client.describe_budget(AccountId=ACCOUNT, BudgetName=name)["Budget"]
    assert float(changed["BudgetLimit"]["Amount"]) == 35
    assert set(map(tuple, alerts(client, name).values())) == {("other@example.org",)}
    stack.good("preview", "--expect-no-changes")

    stack.good("destroy")
    assert client.describe_budgets(AccountId=ACCOUNT)["Budgets"] == []
