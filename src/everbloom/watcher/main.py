"""Watch one process until it has ended and all it printed is recorded; then say how it ended.

The watcher has a session of its own and ignores the signals that a terminal or a job scheduler sends to training:
it must outlive training to tell what killed it. It is started through a shell that exits at once, so it is
not training's child: `os.wait` and tools that end a process's children do not meet it. Heavy imports are
avoided; everything it knows comes in one argument (capture.order).
"""

import contextlib
import os
import signal
import sys

from everbloom.capture.order import FIRST_TARGET_FD, parse_order
from everbloom.core.errors import EverbloomError
from everbloom.watcher.watch import Watch


def main() -> None:
    """Watch what `sys.argv[1]` orders; the exit code is 0 unless the order cannot be read."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    order = parse_order(sys.argv[1])
    _close_other_files(FIRST_TARGET_FD + sum(spool.is_copied for spool in order.spools))
    os.chdir("/")  # the folder where training runs may be unmounted
    watch = Watch(order)
    try:
        watch.run()
    except Exception as error:  # noqa: BLE001 - a worker's edge: told once in the run's own record
        import traceback  # rarely needed, and every megabyte counts

        watch.report(_code_of(error), "".join(traceback.format_exception(error))[-8_000:])
    finally:
        watch.close()
    if order.is_tidied and os.path.isdir(order.root):  # noqa: PTH112 - nothing is made anew of a store that is gone
        _become_tidier(order.root)


def _close_other_files(first: int) -> None:
    """Close every descriptor from `first` on: locks and pipes that were never meant for the watcher."""
    os.closerange(first, max(256, *(int(name) + 1 for name in os.listdir("/proc/self/fd"))))  # noqa: PTH208


def _become_tidier(root: str) -> None:
    """Go on as the process that catches the index up, so that the next look is quick; see everbloom.ingest.closed.

    Not by import: recording does without the read side, and a client without it has nothing to catch up.
    """
    with contextlib.suppress(OSError):
        os.execv(sys.executable, [sys.executable, "-P", "-W", "ignore", "-m", "everbloom.ingest.closed", root])


def _code_of(error: Exception) -> str:
    return error.code if isinstance(error, EverbloomError) else f"watcher.{type(error).__name__}"
