"""The one place that swallows errors: recording must never break training.

An error is told on stderr once per code and counted from then on; both go into the run's own record, so that
what was lost is visible later: counts within seconds, as soon as the store takes records, for a process that is
killed says nothing at its end. `EVERBLOOM_STRICT=1` lets every error through instead, which is what tests want.
"""

import contextlib
import sys
import threading
from collections.abc import Callable

from everbloom.core.errors import EverbloomError
from everbloom.core.interrupts import pass_handler_error
from everbloom.core.records import Problem

_CODES_MAX = 64  # kinds of errors that are told and kept apart
_MESSAGE_MAX_CHARS = 2_000
COUNT_EVERY_S = 5.0

Report = Callable[[Problem], None]


class Guard:
    """Counts what goes wrong in recording one run. Thread safe.

    Attributes:
        is_strict: Let errors through instead of counting them.
    """

    def __init__(self, *, is_strict: bool, count_every_s: float = COUNT_EVERY_S) -> None:
        self.is_strict = is_strict
        self._count_every_s = count_every_s
        self._report: Report | None = None
        self._is_ready: Callable[[], bool] = lambda: True
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self._messages: dict[str, str] = {}
        self._counts: dict[str, int] = {}  # what is not yet in the record
        self._is_closed = False

    def attach(self, report: Report, is_ready: Callable[[], bool] = lambda: True) -> None:
        """Name who writes problems into the run's record, and who knows whether it takes records now."""
        self._report = report
        self._is_ready = is_ready

    def handle(self, error: Exception) -> None:
        """Tell an error once and count it.

        Raises:
            Exception: The error itself, under strict mode, or where a person's signal handler raised it.
        """
        pass_handler_error(error)
        if self.is_strict:
            raise error
        self.note(*_describe(error))

    def note(self, code: str, message: str) -> None:
        """Tell and count a problem that was no exception; never raises."""
        with self._lock:
            if code not in self._messages and len(self._messages) >= _CODES_MAX:
                code, message = "guard.other", "further kinds of problems came up; they are only counted."
            is_first = code not in self._messages
            if is_first:
                self._messages[code] = message
            else:
                self._counts[code] = self._counts.get(code, 0) + 1
                self._ensure_timer()
        if is_first:
            further = "are not told" if self._is_closed else "are counted"
            _say(f"everbloom: {message} [{code}] Training goes on; further cases {further}.")
            self._write(Problem(code=code, message=message))

    def flush(self) -> None:
        """Write what was counted since the first cases into the run's record."""
        with self._lock:
            counts, self._counts = self._counts, {}
        for code, count in counts.items():
            self._write(Problem(code=code, message=self._messages[code], count=count))

    def _ensure_timer(self) -> None:
        """Have counts written in a while; within the lock."""
        if self._timer is not None or self._report is None or self._is_closed:
            return
        timer = threading.Timer(self._count_every_s, self._write_counts)
        timer.daemon = True
        # No thread to be had (a limit on processes, an interpreter that ends): the end of the run writes them.
        with contextlib.suppress(RuntimeError):
            timer.start()
            self._timer = timer

    def _write_counts(self) -> None:
        with contextlib.suppress(Exception):  # a thread of its own must not print a traceback into training's output
            if self._is_ready():
                self.flush()
        with self._lock:
            self._timer = None
            if self._counts:
                self._ensure_timer()

    def close(self) -> None:
        """Tell from now on, and count no more: the run's record is closed."""
        with self._lock:
            self._is_closed = True
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _write(self, problem: Problem) -> None:
        if self._report is None or self._is_closed:
            return
        try:
            self._report(problem)
        except Exception as error:  # noqa: BLE001 - the last edge: what cannot be written now is counted for later
            pass_handler_error(error)
            with self._lock:
                self._counts[problem.code] = self._counts.get(problem.code, 0) + problem.count

    def forget(self) -> None:
        """Begin at nought, with a lock of one's own; for a forked child, whose parent counts on."""
        self._lock = threading.Lock()
        self._counts = {}
        self._timer = None


def _describe(error: Exception) -> tuple[str, str]:
    if isinstance(error, EverbloomError):
        return error.code, error.message[:_MESSAGE_MAX_CHARS]
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a foreign error's __str__ may raise anything
        text = "(its message cannot be shown)"
    kind = type(error).__name__
    safe = text.encode("utf-8", "backslashreplace").decode()[:_MESSAGE_MAX_CHARS]
    return f"record.{kind}", f"recording raised {kind}: {safe}"


def _say(line: str) -> None:
    # A line and not `warnings.warn`: under `-W error` a warning is an exception, and training would see it.
    with contextlib.suppress(Exception):  # stderr may be None, closed or a person's own object
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
