"""`load` turns plain data into settings, or into one line for each mistake."""

import re
import time
from typing import Any

import pytest
from pydantic import ValidationError

from diaspora_infra.config import Architecture, ConfigError, PxeSettings, Settings, Stream, Target, load
from diaspora_infra.config.images import IMAGES
from diaspora_infra.config.problems import Problem, join_path, quoted
from diaspora_infra.config.types import time_zones
from tests.config.mistakes import GOOD, MISTAKES, PUBLIC_KEYS, changed
from tests.support import configs


def lines(values: Any, secrets: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(values, secrets)
    return str(caught.value).split("\n")


@pytest.mark.parametrize("change", GOOD)
def test_valid_config_is_accepted(change: dict[str, Any]) -> None:
    assert isinstance(load(changed(configs.pxe_config(), change | {"pod.image": "localhost/diaspora:1"})), Settings)


@pytest.mark.parametrize(("change", "line", "_seen"), MISTAKES)
def test_each_mistake_is_reported_in_one_line_with_the_remedy(change: dict[str, Any], line: str, _seen: bool) -> None:
    assert lines(changed(configs.pxe_config(), change)) == [line]


def test_all_mistakes_are_reported_at_once() -> None:
    groups = (
        {"pod.domain": "x", "pod.admin.nickname": 1, "hosts": 1},
        {"host.users[0].name": "root"},
        {"pxe.matchbox.httpUrl": "x", "pxe.machines[0].mac": "x", "pxe.machines[1]": configs.machine(2)},
        {"pxe.machines[2]": configs.machine(3, mac=configs.machine(2)["mac"], install="always")},
        {"smtpPassword": "x"},
    )
    change = {path: value for group in groups for path, value in group.items()}
    assert [line.split(": ")[0] for line in lines(changed(configs.pxe_config(), change))] == [
        "host.users[0].name",
        "hosts",
        "pod.admin.nickname",
        "pod.domain",
        "pxe.machines[0].mac",
        "pxe.machines[2].install",
        "pxe.machines[2].mac",
        "pxe.matchbox.httpUrl",
        "smtpPassword",
    ]


def test_wrong_target_does_not_hide_other_mistakes() -> None:
    values = changed(configs.pxe_config(), {"target": "cloud", "pod.domain": "x", "pxe.machines[0].mac": "x"})
    assert [line.split(": ")[0] for line in lines(values)] == ["pod.domain", "pxe.machines[0].mac", "target"]


def test_mistakes_are_reported_in_list_order() -> None:
    machines = [configs.machine(number, mac="x") for number in range(1, 13)]
    found = [line.split(".mac:")[0] for line in lines(configs.pxe_config(pxe=configs.pxe(*machines)))]
    assert found == [f"pxe.machines[{index}]" for index in range(12)]


def test_huge_number_is_reported_without_its_digits() -> None:
    change = {"host.storage.rootGib": 10**5000, "pxe.machines[0].networks.eno1": {"ipv4": {"mtu": -(10**5000)}}}
    line, other = lines(changed(configs.pxe_config(), change))
    assert other.startswith("pxe.machines[0].networks.eno1.ipv4.mtu: a very large number is not valid")
    assert line == "host.storage.rootGib: a very large number is not valid; allowed: a whole number of 64 bits"


def test_thousand_machines_are_checked_within_seconds() -> None:
    machines = [configs.machine(number) for number in range(1, 1001)]
    start = time.monotonic()
    assert len(load(configs.pxe_config(pxe=configs.pxe(*machines))).machines) == 1000
    assert time.monotonic() - start < 5


def test_no_target_needs_an_image() -> None:
    for made in (configs.ignition_config, configs.pxe_config):
        assert load(made(pod=configs.pod(image=None))).pod.image is None
    assert load(configs.without_images(configs.aws_config(region="eu-west-1"))).pod.image is None


@pytest.mark.parametrize(
    ("region", "changes", "why", "instead"),
    [
        ("ca-west-1", {}, "ca-west-1 has no AWS CodeBuild", ""),
        (
            "eu-north-1",
            {},
            "eu-north-1 is not among the regions where CodeBuild is known to have arm64",
            ", or set aws.instance.type to a type of t3",
        ),
        ("eu-north-1", {"instance": {"type": "t3.micro"}}, None, ""),
        ("eu-central-1", {}, None, ""),
    ],
)
def test_image_is_required_where_aws_builds_none(
    region: str, changes: dict[str, Any], why: str | None, instead: str
) -> None:
    values = configs.without_images(configs.aws_config(region=region, edge="direct", **changes))
    if why is None:
        assert load(values).pod.image_refresh
        return
    assert lines(values) == [
        f"{key}: required, because {why}; build containers/{name}, push the image to a registry, and set its "
        f"name{instead}"
        for key, name in (("aws.uploadsImage", "s3fs"), ("pod.image", "diaspora"))
    ]


def test_refresh_is_for_images_that_machine_or_stack_builds() -> None:
    for values in (
        configs.ignition_config(pod=configs.pod(imageRefresh=True)),
        configs.aws_config(region="eu-west-1", pod_changes={"imageRefresh": True}),
    ):
        (line,) = lines(values)
        assert line == "pod.imageRefresh: only used without pod.image; remove it"


def test_refresh_needs_memory_and_room_beside_the_pod() -> None:
    pod = configs.pod(image=None, imageRefresh=True, upgrade={"time": "02:00"})

    def found(storage: dict[str, Any], **changes: Any) -> list[str]:
        host = configs.host(memoryMib=2048, storage=storage, **changes)
        try:
            load(configs.ignition_config(pod=pod, host=host))
        except ConfigError as error:
            return str(error).splitlines()
        return []

    memory = (
        "pod.imageRefresh: a build beside the pod needs 3584 MiB of memory and swap, and the machine has 3072; raise "
        "host.memoryMib, or set host.swap.fileMib to 512"
    )
    room = (
        "pod.imageRefresh: a build beside the pod needs host.storage.rootGib 14 instead of 12; set 14 on a machine "
        "without data, or remove imageRefresh"
    )
    assert found({}) == [memory, room]
    assert found({"rootGib": 14}, swap={"fileMib": 511})[0].endswith("the machine has 3583; raise host.memoryMib, or "
        "set host.swap.fileMib to 512")  # fmt: skip
    assert found({"rootGib": 14}, swap={"fileMib": 512}) == []
    assert found({"dataDisk": "/dev/vdb"}, swap={"fileMib": 512}) == []
    # on AWS nothing runs at that time
    values = configs.without_images(configs.aws_config(region="eu-west-1", pod_changes={"upgrade": {"time": "02:00"}}))
    assert lines(values) == ["pod.upgrade.time: only used with automatic: true; remove it"]


def test_layout_of_an_image_needs_the_image() -> None:
    (line,) = lines(configs.ignition_config(pod=configs.pod(image=None, imageLayout={"home": "/home/diaspora"})))
    assert line == (
        "pod.imageLayout: describes an image of your own, but without pod.image the machine builds one; remove "
        "imageLayout, or set pod.image"
    )


def test_machine_that_builds_the_image_needs_memory_and_room() -> None:
    small = configs.host(memoryMib=1024, storage={"rootGib": 10})
    memory, root = lines(configs.ignition_config(pod=configs.pod(image=None), host=small))
    assert memory == (
        "host.memoryMib: 1024 is too little to build diaspora*; give the machine 2048 or more, or build the image on "
        "another computer and set pod.image"
    )
    assert root.startswith("host.storage.rootGib: 10 is too little to build diaspora*; set 12 or more on a machine ")
    assert load(configs.ignition_config(host=small)).host.memory_mib == 1024
    with_disk = configs.host(storage={"rootGib": 10, "dataDisk": "/dev/vdb"})
    load(configs.ignition_config(pod=configs.pod(image=None), host=with_disk))


def test_release_outside_the_table_needs_its_commit() -> None:
    (commit,) = lines(configs.ignition_config(pod=configs.pod(image=None, version="0.9.2.0")))
    assert commit == (
        "pod.sourceCommit: required, because the commit of diaspora* 0.9.2.0 is not in the table of this project; set "
        "the commit that `git ls-remote https://github.com/diaspora/diaspora 'v0.9.2.0^{}'` prints"
    )
    pod = configs.pod(image=None, version="0.9.2.0", sourceCommit="a" * 40)
    assert load(configs.ignition_config(pod=pod)).pod.source_commit == "a" * 40
    (commit,) = lines(configs.aws_config(region="eu-west-1", pod_changes={"image": None, "version": "0.9.2.0"}))
    assert commit.startswith("pod.sourceCommit: required")
    # the image decides what runs, and nothing is built
    assert load(configs.ignition_config(pod=configs.pod(version="0.9.2.0"))).pod.version == "0.9.2.0"


def test_default_versions_are_those_of_the_table() -> None:
    defaults = load(configs.ignition_config()).pod.versions.model_dump()
    assert defaults == {
        name.replace("-", "_"): image.version
        for name, image in IMAGES.items()
        if name not in {"matchbox", "dnsmasq", "debian", "ruby"}
    }


def test_version_without_quotes_is_refused() -> None:
    """YAML reads 1.30 as the number 1.3."""
    (line,) = lines(configs.ignition_config(pod=configs.pod(versions={"nginx": 1.3})))
    assert line == "pod.versions.nginx: the number 1.3 given; allowed: text (write it in quotes)"


@pytest.mark.parametrize("values", [{}, {"target": "pxe"}, {1: 2}, {"\ud800": 1}, {"pod": None, "host": None}])
def test_nearly_empty_config_is_refused(values: Any) -> None:
    assert any(line.startswith("pod: ") for line in lines(values))


def test_truncated_public_keys_are_refused() -> None:
    for key in PUBLIC_KEYS:
        for end in range(len(key.split()[0]) + 1, len(key)):
            change = {"host.users[0].sshAuthorizedKeys": [key[:end]]}
            (line,) = lines(changed(configs.pxe_config(), change))
            assert line.startswith("host.users[0].sshAuthorizedKeys[0]: ")


def test_time_zones_are_those_of_the_tz_database() -> None:
    assert len(time_zones()) > 500
    assert {"UTC", "Etc/UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"} <= time_zones()
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", name) for name in time_zones())


def test_files_of_the_time_zone_database_that_are_no_time_zones() -> None:
    assert time_zones().isdisjoint({"Factory", "leapseconds", "localtime", "posixrules", "right/UTC", "tzdata.zi"})


def test_mail_requires_its_secret() -> None:
    values = configs.pxe_config(pod=configs.pod(mail=configs.mail()))
    assert load(values, {"smtpPassword"}).pod.mail is not None
    assert lines(values)[0].startswith("smtpPassword: required; ")


def test_messages_never_contain_secrets() -> None:
    change = {
        "smtpPassword": "hunter2",
        "pod.mail": {"password": "hunter2", "smtp": {"password": {"secure": "hunter2"}, "pass": "hunter2"}},
        "pod.smtp_password": "hunter2",
        "pod.sizing": "hunter2",
        "host.users[1]": {"name": "core", "sshAuthorizedKeys": "hunter2"},
        "host.password": "hunter2",
        "host.users[0].sshAuthorizedKeys": ["-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n", "hunter2"],
        "pxe.machines[0].networks.eno1": {"802-1x": {"password": "hunter2"}},
    }
    assert "hunter2" not in "\n".join(lines(changed(configs.pxe_config(), change)))


def test_optional_settings_have_defaults() -> None:
    settings = load(configs.pxe_config())
    assert settings.target is Target.PXE
    assert isinstance(settings, PxeSettings)
    assert settings.pxe.release.stream is Stream.STABLE
    assert settings.machines == settings.pxe.machines
    machine = settings.pxe.machines[0]
    assert (machine.architecture, machine.install, machine.networks) == (Architecture.X86_64, "once", {})
    assert settings.host.updates.strategy == "periodic"
    assert settings.host.updates.windows[0].start_time == "03:00"
    assert settings.host.storage.root_gib == 12
    assert not settings.pod.settings.enable_registrations
    assert settings.pod.mail is None


def test_target_ignition_has_one_machine_by_default() -> None:
    settings = load(configs.ignition_config())
    assert [machine.name for machine in settings.machines] == ["pod"]


def test_values_are_normalized() -> None:
    change = {
        "pxe.machines[0].mac": "52-54-00-A1-9C-AE",
        "pxe.matchbox.httpUrl": "http://matchbox.lan:8080/",
        "host.users[0].sshAuthorizedKeys[0]": f" {configs.SSH_KEY}\n",
        "host.updates.strategy": False,
    }
    settings = load(changed(configs.pxe_config(), change))
    assert isinstance(settings, PxeSettings)
    assert settings.pxe.machines[0].mac == "52:54:00:a1:9c:ae"
    assert settings.pxe.matchbox.http_url == "http://matchbox.lan:8080"
    assert settings.host.users[0].ssh_authorized_keys == [configs.SSH_KEY]
    assert settings.host.updates.strategy == "off"


def test_settings_are_immutable_and_compare_by_value() -> None:
    one, other = load(configs.pxe_config()), load(configs.pxe_config())
    assert one == other
    assert one != load(changed(configs.pxe_config(), {"pod.name": "another"}))
    with pytest.raises(ValidationError, match="frozen"):
        one.pod.name = "another"  # type: ignore[misc]


def test_settings_accept_python_names_and_aliases() -> None:
    settings = load(configs.pxe_config())
    dumped = settings.model_dump()
    assert dumped["host"]["storage"]["root_gib"] == 12
    assert PxeSettings.model_validate(dumped) == settings
    assert PxeSettings.model_validate(settings.model_dump(by_alias=True)) == settings


def test_load_does_not_change_its_input() -> None:
    values = configs.pxe_config()
    load(values)
    assert values == configs.pxe_config()


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("a", "b", 0, "c"), "a.b[0].c"),
        (("pxe.machines[0]", "name"), "pxe.machines[0].name"),
        (("a", "eno1.100", "802-3-ethernet", "eno1:1"), 'a["eno1.100"].802-3-ethernet.eno1:1'),
        (("a", ""), 'a[""]'),
        (("a", 'x"y\\z'), 'a["x\\"y\\\\z"]'),
        (("a", "k" * 100), f'a["{"k" * 55}..."]'),
    ],
)
def test_paths_have_the_syntax_of_pulumi(parts: tuple[str | int, ...], path: str) -> None:
    assert join_path(*parts) == path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a'b", '"a\'b"'),
        ("\x1b[31m", "'\\x1b[31m'"),
        ("a" * 100, f"'{'a' * 55}...'"),
        ("\x00" * 100, "'" + "\\x00" * 13 + "\\x0...'"),
        (-(10**18), "a very large number"),
        (float("nan"), "nan"),
        (None, "nothing"),
    ],
)
def test_quoted_values_are_short_and_on_one_line(value: object, text: str) -> None:
    assert quoted(value) == text
    assert len(text) <= 60
    assert text.isprintable()


def test_problem_is_one_line_for_any_text() -> None:
    problem = Problem("a\nb", "c\r\x1b[0m\u2028\ud800d")
    assert str(problem) == "a\\nb: c\\r\\x1b[0m\\u2028\\ud800d"
