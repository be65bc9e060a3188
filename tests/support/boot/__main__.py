"""`python -m tests.support.boot`: makes what tests keep in the cache beside the tools, where they can run."""

import os
import platform
import sys

from tests.support.boot.container_images import image_store
from tests.support.boot.images import make_images
from tests.support.sidekiq import sidekiq_root

if __name__ == "__main__" and os.geteuid() == 0 and platform.machine() == "x86_64":
    try:
        make_images()
        image_store()
        sidekiq_root()
    except Exception as error:  # the tests try again, and show all of it
        print(f"images of tests/boot: {error}", file=sys.stderr)
