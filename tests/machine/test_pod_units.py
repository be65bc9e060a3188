"""The pod's units, read by the programs that will read them: podman's Quadlet generator, systemd, butane, ignition."""

import re
import subprocess
from pathlib import Path

import pytest

from diaspora_infra.host.render import BUTANE_VERSION, document_text
from tests.host.pod import QUADLETS, files, pod_context, pod_fragment, read_quadlet, write_tree
from tests.machine.pod_programs import RequireProgram
from tests.support.trixie import trixie_machine
from tools import tool_path

CONTEXTS = {
    "least": pod_context(),
    "mail": pod_context(with_mail=True),
    "layout": pod_context(imageLayout={"home": "/home/diaspora/diaspora", "uid": 1042, "loginShell": True}),
    "own": pod_context(tls={"mode": "own"}, image=None),
    "proxy": pod_context(tls={"mode": "behindProxy", "trustedProxies": ["192.0.2.10"]}),
}
CONTAINER_SERVICES = (
    "postgresql", "redis", "diaspora-migrate", "diaspora-administrator", "diaspora-web", "diaspora-sidekiq",
    "diaspora-task", "public-files", "nginx",
)  # fmt: skip
# what the modes of pod.tls add
ACME_UNITS = {"certbot.service", "certbot.timer", "diaspora-certificate.service"}
OWN_UNITS = {"diaspora-certificate.service", "diaspora-own-certificate.service", "diaspora-own-certificate.timer"}


def generate(source: Path, target: Path) -> "subprocess.CompletedProcess[str]":
    """Run the Quadlet generator as systemd does at boot."""
    target.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [tool_path("quadlet"), "-no-kmsg-log", target],
        env={"QUADLET_UNIT_DIRS": str(source)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture(scope="module", params=CONTEXTS)
def variant(request: pytest.FixtureRequest) -> str:
    """The name of a context."""
    return str(request.param)


@pytest.fixture(scope="module")
def root(variant: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the pod's files, and in /etc/systemd/system the units that Quadlet generates."""
    root = write_tree(pod_fragment(CONTEXTS[variant]), tmp_path_factory.mktemp("root"))
    done = generate(root / QUADLETS.lstrip("/"), root / "etc/systemd/system")
    assert (done.returncode, done.stderr) == (0, "")
    return root


def dependencies(root: Path, key: str) -> dict[str, set[str]]:
    """The units that each unit names in a key such as After."""
    found = {}
    for path in (root / "etc/systemd/system").iterdir():
        if path.is_file():
            entries = read_quadlet(path.read_text()).get("Unit", [])
            found[path.name] = {name for entry, value in entries if entry == key for name in value.split()}
    return found


def reached(graph: dict[str, set[str]], start: str) -> set[str]:
    """All units that a unit depends on, directly or indirectly."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for name in graph.get(todo.pop(), set()) - seen:
            seen.add(name)
            todo.append(name)
    return seen


def test_quadlet_generates_a_service_for_every_container(root: Path) -> None:
    made = {path.name for path in (root / "etc/systemd/system").iterdir() if path.is_file()}
    assert {f"{name}.service" for name in (*CONTAINER_SERVICES, "diaspora-network")} <= made
    for name in CONTAINER_SERVICES:
        text = (root / f"etc/systemd/system/{name}.service").read_text()
        assert len(re.findall(r"^ExecStart=/usr/bin/podman run ", text, re.MULTILINE)) == 1


def test_every_container_has_a_memory_limit(root: Path, variant: str) -> None:
    certbot = {"certbot"} if "certbot.timer" in tls_units(variant) else set()
    for name in {*CONTAINER_SERVICES, *certbot}:
        service = read_quadlet((root / f"etc/systemd/system/{name}.service").read_text())["Service"]
        (limit,) = [value for key, value in service if key == "MemoryMax"]
        assert re.fullmatch("[0-9]{2,4}M", limit)
        # only inside the control group of the service does the service's limit reach the container
        (command,) = [value for key, value in service if key == "ExecStart"]
        assert "--cgroups=split" in command


def test_quadlet_refuses_unknown_keys(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/bad.container").write_text("[Container]\nImage=docker.io/library/redis:7\nPublishPrt=80\n")
    assert generate(tmp_path / "in", tmp_path / "out").returncode == 1


def test_quadlets_have_only_known_sections() -> None:
    allowed = {"Unit", "Container", "Network", "Service", "Install"}
    for path, text in files(pod_fragment(CONTEXTS["mail"])).items():
        if path.startswith(QUADLETS):
            assert set(read_quadlet(text)) <= allowed, path


def tls_units(variant: str) -> set[str]:
    return {"own": OWN_UNITS, "proxy": set()}.get(variant, ACME_UNITS)


def test_each_tls_mode_has_its_units(root: Path, variant: str) -> None:
    made = {path.name for path in (root / "etc/systemd/system").iterdir() if path.is_file()}
    assert made & (ACME_UNITS | OWN_UNITS) == tls_units(variant)


def test_nginx_requires_a_certificate_and_certbot_requires_nginx(root: Path, variant: str) -> None:
    requires = dependencies(root, "Requires")
    assert ("diaspora-certificate.service" in requires["nginx.service"]) is (variant != "proxy")
    if "certbot.service" in requires:
        assert "nginx.service" in requires["certbot.service"]


def test_failed_certbot_is_retried_by_its_timer_only(root: Path, variant: str) -> None:
    if "certbot.timer" not in tls_units(variant):
        assert not (root / "etc/systemd/system/certbot.timer").exists()
        return
    service = (root / "etc/systemd/system/certbot.service").read_text()
    assert "Type=oneshot" in service
    assert not re.search("^(Restart|RemainAfterExit|SuccessExitStatus)=", service, re.MULTILINE)
    timer = read_quadlet((root / "etc/systemd/system/certbot.timer").read_text())["Timer"]
    minutes = {"1min": 1, "20min": 20, "1h": 60, "3h": 180}
    tries = [minutes[value] for key, value in timer if key == "OnActiveSec"]
    # Let's Encrypt: five failures an hour
    assert sum(delay < 60 + 1 for delay in tries) < 5


def test_systemd_parses_the_timers(root: Path, variant: str, require_program: RequireProgram) -> None:
    systemd_analyze = require_program("systemd-analyze", "systemd")
    for name in tls_units(variant):
        if name.endswith(".timer"):
            for key, value in read_quadlet((root / "etc/systemd/system" / name).read_text())["Timer"]:
                verb = "calendar" if key == "OnCalendar" else "timespan"
                subprocess.run([systemd_analyze, verb, value], check=True, capture_output=True, timeout=60)


def test_systemd_accepts_the_services(root: Path, variant: str) -> None:
    names = sorted(path.name for path in (root / "etc/systemd/system").iterdir() if path.is_file())
    assert len(names) >= len(CONTAINER_SERVICES) + 8 + len(tls_units(variant))
    with trixie_machine(root) as machine:
        done = machine.attempt("systemd-analyze", "verify", "--man=no", *names)
        assert (done.returncode, done.stderr) == (0, "")
        machine.put("/etc/systemd/system/wrong.service", "[Service]\nExecStart=/bin/true\nRestartMode=sometimes\n")
        assert "RestartMode" in machine.attempt("systemd-analyze", "verify", "--man=no", "wrong.service").stderr


def test_services_start_in_the_expected_order(root: Path) -> None:
    after = dependencies(root, "After")
    chain = [
        ["diaspora-data"],
        ["diaspora-secrets"],
        ["postgresql", "redis", "diaspora-signing-key"],
        ["diaspora-migrate"],
        ["diaspora-web"],
        ["diaspora-sidekiq"],
    ]
    for index, later in enumerate(chain[1:], 1):
        for name in later:
            before = {f"{earlier}.service" for group in chain[:index] for earlier in group}
            assert before <= reached(after, f"{name}.service"), name
    assert {"diaspora-data.service", "public-files.service"} <= reached(after, "nginx.service")
    assert "diaspora-web.service" not in reached(after, "nginx.service")
    assert "postgresql-version.service" in after["postgresql.service"]


def test_services_require_claimed_data_and_secrets(root: Path) -> None:
    requires = dependencies(root, "Requires")
    for name in CONTAINER_SERVICES:
        needed = reached(requires, f"{name}.service")
        assert {"diaspora-data.service", "diaspora-secrets.service"} <= needed, name
    assert "diaspora-migrate.service" in requires["diaspora-web.service"]
    assert "diaspora-migrate.service" in requires["diaspora-sidekiq.service"]
    for name in ("diaspora-migrate", "diaspora-web", "diaspora-sidekiq"):
        assert {"postgresql.service", "redis.service"} <= requires[f"{name}.service"]


def test_every_required_unit_is_ordered_after(root: Path) -> None:
    requires, after = dependencies(root, "Requires"), dependencies(root, "After")
    for name, needed in requires.items():
        assert needed <= after[name], name


def test_units_have_no_ordering_cycle(root: Path) -> None:
    after = dependencies(root, "After")
    for name in after:
        assert name not in reached(after, name)


def test_target_starts_the_permanent_services(root: Path) -> None:
    started = {path.name for path in (root / "etc/systemd/system/diaspora.target.wants").iterdir()}
    not_permanent = {"diaspora-migrate", "diaspora-task", "public-files"}
    assert started == {f"{name}.service" for name in CONTAINER_SERVICES if name not in not_permanent}
    assert "WantedBy=multi-user.target" in (root / "etc/systemd/system/diaspora.target").read_text()


def test_secrets_are_not_in_the_units(root: Path) -> None:
    for name in CONTAINER_SERVICES:
        text = (root / f"etc/systemd/system/{name}.service").read_text()
        assert not re.search(r"--env \S*(PASSWORD|REDIS|TOKEN)\S*=(?!/run/secrets/)", text)


@pytest.mark.parametrize("name", CONTEXTS)
def test_butane_and_ignition_accept_the_config_without_warnings(
    name: str, butane_binary: Path, ignition_validate: Path
) -> None:
    document = {"variant": "fcos", "version": BUTANE_VERSION, **pod_fragment(CONTEXTS[name])}
    ignition = accepted([butane_binary, "--strict"], document_text(document))
    accepted([ignition_validate, "-"], ignition)


def accepted(command: list[str | Path], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
