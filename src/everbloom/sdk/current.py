"""Which runs this process records, and what happens to them when it forks, fails or ends.

Hooks are installed once, by the first run: after a fork, at an uncaught exception (the person's own hook goes
first), at exit. No signal handler is installed: a killed process tells nobody, the watcher sees it.
"""

import atexit
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from everbloom.capture.console import after_fork_in_child, after_fork_in_parent, before_fork

if TYPE_CHECKING:
    from everbloom.sdk.session import Session

_sessions: list["Session"] = []
_previous_hook: Callable[[type[BaseException], BaseException, TracebackType | None], Any] | None = None
_is_installed = False


def push(session: "Session") -> None:
    """Make a run the current one, above those that began before."""
    _install_hooks()
    _sessions.append(session)


def remove(session: "Session") -> None:
    """Forget a run that is finished."""
    if session in _sessions:
        _sessions.remove(session)


def get_current() -> "Session | None":
    """Return the newest run of this process that is not finished."""
    return _sessions[-1] if _sessions else None


def _install_hooks() -> None:
    global _is_installed, _previous_hook
    if sys.excepthook is not _on_uncaught:
        _previous_hook = sys.excepthook
        sys.excepthook = _on_uncaught
    if not _is_installed:
        _is_installed = True
        os.register_at_fork(before=before_fork, after_in_parent=after_fork_in_parent, after_in_child=_on_fork)
        atexit.register(_on_exit)


def _on_fork() -> None:
    after_fork_in_child()
    for session in _sessions:
        session.leave()


def _on_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    try:
        (_previous_hook or sys.__excepthook__)(kind, error, traceback)
    finally:
        for session in reversed(list(_sessions)):
            session.finish(error)


def _on_exit() -> None:
    for session in reversed(list(_sessions)):
        session.finish_at_exit()
