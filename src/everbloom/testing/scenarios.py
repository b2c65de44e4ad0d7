"""Seeded stores with all that makes folding hard: several writers a run, ranks, resumes, forks, edits, odd values.

Times are given, not read, so that a scenario is the same for the same seed but for its random writer ids.
"""

import math
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from everbloom.core import layout, records
from everbloom.core.ids import RunId, WriterId, past_run_id
from everbloom.core.records import Record
from everbloom.journal.edits import append_edit
from everbloom.journal.format import (
    BLOCK_BYTES,
    HEADER_BYTES,
    PADDING,
    SEAL_BYTES,
    find_item_end,
    pack_committed,
    parse_header,
)
from everbloom.journal.registry import iter_journals, register_writer
from everbloom.journal.writer import JournalWriter

_START_US = 1_700_000_000_000_000
_SECOND_US = 1_000_000


@dataclass
class Scenario:
    """A store that a seed made.

    Attributes:
        root: Its folder; every journal is closed and registered.
        runs: Its runs, in order of creation.
    """

    root: Path
    runs: list[RunId] = field(default_factory=list)


def write_scenario(root: Path, seed: int, *, runs: int = 4, rows: int = 400) -> Scenario:
    """Write a store with some runs, each by one to four writers, some forks of others, and a few edits."""
    rng = random.Random(seed)
    starts = [_START_US + number * 3_600 * _SECOND_US + rng.randrange(1000) for number in range(runs)]
    ids = [
        past_run_id(start_us, kind="scenario", place=str(seed), original_id=str(number))
        for number, start_us in enumerate(starts)
    ]
    scenario = Scenario(root, ids)
    for number, start_us in enumerate(starts):
        # Of any of them: of a later one, of one that is a fork itself, of itself, and in a ring.
        fork = rng.choice(ids) if rng.random() < 0.6 else None
        _write_run(root, ids[number], start_us, rng, number, rows, fork=fork)
    for number in range(rng.randrange(3, 9)):
        time_us = _START_US + 90_000 * _SECOND_US + rng.choice([number, 5, -number]) * _SECOND_US
        append_edit(root, rng.choice(scenario.runs), rng.choice(["ann", "bo"]), _make_edit(rng), time_us=time_us)
    return scenario


def _make_edit(rng: random.Random) -> Record:
    return rng.choice(
        [
            records.Note(text=f"note {rng.randrange(9)}", append=rng.random() < 0.5),
            records.Tag(add=[rng.choice("abc")], remove=[rng.choice("abc")]),
            records.Set(fields={"verdict": rng.choice(["supported", "refuted"]), "conclusion": f"c{rng.randrange(9)}"}),
            records.Set(fields={"project": rng.choice(["p", "q", "moved"])}),
            records.Set(fields={"archived": rng.random() < 0.5}),
            records.Set(fields={"namespace": rng.choice(["local", "elsewhere"])}),
            records.Like(on=rng.random() < 0.7, user=rng.choice(["ann", "bo"])),
        ]
    )


def _write_run(
    root: Path, run: RunId, start_us: int, rng: random.Random, number: int, rows: int, *, fork: RunId | None
) -> None:
    clock = start_us
    sessions = rng.choice([1, 1, 2, 3])
    is_numbered = rng.random() < 0.6  # else as before sessions had numbers: time alone tells them apart
    for session in range(sessions):
        ranks, told = rng.choice([1, 1, 3]), session if is_numbered else 0
        for rank in range(ranks):
            start = records.Start(kind="rank" if rank else "process", rank=rank, session=told)
            writer = _open(root, run, start, clock + rank)
            if rank == 0:
                _write_head(writer, run, rng, number, clock, session)
                if fork is not None and not session:
                    step = rng.randrange(-5, rows * 2)
                    told_of = rng.choice([None, 0, 1])
                    checksum = f"step {step}"
                    reference = records.Reference(
                        uri=f"everbloom:{fork}", kind="fork", checksum=checksum, session=told_of
                    )
                    writer.append(reference, time_us=clock + 2)
            if session and (not is_numbered or rng.random() < 0.7):
                writer.append(records.Rewind(step=rng.randrange(rows)), time_us=clock + 10 + rank)
            _write_rows(writer, rng, rows, clock, offset=session * rows // 2)
            is_last = session == sessions - 1
            if rank == 0 and (is_last or rng.random() < 0.5):
                end_us = clock + rows * _SECOND_US
                writer.append(_make_end(rng), time_us=end_us)
            writer.close()
        _write_watcher(root, run, rng, clock, told)
        # The next host's clock may be behind; where nothing but time tells sessions apart, it is not.
        clock += (rows + 100) * _SECOND_US * (rng.choice([1, -1, -3]) if is_numbered else 1)


def _open(root: Path, run: RunId, start: records.Start, time_us: int) -> JournalWriter:
    writer = JournalWriter(root, run)
    layout.journal_dir(root, run, writer.writer_id).mkdir(parents=True, exist_ok=True)
    register_writer(root, run, writer.writer_id)
    writer.append(start, time_us=time_us)
    return writer


def _write_head(writer: JournalWriter, run: RunId, rng: random.Random, number: int, clock: int, session: int) -> None:
    fields = {"name": f"run-{number}", "project": rng.choice(["p", "q"]), "experiment": rng.choice(["e", "f"])}
    if session == 0:
        writer.append(records.Set(fields=fields | {"why": "to see", "user": "ann"}), time_us=clock + 1)
        writer.append(records.Set(fields={"objectives": {"acc": "max"}}), time_us=clock + 1)
    params: dict[str, records.Scalar] = {
        "lr": rng.choice([0.1, 0.01, math.nan]),
        "opt": rng.choice(["sgd", "3e-4", "ß"]),
    }
    params["flag"] = rng.random() < 0.5
    params["nothing"] = None
    writer.append(records.Params(values=params), time_us=clock + 2)
    writer.append(records.Tag(add=rng.sample(["a", "b", "c"], 2)), time_us=clock + 2)


def _write_rows(writer: JournalWriter, rng: random.Random, rows: int, clock: int, *, offset: int) -> None:
    odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1e308]
    for i in range(rows):
        step = offset + i if rng.random() < 0.9 else rng.randrange(rows * 2)
        time_us = clock + i * _SECOND_US + rng.randrange(3)
        values: dict[str, float] = {"loss": rng.gauss(1, 3) if rng.random() < 0.95 else rng.choice(odd)}
        if i % 3 == 0:
            values["acc"] = rng.random()
        writer.append_row(step, time_us, values)
        if i % 7 == 0:
            writer.append_row(step, time_us, {"count": rng.choice([i, -i, i * 1000, 2**60])})
        if i % 50 == 0:
            writer.append(records.Problem(code="value.odd", message="odd", count=i), time_us=time_us)


def _make_end(rng: random.Random) -> records.End:
    if rng.random() < 0.3:
        error = records.ExceptionInfo("ValueError", "boom", "Traceback …\nValueError: boom")
        return records.End(state="failed", cause="exception", witness="process", explicit=True, exception=error)
    return records.End(state="finished", cause="exit", witness="process", explicit=rng.random() < 0.5)


def _write_watcher(root: Path, run: RunId, rng: random.Random, clock: int, session: int) -> None:
    writer = _open(root, run, records.Start(kind="watcher", session=session), clock + 5)
    for second in range(30):
        time_us = clock + second * _SECOND_US
        writer.append_row(second, time_us, {"system/cpu.percent": rng.random() * 100})
        writer.append(records.Console(text=f"line {second} of {run[-4:]}\nStraße {rng.random()}\n"), time_us=time_us)
        writer.append(records.Heartbeat(number=second), time_us=time_us)
    if rng.random() < 0.5:
        writer.append(
            records.End(state="finished", cause="exit", witness="watcher", exit_code=0), time_us=clock + 10**9
        )
    writer.close()


def iter_publish_points(data: bytes) -> Iterator[int]:
    """Yield every committed length that a reader of this closed segment may have met."""
    header = parse_header(data[:HEADER_BYTES], path="segment")
    committed = min(header.committed, len(data)) if header else 0
    position = HEADER_BYTES
    while position < committed:
        yield position
        end = position - position % BLOCK_BYTES + BLOCK_BYTES
        content_end = min(end - SEAL_BYTES, committed)
        if position >= content_end or data[position] == PADDING:
            position = min(end, committed)
        else:
            position = find_item_end(data, position, content_end)
    yield committed


class Replay:
    """Reveal a scenario's journals to another root, bit by bit and in any order of writers."""

    def __init__(self, source: Path, target: Path, seed: int) -> None:
        """Prepare an empty store at `target`; edits are there from the start or the end, as the seed says."""
        self._source, self._target = source, target
        self._rng = random.Random(seed)
        self._waiting = dict.fromkeys(iter_journals(source), 0)
        self._edits_first = self._rng.random() < 0.5
        target.mkdir(parents=True, exist_ok=True)
        if self._edits_first:
            self._copy_edits()

    def _copy_edits(self) -> None:
        if layout.edits_dir(self._source).exists():
            shutil.copytree(layout.edits_dir(self._source), layout.edits_dir(self._target))

    def reveal_some(self) -> bool:
        """Show a little more of a few journals; False when all is shown."""
        for _ in range(self._rng.randrange(1, 4)):
            if not self._waiting:
                break
            self._reveal(self._rng.choice(list(self._waiting)))
        if self._waiting:
            return True
        if not self._edits_first:
            self._copy_edits()
            self._edits_first = True
        return False

    def _reveal(self, journal: tuple[RunId, WriterId]) -> None:
        number = self._waiting[journal]
        source = layout.segment_path(layout.journal_dir(self._source, *journal), number)
        target = layout.segment_path(layout.journal_dir(self._target, *journal), number)
        if not target.parent.exists():
            register_writer(self._target, *journal)
            target.parent.mkdir(parents=True)
        data = source.read_bytes()
        points = [p for p in iter_publish_points(data) if not target.exists() or p > _committed(target)]
        point = self._rng.choice(points) if self._rng.random() < 0.7 else points[-1]
        if not target.exists():
            target.write_bytes(pack_committed(point) + data[8:])
        else:
            with target.open("r+b") as file:
                file.write(pack_committed(point))
        if point == points[-1]:
            self._waiting[journal] = number + 1
            if not layout.segment_path(source.parent, number + 1).exists():
                del self._waiting[journal]


def _committed(path: Path) -> int:
    return int.from_bytes(path.read_bytes()[:8], "little")
