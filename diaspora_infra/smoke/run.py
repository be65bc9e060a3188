"""All questions, and asking them: each within its time, and none ends in a traceback."""

import queue
import threading
from collections.abc import Iterator, Sequence
from http.client import HTTPException

from botocore.exceptions import BotoCoreError, ClientError

from diaspora_infra.smoke import ask_account, ask_database, ask_gateway, ask_machine, ask_mail, ask_names, ask_storage
from diaspora_infra.smoke.answer import Answer, Question, UnansweredError, not_ok, unanswered
from diaspora_infra.smoke.world import World

_METRIC = "cloudwatch:GetMetricStatistics"
_OPERATIONS = {
    "GetAccountPlanState": "freetier:GetAccountPlanState",
    "GetSubscriptionAttributes": "sns:GetSubscriptionAttributes",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "GetMetricStatistics": _METRIC,
    "DescribeSnapshots": "ec2:DescribeSnapshots",
    "DescribeVolumes": "ec2:DescribeVolumes",
    "ListObjectsV2": "s3:ListBucket",
    "GetAccount": "ses:GetAccount",
    "GetEmailIdentity": "ses:GetEmailIdentity",
    "DescribeCertificate": "acm:DescribeCertificate",
}
"""The IAM action of each operation."""
_REFUSED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
}
"""What the services say when a permission is lacking."""

QUESTIONS: Sequence[Question] = (
    # first: the others must not wake the database
    Question(
        "resume",
        "How long does a page take while the database sleeps?",
        ask_database.resume,
        (_METRIC,),
        seconds=300,
    ),
    Question("pauses", "Does the database pause?", ask_database.pauses, (_METRIC,)),
    Question("plan", "Does the account's plan allow the stack?", ask_account.plan, ("freetier:GetAccountPlanState",)),
    Question("alerts", "Does anybody get the alerts?", ask_account.alerts, ("sns:GetSubscriptionAttributes",)),
    Question(
        "alarms", "Are the alarms of the machine there and quiet?", ask_machine.alarms, ("cloudwatch:DescribeAlarms",)
    ),
    Question("credits", "Do the machine's CPU credits suffice?", ask_machine.credits, (_METRIC,)),
    Question(
        "snapshots",
        "Is there a snapshot of the data volume from the last two days?",
        ask_machine.snapshots,
        ("ec2:DescribeSnapshots", "ec2:DescribeVolumes"),
    ),
    Question("backups", "Has the machine made a backup in the last two days?", ask_storage.backups, ("s3:ListBucket",)),
    Question("uploads", "Has the machine mounted the bucket of the uploads?", ask_storage.uploads, ("s3:ListBucket",)),
    Question("mail-account", "May the account send mail to anybody?", ask_mail.mail_account, ("ses:GetAccount",)),
    Question(
        "mail-identity", "Is mail of the domain verified and signed?", ask_mail.mail_identity, ("ses:GetEmailIdentity",)
    ),
    Question(
        "certificate", "Is the certificate issued, and renewed?", ask_names.certificate, ("acm:DescribeCertificate",)
    ),
    Question("dns", "Are the DNS records those of the stack?", ask_names.dns, seconds=200),
    Question("host", "Does nginx get the pod's host name through the gateway?", ask_gateway.host),
    Question("paths", "Does nginx get percent-encoded paths unchanged?", ask_gateway.paths, seconds=300),
    Question("upload", "Does an upload of 9 MiB arrive?", ask_gateway.upload, seconds=120),
    Question("upload-limit", "Does the gateway refuse an upload of 11 MiB?", ask_gateway.upload_limit, seconds=120),
)
"""Every question, in the order in which they are asked."""


def ask_all(world: World, questions: Sequence[Question] = QUESTIONS) -> Iterator[tuple[Question, Answer]]:
    """Ask one after the other."""
    for question in questions:
        yield question, ask(question, world)


def ask(question: Question, world: World) -> Answer:
    """Ask one question; what takes longer than its time is left behind, in a thread that does not keep the program."""
    answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(_answer(question, world)), daemon=True).start()
    try:
        return answers.get(timeout=question.seconds)
    except queue.Empty:
        return unanswered(f"no answer within {question.seconds} seconds", "ask again")


def _answer(question: Question, world: World) -> Answer:
    try:
        return question.ask(world)
    except UnansweredError as error:
        return unanswered(error.why, error.fix)
    except ClientError as error:
        return _refusal(error)
    except BotoCoreError as error:
        return unanswered(f"AWS was not reached ({type(error).__name__})", "see to the network and the credentials")
    except (OSError, HTTPException) as error:
        return unanswered(
            f"{world.stack.domain} does not answer ({str(error) or type(error).__name__})",
            "the pod must run (`sudo diaspora-pod status`), and its name must lead to it",
        )
    except Exception as error:  # no answer was ever seen from AWS: it may have any shape
        return unanswered(
            f"the answer has another form than its documentation ({type(error).__name__}: {error})", "report it"
        )


def _refusal(error: ClientError) -> Answer:
    code, operation = error.response.get("Error", {}).get("Code", "?"), error.operation_name
    if code in _REFUSED:
        permission = _OPERATIONS.get(operation, operation)
        return unanswered(f"needs permission {permission}", "use credentials that have it")
    if "NotFound" in code or code.startswith("NoSuch"):
        return not_ok(
            f"AWS has no such resource ({operation}: {code})",
            "a part of the stack is gone",
            "run `pulumi up --refresh`",
        )
    return unanswered(f"AWS refuses {operation}: {code}", "see docs/aws.md#when-it-does-not-work")
