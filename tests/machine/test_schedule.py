"""schedule.yml as the Ruby of diaspora* reads it."""

import json
import subprocess
from pathlib import Path

from diaspora_infra.host.diaspora_config import DAILY_JOBS
from tests.host.pod import files, pod_context, pod_fragment
from tests.machine.pod_programs import RequireProgram

# valid_config? in config/initializers/sidekiq_scheduled.rb of diaspora* 0.9.1.0; the names of its jobs are arguments
VALID = """
require "yaml"
require "json"
path, *names = ARGV
config = YAML.load_file(path)
valid = config.keys == names.map(&:to_sym) && config[:recurring_pod_check][:cron] != "0 0 * * *"
puts JSON.generate([valid, config[:recurring_pod_check]])
"""


def test_diaspora_keeps_the_schedule(tmp_path: Path, require_program: RequireProgram) -> None:
    text = files(pod_fragment(pod_context()))["/etc/diaspora/schedule.yml"]
    file = tmp_path / "schedule.yml"
    file.write_text(text)
    ruby = require_program("ruby", "ruby")
    done = subprocess.run(
        [ruby, "-e", VALID, file, *DAILY_JOBS], capture_output=True, text=True, check=True, timeout=60
    )
    valid, job = json.loads(done.stdout)
    assert valid is True
    assert job["class"] == "Workers::RecurringPodCheck"
    assert job["cron"].endswith(" 5 * * *")
