"""`python -m lab up-aws` and `down-aws`: a stack of target aws, in the simulated account."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from diaspora_infra.config import (
    NAMESPACE,
    SECRET_KEYS,
    AwsSettings,
    ConfigError,
    load,
    needed_secrets,
)
from diaspora_infra.config.loader.stack_file import read_yaml
from diaspora_infra.cost.table import cost_table, notes, plain
from diaspora_infra.stack_files import load_with_secrets, read_stack_file
from lab.aws.account import Account
from lab.engine import PROJECT, Engine, StateLostError
from lab.errors import LabError
from lab.matchbox import free_ports, is_free
from lab.report import POLICIES, run_and_tell

STACK = "aws"
STACK_FILE = PROJECT / "examples" / "aws" / "Pulumi.aws.yaml"
PORT = 18090
"""Default port of the simulator."""


def up(folder: Path, stack_file: Path) -> None:
    """Bring a stack up: the simulator, the engine, a summary."""
    settings, values = read(stack_file)
    account = _last_account(folder) or Account(folder, PORT)
    _repair(account)
    if not account.running():
        if _engine(account).exists():
            print("simulator: was stopped and keeps nothing on disk, so its account is gone;")
            print("  removing the engine's state of that account and creating everything again", flush=True)
            forget(account)
        account = _new_account(folder)
    started = account.start()
    print(f"simulator: {'started' if started else 'already running'} at {account.endpoint}", flush=True)
    if make_zone(account, settings):
        print("hosted zone: created, as a real account would already have it")
    engine = prepare(account, settings, values)
    _recover(engine)
    print(f"pulumi up: {stack_file.name} (about a minute for a new stack)", flush=True)
    run_and_tell(engine, "up", *POLICIES)
    _summary(settings, engine)
    print(f"simulator: {account.endpoint}")


def down(folder: Path) -> None:
    """Lift the protection, destroy the stack and stop the simulator."""
    account = _last_account(folder)
    if account is None:
        print("nothing to destroy")
        return
    _repair(account)
    engine = _engine(account)
    if account.running() and engine.exists():
        engine.prepare()
        _recover(engine)
        print(
            "pulumi up: with aws.protect: false, which is also required on AWS before data can be deleted", flush=True
        )
        region = _unprotect(engine)
        run_and_tell(engine, "up")
        print(f"pulumi destroy: stack {STACK}", flush=True)
        run_and_tell(engine, "destroy")
        print("kept, as on AWS:", ", ".join(_kept_snapshots(account, region)) or "nothing")
    elif engine.exists():
        print("the simulator was not running, so its account is gone; removing the engine's state of that account")
    forget(account)
    print(f"simulator: {'stopped; its account is gone' if account.stop() else 'was not running'}")


def read(file: Path) -> tuple[AwsSettings, dict[str, Any]]:
    """Settings and values of a stack file. Placeholders replace its secrets."""
    try:
        source = read_stack_file(file)
        settings = load_with_secrets(load, source, SECRET_KEYS)
    except ConfigError as error:
        raise LabError(f"{file.name} cannot be used:\n{error}") from None
    if not isinstance(settings, AwsSettings):
        raise LabError(f"{file.name} has target {settings.target}; allowed here: aws")
    return settings, source.values


def _last_account(folder: Path) -> Account | None:
    """Find the last account that was started in the folder, running or not."""
    try:
        return Account(folder, int((folder / "port").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return None


def _new_account(folder: Path) -> Account:
    """Choose a port, and save it."""
    account = Account(folder, PORT if is_free(PORT) else free_ports(1)[0])
    (folder / "port").write_text(f"{account.port}\n", encoding="ascii")
    return account


def _engine(account: Account) -> Engine:
    return Engine(
        account.folder, STACK, account.folder / "stack.yaml", PROJECT, account.variables(), (account.plugin(),)
    )


def _unprotect(engine: Engine) -> str:
    """Lift the protection in the engine's stack file; returns the region."""
    config = read_yaml(engine.stack_file.read_text(encoding="utf-8"))["config"]
    aws = config[f"{NAMESPACE}:aws"]
    aws["protect"] = False
    _write(engine.stack_file, config)
    region: str = aws["region"]
    return region


def _repair(account: Account) -> None:
    """Repair the engine's state; where there is no good copy, empty the account, and forget what was in it."""
    try:
        for file in _engine(account).repair_state():
            print(f"{file}: was damaged; repaired", flush=True)
    except StateLostError as error:
        print(f"{str(error).partition(';')[0]}; emptying the account, and forgetting the stack", flush=True)
        forget(account)
        if account.running():
            account.reset()


def _recover(engine: Engine) -> None:
    if engine.locked():
        print("the last run was killed; cleaning up", flush=True)
        engine.recover()


def forget(account: Account) -> None:
    """Remove the engine's state of an account that is gone."""
    for name in ("state", "project", "home"):
        shutil.rmtree(account.folder / name, ignore_errors=True)


def make_zone(account: Account, settings: AwsSettings) -> bool:
    """Create the hosted zone that a real account would already have; returns whether it was created."""
    if settings.aws.dns.provider != "route53" or settings.aws.dns.create_zone:
        return False
    name = settings.aws.dns.zone or settings.pod.domain
    route53 = account.client("route53", settings.aws.region)
    zones = route53.list_hosted_zones_by_name(DNSName=name)["HostedZones"]
    if any(zone["Name"] == f"{name}." for zone in zones):
        return False
    route53.create_hosted_zone(Name=name, CallerReference="lab")
    return True


def prepare(account: Account, settings: AwsSettings, values: dict[str, Any]) -> Engine:
    """Prepare an engine for a stack: the same config, with placeholders for the podmin's secrets."""
    engine = _engine(account)
    config: dict[str, Any] = {f"{NAMESPACE}:{key}": value for key, value in values.items()}
    _write(engine.stack_file, config)
    engine.prepare()
    for secret in needed_secrets(settings):
        key = f"{NAMESPACE}:{secret.key}"
        config[key] = {"secure": engine.encrypt(key, secret.stand_in)}
    _write(engine.stack_file, config)
    return engine


def _write(file: Path, config: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump({"config": config}, sort_keys=False), encoding="utf-8")


def _kept_snapshots(account: Account, region: str) -> list[str]:
    """Name the snapshots that are kept when a stack is destroyed."""
    rds, ec2 = account.client("rds", region), account.client("ec2", region)
    clusters = rds.describe_db_cluster_snapshots(SnapshotType="manual")["DBClusterSnapshots"]
    instances = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    # snapshots without tags belong to the simulator
    volumes = ec2.describe_snapshots(Filters=[{"Name": "tag-key", "Values": ["Pod"]}])["Snapshots"]
    return [
        *(f"database snapshot {snapshot['DBClusterSnapshotIdentifier']}" for snapshot in clusters),
        *(f"database snapshot {snapshot['DBSnapshotIdentifier']}" for snapshot in instances),
        *(f"volume snapshot {snapshot['SnapshotId']}" for snapshot in volumes),
    ]


def _summary(settings: AwsSettings, engine: Engine) -> None:
    print("\nMonthly cost on AWS (diaspora-infra cost):\n")
    print("\n".join([*plain(cost_table(settings)), "", *notes(settings)]))
    print("\nOutputs:")
    outputs = engine.outputs()
    for name, value in outputs.items():
        print(f"  {name:<12} {value if isinstance(value, str) else json.dumps(value)}")
    print("\nNothing of this runs on AWS. Stop with: make down-aws")
