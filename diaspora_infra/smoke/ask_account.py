"""Questions about the account: its plan, and whether alerts reach anybody."""

from botocore.exceptions import ClientError

from diaspora_infra.smoke.answer import Answer, not_asked, not_ok, ok
from diaspora_infra.smoke.world import World

_PLAN_REGION = "us-east-1"  # the only endpoint of the service


def plan(world: World) -> Answer:
    """The Free plan creates no Aurora cluster, and ends with the account."""
    if world.stack.partition != "aws":
        return not_asked("there are no plans in this partition of AWS")
    try:
        answer = world.client("freetier", region=_PLAN_REGION).get_account_plan_state()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return ok("the account has no plan", "it is older than the plans of 2025, as AWS's documentation reads")
    kind, status = answer["accountPlanType"], answer["accountPlanStatus"]
    ends = answer.get("accountPlanExpirationDate")
    seen = f"plan {kind}, {status}" + (f", until {ends:%Y-%m-%d}" if ends else "")
    if kind == "PAID":
        return ok(seen)
    return not_ok(
        seen,
        "the Free plan cannot create an Aurora cluster, and AWS closes the account when the plan ends",
        "upgrade to the Paid plan in the console: Billing and Cost Management, Account plan",
    )


def alerts(world: World) -> Answer:
    """A subscription that nobody has confirmed gets no mail."""
    subscription = world.stack.first("sns/topicSubscription:TopicSubscription", "Alerts")
    if subscription is None:
        return not_asked("the stack has no subscription of alerts")
    try:
        found = world.client("sns").get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"NotFound", "NotFoundException"}:
            raise
        return not_ok(
            "the subscription is gone",
            "nobody is told of alarms; AWS removes a subscription that nobody confirms",
            "run `pulumi up --refresh`, and open the link in the mail that AWS sends then",
        )
    if found.get("PendingConfirmation") == "true":
        return not_ok(
            "the subscription waits for its confirmation",
            "nobody is told of alarms",
            "open the link in the mail of AWS; SNS in the console has a button that sends it again",
        )
    return ok("the subscription is confirmed")
