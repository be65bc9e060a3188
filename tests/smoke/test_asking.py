"""Asking: every question ends in its time, and no answer of AWS ends in a traceback."""

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, ReadTimeoutError

from diaspora_infra.pxe.pki import create_pki
from diaspora_infra.smoke.answer import Answer, Question, Status, ok
from diaspora_infra.smoke.run import _OPERATIONS, QUESTIONS, ask, ask_all
from diaspora_infra.smoke.world import World, https
from tests.smoke.worlds import asked, client, stack, world

OF_AWS = [question.key for question in QUESTIONS if question.permissions]


def failing(error: Exception | None = None) -> Any:
    """Clients that end every call with an error; by default that of a missing permission."""

    def make(service: str, region: str | None = None) -> Any:
        made = client(service, region)

        def fail(model: Any, **_: object) -> None:
            raise error or ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, model.name)

        made.meta.events.register("before-call", fail)
        return made

    return make


@pytest.mark.parametrize("key", OF_AWS)
def test_missing_permission_is_named_and_is_no_good_answer(key: str) -> None:
    (question,) = (question for question in QUESTIONS if question.key == key)
    answer = asked(key, world(client=failing()))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert answer.observed in {f"needs permission {permission}" for permission in question.permissions}


def test_permissions_are_those_of_the_operations_and_none_writes() -> None:
    assert {*_OPERATIONS.values()} == {name for question in QUESTIONS for name in question.permissions}
    assert [name for name in _OPERATIONS if not name.startswith(("Get", "Describe", "List"))] == []


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="https://x"), ReadTimeoutError(endpoint_url="https://x"), BotoCoreError()],
)
def test_aws_that_is_not_reached_is_reported(error: BotoCoreError) -> None:
    answer = asked("certificate", world(client=failing(error)))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert answer.observed == f"AWS was not reached ({type(error).__name__})"


@pytest.mark.parametrize("error", [KeyError("Status"), TypeError("x"), ValueError("y"), IndexError("z")])
def test_answer_of_another_form_is_reported(error: Exception) -> None:
    answer = asked("certificate", world(client=failing(error)))
    assert (answer.status, answer.unanswered, answer.fix) == (Status.NOT_ASKED, True, "report it")
    assert answer.observed.startswith(f"the answer has another form than its documentation ({type(error).__name__}: ")


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(111, "Connection refused"), TimeoutError(), http.client.BadStatusLine("x")]
)
def test_pod_that_is_not_reached_is_reported(error: Exception) -> None:
    def connect(_host: str, _seconds: float) -> http.client.HTTPConnection:
        raise error

    answer = asked("host", world(connect=connect))
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert answer.observed.startswith("pod.example.org does not answer (")
    assert answer.observed != "pod.example.org does not answer ()"


def test_certificate_of_the_pod_is_checked(tmp_path: Path) -> None:
    made = create_pki(tmp_path, ["127.0.0.1"], days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate("server"), made.key("server"))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                context.wrap_socket(server.accept()[0], server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        answer = asked("host", world(connect=lambda _, seconds: https(place, seconds)))
        thread.join(10)
    assert (answer.status, answer.unanswered) == (Status.NOT_ASKED, True)
    assert "CERTIFICATE_VERIFY_FAILED" in answer.observed


def test_question_that_takes_too_long_is_left_behind() -> None:
    end = threading.Event()

    def wait(_: World) -> Answer:
        end.wait(30)
        return ok("at last")

    started = time.monotonic()
    answers = ask_all(
        world(), [Question("slow", "?", wait, seconds=1), Question("quick", "?", lambda _: ok("here"), seconds=5)]
    )
    assert [(question.key, answer.observed) for question, answer in answers] == [
        ("slow", "no answer within 1 seconds"),
        ("quick", "here"),
    ]
    assert time.monotonic() - started < 10
    end.set()


def test_question_is_not_asked_before_the_one_before_has_ended() -> None:
    running: list[str] = []

    def question(name: str) -> Question:
        def record(_: World) -> Answer:
            running.append(name)
            return ok(name)

        return Question(name, "?", record)

    for asked_question, answer in ask_all(world(), [question("a"), question("b")]):
        assert answer.observed == asked_question.key == running[-1]
    assert running == ["a", "b"]


def test_every_question_has_a_key_a_time_and_words() -> None:
    keys = [question.key for question in QUESTIONS]
    assert len({*keys}) == len(keys)
    assert keys[0] == "resume", "what comes before it could wake the database"
    for question in QUESTIONS:
        assert question.asks.endswith("?")
        assert 0 < question.seconds <= 300


@pytest.mark.parametrize("name", ["aws-gateway", "aws-direct", "aws-on-instance"])
def test_no_question_fails_on_a_recorded_stack(name: str) -> None:
    """Where everything refuses to answer, each question says so or does not apply."""

    def connect(_host: str, _seconds: float) -> http.client.HTTPConnection:
        raise ConnectionRefusedError(111, "Connection refused")

    where = world(stack(name), client=failing(), connect=connect, names=lambda _name, _kind: [])
    for question in QUESTIONS:
        answer = ask(question, where)
        assert "another form" not in answer.observed, question.key
        assert answer.status is (Status.NOT_OK if question.key == "dns" else Status.NOT_ASKED), question.key
