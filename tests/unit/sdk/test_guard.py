"""The guard tells once, counts the rest, and raises only when it is told to."""

import sys
import threading

import pytest

from everbloom.core.errors import InvalidInput, Unavailable
from everbloom.core.records import Problem
from everbloom.sdk.guard import Guard
from everbloom.testing.recorded import wait_until


@pytest.fixture
def reported():
    return []


@pytest.fixture
def guard(reported):
    guard = Guard(is_strict=False)
    guard.attach(reported.append)
    return guard


def test_an_error_is_told_once_and_counted_from_then_on(guard, reported, capsys):
    for _ in range(5):
        guard.handle(InvalidInput("this is wrong.", code="some.code"))
    guard.flush()
    guard.flush()
    assert capsys.readouterr().err.splitlines() == [
        "everbloom: this is wrong. [some.code] Training goes on; further cases are counted."
    ]
    assert reported == [
        Problem(code="some.code", message="this is wrong.", count=1),
        Problem(code="some.code", message="this is wrong.", count=4),
    ]


def test_counts_are_written_by_themselves_as_soon_as_the_record_takes_them(reported):
    is_ready = threading.Event()
    guard = Guard(is_strict=False, count_every_s=0.01)
    guard.attach(reported.append, is_ready.is_set)
    for _ in range(3):
        guard.handle(InvalidInput("this is wrong.", code="some.code"))
    assert [problem.count for problem in reported] == [1]
    is_ready.set()
    wait_until(lambda: [problem.count for problem in reported] == [1, 2] or None, "the count to be written")
    guard.close()


def test_what_goes_wrong_after_the_run_is_told_and_not_said_to_be_counted(guard, reported, capsys):
    guard.close()
    for _ in range(3):
        guard.handle(InvalidInput("this is late.", code="some.code"))
    assert capsys.readouterr().err.splitlines() == [
        "everbloom: this is late. [some.code] Training goes on; further cases are not told."
    ]
    assert reported == []


def test_kinds_are_told_apart(guard, reported, capsys):
    guard.handle(InvalidInput("a", code="a"))
    guard.handle(Unavailable("b", code="b"))
    guard.handle(ZeroDivisionError("division"))
    assert [problem.code for problem in reported] == ["a", "b", "record.ZeroDivisionError"]
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_an_error_whose_text_raises_is_told_all_the_same(guard, reported):
    class Hostile(Exception):
        def __str__(self):
            raise RuntimeError

    guard.handle(Hostile())
    assert "cannot be shown" in reported[0].message


def test_kinds_without_end_take_bounded_memory(guard, reported, capsys):
    for n in range(1_000):
        guard.handle(InvalidInput(str(n), code=f"code.{n}"))
    guard.flush()
    assert len(reported) <= 66
    assert sum(problem.count for problem in reported) == 1_000


def test_strict_lets_the_error_itself_through():
    error = InvalidInput("x", code="y")
    with pytest.raises(InvalidInput) as caught:
        Guard(is_strict=True).handle(error)
    assert caught.value is error


def test_a_process_without_stderr_is_no_reason_to_fail(guard, reported):
    before, sys.stderr = sys.stderr, None
    try:
        guard.handle(InvalidInput("x", code="y"))
    finally:
        sys.stderr = before
    assert len(reported) == 1


def test_a_guard_that_nobody_listens_to_still_tells(capsys):
    Guard(is_strict=False).handle(InvalidInput("x", code="y"))
    assert "[y]" in capsys.readouterr().err
