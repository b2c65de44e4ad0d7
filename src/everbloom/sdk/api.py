"""The calls that act on the current run: `eb.log`, `eb.finish`, `eb.current_run`."""

from collections.abc import Mapping
from typing import Any

from everbloom.core.errors import InvalidInput
from everbloom.core.settings import environment_value
from everbloom.sdk import current
from everbloom.sdk.guard import Guard
from everbloom.sdk.run import Run

_guard: Guard | None = None  # for what is logged before any run


def current_run() -> Run | None:
    """Return the newest run of this process that is not finished; None where there is none."""
    session = current.get_current()
    return session.run if session is not None else None


def log(values: Mapping[str, Any], *, step: int | None = None, time: Any = None) -> None:
    """Log to the current run; see `Run.log`. Without one it is told once, and nothing is recorded."""
    session = current.get_current()
    if session is None:
        _tell_no_run("log")
    else:
        session.run.log(values, step=step, time=time)


def finish() -> None:
    """Finish the current run; see `Run.finish`. Without one nothing happens."""
    session = current.get_current()
    if session is not None:
        session.finish()


def _tell_no_run(call: str) -> None:
    global _guard
    if _guard is None:
        _guard = Guard(is_strict=environment_value("EVERBLOOM_STRICT") == "1")
    _guard.handle(
        InvalidInput(f"eb.{call}() was called while no run is recorded; call eb.init() first.", code="run.none")
    )
