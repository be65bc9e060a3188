"""No test depends on how it was started: some that did are run again by a strange parent."""

import os
import subprocess
import sys

from lab.engine import PROJECT

# each failed in one of these surroundings before tests/support/surroundings.py and processes.py cared for it
DEPENDED = [
    "tests/cli/test_assets.py::test_a_run_that_was_stopped_goes_on",
    "tests/cli/test_render_verify.py::test_render_to_a_file",
    "tests/config/test_aws_mail.py::test_the_regions_without_ses_are_those_that_the_sdk_of_aws_knows",
]
STRANGE = {
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


def test_a_script_in_the_background_of_another_may_run_the_tests() -> None:
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *DEPENDED]
    result = subprocess.run(
        ["sh", "-c", 'trap "" INT QUIT HUP; umask 077; exec "$@" <&-', "sh", *pytest],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **STRANGE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
