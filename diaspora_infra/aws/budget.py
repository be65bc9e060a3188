"""Budget: a mail before the month's bill passes a sum."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from diaspora_infra.aws.arguments import whole_text
from diaspora_infra.aws.tags import named

ACTUAL_PERCENT = 80
"""A mail is sent when so much of the sum is spent ..."""
FORECAST_PERCENT = 100
"""... and when AWS foresees that the month will end above this. It foresees nothing in an account's first weeks."""


class BudgetArgs(TypedDict):
    """What a Budget needs."""

    monthly_usd: pulumi.Input[int]
    """Dollars a month, without tax."""
    email: pulumi.Input[str]
    """Who is told. AWS mails directly: nothing needs to be confirmed."""
    tags: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Tags of the budget."""


class Budget(pulumi.ComponentResource):
    """A budget for the whole account.

    Not for this stack alone: AWS can tell costs by tags only after somebody has turned that on by hand in the billing
    console, and until then such a budget would never say anything. Tax is left out, as in `diaspora-infra cost`, and so
    are credits and refunds: what is used counts, not what is paid. A budget stops nothing, and AWS reckons a few times
    a day.
    """

    budget_name: pulumi.Output[str]
    """Name of the budget in the account."""

    def __init__(self, name: str, args: BudgetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("diaspora-infra:index:Budget", name, {}, opts)
        budget = aws.budgets.Budget(
            f"{name}-budget",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=pulumi.Output.from_input(args["monthly_usd"]).apply(whole_text),
            limit_unit="USD",
            # with credits taken off, a new account spends nothing until the day when they are used up
            cost_types={"include_tax": False, "include_credit": False, "include_refund": False},
            notifications=[
                _notification("ACTUAL", ACTUAL_PERCENT, args["email"]),
                _notification("FORECASTED", FORECAST_PERCENT, args["email"]),
            ],
            tags=named(args.get("tags"), f"{name} budget"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.budget_name = budget.name
        self.register_outputs({"budgetName": self.budget_name})


def _notification(kind: str, percent: int, email: pulumi.Input[str]) -> aws.budgets.BudgetNotificationArgsDict:
    return {
        "notification_type": kind,
        "comparison_operator": "GREATER_THAN",
        "threshold": percent,
        "threshold_type": "PERCENTAGE",
        "subscriber_email_addresses": [email],
    }
