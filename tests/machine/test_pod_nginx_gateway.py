"""The rendered nginx config in a real nginx, fed with what API Gateway sends to the machine.

The gateway sends no X-Forwarded-For. The client is the last element of Forwarded; elements that the client
wrote come before.
"""

import json
import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.host.aws_pod import aws_context
from tests.host.pod import files, pod_fragment, write_tree
from tests.machine.pod_nginx import DOMAIN, Pod, running_pod, wait_until
from tests.machine.pod_programs import RequireProgram

CLIENT = "203.0.113.7"
VIA = "HTTP/1.1 AmazonAPIGateway"


def element(client: str) -> str:
    """The element that the gateway appends for a client."""
    return f"by=54.86.75.10;for={client};host={DOMAIN};proto=https"


def gateway_headers(forwarded: str) -> dict[str, str]:
    return {"Forwarded": forwarded, "Via": VIA, "X_Amzn_Trace_Id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"}


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory, require_program: RequireProgram) -> Iterator[Pod]:
    nginx = require_program("nginx", "nginx-light")
    root = write_tree(pod_fragment(aws_context()), tmp_path_factory.mktemp("root"))
    site = root / "etc/diaspora/nginx/conf.d/pod.conf"
    text = site.read_text()
    assert text.count("24s") == 2
    # the tests do not wait that long
    site.write_text(text.replace("24s", "1s"))
    with running_pod(nginx, root, tmp_path_factory.mktemp("nginx")) as running:
        yield running


def headers_seen(pod: Pod, **headers: str) -> dict[str, str]:
    response, text = pod.plain("/stream", **headers)
    assert response.status == 200, text
    seen = json.loads(text)["headers"]
    assert isinstance(seen, dict)
    return seen


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (element(CLIENT), CLIENT),
        (f"for={CLIENT};by=54.86.75.10", CLIENT),
        (f"for=6.6.6.6, {element(CLIENT)}", CLIENT),
        (f"for=6.6.6.6;proto=http;host=evil.example,{element(CLIENT)}", CLIENT),
        (f'for="6.6.6.6, {element(CLIENT)}', CLIENT),
        (f"FOR=6.6.6.6, By=54.86.75.10; For={CLIENT}; Host={DOMAIN}", CLIENT),
        (element('"[2001:db8::7]"'), "2001:db8::7"),
        (element('"[2001:db8::7]:4711"'), "2001:db8::7"),
        (element(f'"{CLIENT}:4711"'), CLIENT),
        # no address at the end: nobody is named, and not what the client wrote before
        (f"for=6.6.6.6, {element('unknown')}", "127.0.0.1"),
        ("for=6.6.6.6, for=_hidden", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_client_address_is_the_last_one_the_gateway_names(pod: Pod, forwarded: str, client: str) -> None:
    seen = headers_seen(pod, **gateway_headers(forwarded))
    assert (seen["X-Real-IP"], seen["X-Forwarded-For"]) == (client, client)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ["for=", "6.6.6.6", ";", ",", '"', " ", "by=", "host=", "[", "]", "::1", "=", "\\", "proto=http"]
        ),
        max_size=12,
    ).map("".join)
)
def test_forged_forwarded_values_do_not_change_the_client_address(pod: Pod, forged: str) -> None:
    text = f"{forged.strip()}, {element(CLIENT)}".lstrip()
    assert headers_seen(pod, **gateway_headers(text))["X-Forwarded-For"] == CLIENT


def test_forged_headers_are_ignored(pod: Pod) -> None:
    seen = headers_seen(
        pod,
        **gateway_headers(element(CLIENT)),
        X_Forwarded_For="6.6.6.6",
        X_Forwarded_Proto="http",
        X_Forwarded_Host="evil.example",
        X_Forwarded_Port="80",
        X_Forwarded_Scheme="http",
        X_Forwarded_Ssl="off",
        X_Forwarded_Server="evil.example",
        X_Real_IP="6.6.6.6",
        Client_IP="6.6.6.6",
    )
    assert seen["Host"] == DOMAIN
    assert seen["X-Forwarded-Proto"] == "https"
    assert "6.6.6.6" not in str(seen)
    assert "evil" not in str(seen)
    assert not {"Forwarded", "Client-Ip", "Client-IP", "X-Forwarded-Port", "X-Forwarded-Ssl"} & set(seen)


def test_plain_http_from_the_gateway_is_not_redirected(pod: Pod) -> None:
    for path in ("/robots.txt", "/assets/main-0a1b.js", "/uploads/images/cat.jpg", "/"):
        response, _ = pod.plain(path, **gateway_headers(element(CLIENT)))
        assert response.status == 200, path
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("host", ["abc123.execute-api.eu-west-1.amazonaws.com", "10.0.0.10", "10.0.0.10:80", "x_y.z"])
def test_any_name_is_the_pod_because_only_the_gateway_gets_there(pod: Pod, host: str) -> None:
    response, text = pod.plain("/stream", host=host, **gateway_headers(element(CLIENT)))
    assert response.status == 200
    assert json.loads(text)["headers"]["Host"] == DOMAIN


def test_healthz_reports_nginx_under_its_own_address_and_is_the_application_elsewhere(pod: Pod) -> None:
    assert pod.plain("/healthz", host="127.0.0.1:8080")[0].status == 204
    assert pod.plain("/stream", host="127.0.0.1:8080")[0].status == 404
    response, text = pod.plain("/healthz", **gateway_headers(element(CLIENT)))
    assert (response.status, json.loads(text)["path"]) == (200, "/healthz")


def test_access_log_shows_the_client_address(pod: Pod) -> None:
    headers_seen(pod, **gateway_headers(element("203.0.113.99")))
    wait_until(lambda: "203.0.113.99 - [" in (pod.root / "access.log").read_text())


def test_unavailable_application_returns_503_with_retry(pod: Pod) -> None:
    # nobody listens there
    with pod.application_away():
        response, text = pod.plain("/stream", **gateway_headers(element(CLIENT)))
        assert (response.status, response.headers["Retry-After"]) == (503, "10")
        assert response.headers["Content-Type"].startswith("text/html")
        assert b'http-equiv="refresh"' in text
        response, text = pod.post("/receive/public", b"<xml/>", **gateway_headers(element(CLIENT)))
        assert (response.status, response.headers["Retry-After"]) == (503, "10")
        assert b"refresh" not in text, "what was sent would be lost, and asked for by GET"


def test_application_waiting_for_its_database_returns_503(pod: Pod) -> None:
    with pod.silent_application():
        started = time.monotonic()
        response, text = pod.plain("/stream", **gateway_headers(element(CLIENT)))
        assert (response.status, response.headers["Retry-After"]) == (503, "10")
        assert b"waking up" in text
        assert time.monotonic() - started < 5


def test_application_errors_are_passed_through(pod: Pod) -> None:
    with pod.silent_application(answer=b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine"):
        response, text = pod.plain("/stream", **gateway_headers(element(CLIENT)))
        assert (response.status, text) == (502, b"mine")


def test_nginx_timeouts_are_shorter_than_that_of_the_gateway() -> None:
    site = files(pod_fragment(aws_context()))["/etc/diaspora/nginx/conf.d/pod.conf"]
    seconds = {key: int(value) for key, value in re.findall(r"(\w+_timeout) (\d+)s;", site)}
    assert seconds["resolver_timeout"] + seconds["proxy_connect_timeout"] + seconds["proxy_read_timeout"] < 29
    assert seconds["proxy_send_timeout"] < 29


def test_machine_behind_gateway_has_one_port_and_no_certificate() -> None:
    found = files(pod_fragment(aws_context()))
    quadlet = found["/etc/containers/systemd/nginx.container"]
    assert re.findall("PublishPort=(.*)", quadlet) == ["80:8080"]
    assert not [path for path in found if "certbot" in path or "certificate" in path]
    assert "443" not in found["/etc/diaspora/firewall.nft"]


def test_direct_edge_is_configured_as_on_metal() -> None:
    found = files(pod_fragment(aws_context(edge="direct")))
    assert "listen 8443 ssl" in found["/etc/diaspora/nginx/conf.d/pod.conf"]
    assert 'Forwarded ""' not in found["/etc/diaspora/nginx/conf.d/pod.conf"]
    assert [path for path in found if "certbot" in path]
