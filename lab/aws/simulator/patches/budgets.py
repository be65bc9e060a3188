"""Budgets: updates, subscribers and tags."""

import json
from datetime import UTC, datetime
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import Budget
from moto.budgets.responses import BudgetsResponse


def apply() -> None:
    """Without: a budget with an alert cannot be created, because nothing lists its subscribers; no updates, no tags."""
    original = BudgetsResponse.create_budget

    def create_budget(response: Any) -> str:
        answer: str = original(response)
        budget = response._get_param("Budget")
        _begin(_budget(response, budget["BudgetName"]))
        _tags(response)[_arn(response, budget["BudgetName"])] = response._get_param("ResourceTags") or []
        return answer

    BudgetsResponse.create_budget = create_budget
    BudgetsResponse.update_budget = _update_budget
    BudgetsResponse.describe_subscribers_for_notification = _describe_subscribers
    BudgetsResponse.list_tags_for_resource = _list_tags
    BudgetsResponse.tag_resource = _tag
    BudgetsResponse.untag_resource = _untag


def _begin(budget: Budget) -> None:
    """A budget without a start begins with the current month, as on AWS."""
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    budget.budget["TimePeriod"].setdefault("Start", month.timestamp())


def _update_budget(response: Any) -> str:
    changed = response._get_param("NewBudget")
    budget = _budget(response, changed["BudgetName"])
    budget.budget.update(changed)
    _begin(budget)
    return json.dumps({})


def _describe_subscribers(response: Any) -> str:
    budget = _budget(response, response._get_param("BudgetName"))
    details = response._get_param("Notification")
    found = [notification for notification in budget.notifications if notification.details == details]
    if not found:
        raise NotFoundException("Unable to get subscribers - the notification doesn't exist.")
    return json.dumps({"Subscribers": found[0].subscribers, "NextToken": None})


def _list_tags(response: Any) -> str:
    return json.dumps({"ResourceTags": _tags(response).get(response._get_param("ResourceARN"), [])})


def _tag(response: Any) -> str:
    arn, new = response._get_param("ResourceARN"), response._get_param("ResourceTags")
    keys = {tag["Key"] for tag in new}
    _tags(response)[arn] = [tag for tag in _tags(response).get(arn, []) if tag["Key"] not in keys] + new
    return json.dumps({})


def _untag(response: Any) -> str:
    arn, keys = response._get_param("ResourceARN"), response._get_param("ResourceTagKeys")
    _tags(response)[arn] = [tag for tag in _tags(response).get(arn, []) if tag["Key"] not in keys]
    return json.dumps({})


def _budget(response: Any, name: str) -> Budget:
    budgets = response.backend.budgets[response._get_param("AccountId")]
    if name not in budgets:
        raise NotFoundException(f"Unable to find budget: {name}")
    found: Budget = budgets[name]
    return found


def _arn(response: Any, name: str) -> str:
    return f"arn:{response.partition}:budgets::{response._get_param('AccountId')}:budget/{name}"


def _tags(response: Any) -> dict[str, list[dict[str, str]]]:
    """Kept in the backend, so that a reset of the simulator forgets them."""
    tags: dict[str, list[dict[str, str]]] = response.backend.__dict__.setdefault("_tags", {})
    return tags
