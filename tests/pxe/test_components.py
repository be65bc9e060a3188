"""PxePod, Ignition and ProvisioningServer on Pulumi's mocks: the resources that they register."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from diaspora_infra.ignition import Ignition
from diaspora_infra.pxe import ProvisioningServer, PxePod
from tests.support import configs
from tests.support.mocked import Program, mock_engine

IGNITION = json.dumps({"ignition": {"version": "3.4.0"}})


class Recorder(mocks.Mocks):
    """Takes every resource and keeps its inputs."""

    def __init__(self) -> None:
        self.resources: list[mocks.MockResourceArgs] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources.append(args)
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"unexpected call of {args.token}")

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [dict(entry.inputs) for entry in self.resources if entry.typ.endswith(f":{kind}")]


@pytest.fixture
def run() -> Iterator[Callable[[Program], tuple[Recorder, Any]]]:
    """Runs a program; returns the registered resources and the output."""
    with mock_engine() as runner:

        def run_program(program: Program) -> tuple[Recorder, Any]:
            recorder = Recorder()
            return recorder, runner(recorder, program)

        yield run_program


def args(**changes: Any) -> Any:
    return {
        "mac": "52:54:00:00:00:01",
        "ignition": IGNITION,
        "matchbox_url": "http://m:8080",
        "version": "44.20260802.3.1",
        "disk": "/dev/sda",
        **changes,
    }


def names(recorder: Recorder) -> tuple[str, str]:
    (profile,), (group,) = recorder.of("Profile"), recorder.of("Group")
    assert group["profile"] == profile["name"] == group["name"]
    return profile["name"], group["selector"]["mac"]


def test_machine_gets_a_profile_and_a_group(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    recorder, profile = run(lambda: PxePod("pod1", args()).profile)
    name, mac = names(recorder)
    assert name == profile
    assert name.startswith("pod1-")
    assert mac == "52:54:00:00:00:01"
    assert json.loads(recorder.of("Profile")[0]["rawIgnition"]) == json.loads(IGNITION)


def test_who_packed_the_contents_and_wrote_the_json_changes_nothing(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    """Else a profile would change under its own name, and the machine be without one for a moment."""

    def ignition(level: int, **options: Any) -> str:
        data = base64.b64encode(gzip.compress(b"a line\n" * 300, level)).decode()
        resource = {"compression": "gzip", "source": f"data:;base64,{data}"}
        config = {"storage": {"files": [{"path": "/x", "contents": resource}]}, "ignition": {"version": "3.4.0"}}
        return json.dumps(config, **options)

    texts = [ignition(1), ignition(9), ignition(6, indent=2, sort_keys=True)]
    assert len(set(texts)) == 3
    found = [run(lambda text=text: PxePod("pod1", args(ignition=text)).profile)[0] for text in texts]
    found.append(run(lambda: PxePod("pod1", args(ignition=pulumi.Output.from_input(texts[1]))).profile)[0])
    assert [each.of("Profile") for each in found] == [found[0].of("Profile")] * 4
    assert [each.of("Group") for each in found] == [found[0].of("Group")] * 4


def test_resources_have_the_component_as_parent(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    urns: list[str] = []

    def program() -> "pulumi.Output[Any]":
        pod = PxePod("pod1", args())
        children = sorted(pod._childResources, key=str)
        return pulumi.Output.all(*(child.urn for child in children)).apply(urns.extend)

    run(program)
    assert len(urns) == 2
    assert all("diaspora-infra:index:PxePod$" in urn for urn in urns)


def test_names_change_with_every_part_of_the_content(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"ignition": IGNITION.replace("3.4.0", "3.3.0")},
        {"version": "44.20260721.3.1"},
        {"disk": "/dev/vda"},
        {"console": ["ttyS0"]},
        {"kernel_arguments": ["debug"]},
    ]
    found = {names(run(lambda change=change: PxePod("pod1", args(**change)).profile)[0])[0] for change in changes}
    assert len(found) == len(changes)
    again, _ = run(lambda: PxePod("pod1", args()).profile)
    assert names(again)[0] in found, "the same content has the same name"


def test_inputs_may_be_outputs(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    plain, _ = run(lambda: PxePod("pod1", args(disk="/dev/vda")).profile)
    lifted, _ = run(
        lambda: (
            PxePod(
                "pod1", {key: pulumi.Output.from_input(value) for key, value in args(disk="/dev/vda").items()}
            ).profile
        )
    )
    assert plain.of("Profile") == lifted.of("Profile")


def test_a_list_may_be_a_tuple_and_hold_outputs(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    plain, name = run(lambda: PxePod("pod1", args(console=["tty0", "ttyS0"])).profile)
    fixed, fixed_name = run(lambda: PxePod("pod1", args(console=("tty0", "ttyS0"))).profile)
    lifted, _ = run(lambda: PxePod("pod1", args(console=("tty0", pulumi.Output.from_input("ttyS0")))).profile)
    assert plain.of("Profile") == fixed.of("Profile") == lifted.of("Profile")
    assert name == fixed_name


@pytest.mark.parametrize("lifted", [False, True])
@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"stream": "stabel"}, "pod1: stream: 'stabel' is not valid; allowed: stable, testing, next"),
        ({"architecture": "arm64"}, "pod1: architecture: 'arm64' is not valid; allowed: x86_64, aarch64"),
        ({"console": "ttyS0"}, "pod1: console: 'ttyS0' is not valid; allowed: a list"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(
    run: Callable[[Program], tuple[Recorder, Any]], change: dict[str, str], line: str, lifted: bool
) -> None:
    given = {key: pulumi.Output.from_input(value) if lifted else value for key, value in change.items()}
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: PxePod("pod1", args(**given)).profile)
    assert str(caught.value) == line


def test_machine_with_install_off_has_no_group(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    recorder, _ = run(lambda: PxePod("pod1", args(serve=False)).profile)
    assert len(recorder.of("Profile")) == 1
    assert recorder.of("Group") == []


def test_names_of_secret_content_are_public_slow_hashes(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    def program(ignition: Any) -> "pulumi.Output[Any]":
        pod = PxePod("pod1", args(ignition=ignition))
        return pulumi.Output.all(pod.profile, pod.config, pod.config.is_secret())

    _, plain = run(lambda: program(IGNITION))
    _, secret = run(lambda: program(pulumi.Output.secret(IGNITION)))
    assert plain[2] is secret[2] is False
    assert plain[0] != secret[0], "a slow hash, so that nobody can try passwords"
    assert plain[1] != secret[1]


def test_ignition_version_that_matchbox_serves_empty_is_refused(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    with pytest.raises(pulumi.RunError, match=r"pod1: matchbox would serve an empty config for Ignition 3\.5\.0"):
        run(lambda: PxePod("pod1", args(ignition='{"ignition":{"version":"3.5.0"}}')).profile)


def ignition_args(**changes: Any) -> Any:
    return {"pod": configs.pod(), "host": configs.host(), "machine": {}, **changes}


def test_ignition_component_works_alone(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    recorder, text = run(lambda: Ignition("pod1", ignition_args()).ignition)
    assert json.loads(text)["ignition"]["version"] == "3.4.0"
    assert [entry.typ for entry in recorder.resources] == ["diaspora-infra:index:Ignition"]


def test_ignition_with_secret_is_a_secret_output(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    def program(**changes: Any) -> "pulumi.Output[Any]":
        output = Ignition("pod1", ignition_args(**changes)).ignition
        return pulumi.Output.from_input(output.is_secret())

    assert run(lambda: program())[1] is False
    with_mail = {"pod": configs.pod(mail=configs.mail()), "secrets": {"smtpPassword": "x"}}
    assert run(lambda: program(**with_mail))[1] is True


def test_wrong_config_is_refused_with_all_problems(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    wrong = ignition_args(pod=configs.pod(domain="x"), machine={"disk": "sda"})
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: Ignition("pod1", wrong).ignition)
    assert "pod.domain: " in str(caught.value)
    assert "\nmachine.disk: " in str(caught.value)


def test_a_missing_secret_is_named_as_the_argument(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: Ignition("pod1", ignition_args(pod=configs.pod(mail=configs.mail()))).ignition)
    assert str(caught.value).splitlines()[1:] == [
        "secrets.smtpPassword: required; Password of `pod.mail.smtp.username` at the mail relay. Give it in the "
        "argument secrets, or add smtpPassword to pod.secretsOnMachine"
    ]


def test_an_unknown_secret_is_refused(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: Ignition("pod1", ignition_args(secrets={"smtpPasswort": "x"})).ignition)
    first, line = str(caught.value).splitlines()
    assert first == "the config of pod1 cannot be used:"
    assert line.startswith(
        "secrets.smtpPasswort: unknown secret (did you mean smtpPassword?); allowed: backupAccessKey, "
    )
    assert "'x'" not in line


def test_a_secret_that_is_like_no_other_is_refused_without_a_hint(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    with pytest.raises(pulumi.RunError, match=r"\nsecrets\.zzz: unknown secret; allowed: backupAccessKey, "):
        run(lambda: Ignition("pod1", ignition_args(secrets={"zzz": "x"})).ignition)


def test_numbers_lists_and_tables_may_be_those_of_other_languages(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    storage = {"rootGib": 12, "dataGib": 40}
    user = configs.host()["users"][0]
    _, plain = run(lambda: Ignition("pod1", ignition_args(host=configs.host(storage=storage))).ignition)
    floats = {key: float(value) for key, value in storage.items()}
    users = ({**user, "sshAuthorizedKeys": tuple(user["sshAuthorizedKeys"])},)
    others = configs.host(storage=MappingProxyType(floats), users=users)
    _, other = run(lambda: Ignition("pod1", ignition_args(host=others)).ignition)
    assert other == plain


def test_a_fraction_in_place_of_a_whole_number_is_refused(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    wrong = ignition_args(host=configs.host(storage={"rootGib": 12.5}))
    line = r"host\.storage\.rootGib: the number 12\.5 given; allowed: a whole number"
    with pytest.raises(pulumi.RunError, match=line):
        run(lambda: Ignition("pod1", wrong).ignition)


def provisioning_args(**changes: Any) -> Any:
    config = configs.provisioning_config(**changes)
    return {"host": config["host"], "provisioning": config["provisioning"]}


def test_provisioning_server_exports_ignition_addresses_and_steps(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    def program() -> "pulumi.Output[Any]":
        lifted = {key: pulumi.Output.from_input(value) for key, value in provisioning_args().items()}
        server = ProvisioningServer("boot", lifted)  # type: ignore[arg-type]
        parts = (server.ignition, server.http_url, server.rpc_endpoint, server.next_steps, server.ignition.is_secret())
        return pulumi.Output.all(*parts)

    recorder, (ignition, http_url, rpc_endpoint, next_steps, secret) = run(program)
    assert [entry.typ for entry in recorder.resources] == ["diaspora-infra:index:ProvisioningServer"]
    files = {entry["path"]: entry for entry in json.loads(ignition)["storage"]["files"]}
    assert files["/etc/hostname"]["contents"]["source"] == "data:,boot%0A"
    assert secret is False
    assert (http_url, rpc_endpoint) == ("http://192.168.77.5:8080", "192.168.77.5:8081")
    assert "ssh core@192.168.77.5 'sudo matchbox-certificates pki && rm -r pki'" in next_steps


def test_wrong_provisioning_server_is_refused(run: Callable[[Program], tuple[Recorder, Any]]) -> None:
    wrong = provisioning_args(httpUrl="https://matchbox.lan", rpcPort=0)
    with pytest.raises(pulumi.RunError, match=r"provisioning\.rpcPort: 0 is out of range"):
        run(lambda: ProvisioningServer("boot", wrong).ignition)


def test_a_provisioning_server_takes_the_numbers_of_other_languages(
    run: Callable[[Program], tuple[Recorder, Any]],
) -> None:
    _, endpoint = run(lambda: ProvisioningServer("boot", provisioning_args(rpcPort=9000.0)).rpc_endpoint)
    assert endpoint == "192.168.77.5:9000"


@pytest.mark.parametrize("output", [False, True])
def test_slash_at_the_end_of_the_address_changes_nothing(
    run: Callable[[Program], tuple[Recorder, Any]], output: bool
) -> None:
    def addresses(url: str) -> Any:
        given = pulumi.Output.from_input(url) if output else url
        pod = PxePod("pod1", args(matchbox_url=given))
        return pulumi.Output.all(pod.ipxe_url, pod.ignition_url, pod.profile, pod.config)

    with_slash, without = (run(lambda url=url: addresses(url)) for url in ("http://m:8080/", "http://m:8080"))
    assert with_slash[1] == without[1]
    assert with_slash[0].of("Profile") == without[0].of("Profile")
    assert with_slash[1][0] == "http://m:8080/ipxe?mac=52:54:00:00:00:01"


TABLES = {"pod": configs.pod(), "host": configs.host(), "machine": {}}


@pytest.mark.parametrize(
    ("component", "inputs", "lines"),
    [
        (Ignition, {**TABLES, "machine": None}, ["p: machine: missing; allowed: a table, {} too"]),
        (Ignition, {}, ["p: pod: missing; ", "p: host: missing; ", "p: machine: missing; "]),
        (ProvisioningServer, {"host": configs.host()}, ["p: provisioning: missing; allowed: a table"]),
        (
            PxePod,
            {"mac": "52:54:00:00:00:01"},
            ["p: ignition: ", "p: matchbox_url: missing; ", "p: version: ", "p: disk: missing; "],
        ),
    ],
)
def test_missing_inputs_are_named_before_the_component_is_registered(
    run: Callable[[Program], tuple[Recorder, Any]], component: Any, inputs: dict[str, Any], lines: list[str]
) -> None:
    given = {key: value for key, value in inputs.items() if value is not None}
    caught: list[pulumi.RunError] = []

    def program() -> None:
        with pytest.raises(pulumi.RunError) as error:
            component("p", given)
        caught.append(error.value)

    recorder, _ = run(program)
    got = str(caught[0]).splitlines()
    assert [line.startswith(start) for line, start in zip(got, lines, strict=True)] == [True] * len(lines), got
    assert recorder.resources == []
