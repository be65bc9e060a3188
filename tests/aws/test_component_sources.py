"""What the source of the components must not hold: partitions of AWS, second defaults, policies by hand."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import diaspora_infra.aws as components
from diaspora_infra.aws import cache, defaults, machine_group
from diaspora_infra.aws.load_balancer import HEALTH_PATH
from diaspora_infra.aws.private_bucket import NONCURRENT_DAYS
from diaspora_infra.aws.security_groups import HTTP_PORT

FOLDER = Path(components.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))
PRINCIPAL = re.compile('"[a-z0-9-]+[.]amazonaws[.]com"')
WITHOUT_A_SETTING = {"cache", "database", "elastic_ip", "events", "public_in_each_zone", "standby", "wait"}
"""Arguments whose default is a literal, because no setting has the same meaning."""

WHEN_NOT_SET: dict[str, object] = {
    "AlertsArgs.events": False,
    "BackupsArgs.make_bucket": defaults.BACKUPS.bucket,
    "BackupsArgs.object_lock_days": defaults.BACKUPS.object_lock_days,
    "BackupsArgs.volume_snapshot_days": defaults.BACKUPS.volume_snapshot_days,
    "CacheArgs.node_type": cache.NODE_TYPE,
    "CacheArgs.nodes": cache.NODES,
    "CacheArgs.snapshot_days": cache.SNAPSHOT_DAYS,
    "CertificateArgs.wait": True,
    "HttpApiArgs.certificate_issued": True,
    "DatabaseArgs.engine": defaults.DATABASE.engine,
    "DatabaseArgs.version": defaults.DATABASE.version,
    "DatabaseArgs.min_acu": defaults.DATABASE.min_acu,
    "DatabaseArgs.max_acu": defaults.DATABASE.max_acu,
    "DatabaseArgs.auto_pause_seconds": defaults.DATABASE.auto_pause_seconds,
    "DatabaseArgs.instance_class": defaults.DATABASE.instance_class,
    "DatabaseArgs.storage_gib": defaults.DATABASE.storage_gib,
    "DatabaseArgs.standby": False,
    "DatabaseArgs.backup_days": defaults.DATABASE.backup_days,
    "DnsArgs.create": defaults.DNS.create_zone,
    "HttpApiArgs.port": HTTP_PORT,
    "HttpApiArgs.requests_per_second": defaults.HTTP_API.requests_per_second,
    "HttpApiArgs.log_days": defaults.HTTP_API.log_days,
    "ImageBuildArgs.refresh": defaults.IMAGE_REFRESH,
    "ImageArgs.stream": defaults.RELEASE.stream,
    "LoadBalancerArgs.certificate_issued": True,
    "LoadBalancerArgs.health_path": HEALTH_PATH,
    "LoadBalancerArgs.ipv6": defaults.NETWORK.ipv6,
    "MachineGroupArgs.overlap": machine_group.OVERLAP,
    "MachineGroupArgs.ready_seconds": machine_group.NOT_HELD_BACK,
    "MachineGroupArgs.root_gib": defaults.INSTANCE.root_gib,
    "MachineGroupArgs.size": machine_group.SIZE,
    "MachineArgs.elastic_ip": False,
    "MachineArgs.root_gib": defaults.INSTANCE.root_gib,
    "MachineArgs.data_gib": defaults.INSTANCE.data_gib,
    "MailArgs.existing_identity": defaults.MAIL.existing_identity,
    "MailArgs.mail_from": defaults.MAIL.mail_from,
    "MailArgs.dmarc": defaults.MAIL.dmarc,
    "NetworkArgs.cidr": defaults.NETWORK.cidr,
    "NetworkArgs.public_in_each_zone": False,
    "NetworkArgs.ipv6": defaults.NETWORK.ipv6,
    "NetworkArgs.flow_logs_days": defaults.NETWORK.flow_logs_days,
    "PrivateBucketArgs.noncurrent_days": NONCURRENT_DAYS,
    "PrivateBucketArgs.object_lock_days": defaults.BACKUPS.object_lock_days,
    "SecurityGroupsArgs.cache": False,
    "SecurityGroupsArgs.database": False,
    "SecurityGroupsArgs.edge": defaults.EDGE,
    "SecurityGroupsArgs.shell_access": defaults.INSTANCE.shell_access,
    "SecurityGroupsArgs.ipv6": defaults.NETWORK.ipv6,
    "UploadsArgs.noncurrent_days": NONCURRENT_DAYS,
}
"""The defaults that docstrings of arguments name; `protect` is the same everywhere."""

RULES = {"BackupsArgs.bucket", "DatabaseArgs.allow_major_upgrade", "PrivateBucketArgs.bucket", "UploadsArgs.bucket"}
"""Arguments that follow from others when they are not set."""


def literal_defaults(source: str) -> set[str]:
    """Arguments that get a literal where they are not set: `args.get("root_gib", 10)`."""
    return {
        str(node.args[0].value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and ast.unparse(node.func.value) in {"args", "self._args"}
        and len(node.args) == 2
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[1], ast.Constant)
    }


def descriptions() -> Iterator[tuple[str, str]]:
    """The docstring of every argument, on one line, by class and name."""
    for file in FILES:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith("Args"):
                for field, text in zip(node.body, node.body[1:], strict=False):
                    if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                        description = ast.literal_eval(text.value)
                        yield f"{node.name}.{ast.unparse(field.target)}", " ".join(description.split())


def test_a_default_that_is_a_setting_too_stands_in_the_settings_alone() -> None:
    found = {name for file in FILES for name in literal_defaults(file.read_text(encoding="utf-8"))}
    assert found == WITHOUT_A_SETTING


def test_a_second_literal_is_found() -> None:
    assert literal_defaults('x = args.get("root_gib", 10)') == {"root_gib"}
    assert literal_defaults('x = self._args.get("dmarc", "none") + args.get("a", DEFAULTS.a)') == {"dmarc"}


def test_docstrings_name_the_defaults_of_the_settings() -> None:
    named = {name: text.replace("`", "").lower() for name, text in descriptions() if "when not set" in text.lower()}
    protected = {name for name in named if name.endswith(".protect")}
    assert named.keys() - protected - RULES == WHEN_NOT_SET.keys()
    for name in protected | WHEN_NOT_SET.keys():
        default = WHEN_NOT_SET.get(name, defaults.PROTECT)
        value = f"{default:g}" if isinstance(default, float) else str(default).lower()
        assert f" {value} when not set" in f" {named[name]}", name


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_partition_is_written_down(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "arn:aws" not in text
    # names of services in policies are the same everywhere, those of servers are not
    assert [name for name in re.findall(r'"[^"\s]*amazonaws[.]com[^"]*"', text) if not PRINCIPAL.fullmatch(name)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_policies_are_built_in_one_place(file: Path) -> None:
    assert ("2012-10-17" in file.read_text(encoding="utf-8")) == (file.name == "policy.py")


def test_components_say_their_token() -> None:
    found: dict[str, Any] = {}
    for file in FILES:
        found |= {name: token for token, name in re.findall(r'"(diaspora-infra:\w+):(\w+)"', file.read_text("utf-8"))}
    assert set(found.values()) == {"diaspora-infra:index"}
    assert found.keys() >= {name for name in components.__all__ if f"{name}Args" in components.__all__} - {"Image"}
