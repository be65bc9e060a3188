"""Polls of open pages, which the rendered nginx answers itself while the file `held` exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.aws_pod import aws_context
from tests.host.pod import files, pod_context, pod_fragment, write_tree
from tests.machine.pod_nginx import Pod, running_pod
from tests.machine.pod_programs import RequireProgram

PATH = "/notifications?per_page=10&page=1"
POLL = {
    "X_Requested_With": "XMLHttpRequest",
    "Accept": "application/json, text/javascript, */*; q=0.01",
    "If_None_Match": 'W/"0a1b2c3d4e5f60718293a4b5c6d7e8f9"',
}
"""As jQuery 4.0.0 and Chromium 156 send it."""


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Pod]:
    nginx = require_program("nginx", "nginx-light")
    root = write_tree(pod_fragment(aws_context()), tmp_path_factory.mktemp("root"))
    with running_pod(nginx, root, tmp_path_factory.mktemp("nginx")) as running:
        (running.root / "srv/polls").mkdir()
        yield running


@pytest.fixture
def held(pod: Pod) -> Iterator[Path]:
    file = pod.root / "srv/polls/held"
    file.touch()
    yield file
    file.unlink(missing_ok=True)


@pytest.mark.parametrize("kept", [True, False])
def test_held_poll_gets_an_empty_answer(pod: Pod, held: Path, kept: bool) -> None:
    headers = {name: value for name, value in POLL.items() if kept or name != "If_None_Match"}
    response, body = pod.plain(PATH, **headers)
    assert (response.status, body) == (204, b"")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert response.headers["Cache-Control"] == "no-store"
    held.unlink()
    response, body = pod.plain(PATH, **headers)
    assert (response.status, json.loads(body)["path"]) == (200, PATH)


@pytest.mark.parametrize(
    "headers",
    [
        # a visitor, and a page that has just been opened
        {"Accept": "text/html"},
        {**POLL, "X_Requested_With": "com.example.browser"},
        {**POLL, "Cookie": "_diaspora_session=abc; new_page=1"},
    ],
)
@pytest.mark.usefixtures("held")
def test_other_requests_for_notifications_reach_the_application(pod: Pod, headers: dict[str, str]) -> None:
    response, body = pod.plain(PATH, **headers)
    assert (response.status, json.loads(body)["path"]) == (200, PATH)


@pytest.mark.parametrize(
    "path",
    ["/stream", "/notifications", "/notifications?per_page=5&page=3", f"{PATH}&show=unread", "/notifications.json"],
)
@pytest.mark.usefixtures("held")
def test_page_views_reach_the_application(pod: Pod, path: str) -> None:
    response, body = pod.plain(path, **POLL)
    assert (response.status, json.loads(body)["path"]) == (200, path)


@pytest.mark.usefixtures("held")
def test_writes_reach_the_application(pod: Pod) -> None:
    for method, path in (("PUT", "/notifications/7"), ("POST", PATH)):
        response, body = pod.request(path, method, body=b"set_unread=true", **POLL)
        assert (response.status, json.loads(body)["method"]) == (200, method)
    assert pod.plain("/held-poll", **POLL)[0].status == 404


def test_only_pages_bring_the_cookie(pod: Pod) -> None:
    response, _ = pod.plain("/stream", Accept="text/html; charset=utf-8")
    cookie = response.headers["Set-Cookie"]
    assert re.split("; ", cookie) == [
        "new_page=1", "Path=/notifications", "Max-Age=60", "Secure", "HttpOnly", "SameSite=Strict",
    ]  # fmt: skip
    assert response.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    for kind in ("application/json", "application/xml"):
        assert "Set-Cookie" not in pod.plain("/stream", Accept=kind)[0].headers


@pytest.mark.parametrize("engine", [{"engine": "rds"}, {"engine": "onInstance"}, {"minAcu": 0.5}])
def test_polls_are_held_only_where_the_database_pauses(engine: dict[str, object]) -> None:
    found = files(pod_fragment(aws_context(database=engine)))
    assert not [path for path in found if "polls" in path]
    assert "held" not in found["/etc/diaspora/nginx/conf.d/pod.conf"]
    site = "/etc/diaspora/nginx/conf.d/pod.conf"
    assert "new_page" not in files(pod_fragment(pod_context()))[site]
    assert [path for path in files(pod_fragment(aws_context())) if path.endswith("/hold-polls")]
