"""The program in the place of diaspora*, on Debian bookworm's Ruby and Rails, as root folders.

The folder `application` is laid over that of the packages, which have their Ruby also as compiled code: a program
starts in half the time. Needs root and a Debian for x86_64 (tests/support/boot/debian.py).
"""

import shutil
import sys
from pathlib import Path

from tests.support.boot import debian
from tests.support.boot.debian import UNNEEDED, debian_tree, run
from tools.cached import cached

RELEASE = "bookworm"
# catatonit: what podman runs first where a container has RunInit
PACKAGES = (
    "bash", "ca-certificates", "catatonit", "coreutils", "grep", "libjemalloc2", "puma", "ruby",
    "ruby-actionmailer", "ruby-activerecord", "ruby-addressable", "ruby-bcrypt", "ruby-bundler", "ruby-configurate",
    "ruby-pg", "ruby-rack-ssl", "ruby-railties", "ruby-sidekiq", "ruby-sidekiq-cron", "ruby-toml-rb", "sed", "tzdata",
)  # fmt: skip
UNUSED = (
    "etc/X11", "usr/games", "usr/lib/systemd", "usr/lib/tmpfiles.d", "usr/share/doc-base", "usr/share/fonts",
    "usr/share/javascript", "usr/share/nodejs", "usr/share/pixmaps", "usr/share/ri", "usr/lib/ruby/vendor_ruby/rdoc*",
    "usr/lib/ruby/gems/*/gems/debug-*", "usr/lib/ruby/gems/*/gems/rbs-*", "usr/lib/ruby/gems/*/gems/typeprof-*",
    "usr/share/zoneinfo/posix", "usr/share/zoneinfo/right", "var/cache", "var/lib/dpkg", "var/lib/gems/*/doc",
)  # fmt: skip
# of these, nokogiri needs one
NEEDED = ("usr/lib/x86_64-linux-gnu/libicu*",)
APPLICATION = Path(__file__).parent / "application"
COMPILED = Path(__file__).parent / "compiled_ruby"
HOME, UID = "srv/diaspora", 1000
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
ACCOUNTS = {
    "etc/passwd": f"root:x:0:0:root:/root:/bin/bash\ndiaspora:x:{UID}:{UID}::/{HOME}:/bin/bash\n",
    "etc/group": f"root:x:0:\ndiaspora:x:{UID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


def rails_layers() -> tuple[Path, Path]:
    """Two root folders, to which nothing may be written: the program, and what it is laid over."""
    recipe = (sys.modules[__name__], debian, APPLICATION / "Gemfile", APPLICATION / "Rakefile", COMPILED)
    packages = cached("rails", _make_packages, *recipe)
    program = cached("rails-program", _make_program, sys.modules[__name__], APPLICATION)
    return program / "root", packages / "root"


def _make_packages(folder: Path) -> None:
    """Unpack the packages, and let Bundler resolve the Gemfile and make its programs."""
    work = folder / "work"
    unneeded = [*(path for path in UNNEEDED if path not in NEEDED), *UNUSED]
    tree = debian_tree(PACKAGES, work, unneeded, RELEASE)
    for path, text in ACCOUNTS.items():
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")
    authorities = tree / "usr/share/ca-certificates"
    texts = [file.read_text(encoding="utf-8") for file in sorted(authorities.glob("mozilla/*.crt"))]
    (tree / AUTHORITIES).write_text("".join(texts), encoding="utf-8")
    shutil.rmtree(authorities)
    home = tree / HOME
    home.mkdir(parents=True)
    for name in ("Gemfile", "Rakefile"):
        shutil.copyfile(APPLICATION / name, home / name)
    # the gems are those of the packages: nothing is fetched
    for words in ("lock --local", "binstubs bundler puma rake --force"):
        run("chroot", tree, "bash", "-c", f"cd /{HOME} && HOME=/tmp bundle {words}")
    run("chown", "--recursive", f"{UID}:{UID}", home)
    shutil.copytree(COMPILED, tree / "tmp/compiled")
    run("chroot", tree, "ruby", "/tmp/compiled/compile.rb")
    shutil.rmtree(tree / "tmp/compiled")
    tree.rename(folder / "root")
    shutil.rmtree(work)


def _make_program(folder: Path) -> None:
    home = folder / "root" / HOME
    shutil.copytree(APPLICATION, home)
    for name in ("log", "tmp", "public/uploads"):
        (home / name).mkdir()
    run("chown", "--recursive", f"{UID}:{UID}", home)
