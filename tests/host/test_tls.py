"""The files and units of each mode of `pod.tls`."""

import re
from typing import Any

import pytest

from diaspora_infra.host.features.tls import lineage, terminates_tls
from tests.host.pod import QUADLETS, containers, files, pod_context, pod_fragment, read_quadlet, values

DIRECTORY = "https://ACME.example.org:14000/Other_directory"
PROXY = {"mode": "behindProxy", "trustedProxies": ["192.0.2.10", "fd00::/64"]}


def certbot_ini(**tls: Any) -> dict[str, str]:
    text = files(pod_fragment(pod_context(tls=tls)))["/etc/diaspora/certbot/certbot.ini"]
    return dict(line.split(" = ", 1) for line in text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize(
    ("acme", "server", "name"),
    [
        ({}, "https://acme-v02.api.letsencrypt.org/directory", "acme-v02-api-letsencrypt-org-directory"),
        (
            {"staging": True},
            "https://acme-staging-v02.api.letsencrypt.org/directory",
            "acme-staging-v02-api-letsencrypt-org-directory",
        ),
        ({"directory": DIRECTORY}, DIRECTORY, "acme-example-org-14000-other-directory"),
    ],
)
def test_each_acme_directory_has_its_own_certificate(acme: dict[str, Any], server: str, name: str) -> None:
    context = pod_context(tls={"acme": acme})
    assert lineage(context.settings.pod) == name
    ini = certbot_ini(acme=acme)
    assert (ini["server"], ini["cert-name"]) == (server, name)
    service = containers(pod_fragment(context))["certbot"]["Service"]
    (post,) = values(service, "ExecStartPost")
    assert f" /var/mnt/data/certbot/live/{name} " in post


def test_acme_account_defaults_to_the_podmin_address() -> None:
    assert certbot_ini()["email"] == "podmin@example.org"
    assert certbot_ini(acme={"email": "o'neill+%d$x@example.org"})["email"] == "o'neill+%d$x@example.org"


def test_certbot_uses_the_challenge_folder_that_nginx_serves() -> None:
    ini = certbot_ini()
    assert ini["domains"] == "pod.example.org"
    found = containers(pod_fragment(pod_context()))
    for name, options in (("certbot", ""), ("nginx", ":ro")):
        volume = f"/var/mnt/data/acme-challenge:{ini['webroot-path']}{options}"
        assert volume in values(found[name]["Container"], "Volume")
    assert f"/var/mnt/data/certbot:{ini['config-dir']}" in values(found["certbot"]["Container"], "Volume")


@pytest.mark.parametrize(
    ("tls", "ports", "certbot", "own"),
    [
        ({}, ["80:8080", "443:8443"], True, False),
        ({"mode": "own"}, ["80:8080", "443:8443"], False, True),
        (PROXY, ["80:8080"], False, False),
    ],
)
def test_each_tls_mode_has_its_ports_and_units(tls: dict[str, Any], ports: list[str], certbot: bool, own: bool) -> None:
    context = pod_context(tls=tls)
    texts = files(pod_fragment(context))
    nginx = read_quadlet(texts[f"{QUADLETS}/nginx.container"])
    assert values(nginx["Container"], "PublishPort") == ports
    assert (f"{QUADLETS}/certbot.container" in texts) is certbot
    assert ("/etc/systemd/system/diaspora-own-certificate.timer" in texts) is own
    here = terminates_tls(context.settings.pod)
    assert here is (len(ports) == 2)
    assert ("diaspora-certificate.service" in values(nginx["Unit"], "Requires")[0]) is here
    assert ("/var/mnt/data/tls:/etc/nginx/tls:ro" in values(nginx["Container"], "Volume")) is here
    assert ("/var/mnt/data/tls " in texts["/etc/diaspora/directories.conf"]) is here


def test_only_configured_proxies_are_trusted() -> None:
    site = files(pod_fragment(pod_context(tls=PROXY)))["/etc/diaspora/nginx/conf.d/pod.conf"]
    assert re.findall("set_real_ip_from (.*);", site) == PROXY["trustedProxies"]
    assert re.findall("^    (.*) 1;$", site, re.MULTILINE) == PROXY["trustedProxies"]
    assert "ssl" not in site
    for mode in ("acme", "own"):
        site = files(pod_fragment(pod_context(tls={"mode": mode})))["/etc/diaspora/nginx/conf.d/pod.conf"]
        assert "real_ip" not in site
        assert ("acme-challenge" in site) is (mode == "acme")


@pytest.mark.parametrize("tls", [{}, {"mode": "own"}, PROXY])
def test_config_contains_no_private_key(tls: dict[str, Any]) -> None:
    """Programs that create or read a key compare its first line."""
    for path, text in files(pod_fragment(pod_context(tls=tls))).items():
        if not path.startswith("/usr/local/libexec/diaspora/"):
            assert "PRIVATE KEY" not in text, path
        assert not re.search("^-----BEGIN .*PRIVATE KEY-----$", text, re.MULTILINE), path
