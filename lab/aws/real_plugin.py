"""The real provider plugin of AWS, where there is one: `python -m lab.aws.real_plugin PROGRAM` becomes it.

This was never tested with a real plugin: `pulumi-resource-aws` was not available to the authors, and the tests use a
fake program. The bridge gives the same environment to the same Terraform provider; that the plugin reads nothing else
is concluded from the source of pulumi-aws.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from lab.aws.bridge import VERSION
from lab.aws.environment import provider_environment
from tools.find import accepts, ask_version, outer_path

NAME = "pulumi-resource-aws"


def find() -> Path | None:
    """The plugin on PATH, if its version is the one that the SDK needs; otherwise a line on standard error names it."""
    found = shutil.which(NAME, path=outer_path())
    if found is None:
        return None
    version = ask_version([found, "-version"])
    if accepts(f"=={VERSION}", version):
        return Path(found).absolute()
    shown = ".".join(map(str, version)) if version else "unknown"
    sys.stderr.write(
        f"{found} is not used: its version is {shown}, and pulumi_aws needs {VERSION}; using the bridge instead\n"
    )
    return None


def main(arguments: list[str]) -> None:
    """Become the plugin, in an environment in which the simulator is the only account."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what it becomes would too
    environment = provider_environment(os.environ["LAB_AWS_ENDPOINT"])
    try:
        os.execve(arguments[0], arguments, environment)  # noqa: S606 - there is no shell on purpose
    except OSError as error:
        sys.exit(f"{arguments[0]}: {error.strerror}; the stack was created with this plugin; install it again")


if __name__ == "__main__":
    main(sys.argv[1:])
