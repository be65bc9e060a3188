"""The container images of the virtual machine: one root folder, under the names of all images of a pod.

nginx, Redis, OpenSSL and the node exporter are real (Debian's). PostgreSQL, diaspora* and Ruby are the scripts in the
folder `container`.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from diaspora_infra.config.images import IMAGES
from tests.support.boot import debian
from tests.support.boot.cached import cached
from tests.support.boot.debian import UNNEEDED, debian_tree, run
from tests.support.configs import pod
from tools import tool_path

PACKAGES = (
    "bash", "busybox-static", "coreutils", "grep", "nginx-light", "openssl", "prometheus-node-exporter", "redis-server",
    "redis-tools", "sed",
)  # fmt: skip
# Images whose names the config takes from the table of defaults, and the program that they run unasked.
DEFAULTS = {"postgresql": "", "redis": "", "nginx": "", "node-exporter": "/usr/bin/prometheus-node-exporter"}
OWN_FILES = Path(__file__).parent / "container"
# uid of the image that the settings call pod.image
HOME, UID = "srv/diaspora", 1000
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnginx:x:101:101::/:/bin/sh\npostgres:x:999:999::/:/bin/sh\n",
    "etc/group": "root:x:0:\nnginx:x:101:\npostgres:x:999:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
BUSYBOX = ("httpd", "wget")


def image_names() -> list[str]:
    """The images that a pod runs, by the names in its config."""
    return [*_entrypoints()]


def _entrypoints() -> dict[str, str]:
    defaults = {IMAGES[name].reference or "": program for name, program in DEFAULTS.items()}
    return {**defaults, pod()["image"]: ""}


def image_store() -> Path:
    """The folder in the cache in which podman finds the images as if pulled."""
    # the path of a program ends in a hash of how it was built
    recipe = (sys.modules[__name__], debian, OWN_FILES, str(tool_path("podman")), *image_names())
    return cached("boot-containers", _make_store, *recipe) / "store"


def _make_store(folder: Path) -> None:
    work, store = folder / "work", folder / "store"
    tree = debian_tree(PACKAGES, work, [*UNNEEDED, "usr/share", "var/lib/dpkg", "usr/lib/systemd"])
    _add_own_files(tree)
    helpers = work / "helpers"
    helpers.mkdir()
    for name in ("netavark", "aardvark-dns"):
        # podman asks for them even when it starts nothing
        (helpers / name).symlink_to("/bin/false")
    archive = work / "root.tar"
    run("tar", "--create", "--file", archive, "--directory", tree, ".")
    policy = work / "policy.json"
    policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}), encoding="utf-8")
    configuration = work / "storage.conf"
    configuration.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{store}"\nrunroot = "{work / "run"}"\n'
        # else podman leaves the folder mounted on itself
        '[storage.options.overlay]\nskip_mount_home = "true"\n',
        encoding="utf-8",
    )
    engine = work / "containers.conf"
    engine.write_text(f'[engine]\nhelper_binaries_dir = ["{helpers}"]\n', encoding="utf-8")
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "CONTAINERS_CONF": str(engine),
        "CONTAINERS_STORAGE_CONF": str(configuration),
        "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
    }
    command = [tool_path("podman"), "import", "--quiet", f"--signature-policy={policy}"]
    for name, program in _entrypoints().items():
        # a label, so that every image has an id of its own
        changes = [f"--change=LABEL of={name}"] + [f'--change=ENTRYPOINT ["{program}"]'] * bool(program)
        subprocess.run(
            [*command, *changes, archive, name], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120
        )
    shutil.rmtree(work)


def _add_own_files(tree: Path) -> None:
    for name in ("tmp", "run", "proc", "sys", "dev", "etc", "srv/public", "data", f"{HOME}/bin", f"{HOME}/tmp"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    (tree / "tmp").chmod(0o1777)
    for path, text in ACCOUNTS.items():
        (tree / path).write_text(text, encoding="utf-8")
    (tree / "usr/bin/sh").unlink(missing_ok=True)
    (tree / "usr/bin/sh").symlink_to("bash")
    for name in BUSYBOX:
        (tree / "usr/local/bin" / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / "usr/local/bin" / name).symlink_to("/bin/busybox")
    for file in OWN_FILES.rglob("*"):
        target = tree / file.relative_to(OWN_FILES)
        if file.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o755)
    run("chown", "--recursive", f"{UID}:{UID}", tree / HOME)
