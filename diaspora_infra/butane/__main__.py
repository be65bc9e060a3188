"""An alias of the command `butane-py`."""

import sys

from butane.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
