"""The plan of the account, and who gets its alerts."""

import datetime
from dataclasses import replace

import pytest

from diaspora_infra.smoke.answer import Status
from tests.smoke.worlds import asked, client, planted, refusing, stack, without, world

PLAN = "get_account_plan_state"
ACCOUNT = {"accountId": "123456789012"}
SUBSCRIPTION = "sns/topicSubscription:TopicSubscription"


def test_paid_plan_is_ok() -> None:
    answers = planted(
        "freetier", PLAN, {**ACCOUNT, "accountPlanType": "PAID", "accountPlanStatus": "ACTIVE"}, region="us-east-1"
    )
    answer = asked("plan", world(client=answers))
    assert (answer.status, answer.observed) == (Status.OK, "plan PAID, ACTIVE")
    answers.done()


def test_free_plan_is_not_ok() -> None:
    ends = datetime.datetime(2027, 3, 1, tzinfo=datetime.UTC)
    plan = {**ACCOUNT, "accountPlanType": "FREE", "accountPlanStatus": "ACTIVE", "accountPlanExpirationDate": ends}
    answer = asked("plan", world(client=planted("freetier", PLAN, plan, region="us-east-1")))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "plan FREE, ACTIVE, until 2027-03-01")
    assert "cannot create an Aurora cluster" in answer.meaning
    assert "upgrade to the Paid plan" in answer.fix


def test_account_without_a_plan_is_ok() -> None:
    answers = refusing("freetier", PLAN, "ResourceNotFoundException", region="us-east-1")
    answer = asked("plan", world(client=answers))
    assert (answer.status, answer.observed) == (Status.OK, "the account has no plan")


def test_other_refusal_of_the_plan_is_no_good_answer() -> None:
    answer = asked("plan", world(client=refusing("freetier", PLAN, "ThrottlingException", region="us-east-1")))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert answer.observed == "AWS refuses GetAccountPlanState: ThrottlingException"


def test_other_partition_is_not_asked_about_plans() -> None:
    answer = asked("plan", world(replace(stack(), partition="aws-cn")))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)


def subscribed() -> str:
    """The id of a confirmed subscription in the simulated account."""
    sns = client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    found = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="podmin@example.org", ReturnSubscriptionArn=True)
    return str(found["SubscriptionArn"])


@pytest.mark.usefixtures("account")
def test_confirmed_subscription_is_ok() -> None:
    recorded = stack()
    made = subscribed()
    resources = [replace(each, id=made) if each.kind == f"aws:{SUBSCRIPTION}" else each for each in recorded.resources]
    answer = asked("alerts", world(replace(recorded, resources=resources), client=client))
    assert (answer.status, answer.observed) == (Status.OK, "the subscription is confirmed")


@pytest.mark.usefixtures("account")
def test_subscription_that_is_gone_is_not_ok() -> None:
    answer = asked("alerts", world(client=client))
    assert (answer.status, answer.observed) == (Status.NOT_OK, "the subscription is gone")


def test_subscription_that_waits_is_not_ok() -> None:
    answers = planted("sns", "get_subscription_attributes", {"Attributes": {"PendingConfirmation": "true"}})
    answer = asked("alerts", world(client=answers))
    assert (answer.status, answer.meaning) == (Status.NOT_OK, "nobody is told of alarms")
    assert "open the link" in answer.fix


def test_refused_subscription_is_no_missing_one() -> None:
    answer = asked("alerts", world(client=refusing("sns", "get_subscription_attributes", "AuthorizationError")))
    assert answer.observed == "needs permission sns:GetSubscriptionAttributes"


def test_stack_without_alerts_is_not_asked() -> None:
    answer = asked("alerts", world(without(stack(), SUBSCRIPTION)))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, False)
