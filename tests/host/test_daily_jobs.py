"""The daily jobs of diaspora*: schedule.yml, and their time."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from diaspora_infra.config import ConfigError, load
from diaspora_infra.config.pod.daily_jobs import daily_jobs_minute
from diaspora_infra.host.diaspora_config import DAILY_JOBS, schedule_yml
from tests.config.mistakes import changed
from tests.host.pod import containers, files, pod_context, pod_fragment, values
from tests.support import configs

# default_job_config in config/initializers/sidekiq_scheduled.rb of diaspora* 0.9.1.0, in its order
NAMES = [
    "check_birthday", "clean_cached_files", "cleanup_old_exports", "cleanup_pending_photos",
    "queue_users_for_removal", "recheck_scheduled_pods", "recurring_pod_check",
]  # fmt: skip


def schedule(domain: str = "pod.example.org", start: int = 330) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(schedule_yml(domain, start))
    return found


def starts(time: str, domain: str = "pod.example.org") -> list[int]:
    """The starts of the jobs in minutes after midnight."""
    hours, minutes = time.split(":")
    jobs = schedule(domain, int(hours) * 60 + int(minutes)).values()
    found = [re.fullmatch(r"([0-9]+) ([0-9]+) [*] [*] [*]", job[":cron"]) for job in jobs]
    return [int(match[2]) * 60 + int(match[1]) for match in found if match]


def test_schedule_has_every_job_of_diaspora_in_its_order() -> None:
    assert list(schedule()) == [f":{name}" for name in NAMES]
    assert list(DAILY_JOBS) == NAMES
    assert [job[":class"] for job in schedule().values()] == [
        f"Workers::{''.join(word.title() for word in name.split('_'))}" for name in NAMES
    ]


@pytest.mark.parametrize("domain", ["pod.example.org", "a.org", "b.org", "c.org"])
def test_every_job_runs_once_a_day_in_one_window(domain: str) -> None:
    found = starts("05:30", domain)
    assert len(found) == len(NAMES)
    assert found == sorted(found)
    assert all(330 <= minute < 330 + 45 for minute in found)


def test_pods_do_not_all_start_at_the_same_minute() -> None:
    assert len({starts("05:30", f"pod{number}.example.org")[0] for number in range(50)}) > 10


def test_jobs_may_run_past_midnight() -> None:
    assert all(0 <= minute < 1440 for minute in starts("23:50"))
    assert starts("23:50")[-1] < 60


def test_sidekiq_mounts_the_schedule_that_its_unit_writes() -> None:
    fragment = pod_fragment(pod_context())
    sidekiq = containers(fragment)["diaspora-sidekiq"]
    (volume,) = [volume for volume in values(sidekiq["Container"], "Volume") if "schedule.yml" in volume]
    assert volume == "/var/mnt/data/sidekiq/schedule.yml:/srv/diaspora/config/schedule.yml"
    (command,) = values(sidekiq["Service"], "ExecStartPre")
    assert command.removeprefix("/usr/bin/bash ") in files(fragment)


@pytest.mark.parametrize(
    ("link", "zone"),
    [
        ("../usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("../usr/share/zoneinfo/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        (None, "Etc/UTC"),
    ],
)
def test_machine_adds_its_time_zone(tmp_path: Path, link: str | None, zone: str) -> None:
    found = files(pod_fragment(pod_context()))
    (tmp_path / "schedule.yml").write_text(found["/etc/diaspora/schedule.yml"])
    (tmp_path / "write-schedule").write_text(found["/usr/local/libexec/diaspora/write-schedule"])
    (tmp_path / "sidekiq").mkdir()
    written = tmp_path / "sidekiq/schedule.yml"
    written.write_text("x" * 10000)
    written.chmod(0o644)
    inode = written.stat().st_ino
    if link:
        (tmp_path / "localtime").symlink_to(link)
    environment = {
        "PATH": os.environ["PATH"],
        "DIASPORA_CONFIGURATION": str(tmp_path),
        "DIASPORA_DATA": str(tmp_path),
        "DIASPORA_LOCALTIME": str(tmp_path / "localtime"),
    }
    subprocess.run(["bash", tmp_path / "write-schedule"], env=environment, check=True, timeout=60)
    assert written.stat().st_ino == inode, "the container mounts this file"
    jobs = yaml.safe_load(written.read_text())
    assert {name: job[":class"] for name, job in jobs.items()} == {
        name: job[":class"] for name, job in schedule().items()
    }
    assert [job[":cron"] for job in jobs.values()] == [f"{job[':cron']} {zone}" for job in schedule().values()]


def window(time: str, minutes: int) -> dict[str, Any]:
    return {"windows": [{"days": ["Sat"], "startTime": time, "lengthMinutes": minutes}]}


BACKUP = {"pod.backup": {"time": "06:30"}}
UPGRADE = {"pod.upgrade": {"automatic": True, "time": "04:30"}}


@pytest.mark.parametrize(
    ("change", "time", "line"),
    [
        (BACKUP, "07:29", "overlap pod.backup.time (06:30, up to 60 minutes)"),
        ({**BACKUP, "host.updates": {"strategy": "off"}}, "05:31", "overlap pod.backup.time (06:30, up to 60 minutes)"),
        (UPGRADE, "05:00", "overlap pod.upgrade.time (04:30, up to 60 minutes)"),
        ({"host.updates": window("03:00", 60)}, "02:01", "overlap host.updates.windows[0] (03:00, up to 60 minutes)"),
        ({"host.updates": window("23:30", 90)}, "00:59", "overlap host.updates.windows[0] (23:30, up to 90 minutes)"),
        ({"host.updates": window("00:30", 60)}, "23:45", "overlap host.updates.windows[0] (00:30, up to 60 minutes)"),
    ],
)
def test_jobs_at_the_time_of_something_else_are_refused(change: dict[str, Any], time: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(changed(configs.pxe_config(), {**change, "pod.dailyJobs.time": time}), {"backupPassword"})
    assert str(caught.value) == f"pod.dailyJobs.time: the jobs ({time}, up to 60 minutes) {line}; choose another time"


@pytest.mark.parametrize(
    ("change", "time"),
    [
        ({**BACKUP, **UPGRADE}, "05:30"),
        (BACKUP, "02:00"),
        (BACKUP, "07:30"),
        ({"host.updates": {"strategy": "immediate"}}, "03:15"),
        ({"host.updates": {"strategy": "off"}}, "03:15"),
        ({"host.updates": window("00:00", 1440)}, "03:15"),
        ({"pod.upgrade": {"automatic": False}}, "04:30"),
    ],
)
def test_jobs_apart_from_everything_else_are_taken(change: dict[str, Any], time: str) -> None:
    load(changed(configs.pxe_config(), {**change, "pod.dailyJobs.time": time}), {"backupPassword"})


@pytest.mark.parametrize(
    ("change", "time"),
    [
        ({}, "05:30"),
        ({"pod.backup": {}, "pod.upgrade.automatic": True}, "05:30"),
        ({"pod.backup": {"time": "04:30"}}, "05:30"),
        ({"pod.backup": {"time": "04:31"}}, "06:00"),
        ({"pod.backup": {"time": "06:29"}}, "07:30"),
        ({"pod.backup": {"time": "05:00"}, "pod.upgrade": {"automatic": True, "time": "06:15"}}, "07:30"),
        ({"host.updates": window("05:00", 720)}, "17:00"),
        ({"host.updates": window("18:00", 720), "pod.backup": {"time": "06:00"}}, "07:00"),
        ({"host.updates": window("05:45", 690), "pod.upgrade": {"automatic": True, "time": "17:30"}}, "18:30"),
        # a time past midnight
        ({"host.updates": {"windows": [*window("05:00", 720)["windows"], *window("17:00", 600)["windows"]]}}, "03:00"),
        # no room is left
        ({"host.updates": {"windows": [*window("05:00", 720)["windows"], *window("17:00", 720)["windows"]]}}, "05:30"),
        ({"pod.backup": {"time": "05:30"}, "pod.dailyJobs.time": "09:10"}, "09:10"),
    ],
)
def test_time_that_nobody_set_is_apart_from_everything_else(change: dict[str, Any], time: str) -> None:
    settings = load(changed(configs.pxe_config(), change), {"backupPassword"})
    pod = settings.pod
    found = daily_jobs_minute(pod.daily_jobs, pod.backup, pod.upgrade, settings.host.updates)
    assert "{:02}:{:02}".format(*divmod(found, 60)) == time


@pytest.mark.parametrize(("backup", "start"), [("01:30", 330), ("05:00", 360)])
def test_chosen_time_is_in_the_schedule_of_the_machine(backup: str, start: int) -> None:
    context = pod_context(backup={"time": backup}, secrets={"backupPassword": "x"})
    assert files(pod_fragment(context))["/etc/diaspora/schedule.yml"] == schedule_yml("pod.example.org", start)


def test_defaults_are_apart() -> None:
    load(changed(configs.pxe_config(), {"pod.backup": {}, "pod.upgrade.automatic": True}), {"backupPassword"})


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            {"pod.backup": {"time": "03:30"}},
            "pod.backup.time: 03:30, up to 60 minutes, overlaps host.updates.windows[0] (03:00, up to 60 minutes), in "
            "which the machine may reboot; choose another time",
        ),
        (
            {"pod.upgrade": {"automatic": True, "time": "23:50"}, "host.updates": window("00:30", 30)},
            "pod.upgrade.time: 23:50, up to 60 minutes, overlaps host.updates.windows[0] (00:30, up to 30 minutes), in "
            "which the machine may reboot; choose another time",
        ),
    ],
)
def test_work_in_a_window_of_updates_is_refused(change: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(changed(configs.pxe_config(), change), {"backupPassword"})
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "change",
    [
        {"pod.backup": {}, "pod.upgrade": {"automatic": True}},
        {"pod.backup": {"time": "02:00"}},
        {"pod.backup": {"time": "03:30"}, "host.updates": {"strategy": "off"}},
        {"pod.backup": {"time": "03:30"}, "host.updates": window("00:00", 1440)},
        {"pod.upgrade": {"automatic": True, "time": "04:00"}},
    ],
)
def test_work_apart_from_windows_of_updates_is_taken(change: dict[str, Any]) -> None:
    load(changed(configs.pxe_config(), change), {"backupPassword"})
