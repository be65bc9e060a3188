"""Budgets: changes, subscribers of a notification, tags, and a period without a start.

moto 5.2.5: UpdateBudget, DescribeSubscribersForNotification, TagResource, UntagResource and ListTagsForResource are
unknown operations; a TimePeriod that has an end alone gets no start.
AWS: https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UpdateBudget.html,
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html,
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TagResource.html; the start:
https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TimePeriod.html.
Changes moto/budgets/models.py, moto/budgets/responses.py.
"""

import json
from datetime import UTC, datetime
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget, BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.utilities.tagging_service import TaggingService

_original_backend = BudgetsBackend.__init__
_original_create_budget = BudgetsResponse.create_budget


def init_backend(self: BudgetsBackend, region_name: str, account_id: str) -> None:
    """Keep tags."""
    _original_backend(self, region_name, account_id)
    self.tagger = TaggingService()


def create_budget(self: BudgetsResponse) -> str:
    """CreateBudget: with tags and a start."""
    answer = _original_create_budget(self)
    name = self._get_param("Budget")["BudgetName"]
    _begin(_budget(self, name))
    arn = f"arn:{self.partition}:budgets::{self._get_param('AccountId')}:budget/{name}"
    _tagger(self).tag_resource(arn, self._get_param("ResourceTags") or [])
    return answer


def update_budget(self: BudgetsResponse) -> str:
    """UpdateBudget."""
    new_budget = self._get_param("NewBudget")
    budget = _budget(self, new_budget["BudgetName"])
    budget.budget.update(new_budget)
    _begin(budget)
    return json.dumps({})


def describe_subscribers_for_notification(self: BudgetsResponse) -> str:
    """DescribeSubscribersForNotification."""
    budget = _budget(self, self._get_param("BudgetName"))
    notification = self._get_param("Notification")
    found = [each for each in budget.notifications if each.details == notification]
    if not found:
        raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")
    return json.dumps({"Subscribers": found[0].subscribers, "NextToken": None})


def list_tags_for_resource(self: BudgetsResponse) -> str:
    """ListTagsForResource."""
    tags = _tagger(self).list_tags_for_resource(self._get_param("ResourceARN"))
    return json.dumps({"ResourceTags": tags["Tags"]})


def tag_resource(self: BudgetsResponse) -> str:
    """TagResource."""
    _tagger(self).tag_resource(self._get_param("ResourceARN"), self._get_param("ResourceTags"))
    return json.dumps({})


def untag_resource(self: BudgetsResponse) -> str:
    """UntagResource."""
    _tagger(self).untag_resource_using_names(self._get_param("ResourceARN"), self._get_param("ResourceTagKeys"))
    return json.dumps({})


def _begin(budget: Budget) -> None:
    """Begin with the month when no start is given."""
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    budget.budget["TimePeriod"].setdefault("Start", month.timestamp())


def _budget(response: BudgetsResponse, name: str) -> Budget:
    budgets = response.backend.budgets[response._get_param("AccountId")]
    if name not in budgets:
        raise NotFoundException(f"Unable to find budget: {name}")
    return budgets[name]


def _tagger(response: BudgetsResponse) -> TaggingService:
    backend: Any = response.backend
    tagger: TaggingService = backend.tagger
    return tagger


PATCHES = [
    (BudgetsBackend, "__init__", init_backend),
    (BudgetsResponse, "create_budget", create_budget),
    (BudgetsResponse, "update_budget", update_budget),
    (BudgetsResponse, "describe_subscribers_for_notification", describe_subscribers_for_notification),
    (BudgetsResponse, "list_tags_for_resource", list_tags_for_resource),
    (BudgetsResponse, "tag_resource", tag_resource),
    (BudgetsResponse, "untag_resource", untag_resource),
]
