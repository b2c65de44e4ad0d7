"""Tell an exception that a person's signal handler raised from one that recording raised.

A handler runs between any two instructions of the main thread, inside of `log()` too. What it raises, a timeout
by `signal.alarm` say, is meant for training and must reach it, whatever recording does with its own errors.
"""

import signal
from collections.abc import Iterator
from types import CodeType, FrameType


def find_handler_error(error: BaseException) -> BaseException | None:
    """Return the exception of a signal handler that an error is or came of; None where there is none.

    Such an exception came through the code of a handler that is installed now, and was caught here: one that the
    person's own code has caught before, and is handling as it calls us, stands in the chain too and is not meant.
    """
    codes: set[CodeType] | None = None
    for link, code in _iter_foreign_codes(error):
        if codes is None:
            codes = set(_iter_handler_codes())  # 64 signals; most errors came through our own code only
        if code in codes:
            return link
    return None


def _iter_foreign_codes(error: BaseException) -> Iterator[tuple[BaseException, CodeType]]:
    """Yield the code, not our own, that an error and those it came of passed through, for those caught here."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        traceback = link.__traceback__
        is_caught_here = traceback is not None and _is_ours(traceback.tb_frame)
        while is_caught_here and traceback is not None:
            if not _is_ours(traceback.tb_frame):
                yield link, traceback.tb_frame.f_code
            traceback = traceback.tb_next
        link = link.__cause__ or link.__context__


def pass_handler_error(error: BaseException) -> None:
    """Raise the exception of a signal handler that an error is or came of; do nothing where there is none."""
    if (interruption := find_handler_error(error)) is not None:
        raise interruption


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith("everbloom.")


def _iter_handler_codes() -> Iterator[CodeType]:
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        handler = getattr(handler, "func", handler)  # functools.partial
        handler = getattr(handler, "__func__", handler)  # a bound method
        code = getattr(handler, "__code__", None)
        if code is None and callable(handler):  # an object with a `__call__` of its own
            code = getattr(type(handler).__call__, "__code__", None)
        if isinstance(code, CodeType):
            yield code
