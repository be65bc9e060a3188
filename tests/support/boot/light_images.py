"""The container images of the virtual machine: one root folder, under the names of all images of a pod.

nginx, Redis, OpenSSL and the node exporter are real (Debian's). PostgreSQL, diaspora* and Ruby are the scripts in the
folder `light_container`, because a start of Ruby takes minutes where each instruction is emulated. Whole pods in
namespaces have the real ones (container_images.py).
"""

import shutil
import sys
from pathlib import Path

from diaspora_infra.config.images import IMAGES
from tests.support.boot import container_images, debian
from tests.support.boot.cached import cached
from tests.support.boot.container_images import add_accounts, archived, write_store
from tests.support.boot.debian import UNNEEDED, debian_tree, run
from tests.support.configs import pod
from tools import tool_path

PACKAGES = (
    "bash", "busybox-static", "coreutils", "grep", "nginx-light", "openssl", "prometheus-node-exporter", "redis-server",
    "redis-tools", "sed",
)  # fmt: skip
# Images whose names the config takes from the table of defaults, and what they say to podman.
DEFAULTS = {
    "postgresql": [],
    "redis": [],
    "nginx": [],
    "node-exporter": ['ENTRYPOINT ["/usr/bin/prometheus-node-exporter"]'],
}
OWN_FILES = Path(__file__).with_name("light_container")
# uid of the image that the settings call pod.image
HOME, UID = "srv/diaspora", 1000
BUSYBOX = ("httpd", "wget")


def light_store() -> Path:
    """The folder in the cache in which podman finds the images as if pulled."""
    names = [*(IMAGES[name].reference or "" for name in DEFAULTS), pod()["image"]]
    # the path of a program ends in a hash of how it was built
    recipe = (sys.modules[__name__], container_images, debian, OWN_FILES, str(tool_path("podman")), *names)
    return cached("boot-light-containers", _make_store, *recipe) / "store"


def _make_store(folder: Path) -> None:
    work = folder / "work"
    work.mkdir()
    tree = debian_tree(PACKAGES, work / "debian", [*UNNEEDED, "usr/share", "var/lib/dpkg", "usr/lib/systemd"])
    _add_own_files(tree)
    archive = archived(tree, work / "root.tar")
    images = {IMAGES[name].reference or "": (archive, changes) for name, changes in DEFAULTS.items()}
    write_store(folder / "store", {**images, pod()["image"]: (archive, [])}, work)
    shutil.rmtree(work)


def _add_own_files(tree: Path) -> None:
    for name in ("srv/public", "data", f"{HOME}/bin", f"{HOME}/tmp", "usr/local/bin"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    add_accounts(tree)
    for name in BUSYBOX:
        (tree / "usr/local/bin" / name).symlink_to("/bin/busybox")
    for file in OWN_FILES.rglob("*"):
        target = tree / file.relative_to(OWN_FILES)
        if file.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o755)
    run("chown", "--recursive", f"{UID}:{UID}", tree / HOME)
