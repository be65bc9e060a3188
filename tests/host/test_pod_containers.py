"""Properties of every container of the pod."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from diaspora_infra.config import Architecture, ConfigError, load
from diaspora_infra.config.images import IMAGES, POSTGRESQL_MAJOR
from diaspora_infra.host import butane_document
from diaspora_infra.host.container_images import container_image
from diaspora_infra.host.features import (
    AWS_FEATURES,
    BASE_FEATURES,
    POD_FEATURES,
    SERVICE_FEATURES,
    machine_part,
    pod_part,
)
from tests.host.aws_pod import aws_context
from tests.host.pod import QUADLETS, Context, containers, files, pod_context, pod_fragment, values
from tests.support.configs import ignition_config, pod

FRAGMENT = pod_fragment(pod_context(with_mail=True))
CONTAINERS = containers(FRAGMENT)
RELAY = {"senderAddress": "a@pod.example.org", "relay": {"image": "registry.example.org/relay:1"}}
APPLICATION = ("diaspora-migrate", "diaspora-administrator", "diaspora-web", "diaspora-sidekiq", "diaspora-task")


@pytest.mark.parametrize("context", [pod_context(), aws_context()], ids=["metal", "aws"])
def test_pod_features_come_after_machine_features(context: Context) -> None:
    own, pod = machine_part(context.of_machine), pod_part(context.of_pod)
    document = butane_document(context.settings, context.machine, context.secrets)
    assert document["storage"]["files"] == [*own["storage"]["files"], *pod["storage"]["files"]]
    assert document["systemd"]["units"] == [*own["systemd"]["units"], *pod["systemd"]["units"]]


def test_feature_is_in_one_list_only() -> None:
    assert len({*POD_FEATURES, *AWS_FEATURES}) == len(POD_FEATURES) + len(AWS_FEATURES)
    assert (*BASE_FEATURES, *SERVICE_FEATURES) == POD_FEATURES


def test_pod_has_the_expected_containers() -> None:
    assert set(CONTAINERS) == {
        "postgresql",
        "redis",
        "diaspora-migrate",
        "diaspora-administrator",
        "diaspora-web",
        "diaspora-sidekiq",
        "diaspora-task",
        "public-files",
        "nginx",
        "certbot",
    }


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("context", [pod_context(mail=RELAY), aws_context()], ids=["metal", "aws"])
def test_services_that_start_when_healthy_have_time_to_become_so(context: Context) -> None:
    """systemd waits for podman's message, which comes with the first check that succeeds."""
    found = 0
    for name, sections in containers(pod_fragment(context)).items():
        entries = sections["Container"]
        if values(entries, "Notify") != ["healthy"]:
            continue
        found += 1
        assert values(entries, "HealthCmd"), name
        (limit,) = values(sections["Service"], "TimeoutStartSec")
        (period,), (interval,) = values(entries, "HealthStartPeriod"), values(entries, "HealthInterval")
        assert seconds(limit) >= 2 * seconds(period) + seconds(interval), name
        # podman's issue 27771: no message, with a pod of podman, another kind of control group, or systemd inside
        assert not [key for key, _ in entries if key in ("Pod", "CgroupsMode")], name
        assert "systemctl" not in values(entries, "HealthCmd")[0], name
    assert found >= 3


@pytest.mark.parametrize("context", [pod_context(mail=RELAY), aws_context()], ids=["metal", "aws"])
def test_a_service_counts_as_started_seconds_after_it_answers(context: Context) -> None:
    """The same check, often until it succeeds; else the next one is a whole interval after the first, which fails."""
    found = 0
    for name, sections in containers(pod_fragment(context)).items():
        entries = sections["Container"]
        if values(entries, "Notify") != ["healthy"] and name != "diaspora-sidekiq":
            continue
        found += 1
        assert values(entries, "HealthStartupCmd") == values(entries, "HealthCmd"), name
        assert seconds(values(entries, "HealthStartupInterval")[0]) <= 2, name
        # podman restarts a container after so many; systemd decides when a start has failed
        assert not values(entries, "HealthStartupRetries"), name
    assert found >= 4


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_require_the_data_partition(name: str) -> None:
    unit = CONTAINERS[name]["Unit"]
    assert values(unit, "RequiresMountsFor") == ["/var/mnt/data"]
    # without a mount unit at all, systemd would take the line above for fulfilled
    assert values(unit, "AssertPathIsMountPoint") == ["/var/mnt/data"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_have_no_privileges_and_log_to_the_journal(name: str) -> None:
    container = CONTAINERS[name]["Container"]
    assert values(container, "NoNewPrivileges") == ["true"]
    assert values(container, "DropCapability") == ["all"]
    assert values(container, "LogDriver") == ["journald"]
    assert values(container, "ContainerName") == [name]
    (user,) = values(container, "User")
    assert int(user) > 0
    assert values(container, "Group") == [user]


# a timer tries certbot again, without the administrator a pod is a pod, and the podmin sees how a task ends
@pytest.mark.parametrize(
    "name", [name for name in CONTAINERS if name not in {"certbot", "diaspora-administrator", "diaspora-task"}]
)
def test_services_restart_without_limit_and_without_failing_dependents(name: str) -> None:
    service, unit = CONTAINERS[name]["Service"], CONTAINERS[name]["Unit"]
    oneshot = values(service, "Type") == ["oneshot"]
    assert values(service, "Restart") == ["on-failure" if oneshot else "always"]
    assert values(service, "RestartMode") == ["direct"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    assert values(unit, "PartOf") == ["diaspora.target"]
    assert ("Install" in CONTAINERS[name]) is not oneshot


def test_images_are_pinned_or_come_from_settings() -> None:
    used = {name: values(sections["Container"], "Image") for name, sections in CONTAINERS.items()}
    own = ["registry.example.org/diaspora:0.9.1.0"]
    assert used == {
        "postgresql": [IMAGES["postgresql"].reference],
        "redis": [IMAGES["redis"].reference],
        "nginx": [IMAGES["nginx"].reference],
        "certbot": [IMAGES["certbot"].reference],
        **dict.fromkeys((*APPLICATION, "public-files"), own),
    }


def test_postgresql_major_version_matches_the_image() -> None:
    assert re.search(rf"/postgres:{POSTGRESQL_MAJOR}[.-]", IMAGES["postgresql"].reference or "")


def test_versions_of_the_settings_are_those_of_the_containers() -> None:
    versions = {"postgresql": "17.12", "redis": "8.0.5", "nginx": "1.30.1", "certbot": "5.9.2"}
    found = containers(pod_fragment(pod_context(versions=versions)))
    used = {name: values(found[name]["Container"], "Image") for name in versions}
    assert used == {
        "postgresql": ["docker.io/library/postgres:17.12-bookworm"],
        "redis": ["docker.io/library/redis:8.0.5-bookworm"],
        "nginx": ["docker.io/library/nginx:1.30.1-alpine"],
        "certbot": ["docker.io/certbot/certbot:v5.9.2"],
    }
    # a full version stays
    assert not [name for name, sections in found.items() if values(sections["Container"], "AutoUpdate")]


def test_digest_of_the_table_pins_its_tag_on_its_architecture_only(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = f"sha256:{'5' * 64}"
    image = replace(IMAGES["postgresql"], digests={"17.9-bookworm": {"x86_64": digest}})
    monkeypatch.setitem(IMAGES, "postgresql", image)
    name = "docker.io/library/postgres"
    assert container_image(pod_context().of_pod, "postgresql") == f"{name}:17.9-bookworm@{digest}"
    newer = pod_context(versions={"postgresql": "17.10"}).of_pod
    # never the digest of another tag: podman ignores the tag beside a digest
    assert container_image(newer, "postgresql") == f"{name}:17.10-bookworm"
    assert image.pinned(Architecture.AARCH64) == f"{name}:17.9-bookworm"


def test_only_nginx_publishes_ports() -> None:
    ports = {name: values(sections["Container"], "PublishPort") for name, sections in CONTAINERS.items()}
    assert {name: found for name, found in ports.items() if found} == {"nginx": ["80:8080", "443:8443"]}


@pytest.mark.parametrize("name", APPLICATION)
def test_application_containers_share_secrets_environment_and_uploads(name: str) -> None:
    container = CONTAINERS[name]["Container"]
    assert "RAILS_ENV=production" in values(container, "Environment")
    assert {secret.split(",")[0] for secret in values(container, "Secret")} - {"diaspora-admin-password"} == {
        "diaspora-database-password",
        "diaspora-redis-url",
        "diaspora-smtp-password",
        "diaspora-secret-token",
        "diaspora-oidc-key",
    }
    assert "/var/mnt/data/uploads:/srv/diaspora/public/uploads" in values(container, "Volume")


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_have_no_variables_that_mislead_rails(name: str) -> None:
    container = CONTAINERS[name]["Container"]
    variables = {text.strip('"').split("=")[0] for text in values(container, "Environment")}
    variables |= {
        part.removeprefix("target=")
        for secret in values(container, "Secret")
        if "type=env" in secret
        for part in secret.split(",")
        if part.startswith("target=")
    }
    # the target of db:migrate; one that breaks with the pool; one that hides the URL of Redis
    assert not variables & {"VERSION", "DATABASE_URL", "REDIS_URL"}


def test_image_layout_is_configurable() -> None:
    layout = {"home": "/home/diaspora/diaspora", "uid": 1042, "loginShell": True}
    fragment = pod_fragment(pod_context(imageLayout=layout))
    web = containers(fragment)["diaspora-web"]["Container"]
    assert values(web, "WorkingDir") == ["/home/diaspora/diaspora"]
    assert values(web, "User") == ["1042"]
    (command,) = values(web, "Exec")
    assert command.startswith('bash -lc "')
    assert "/srv/diaspora" not in "".join(text for path, text in files(fragment).items() if path.startswith(QUADLETS))
    assert "d     /var/mnt/data/uploads             0755 813  813" in files(fragment)["/etc/diaspora/directories.conf"]


def test_pod_network_is_configurable() -> None:
    texts = files(pod_fragment(pod_context(subnet="172.30.4.0/28")))
    network = texts[f"{QUADLETS}/diaspora.network"]
    assert "Subnet=172.30.4.0/28\nGateway=172.30.4.1\n" in network
    assert "resolver 172.30.4.1 " in texts["/etc/diaspora/nginx/conf.d/pod.conf"]


@pytest.mark.parametrize("subnet", ["10.0.0.1/24", "10.0.0.0/29", "10.0.0.0/8", "8.8.8.0/24", "fd00::/64", "text"])
def test_unsuitable_pod_networks_are_refused(subnet: str) -> None:
    with pytest.raises(ConfigError, match=r"pod\.subnet: .* allowed: a private IPv4 network"):
        load(ignition_config(pod=pod(subnet=subnet)))


@pytest.mark.parametrize("feature", POD_FEATURES, ids=lambda feature: feature.__name__)
def test_features_are_deterministic(feature: Callable[..., object]) -> None:
    context = pod_context(with_mail=True).of_pod
    assert feature(context) == feature(context)


@pytest.mark.parametrize("feature", [*POD_FEATURES, *AWS_FEATURES], ids=lambda feature: feature.__name__)
def test_features_on_aws_are_deterministic(feature: Callable[..., object]) -> None:
    context = aws_context().of_pod
    assert feature(context) == feature(context)


def test_podman_auto_updates_only_redis_and_nginx_on_floating_tags() -> None:
    """A tag of a patch release never changes; diaspora* and PostgreSQL change only by an upgrade."""
    updated = {
        name: values(sections["Container"], "Image")[0]
        for name, sections in CONTAINERS.items()
        if values(sections["Container"], "AutoUpdate")
    }
    assert set(updated) == {"redis", "nginx"}
    for name, image in updated.items():
        assert values(CONTAINERS[name]["Container"], "AutoUpdate") == ["registry"]
        assert image == IMAGES[name].reference
        assert re.fullmatch("docker[.]io/[a-z/]+:[0-9]+[.][0-9]+-[a-z]+", image)
    floating = {name for name, image in IMAGES.items() if image.floats(image.version)}
    assert floating == set(updated)
    for text in files(FRAGMENT).values():
        assert "io.containers.autoupdate" not in text
