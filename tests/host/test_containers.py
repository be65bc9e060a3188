"""The table of containers beside the files that the features make."""

import pytest

from diaspora_infra.host.containers import containers, services
from tests.host import pod
from tests.host.aws_pod import aws_context, group_contexts

RELAY = {"senderAddress": "a@pod.example.org", "relay": {"image": "registry.example.org/relay:1"}}
EXPORTERS = {"nodeExporter": True, "podmanExporter": True, "listen": "192.0.2.10"}
CONTEXTS = {
    "metal": pod.pod_context(),
    "own-certificate": pod.pod_context(tls={"mode": "own"}),
    "everything": pod.pod_context(mail=RELAY, monitoring=EXPORTERS),
    "aws": aws_context(),
    "aws-direct": aws_context(edge="direct"),
    "aws-small": aws_context(size="small"),
    **group_contexts(),
}
TEXTS = {name: pod.files(pod.pod_fragment(context)) for name, context in CONTEXTS.items()}


@pytest.mark.parametrize("name", CONTEXTS)
def test_table_is_what_the_machine_has(name: str) -> None:
    found = {
        path.removeprefix(f"{pod.QUADLETS}/").removesuffix(".container")
        for path in TEXTS[name]
        if path.startswith(pod.QUADLETS) and path.endswith(".container")
    }
    assert sorted(containers(CONTEXTS[name].of_pod)) == sorted(found)


@pytest.mark.parametrize("name", CONTEXTS)
def test_every_container_has_a_memory_limit(name: str) -> None:
    of_pod = CONTEXTS[name].of_pod
    limited = {path for path in TEXTS[name] if path.endswith("/20-memory.conf")}
    assert limited == {f"{pod.QUADLETS}/{container}.container.d/20-memory.conf" for container in containers(of_pod)}


@pytest.mark.parametrize("name", CONTEXTS)
def test_services_are_the_containers_that_systemd_always_restarts(name: str) -> None:
    of_pod = CONTEXTS[name].of_pod
    quadlets = {each: TEXTS[name][f"{pod.QUADLETS}/{each}.container"] for each in containers(of_pod)}
    always = {each for each, text in quadlets.items() if ("Restart", "always") in pod.read_quadlet(text)["Service"]}
    assert always == set(services(of_pod))
