"""Tests do not depend on their environment: some that did run again from an unusual parent process."""

import os
import subprocess
import sys

from lab.engine import PROJECT

# each failed in one of these surroundings before tests/support/surroundings.py and processes.py cared for it
AFFECTED_TESTS = [
    "tests/cli/test_assets.py::test_interrupted_download_resumes",
    "tests/cli/test_render_verify.py::test_render_writes_output_file_with_mode_0644",
    "tests/config/test_aws_mail.py::test_regions_without_ses_match_those_of_boto3",
]
UNUSUAL_ENVIRONMENT = {
    "HOME": "/nonexistent",
    "LANG": "C",
    "TERM": "dumb",
    "COLUMNS": "40",
    "TZ": "Asia/Tokyo",
    "AWS_PROFILE": "podmin",
    "AWS_REGION": "us-east-1",
    "PULUMI_STACK": "podmin",
    "GIT_DIR": "/nonexistent",
    "BASH_ENV": "/nonexistent",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


def test_tests_pass_in_unusual_environment_with_signals_ignored() -> None:
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *AFFECTED_TESTS]
    result = subprocess.run(
        ["sh", "-c", 'trap "" INT QUIT HUP; umask 077; exec "$@" <&-', "sh", *pytest],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **UNUSUAL_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
