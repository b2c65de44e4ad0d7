"""Journals under processes, threads, signals and forks: none torn, none lost, none twice."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.journal.reader import Position, read_batch
from everbloom.journal.registry import iter_journals
from everbloom.testing.journals import journal_of, open_journal, read_journal

pytestmark = pytest.mark.fault

BOTH = pytest.mark.parametrize("is_mapped", [True, False], ids=["mapped", "written"])

PREPARE = """
    import os, signal, sys
    from pathlib import Path
    from everbloom.core.clock import now_us
    from everbloom.core.records import Note
    from everbloom.testing.journals import journal_of, open_journal, read_journal
    root, is_mapped = Path(sys.argv[1]), sys.argv[2] == "True"

    def build_append(writer, way):
        # Return append(step, values) by either way into a journal.
        def append_row(values, step, time):
            writer.append_row(step, time, values)

        def handle(error):
            raise error

        log = writer.build_log(lambda values: True, append_row, handle)
        if way == "row":
            return lambda step, values: append_row(values, step, None)
        return lambda step, values: log(values, step=step)
"""

WAYS = pytest.mark.parametrize("way", ["row", "log"])


def run_script(script: str, *arguments: object) -> str:
    """Run a script in a process of its own, where signals and forks harm nobody else."""
    source = textwrap.dedent(PREPARE) + textwrap.dedent(script)
    command = [sys.executable, "-c", source, *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


READER = """
import sys
from pathlib import Path
import numpy as np
from everbloom.core.clock import now_us
from everbloom.journal.reader import Position, read_batch
journal, position, batches, seen = Path(sys.argv[1]), Position(), 0, 0
print("ready", flush=True)
while True:
    batch = read_batch(journal, position, now_us=now_us())
    position, batches = batch.end, batches + bool(batch.rows)
    assert not batch.damage, batch.damage
    for rows in batch.rows:
        assert (rows.steps == rows.ordinals).all()
        assert (rows.values == rows.steps[:, None] / np.arange(1, 11)).all()
        assert rows.ordinals[0] == seen and (np.diff(rows.ordinals) == 1).all()
        seen += len(rows.steps)
    if batch.is_closed:
        break
print(seen, position.segment, batches)
"""


@BOTH
def test_a_reader_in_another_process_sees_every_row_of_a_live_writer_once_and_whole(tmp_path, is_mapped):
    count = 200_000
    writer = open_journal(tmp_path, is_mapped=is_mapped)
    command = [sys.executable, "-c", READER, str(journal_of(tmp_path, writer))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for step in range(count):
            writer.append_row(step, None, {f"metric/{i}": step / (i + 1) for i in range(10)})
        writer.close()
        seen, segment, batches = map(int, reader.stdout.read().split())
    assert seen == count
    assert segment >= 3
    assert batches > 1


@BOTH
def test_threads_share_a_writer_and_lose_nothing(tmp_path, is_mapped):
    writer, count = open_journal(tmp_path, is_mapped=is_mapped), 4000

    def record(name: str) -> None:
        for i in range(count):
            writer.append_row(None, None, {name: float(i)})

    threads = [threading.Thread(target=record, args=(f"thread {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    reading = read_journal(journal_of(tmp_path, writer))
    rows = [item for item in reading.items if item[0] == "row"]
    assert [row[1] for row in rows] == list(range(4 * count))  # counted steps are given once, in writing order
    for n in range(4):
        values = [row[3][f"thread {n}"] for row in rows if f"thread {n}" in row[3]]
        assert values == [repr(float(i)) for i in range(count)]
    assert reading.damage == []


@BOTH
@WAYS
def test_a_signal_handler_may_record_in_the_middle_of_any_append(tmp_path, is_mapped, way):
    run_script(
        """
        writer, handled = open_journal(root, is_mapped=is_mapped), 0
        append = build_append(writer, sys.argv[3])

        def handle(number, frame):
            global handled
            own, handled = handled, handled + 1  # a handler may itself be interrupted by the next signal
            append(own, {"handled": float(own)})
            writer.append(Note(text=f"signal {own} " + "x" * 300))

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for step in range(25_000):
            append(step, {"main": float(step), "other": 0.5})
        signal.setitimer(signal.ITIMER_REAL, 0)
        writer.close()
        reading = read_journal(journal_of(root, writer))
        rows = [item for item in reading.items if item[0] == "row"]
        assert reading.damage == []
        assert [row[1] for row in rows if "main" in row[3]] == list(range(25_000))
        assert sorted(row[1] for row in rows if "handled" in row[3]) == list(range(handled))
        notes = sorted(int(item[2]["text"].split()[1]) for item in reading.items if item[0] == "note")
        assert notes == list(range(handled))
        assert handled > 5, handled
        """,
        tmp_path,
        is_mapped,
        way,
    )


@BOTH
@WAYS
def test_a_signal_handler_that_raises_costs_at_most_the_record_that_it_interrupted(tmp_path, is_mapped, way):
    run_script(
        """
        class Interrupted(BaseException):
            pass

        def handle(number, frame):
            global is_armed
            if is_armed:
                is_armed = False  # once per try, or it would hit the except clause too
                raise Interrupted

        writer, returned, interrupted, step = open_journal(root, is_mapped=is_mapped), [], set(), 0
        is_armed = False
        append = build_append(writer, sys.argv[3])
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while step < 12_000:
            try:
                is_armed = True
                while step < 12_000:
                    step += 1
                    append(step, {"main": float(step), "other": 0.5, "x" * (step % 200 + 1): 1.0})
                    returned.append(step)
            except Interrupted:
                interrupted.add(step)
        is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        writer.close()
        reading = read_journal(journal_of(root, writer))
        steps = [item[1] for item in reading.items if item[0] == "row"]
        assert reading.damage == [], reading.damage
        assert reading.is_closed
        assert steps == sorted(set(steps)), [s for s, t in zip(steps, steps[1:]) if s >= t][:5]
        assert set(returned) <= set(steps), sorted(set(returned) - set(steps))[:5]
        assert set(steps) <= set(returned) | interrupted, sorted(set(steps) - set(returned) - interrupted)[:5]
        assert len(interrupted) > 5, len(interrupted)
        """,
        tmp_path,
        is_mapped,
        way,
    )


@BOTH
def test_a_handler_that_closes_the_journal_lets_the_interrupted_append_finish(tmp_path, is_mapped):
    run_script(
        """
        from everbloom.core.errors import Unavailable
        writer, step = open_journal(root, is_mapped=is_mapped), 0
        closing = []

        def handle(number, frame):
            writer.append(Note(text="bye"))
            writer.close()
            closing.append(step)

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        returned = 0
        try:
            while True:
                writer.append_row(step, None, {"main": float(step)})
                returned, step = step, step + 1
        except Unavailable as error:
            assert error.code == "journal.closed"
        reading = read_journal(journal_of(root, writer))
        assert reading.is_closed
        assert [item[1] for item in reading.items if item[0] == "row"] == list(range(returned + 1))
        assert reading.items[-1][0] in ("note", "row")
        assert "bye" in [item[2].get("text") for item in reading.items if item[0] == "note"]
        """,
        tmp_path,
        is_mapped,
    )


@BOTH
def test_a_forked_child_abandons_and_both_journals_are_whole(tmp_path, is_mapped):
    run_script(
        """
        writer = open_journal(root, is_mapped=is_mapped)
        for step in range(3000):
            writer.append_row(step, None, {"parent": float(step)})
        child = os.fork()
        if not child:
            writer.abandon()
            own = open_journal(root, is_mapped=is_mapped, run=writer.run)
            for step in range(3000):
                own.append_row(step, None, {"child": float(step)})
            own.close()
            os._exit(0)
        for step in range(3000, 6000):
            writer.append_row(step, None, {"parent": float(step)})
        assert os.waitpid(child, 0)[1] == 0
        for step in range(6000, 9000):
            writer.append_row(step, None, {"parent": float(step)})
        writer.close()
        """,
        tmp_path,
        is_mapped,
    )
    found = {}
    for run, writer in iter_journals(tmp_path):
        reading = read_journal(layout.journal_dir(tmp_path, run, writer))
        assert reading.damage == []
        assert reading.is_closed
        rows = [item for item in reading.items if item[0] == "row"]
        found[next(iter(rows[0][3]))] = [row[1] for row in rows]
    assert found == {"parent": list(range(9000)), "child": list(range(3000))}


@BOTH
def test_what_append_returned_from_survives_sigkill(tmp_path, is_mapped):
    script = textwrap.dedent(PREPARE) + textwrap.dedent(
        """
        writer = open_journal(root, is_mapped=is_mapped)
        print(writer.run, writer.writer_id, flush=True)
        for step in range(10**9):
            writer.append_row(step, None, {"loss": float(step), "acc": 0.5})
            if step % 1000 == 0:
                os.write(1, b"%d\\n" % step)
        """
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(is_mapped)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        run, writer = process.stdout.readline().decode().split()
        told = 0
        while told < 20_000:
            told = int(process.stdout.readline())
        process.kill()
        told = max(told, *(int(line) for line in process.stdout.read().split(b"\n")[:-1] or [b"0"]))
    journal = tmp_path / "runs" / run / "journal" / writer
    reading = read_journal(journal)
    assert reading.damage == []
    assert not reading.is_closed
    steps = [item[1] for item in reading.items if item[0] == "row"]
    assert steps == list(range(len(steps)))
    assert len(steps) > told


def test_a_position_read_to_stays_valid_when_the_writer_closes(tmp_path):
    writer = open_journal(tmp_path)
    writer.append_row(0, None, {"a": 1.0})
    journal = journal_of(tmp_path, writer)
    first = read_batch(journal, Position(), now_us=now_us())
    writer.close()
    second = read_batch(journal, first.end, now_us=now_us())
    third = read_batch(journal, second.end, now_us=now_us())
    assert (first.is_closed, second.is_closed, third.is_closed) == (False, True, True)
    assert (second.rows, second.controls, second.damage, third.end) == ([], [], [], second.end)


def test_a_run_of_many_writers_keeps_their_journals_apart(tmp_path):
    run: RunId = new_run_id(now_us())
    writers = [open_journal(tmp_path, run=run) for _ in range(5)]
    for number, writer in enumerate(writers):
        writer.append_row(number, None, {"a": 1.0})
    for writer in writers:
        writer.close()
    assert sorted(iter_journals(tmp_path)) == sorted((run, writer.writer_id) for writer in writers)
    assert [read_journal(journal_of(tmp_path, writer)).items[-1][1] for writer in writers] == list(range(5))
    assert len(list(layout.active_dir(tmp_path).iterdir())) == 5


def test_a_live_segment_keeps_its_size_until_it_is_closed(tmp_path):
    writer = open_journal(tmp_path)
    path: Path = journal_of(tmp_path, writer) / "0.seg"
    assert path.stat().st_size == 256 * 1024
    assert path.stat().st_blocks * 512 >= 256 * 1024  # really allocated, not sparse
    writer.close()
    assert path.stat().st_size < 1024
