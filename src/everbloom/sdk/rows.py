"""`log`: what is handed in, turned into rows and media.

A training loop hands in the same plain dict of numbers nearly always; the journal's own closure takes that
(`JournalWriter.build_log`). This module takes all the rest, key by key: a key that cannot be recorded is told and
counted, the others of the same call are kept.
"""

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from everbloom.core.clock import from_datetime
from everbloom.core.errors import InvalidInput
from everbloom.core.values import check_metric_name, iter_flat, show_value, to_metric_value
from everbloom.journal.writer import JournalWriter
from everbloom.sdk.guard import Guard
from everbloom.sdk.media.base import Media
from everbloom.sdk.recorder import Recorder

INT64_END = 2**63
_NAMES_MAX = 1_000_000  # names seen before; a program that makes up names for ever must not fill the memory

LogMedia = Callable[[str, Media, int, int | None], None]  # name, value, step, time in microseconds or now
LogFunction = Callable[..., None]


class RowLog:
    """The `log` of one run. Thread safe."""

    def __init__(self, recorder: Recorder, guard: Guard, log_media: LogMedia) -> None:
        self._recorder = recorder
        self._guard = guard
        self._log_media = log_media
        self._known: set[str] = set()

    def build(self, writer: JournalWriter) -> LogFunction:
        """Return the `log` for the journal that is open now; it goes on working when another one is."""
        return writer.build_log(self._known.issuperset, self.log_slowly, self._guard.handle)

    def log(self, values: Any, *, step: Any = None, time: Any = None) -> None:
        """Log where no journal is open; see `everbloom.sdk.run.Run.log`."""
        self.log_slowly(values, step, time)

    def log_slowly(self, values: Any, step: Any, time: Any) -> None:
        """Log whatever it is; raises under strict mode only."""
        try:
            given_step = None if step is None else to_step(step)
            time_us = None if time is None else to_time_us(time)
            numbers, media = _sort_values(values, given_step, self._guard)
            self._remember(numbers)
            used_step = self._recorder.append_row(given_step, time_us, numbers)
        except Exception as error:  # noqa: BLE001 - the guard's edge
            self._guard.handle(error)
            return
        for name, value in media.items():
            try:
                self._log_media(name, value, used_step, time_us)
            except Exception as error:  # noqa: BLE001 - encoding runs foreign code; the other media are kept
                self._guard.handle(error)

    def _remember(self, names: Iterable[str]) -> None:
        if len(self._known) >= _NAMES_MAX:
            self._known.clear()
        self._known.update(names)


def _sort_values(values: Any, step: int | None, guard: Guard) -> tuple[dict[str, float], dict[str, Media]]:
    if not isinstance(values, Mapping):
        raise InvalidInput(
            f"log() got a {type(values).__name__}; it takes a mapping of names to values, such as "
            f"{{'train/loss': 0.1}}.",
            code="log.not_mapping",
        )
    numbers: dict[str, float] = {}
    media: dict[str, Media] = {}
    leaves = iter_flat(values, "/")
    while True:
        try:
            name, value = next(leaves)
            text = _to_name(name)
            if isinstance(value, Media):
                media[text] = value
            else:
                numbers[text] = _to_number(text, value, step)
        except StopIteration:
            return numbers, media
        except Exception as error:  # noqa: BLE001 - foreign mappings and numbers; the other keys are kept
            guard.handle(error)


def _to_name(name: Any) -> str:
    text = check_metric_name(name)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(
                f"metric name {text[:80]!r} holds half a character (a lone surrogate); a name is Unicode text.",
                code="metric.name",
            ) from error
    return text


def _to_number(name: str, value: Any, step: int | None) -> float:
    kind = type(value)
    if kind is float or (kind is int and -INT64_END <= value < INT64_END):
        return value  # type: ignore[no-any-return]
    return to_metric_value(name, value, step)


def to_step(step: Any, *, what: str = "step") -> int:
    """Turn a step into an `int`: Python's and NumPy's whole numbers, floats without a fraction, 0-d tensors.

    `what` it is called in a message; other whole numbers, such as a seed, are taken in the same way.

    Raises:
        InvalidInput: It is not a whole number (`step.not_whole`).
    """
    try:
        return operator.index(step)
    except TypeError:
        pass
    try:
        number = float(step)
        if number.is_integer() and not isinstance(step, str):
            return int(number)
    except Exception as error:
        raise _not_whole(step, what) from error
    raise _not_whole(step, what)


def _not_whole(step: Any, what: str) -> InvalidInput:
    is_step = what == "step"
    return InvalidInput(
        f"{what} {show_value(step)} of type {type(step).__name__} is no whole number; give an int"
        f"{', or no step to count' if is_step else ''}.",
        code="step.not_whole" if is_step else "init.not_whole",
    )


def to_time_us(time: Any) -> int:
    """Turn a time into microseconds since 1970: a datetime (a naive one is UTC), or seconds since 1970.

    Raises:
        InvalidInput: It is neither (`time.kind`).
    """
    if isinstance(time, datetime):
        return from_datetime(time)
    try:
        seconds = float(time)
    except Exception as error:
        raise _not_a_time(time) from error
    if isinstance(time, str) or not math.isfinite(seconds):
        raise _not_a_time(time)
    return round(seconds * 1e6)


def _not_a_time(time: Any) -> InvalidInput:
    return InvalidInput(
        f"time is a {type(time).__name__} that is no moment; give a datetime, or seconds since 1970.",
        code="time.kind",
    )
