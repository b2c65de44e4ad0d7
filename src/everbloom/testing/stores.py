"""Stores for tests: runs recorded through real journals, small or by the dozen out of a seed.

Nothing of it is indexed until somebody reads. For indexes of very many runs see `many_runs.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.core.records import (
    Cause,
    Console,
    End,
    EndState,
    ExceptionInfo,
    Note,
    Params,
    Record,
    Scalar,
    Set,
    Start,
    Tag,
)
from everbloom.core.settings import Settings
from everbloom.journal.writer import JournalWriter

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


@dataclass(frozen=True)
class RunSpec:
    """What a run of a test records.

    Attributes:
        fields: For `Set`: name, project, parent …
        metrics: By name, the values of steps 0, 1, 2 …
        end: How it ended; None leaves its journal open, as of a run that goes on.
        records: Further control records, in order, before the end.
        session: Which start of the run's processes its writer belongs to.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Scalar] = field(default_factory=dict)
    tags: Sequence[str] = ()
    note: str = ""
    metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)
    console: str = ""
    end: EndState | None = "finished"
    exception: ExceptionInfo | None = None
    records: Sequence[Record] = ()
    rank: int = 0
    session: int = 0


def store_settings(root: Path, *, database: str | None = None) -> Settings:
    """Return the settings of a store in that folder."""
    return Settings(root=root, database=database)


def record_run(
    root: Path, spec: RunSpec | None = None, *, run: RunId | None = None, created_us: int | None = None
) -> RunId:
    """Record a run through a journal of its own; returns its id.

    Args:
        root: The store's folder.
        spec: What it records.
        run: Its id, for a second writer of a run that is there.
        created_us: When it starts; its end follows one second after its last step.
    """
    writer = open_run(root, spec, run=run, created_us=created_us)
    writer.close()
    return writer.run


def open_run(
    root: Path, spec: RunSpec | None = None, *, run: RunId | None = None, created_us: int | None = None
) -> JournalWriter:
    """Record a run as `record_run` does and return its journal, still open."""
    spec = spec or RunSpec()
    time = now_us() - DAY_US if created_us is None else created_us
    start = Start(kind="process" if not spec.rank else "rank", rank=spec.rank, session=spec.session)
    writer = JournalWriter(root, run or new_run_id(time))
    layout.journal_dir(root, writer.run, writer.writer_id).mkdir(parents=True)
    layout.active_dir(root).mkdir(exist_ok=True)
    layout.active_path(root, writer.run, writer.writer_id).touch()
    writer.append(start, time_us=time)
    for record in _iter_records(spec):
        writer.append(record, time_us=time)
    for step in range(max(map(len, spec.metrics.values()), default=0)):
        row = {name: float(values[step]) for name, values in spec.metrics.items() if step < len(values)}
        time += SECOND_US
        writer.append_row(step, time, row)
    if spec.end is not None:
        writer.append(_to_end(spec), time_us=time + SECOND_US)
    return writer


def _iter_records(spec: RunSpec) -> Iterable[Record]:
    if spec.fields:
        yield Set(fields=dict(spec.fields))
    if spec.params:
        yield Params(values=dict(spec.params))
    if spec.tags:
        yield Tag(add=list(spec.tags))
    if spec.note:
        yield Note(text=spec.note)
    lines = spec.console.splitlines(keepends=True)
    for start in range(0, len(lines), 200):
        yield Console(text="".join(lines[start : start + 200]))
    yield from spec.records


def _to_end(spec: RunSpec) -> End:
    cause: Cause = "exception" if spec.exception else "exit" if spec.end == "finished" else "user"
    code = 0 if spec.end == "finished" else 1
    return End(
        state=spec.end or "finished",
        cause=cause,
        witness="process",
        explicit=True,
        exit_code=code,
        exception=spec.exception,
    )
