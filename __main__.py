"""What the engine runs: the program of a stack."""

import signal
import sys
import threading

from diaspora_infra.program import build_stack

# the engine interrupts the program when a resource fails: Python would show a traceback below the reason
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, lambda *_: sys.exit(1))
build_stack()
