"""`diaspora-infra provisioning`: the provisioning server on an existing host."""

import argparse
from pathlib import Path

from diaspora_infra.config import ConfigError, Problem, load_provisioning
from diaspora_infra.stack_files import load_file, read_stack_file


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `provisioning files`."""
    text = "write a provisioning server for any host with podman"
    parser = commands.add_parser("provisioning", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "write the files of the server, and a script that installs them on a host with systemd and podman"
    files = actions.add_parser("files", help=text, description=text)
    files.add_argument(
        "stack_file", metavar="STACK_FILE", type=Path, help="stack file; only the key `provisioning` is read"
    )
    files.add_argument("folder", metavar="FOLDER", type=Path, help="where to write them")
    files.set_defaults(run=_files)


def _files(options: argparse.Namespace) -> int:
    from diaspora_infra.host.provisioning_files import write_provisioning_files

    file = read_stack_file(options.stack_file)
    if options.folder.is_dir() and any(options.folder.iterdir()) and not (options.folder / "install").is_file():
        raise ConfigError(
            [Problem(str(options.folder), "not empty; choose a new folder, or the folder of an earlier run")]
        )
    provisioning = load_file(lambda values, _secrets: load_provisioning(values), file)
    for path in write_provisioning_files(provisioning, options.folder):
        print(path)
    return 0
