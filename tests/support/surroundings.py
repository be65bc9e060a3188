"""The environment that the tests inherit from their parent process, in one state for all tests."""

import os
import sys

_PREFIXES = ("AWS_", "GIT_", "PG", "PULUMI_", "RESTIC_")
# without bytecode each start of Python would compile its packages again, which takes seconds
_NAMES = frozenset({"BASH_ENV", "CDPATH", "ENV", "PYTHONDONTWRITEBYTECODE"})
_LOCAL = "127.0.0.1,localhost"


def reset_environment() -> None:
    """Remove settings of programs that the tests start, set the usual umask, bypass proxies for our own servers.

    To be called before any test module is imported: some packages read such a variable at once. Signals are not
    touched, so that the tests themselves can run in the background of a script (`processes.interruptible`).
    """
    os.umask(0o022)
    for name in [name for name in os.environ if name.startswith(_PREFIXES) or name in _NAMES]:
        del os.environ[name]
    sys.dont_write_bytecode = False
    # Go programs collect garbage less often: a tenth of the time of the engine and of the Terraform provider
    os.environ["GOGC"] = "400"
    for name in ("no_proxy", "NO_PROXY"):
        before = os.environ.get(name)
        os.environ[name] = f"{before},{_LOCAL}" if before else _LOCAL
