"""`log`: the hot path, and everything that is not on it.

The hot path takes what a training loop hands in nearly always: a plain dict of names that were seen before with
values that are exactly `int` or `float`. It is one closure, because a lookup in a closure's cell is cheaper than
an attribute, and it checks by C loops over whole containers instead of Python loops over items: 0.25 µs of its
own, next to 0.65 µs for the journal (bench/log.py). Anything else goes the slow way, key by key: a key that cannot
be recorded is told and counted, the others of the same call are kept.
"""

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from everbloom.core.clock import from_datetime
from everbloom.core.errors import EverbloomError, InvalidInput
from everbloom.core.values import check_metric_name, iter_flat, to_metric_value
from everbloom.sdk.guard import Guard
from everbloom.sdk.media.base import Media
from everbloom.sdk.recorder import AppendRow, Recorder

INT64_END = 2**63
_NAMES_MAX = 1_000_000  # names seen before; a program that makes up names for ever must not fill the memory

_are_numbers = frozenset((int, float)).issuperset

LogMedia = Callable[[str, Media, int, int | None], None]  # name, value, step, time in microseconds or now
LogFunction = Callable[..., None]


def build_log(recorder: Recorder, guard: Guard, log_media: LogMedia) -> LogFunction:
    """Return the `log` of a run: `log(values, *, step=None, time=None)`; see `everbloom.sdk.run.Run.log`."""
    known: set[str] = set()
    is_known = known.issuperset
    append_row = recorder.append_row
    log_slowly = _build_slow_log(recorder, guard, log_media, known)

    def use(other: AppendRow) -> None:
        nonlocal append_row
        append_row = other

    def log(values: Any, *, step: Any = None, time: Any = None) -> None:
        try:
            if (
                type(values) is dict
                and time is None
                and is_known(values)
                and _are_numbers(map(type, values.values()))
                and (step is None or type(step) is int)
            ):
                append_row(step, None, values)
            else:
                log_slowly(values, step, time)
        except Exception as error:  # noqa: BLE001 - the guard's edge; a `with` or a wrapper would double the cost
            recover(error, values, step, time)

    def recover(error: Exception, values: Any, step: Any, time: Any) -> None:
        try:
            if isinstance(error, EverbloomError):
                guard.handle(error)
            else:  # an integer that only float64 can hold, a key of a text-like class: the slow way mends it
                log_slowly(values, step, time)
        except Exception as second:  # noqa: BLE001 - as above
            guard.handle(second)

    recorder.listen(use)
    return log


def _build_slow_log(
    recorder: Recorder, guard: Guard, log_media: LogMedia, known: set[str]
) -> Callable[[Any, Any, Any], None]:
    def log_slowly(values: Any, step: Any, time: Any) -> None:
        given_step = None if step is None else to_step(step)
        time_us = None if time is None else to_time_us(time)
        numbers, media = _sort_values(values, given_step, guard)
        for name in numbers:
            if name not in known:
                if len(known) >= _NAMES_MAX:
                    known.clear()
                known.add(name)
        used_step = recorder.append_row(given_step, time_us, numbers)
        for name, value in media.items():
            try:
                log_media(name, value, used_step, time_us)
            except Exception as error:  # noqa: BLE001 - encoding runs foreign code; the other media are kept
                guard.handle(error)

    return log_slowly


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
    return to_metric_value(name, value, -1 if step is None else step)


def to_step(step: Any) -> int:
    """Turn a step into an `int`: Python's and NumPy's whole numbers, floats without a fraction, 0-d tensors.

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
        raise _not_whole(step) from error
    raise _not_whole(step)


def _not_whole(step: Any) -> InvalidInput:
    return InvalidInput(
        f"step is a {type(step).__name__} that is no whole number; give an int, or no step to count.",
        code="step.not_whole",
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
