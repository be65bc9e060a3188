"""The container images of the virtual machine: one root folder, under the names of Redis and the node exporter.

Both are real (Debian's). Whole pods in namespaces have the images of all services (container_images.py).
"""

import shutil
import sys
from pathlib import Path

from diaspora_infra.config.images import IMAGES
from tests.support.boot import container_images, debian
from tests.support.boot.container_images import add_accounts, archived, write_store
from tests.support.boot.debian import UNNEEDED, debian_tree
from tools import tool_path
from tools.cached import cached

PACKAGES = ("bash", "coreutils", "grep", "prometheus-node-exporter", "redis-server", "redis-tools")
# What the two servers do not need: podman copies an image for each user that it maps.
UNUSED = (
    "usr/bin/redis-benchmark", "usr/bin/redis-check-aof", "usr/lib/x86_64-linux-gnu/libdb-*",
    "usr/lib/x86_64-linux-gnu/libmvec*", "usr/lib/x86_64-linux-gnu/ossl-modules", "usr/lib/x86_64-linux-gnu/security",
    "usr/share", "usr/sbin/*", "usr/lib/systemd", "var/lib/dpkg",
)  # fmt: skip
# Images whose names the config takes from the table of defaults, and what they say to podman.
DEFAULTS = {"redis": [], "node-exporter": ['ENTRYPOINT ["/usr/bin/prometheus-node-exporter"]']}


def light_store() -> Path:
    """The folder in the cache in which podman finds the images as if pulled."""
    names = [IMAGES[name].reference or "" for name in DEFAULTS]
    # the path of a program ends in a hash of how it was built
    recipe = (sys.modules[__name__], container_images, debian, str(tool_path("podman")), *names)
    return cached("boot-light-containers", _make_store, *recipe) / "store"


def _make_store(folder: Path) -> None:
    work = folder / "work"
    work.mkdir()
    tree = debian_tree(PACKAGES, work / "debian", [*UNNEEDED, *UNUSED])
    add_accounts(tree)
    (tree / "data").mkdir()
    archive = archived(tree, work / "root.tar")
    write_store(
        folder / "store",
        {IMAGES[name].reference or "": (archive, changes) for name, changes in DEFAULTS.items()},
        work,
    )
    shutil.rmtree(work)
