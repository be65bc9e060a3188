"""The container images of the virtual machine: three root folders, under the names of all images of a pod.

One has Redis, nginx and the node exporter of Debian trixie, one its PostgreSQL. The third is the image of diaspora*,
with the program in its place (tests/support/rails.py). podman copies an image for each user that it maps.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from diaspora_infra.config.images import IMAGES, POSTGRESQL_MAJOR
from tests.support.boot import debian
from tests.support.boot.debian import UNNEEDED, debian_tree, run
from tests.support.configs import pod
from tests.support.rails import rails_layers
from tools import tool_path
from tools.cached import cached

COMMON = ("bash", "coreutils", "grep", "sed")
SERVERS = (
    *COMMON,
    "busybox-static",
    "nginx-light",
    "prometheus-node-exporter",
    "redis-server",
    "redis-tools",
    "restic",
)
POSTGRESQL = (*COMMON, f"postgresql-{POSTGRESQL_MAJOR}", "tzdata")
PROGRAMS = f"/usr/lib/postgresql/{POSTGRESQL_MAJOR}/bin"
# What initdb and PostgreSQL read.
NEEDED = ("usr/lib/x86_64-linux-gnu/libicu*", "usr/lib/locale")
# A compiler for queries, which PostgreSQL does without, and most time zones.
UNUSED = (
    "usr/lib/postgresql/*/lib/bitcode", "usr/lib/postgresql/*/lib/llvmjit*", "usr/lib/postgresql/*/lib/pgxs",
    "usr/lib/systemd", "usr/lib/x86_64-linux-gnu/libLLVM*", "usr/lib/x86_64-linux-gnu/libz3*", "usr/share/[!pz]*",
    "usr/share/zoneinfo/[!E]*/", "var/lib/dpkg",
)  # fmt: skip
# Images whose names the config takes from the table of defaults, and what they say to podman.
DEFAULTS = {
    "postgresql": [
        'ENTRYPOINT ["/usr/local/bin/docker-entrypoint"]',
        f"ENV PATH={PROGRAMS}:/usr/local/bin:/usr/sbin:/usr/bin",
        "ENV PGDATA=/var/lib/postgresql/data",
    ],
    "redis": [],
    "nginx": [],
    "restic": ['ENTRYPOINT ["/usr/bin/restic"]'],
    "node-exporter": ['ENTRYPOINT ["/usr/bin/prometheus-node-exporter"]'],
}
# as containers/diaspora/Containerfile
DIASPORA = ["ENV RAILS_ENV=production", "ENV LD_PRELOAD=libjemalloc.so.2"]
OWN_FILES = Path(__file__).parent / "container"
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nnginx:x:101:101::/:/bin/sh\npostgres:x:999:999::/:/bin/sh\n",
    "etc/group": "root:x:0:\nnginx:x:101:\npostgres:x:999:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def image_names() -> list[str]:
    """The images that a pod runs, by the names in its config."""
    return [*(IMAGES[name].reference or "" for name in DEFAULTS), pod()["image"]]


def image_store() -> Path:
    """The folder in the cache in which podman finds the images as if pulled."""
    # the path of a program ends in a hash of how it was built
    recipe = (sys.modules[__name__], debian, OWN_FILES, str(tool_path("podman")), *image_names())
    layers = [str(layer) for layer in rails_layers()]
    return cached("boot-containers", _make_store, *recipe, *layers) / "store"


def _make_store(folder: Path) -> None:
    work, store = folder / "work", folder / "store"
    work.mkdir()
    archives = {
        name: archived(tree, work / f"{name}.tar")
        for name, tree in (
            ("servers", _servers(work / "servers")),
            ("postgresql", _postgresql(work / "postgresql")),
            ("diaspora", _diaspora(work / "diaspora")),
        )
    }
    images = {
        IMAGES[name].reference or "": (archives.get(name, archives["servers"]), changes)
        for name, changes in DEFAULTS.items()
    }
    images[pod()["image"]] = (archives["diaspora"], DIASPORA)
    write_store(store, images, work)
    shutil.rmtree(work)


def write_store(store: Path, images: Mapping[str, tuple[Path, Sequence[str]]], work: Path) -> None:
    """Write the folder `store`: images by their names, each with the archive of its root and what it says to podman."""
    helpers = work / "helpers"
    helpers.mkdir()
    for name in ("netavark", "aardvark-dns"):
        # podman asks for them even when it starts nothing
        (helpers / name).symlink_to("/bin/false")
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
    for name, (archive, changes) in images.items():
        # a label, so that every image has an id of its own
        options = [f"--change={change}" for change in (f"LABEL of={name}", *changes)]
        subprocess.run(
            [*command, *options, archive, name], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120
        )


def archived(tree: Path, archive: Path) -> Path:
    """Pack a root folder, with what each image has."""
    for name in ("tmp", "run", "proc", "sys", "dev", "etc"):
        (tree / name).mkdir(exist_ok=True)
    (tree / "tmp").chmod(0o1777)
    (tree / "usr/bin/sh").unlink(missing_ok=True)
    (tree / "usr/bin/sh").symlink_to("bash")
    run("tar", "--create", "--file", archive, "--directory", tree, ".")
    return archive


def _servers(work: Path) -> Path:
    tree = debian_tree(SERVERS, work, [*UNNEEDED, "usr/share", "var/lib/dpkg", "usr/lib/systemd"])
    add_accounts(tree)
    for name in ("srv/public", "data"):
        (tree / name).mkdir(parents=True)
    # nginx's health check
    (tree / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    (tree / "usr/local/bin/wget").symlink_to("/bin/busybox")
    return tree


def _postgresql(work: Path) -> Path:
    tree = debian_tree(POSTGRESQL, work, [*(path for path in UNNEEDED if path not in NEEDED), *UNUSED])
    add_accounts(tree)
    shutil.copytree(OWN_FILES, tree, dirs_exist_ok=True)
    (tree / "usr/local/bin/docker-entrypoint").chmod(0o755)
    return tree


def add_accounts(tree: Path) -> None:
    """Write the accounts of the official images."""
    for name, text in ACCOUNTS.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")


def _diaspora(tree: Path) -> Path:
    tree.mkdir()
    for layer in reversed(rails_layers()):
        run("cp", "--archive", f"{layer}/.", tree)
    return tree
