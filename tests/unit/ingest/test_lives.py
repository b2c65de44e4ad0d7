"""What is known of writers' lives, and when a run counts as running, lost, stalled or killed."""

import numpy as np
import pytest

from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Console, Heartbeat, Set, Start
from everbloom.index.catalog import WriterRow
from everbloom.ingest.lives import Clock, look_at
from everbloom.ingest.runs import (
    SILENT_AFTER_S,
    STALLED_AFTER_US,
    WITNESS_PATIENCE_S,
    has_witness,
    is_stalled,
    look_at_writers,
)
from everbloom.journal.reader import Batch, Control, Position, Rows

RUN, WRITER = RunId("0" * 32), WriterId("a" * 16)
MINUTE_US = 60_000_000


def clock_at(monotonic_s, boot="boot"):
    return Clock(now_us=lambda: 0, monotonic_s=lambda: monotonic_s, boot=lambda: boot)


def rows_at(*times):
    times = np.array(times, np.int64)
    return Rows(("x",), times * 0, times, np.arange(len(times)), np.zeros((len(times), 1)))


def look(known, *records, rows=(), monotonic_s=0.0, boot="boot", is_alive=True, has_moved=True, total=None):
    controls = [Control(record, time_us, place, 0, b"") for place, (time_us, record) in enumerate(records)]
    batch = Batch(Position(0, 99, len(rows) if total is None else total), rows=[rows_at(*rows)] if rows else [])
    clock = clock_at(monotonic_s, boot)
    return look_at(known, RUN, WRITER, batch, controls, is_alive=is_alive, has_moved=has_moved, clock=clock)


def test_a_first_look_tells_kind_rank_and_times():
    row = look(None, (5, Start(kind="rank", rank=2)), rows=(7, 6), monotonic_s=3.0)
    assert row == WriterRow(RUN, WRITER, "rank", 2, 7, -1, "boot", 3.0, 1, 7, 2, 6, 7)


def test_kind_and_rank_are_remembered():
    first = look(None, (5, Start(kind="rank", rank=2)))
    second = look(first, (9, Set(fields={})), monotonic_s=8.0)
    assert (second.kind, second.rank, second.last_time, second.seen_at) == ("rank", 2, 9, 8.0)


def test_a_journal_that_has_not_moved_keeps_its_age():
    first = look(None, (5, Start(kind="process")), monotonic_s=1.0)
    assert look(first, monotonic_s=100.0, has_moved=False) == first


def test_after_a_reboot_of_this_host_silence_is_measured_anew():
    first = look(None, (5, Start(kind="process")), monotonic_s=1000.0)
    again = look(first, monotonic_s=2.0, boot="another", has_moved=False)
    assert (again.seen_boot, again.seen_at) == ("another", 2.0)


def test_the_last_heartbeats_number_is_kept():
    first = look(None, (1, Start(kind="watcher")), (2, Heartbeat(number=1)), (3, Heartbeat(number=2)))
    assert look(first, (4, Heartbeat(number=7))).heartbeat == 7
    assert look(first, (4, Heartbeat(number=1))).heartbeat == 2


def test_of_a_watcher_only_the_console_is_a_sign_of_life():
    row = look(None, (1, Start(kind="watcher")), (5, Console(text="x\n")), (9, Heartbeat(number=1)), rows=(8,))
    assert (row.active_time, row.last_time) == (5, 9)


def test_times_never_go_back_with_a_clock_that_does():
    first = look(None, (500, Start(kind="process")), rows=(600,))
    second = look(first, (100, Set(fields={})), rows=(50,))
    assert (second.last_time, second.first_row, second.last_row, second.active_time) == (600, 50, 600, 600)


@pytest.mark.parametrize(("is_alive", "kept"), [(True, 1), (False, 0), (None, None)])
def test_life_is_proved_or_unknown(is_alive, kept):
    assert look(None, (1, Start(kind="process")), is_alive=is_alive).is_alive == kept


# ── what follows for the run ───────────────────────────────────────────────────────────────────────────────────


def row(writer="m", kind="process", **changes):
    plain = WriterRow(RUN, writer, kind, 0, 10, -1, "boot", 0.0, None, 10, 0, 0, 0)
    return plain._replace(**changes)


def judge(*rows, monotonic_s=0.0, boot="boot"):
    return look_at_writers(rows, "m", boot=boot, monotonic_s=monotonic_s)


def test_a_run_is_silent_five_minutes_after_this_host_saw_its_last_news():
    assert not judge(row(), monotonic_s=SILENT_AFTER_S).is_silent
    assert judge(row(), monotonic_s=SILENT_AFTER_S + 0.001).is_silent


def test_any_writer_that_was_heard_keeps_the_run_from_being_silent():
    assert not judge(row(), row("w", "watcher", seen_at=200.0), monotonic_s=SILENT_AFTER_S + 1).is_silent


def test_what_was_seen_before_a_reboot_says_nothing_about_silence():
    assert not judge(row(), monotonic_s=10_000.0, boot="another").is_silent


def test_a_run_was_last_heard_by_its_own_clocks():
    assert judge(row(last_time=10), row("w", "watcher", last_time=30)).last_heard_us == 30
    assert judge().last_heard_us == 0


def test_the_main_writers_life_is_the_runs():
    assert judge(row(is_alive=1), row("w", "watcher", is_alive=0)).is_alive is True
    assert judge(row(is_alive=0), row("r", "rank", is_alive=1)).is_alive is False
    assert judge(row(is_alive=None)).is_alive is None
    assert judge(row("other")).is_alive is None


def test_a_dead_process_waits_for_its_living_watchers_word():
    watcher = row("w", "watcher", is_alive=1, seen_at=50.0)
    assert judge(row(is_alive=0), watcher, monotonic_s=51.0).is_alive is True
    assert judge(row(is_alive=0), watcher, monotonic_s=51.0 + WITNESS_PATIENCE_S).is_alive is False


@pytest.mark.parametrize(
    "changes", [{"is_alive": 0}, {"is_alive": None}, {"rank": 1}, {"kind": "process"}, {"seen_boot": "another"}]
)
def test_only_a_living_watcher_of_rank_0_is_a_witness(changes):
    watcher = row("w", "watcher", is_alive=1)
    assert has_witness([watcher], boot="boot", monotonic_s=1.0)
    assert not has_witness([watcher._replace(**changes)], boot="boot", monotonic_s=1.0)


# ── stalled ────────────────────────────────────────────────────────────────────────────────────────────────────


def logging(*, rows=101, gap_us=1_000_000, active=None):
    last = 1_000 + (rows - 1) * gap_us
    return row(rows=rows, first_row=1_000, last_row=last, active_time=last if active is None else active)


def watching(quiet_us, main, **changes):
    return row("w", "watcher", last_time=main.active_time + quiet_us, active_time=0, **changes)


@pytest.mark.parametrize(("quiet_us", "stalled"), [(STALLED_AFTER_US, False), (STALLED_AFTER_US + 1, True)])
def test_a_quick_run_is_stalled_after_ten_minutes_without_a_sign_of_life(quiet_us, stalled):
    main = logging()
    assert is_stalled([main, watching(quiet_us, main)], "m") is stalled


@pytest.mark.parametrize(("quiet_us", "stalled"), [(20 * MINUTE_US, False), (20 * MINUTE_US + 1, True)])
def test_a_slow_run_is_stalled_after_twenty_times_its_usual_time(quiet_us, stalled):
    main = logging(rows=11, gap_us=MINUTE_US)
    assert is_stalled([main, watching(quiet_us, main)], "m") is stalled


def test_printing_is_a_sign_of_life():
    main = logging()
    watcher = watching(2 * STALLED_AFTER_US, main)
    assert is_stalled([main, watcher], "m")
    assert not is_stalled([main, watcher._replace(active_time=watcher.last_time)], "m")


def test_another_ranks_rows_are_a_sign_of_life():
    main = logging()
    watcher = watching(2 * STALLED_AFTER_US, main)
    assert not is_stalled([main, watcher, row("r", "rank", rank=1, active_time=watcher.last_time)], "m")


@pytest.mark.parametrize("rows", [0, 1])
def test_a_run_without_a_rhythm_is_never_stalled(rows):
    main = logging(rows=rows)
    assert not is_stalled([main, watching(99 * STALLED_AFTER_US, main)], "m")


def test_a_run_that_nobody_watches_is_never_stalled():
    assert not is_stalled([logging()], "m")
    assert not is_stalled([], "m")
