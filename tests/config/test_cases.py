"""Stack files that passed `check` once and failed later, each with the line that names the key and the way out."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from diaspora_infra.config import AwsSettings, ConfigError, WrittenSettings, load, load_stack
from diaspora_infra.config.problems import model_in
from tests.config.mistakes import PUBLIC_KEYS, changed
from tests.support import configs


def lines(change: dict[str, Any], base: dict[str, Any] | None = None, secrets: set[str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(changed(base or configs.ignition_config(), change), secrets or set())
    return str(caught.value).split("\n")


def test_per_cent_sign_in_the_welcome_message() -> None:
    """diaspora* formats the text at each sign-up, and any other per cent sign is an error there."""
    path = "pod.settings.welcomeMessage"
    text = "Hello %{username}, this pod runs on 100% green power."
    assert lines({path: {"enabled": True, "subject": "Welcome", "text": text}}) == [
        f"{path}.text: 'Hello %{{username}}, this pod runs on 100% green power.' is not valid; allowed: text in which "
        "%{username} is the name of the user and %% a per cent sign"
    ]
    load(changed(configs.ignition_config(), {path: {"enabled": True, "text": text.replace("100%", "100%%")}}))


@pytest.mark.parametrize("domain", ["www.example.org", "pod.www.example.org", "awww.example.org"])
def test_domain_with_www(domain: str) -> None:
    """Other pods look for the users at the name without it, where nobody answers."""
    assert lines({"pod.domain": domain}) == [
        f"pod.domain: '{domain}' contains www., which diaspora* removes from the addresses of its users, so that "
        "other pods do not find them; choose a name without it"
    ]


@pytest.mark.parametrize("name", ["\ufffe", "a\uffffb"])
def test_text_that_no_yaml_can_hold(name: str) -> None:
    """The program that translates the config refuses such a text without a key."""
    line = "is not valid; allowed: text in Unicode, without U+FFFE and U+FFFF"
    assert lines({"pod.name": name}) == [f"pod.name: {name!r} {line}"]


def database(**keys: Any) -> dict[str, Any]:
    return configs.aws_config(region="eu-west-1", database=keys)


@pytest.mark.parametrize("value", [0.5, "0.5", 256.5, 1.3, "1.3"])
def test_capacity_that_aurora_does_not_have(value: Any) -> None:
    what = "not valid" if float(value) == 1.3 else "out of range"
    assert lines({}, database(maxAcu=value)) == [
        f"aws.database.maxAcu: {float(value)} is {what}; allowed: 1 to 256 in steps of 0.5"
    ]


@pytest.mark.parametrize(("value", "number"), [("1.5", 1.5), ("16.0", 16), (2, 2), (256, 256)])
def test_number_as_pulumi_config_set_writes_it(value: Any, number: float) -> None:
    settings = load(database(maxAcu=value, minAcu="0.5"))
    assert isinstance(settings, AwsSettings)
    assert (settings.aws.database.max_acu, settings.aws.database.min_acu) == (number, 0.5)


@pytest.mark.parametrize("value", ["1,5", "two", "1.5 ACU", "nan", "1e1", ""])
def test_text_that_is_no_number(value: str) -> None:
    allowed = "a number from 1 to 256 in steps of 0.5, without quotes or unit"
    assert lines({}, database(maxAcu=value)) == [f"aws.database.maxAcu: '{value}' is text; allowed: {allowed}"]


def test_pause_of_a_database_that_never_pauses() -> None:
    load(database(minAcu=0.5))
    load(database(minAcu=0, autoPauseSeconds=600))
    assert lines({}, database(minAcu=0.5, autoPauseSeconds=600)) == [
        "aws.database.autoPauseSeconds: only used with minAcu: 0; remove it"
    ]


def numbers(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if inner := model_in(field.annotation):
            yield from numbers(inner)
        elif field.annotation in (int, float, int | None, float | None):
            yield f"{model.__name__}.{name}", field


def test_every_number_has_a_minimum_and_a_maximum() -> None:
    """A number without a maximum fails where it is used: in a column of the database, or in Butane."""
    found = {
        name: {bound for part in field.metadata for bound in ("ge", "le") if hasattr(part, bound)}
        for name, field in numbers(WrittenSettings)
    }
    assert len(found) > 40
    assert [name for name, bounds in found.items() if bounds != {"ge", "le"}] == []


KEY = configs.SSH_KEY
OTHER_KEY = PUBLIC_KEYS[1]


@pytest.mark.parametrize(
    ("path", "entries", "place"),
    [
        ("host.users[0].sshAuthorizedKeys", [KEY, OTHER_KEY, f"  {KEY}\n"], "[2] is the same as [0]"),
        ("host.users[0].groups", ["sudo", "sudo"], "[1] is the same as [0]"),
        ("host.kernelArguments", ["quiet", "audit=0", "quiet"], "[2] is the same as [0]"),
        ("host.firewall.sshFrom", ["10.0.0.1", "10.0.0.1"], "[1] is the same as [0]"),
        ("host.updates.windows[0].days", ["Sun", "Mon", "Mon"], "[2] is the same as [1]"),
        ("pod.settings.usernameBlacklist", ["a", "b", "a"], "[2] is the same as [0]"),
    ],
)
def test_list_with_the_same_text_twice(path: str, entries: list[str], place: str) -> None:
    """Butane refuses such lists, and named the place in its own document."""
    base = changed(
        configs.ignition_config(),
        {"host.updates": {"windows": [{"days": ["Sun"], "startTime": "03:00", "lengthMinutes": 60}]}},
    )
    assert lines({path: entries}, base) == [f"{path}: {place}; remove one of the two"]


def test_key_pasted_twice_on_a_provisioning_server() -> None:
    with pytest.raises(ConfigError) as caught:
        load_stack(changed(configs.provisioning_config(), {"host.users[0].sshAuthorizedKeys": [KEY, KEY]}))
    assert str(caught.value) == "host.users[0].sshAuthorizedKeys: [1] is the same as [0]; remove one of the two"


@pytest.mark.parametrize("host", ["--privileged.example.org", "-v", "a-.example.org", "a.-b.org"])
def test_image_whose_host_is_an_option(host: str) -> None:
    """Podman would take it for an option."""
    (line,) = lines({"pod.image": f"{host}/x:1" if "." in host else f"{host}:5000/x:1"})
    assert line.startswith("pod.image: ")
    assert line.endswith(
        "is not valid; allowed: a full reference with registry and tag or digest, such as registry.example.org/name:1.2"
    )


@pytest.mark.parametrize("home", ["/srv/dia:rw", "/srv/./diaspora", "/srv/diaspora/.", "/srv/a,b", "/srv/%h", "/srv/"])
def test_folder_that_changes_a_mount(home: str) -> None:
    """A colon adds a field to each mount."""
    assert lines({"pod.imageLayout.home": home}) == [
        f"pod.imageLayout.home: '{home}' is not valid; allowed: an absolute path without a colon, such as /srv/diaspora"
    ]


@pytest.mark.parametrize(
    ("path", "text", "most"),
    [
        ("pod.image", f"localhost/{'x' * 500}:1", 500),
        ("pod.imageLayout.home", f"/{'x' * 255}", 255),
        ("pod.imageLayout.certificateAuthorities", f"/{'x' * 255}", 255),
        ("pod.environment.imageRedirectUrl", f"https://a.org/{'x' * 500}", 500),
        ("host.storage.disk", f"/dev/{'x' * 255}", 255),
        ("host.kernelArguments[0]", "x" * 501, 500),
    ],
)
def test_text_that_is_too_long_for_its_reader(path: str, text: str, most: int) -> None:
    """systemd reads no line above 2048 bytes, nginx no word above 4096, and the kernel 2048 bytes of arguments."""
    change = {path.removesuffix("[0]"): [text] if path.endswith("[0]") else text}
    assert lines(change) == [f"{path}: {len(text)} characters; allowed: at most {most} characters"]


@pytest.mark.parametrize("port", ["99999", "65536", "0", "00080"])
def test_port_that_does_not_exist(port: str) -> None:
    """A backup can never succeed there."""
    bad = {
        "pod.backup.repository": [
            f"s3:https://s3.example.org:{port}/b",
            f"sftp://a@b.example.org:{port}/c",
            f"rest:https://c.example.org:{port}/",
        ],
        "pod.tls.acme.directory": [f"https://acme.example.org:{port}/directory"],
        "pod.image": [f"localhost:{port}/diaspora:1"],
        "pod.privacy.piwik": [{"host": f"stats.example.org:{port}", "siteId": 1}],
        "pod.environment.pubsubServer": [f"https://hub.example.org:{port}"],
    }
    for path, values in bad.items():
        for value in values:
            keys = [line.split(": ")[0].removesuffix(".host") for line in lines({path: value})]
            # the secrets of a backup are missing as well
            assert [key for key in keys if "." in key] == [path]
    good = changed(configs.ignition_config(), {"pod.backup.repository": "s3:https://s3.example.org:65535/b"})
    load(good, {"backupPassword", "backupAccessKey", "backupSecretKey"})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("pod.admin.email", "-podmin@example.org"),
        ("pod.admin.email", "pod..min@example.org"),
        ("pod.admin.email", ".podmin@example.org"),
        ("pod.admin.email", "podmin.@example.org"),
        ("host.kernelArguments", ["a=$b"]),
        ("host.kernelArguments", ["&&"]),
        ("host.kernelArguments", ['a="b"']),
        ("host.kernelArguments", ["a;b"]),
        ("host.kernelArguments", ["a\\b"]),
        ("host.storage.disk", "/dev/./sda"),
        ("host.storage.dataGib", 2**62),
    ],
)
def test_value_to_which_its_reader_gives_another_meaning(path: str, value: Any) -> None:
    (line,) = lines({path: value})
    assert line.split(": ")[0].removesuffix("[0]") == path


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("aws.mail.mailFrom", "bounce-", ""),
        ("aws.mail.dmarc", 'v=DMARC1; p="none"', ""),
        ("aws.parameterPath", "/aws/pod", ""),
        ("aws.parameterPath", "/SSM-pod", ""),
        ("aws.tags", {"a": "b", "ä": "c"}, ".ä"),
        ("aws.tags", {"k" * 129: "c"}, ""),
    ],
)
def test_value_that_aws_refuses(path: str, value: Any, place: str) -> None:
    (line,) = lines({path: value}, configs.aws_config(region="eu-west-1"))
    assert line.startswith(path)


def test_domain_that_is_too_long_for_a_certificate_of_aws() -> None:
    domain = f"{'a' * 53}.example.org"
    assert len(domain) == 65
    assert lines({"pod.domain": domain}, configs.aws_config(region="eu-west-1")) == [
        "pod.domain: 65 characters, and a certificate of AWS has at most 64; choose a shorter name, or set "
        "aws.edge: direct"
    ]
    load(changed(configs.aws_config(region="eu-west-1"), {"pod.domain": domain[1:]}))
    load(changed(configs.aws_config(region="eu-west-1", edge="direct"), {"pod.domain": domain}))


def test_archive_that_api_gateway_does_not_let_through() -> None:
    values = configs.aws_config(region="eu-west-1", pod_changes={"sizing": {"archiveImportMib": 64}})
    assert lines({}, values) == [
        "pod.sizing.archiveImportMib: 64, and API Gateway limits requests to 10 MB; set 9 or less, or set "
        "aws.edge: direct"
    ]
    load(changed(values, {"aws.edge": "direct"}))
