"""`python -m lab up` and `python -m lab down`."""

import sys

if __name__ == "__main__":
    try:
        # here, since the imports take half a second, and Ctrl-C is no reason for a traceback then either
        from lab.command import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
