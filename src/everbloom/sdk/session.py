"""A run's life in this process: what begins with it and must end with it, in the right order.

At the end the console is given back first, so that all that was printed is on its way before the end is
recorded; then what was counted, the end record, and the journal's seal. A forked child has no part in that: it
only closes what it opened.
"""

import contextlib
import os
import traceback
from collections.abc import Callable
from pathlib import Path

from everbloom.capture.console import Console, record_rest
from everbloom.capture.dropped import to_problem
from everbloom.core import layout
from everbloom.core.errors import Unavailable
from everbloom.core.ids import RunId
from everbloom.core.records import Cause, End, EndState, ExceptionInfo, Problem, Record
from everbloom.journal.names import register_name
from everbloom.journal.printed import find_printed
from everbloom.sdk import current
from everbloom.sdk.guard import Guard
from everbloom.sdk.recorder import Recorder
from everbloom.sdk.run import Run
from everbloom.sdk.spawn import WatcherHandle

_TRACEBACK_MAX_CHARS = 12_000
_MESSAGE_MAX_CHARS = 4_000


class Session:
    """One run of this process and all that was set up for it.

    Attributes:
        run: The run as training code has it.
        user: Who records.
    """

    def __init__(self, root: Path, recorder: Recorder, guard: Guard, *, rank: int, user: str) -> None:
        self.run: Run
        self.user = user
        self.console: Console | None = None
        self.watcher: WatcherHandle | None = None
        self._root = root
        self._recorder = recorder
        self._guard = guard
        self._rank = rank
        self._owner = os.getpid()
        self._is_finished = False
        self._is_unnamed = False
        guard.attach(self._report, recorder.takes_records)

    def divert_console(self) -> None:
        """Begin to record what is printed; what keeps that from being done, or done wholly, is told."""
        folder = layout.spool_dir(self._root, RunId(self.run.id))
        console = self.console = Console(folder, self._recorder.journal_id)
        self.guarded(console.start)
        if console.is_roomless:
            self.note(
                "console.teed",
                f"space for what is printed cannot be reserved at {self._root} (less than 16 MiB are free, or its file "
                f"system reserves none): what Python prints is recorded, and what child processes and native libraries "
                f"print is not. Free some space before the next run, or keep the store on a local disk.",
            )

    def record(self, record: Record) -> None:
        """Append a control record; what goes wrong is the guard's."""
        self.guarded(lambda: self._recorder.append(record))

    def note(self, code: str, message: str) -> None:
        """Tell a person, and the run's record, what is not as they may expect; never raises."""
        self._guard.note(code, message)

    def register_name(self) -> None:
        """Have the run found by its name; where there is no room for that now, at the run's end."""
        self._is_unnamed = True
        self.guarded(self._register_name)

    def _register_name(self) -> None:
        register_name(self._root, RunId(self.run.id), self.run.name)
        self._is_unnamed = False

    def watch(self, watcher: WatcherHandle) -> None:
        """Take over the watcher that was started for this run, and what it does where it fails."""
        self.watcher = watcher
        if self.console is not None:
            self.console.keep_copying(watcher.alive)

    def _report(self, problem: Problem) -> None:
        with contextlib.suppress(Unavailable):  # it waits in the recorder's queue; to count it again would be once more
            self._recorder.append(problem)

    def finish(self, error: BaseException | None = None) -> None:
        """End the run: as finished, or by the exception that ended the block or the process."""
        self._finish(describe_end(error))

    def finish_at_exit(self) -> None:
        """End the run because the interpreter exits, with what code it does not know; the watcher may."""
        self._finish(End(state="finished", cause="exit", witness="process"))

    def _finish(self, end: End) -> None:
        if self._is_finished:
            return
        self._is_finished = True
        current.remove(self)
        is_owner = os.getpid() == self._owner
        if is_owner and self.console is not None:
            self.guarded(self.console.finish)
            self.guarded(self._record_console_rest)
        if is_owner and self._is_unnamed and self._recorder.is_stored():
            self.guarded(self._register_name)
        self._guard.flush()
        if is_owner and not self._recorder.is_stored():
            self._guard.note(
                "root.vanished", f"the store {self._root} was deleted while the run was recorded; it is lost."
            )
        elif is_owner and (self._rank == 0 or end.state != "finished"):  # a rank's clean end is not the run's
            self.guarded(lambda: self._recorder.append(end))
        self.guarded(self._recorder.close)
        self._guard.close()
        if self.watcher is not None:
            if is_owner:
                self.watcher.tell_end(is_explicit=end.explicit)
            self.watcher.close()

    def _record_console_rest(self) -> None:
        if self.console is None or not self._recorder.is_stored():
            return
        if missed := self.console.take_missed():  # there was never room for a spool that could count them
            self._recorder.append(to_problem(missed))
        if self.watcher is None or self.watcher.is_alive():
            return
        root, run = self._root, RunId(self.run.id)
        folder, orders = layout.spool_dir(root, run), self.console.orders
        record_rest(folder, orders, self._recorder.append, lambda spool: find_printed(root, run, spool)[0])

    def guarded(self, step: Callable[[], object]) -> None:
        """Do something that must not break training."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the guard's edge
            self._guard.handle(error)

    def leave(self) -> None:
        """In a forked child: let go of what is the parent's."""
        self._recorder.leave()
        self._guard.forget()
        self.console = None
        if self.watcher is not None:
            self.watcher.close()
            self.watcher = None


def describe_end(error: BaseException | None) -> End:
    """Return the end record for what ended a `with` block or the process; None = it ran through."""
    if error is None:
        return _end("finished", "exit")
    if isinstance(error, SystemExit):
        code = _exit_code(error)
        return _end("finished" if code == 0 else "failed", "exit", exit_code=code)
    if isinstance(error, KeyboardInterrupt):
        return _end("cancelled", "user")
    return _end("failed", "exception", exception=_describe(error))


def _end(
    state: EndState,
    cause: Cause,
    *,
    exit_code: int | None = None,
    exception: ExceptionInfo | None = None,
) -> End:
    return End(state=state, cause=cause, witness="process", explicit=True, exit_code=exit_code, exception=exception)


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    return error.code & 0xFF if isinstance(error.code, int) else 1  # a text is printed, and the code is 1


def _describe(error: BaseException) -> ExceptionInfo:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    try:
        message = str(error)
        lines = "".join(traceback.format_exception(error))
    except Exception as second:  # noqa: BLE001 - a foreign error's __str__ may raise anything
        message, lines = f"(its message cannot be shown: {type(second).__name__})", ""
    return ExceptionInfo(
        type=name, message=_cut(message, _MESSAGE_MAX_CHARS), traceback=_cut(lines, _TRACEBACK_MAX_CHARS)
    )


def _cut(text: str, limit: int) -> str:
    safe = text.encode("utf-8", "backslashreplace").decode()
    if len(safe) <= limit:
        return safe
    return safe[: limit // 4] + f"\n… {len(safe) - limit} characters …\n" + safe[-limit * 3 // 4 :]
