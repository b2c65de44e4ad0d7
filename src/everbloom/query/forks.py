"""What a forked run shares with the run that it was forked from: found at read time, and never copied.

A fork is one reference record: another run, and the last step that both have. Its series are the other's points
up to that step and then its own. Summaries, and so tables, sorting and search, stay the run's own: a table of ten
thousand forks must not read the runs behind them.
"""

import re
from collections.abc import Iterable

from everbloom.core.ids import RunId, WriterId, is_run_id
from everbloom.core.records import Record, Reference, Rewind
from everbloom.index.pieces import Shared
from everbloom.ingest.fold import RECORDING_KINDS, Sighting, fold_items
from everbloom.ingest.runs import decode_control, to_items
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Fork

_STEP = re.compile(r"step (-?\d{1,19})")
_SCHEME = "everbloom:"


def parse_fork(record: Record) -> tuple[RunId, int] | None:
    """Return the run and the step that a reference says its run was forked from; None where it says no such thing."""
    if not isinstance(record, Reference) or record.kind != "fork" or not record.uri.startswith(_SCHEME):
        return None
    run, step = record.uri[len(_SCHEME) :], _STEP.fullmatch(record.checksum)
    return (RunId(run), int(step[1])) if step is not None and is_run_id(run) else None


def find_fork(readable: ReadableIndex, run: str) -> tuple[RunId, int] | None:
    """Return what a run was forked from, and the last step that it shares; None where it was not."""
    rows = readable.index.catalog.read_controls(RunId(run), (Reference.tag_name,))
    return next((fork for row in rows if (fork := parse_fork(decode_control(row))) is not None), None)


def read_fork(readable: ReadableIndex, run: str) -> Fork | None:
    """Return what a run was forked from, with its name; `name` is None where that may not be read or is not there."""
    fork = find_fork(readable, run)
    if fork is None:
        return None
    source = readable.read_runs([fork[0]])
    return Fork(fork[0], source[0].name if source else None, fork[1])


def read_shared(readable: ReadableIndex, runs: Iterable[str]) -> dict[RunId, Shared]:
    """Return what forked runs share with those before them, all the way up; others are absent."""
    answer: dict[RunId, Shared] = {}
    for run in dict.fromkeys(map(RunId, runs)):
        limits: dict[WriterId, int] = {}
        sources = _follow(readable, run, limits)
        if sources:
            answer[run] = Shared(tuple(sources), limits)
    return answer


def _follow(readable: ReadableIndex, run: RunId, limits: dict[WriterId, int]) -> list[RunId]:
    """Collect the limits of each writer of the runs before; stops where one is missing or was there already."""
    seen, at = [run], run
    bound: int | None = None
    while (fork := find_fork(readable, at)) is not None:
        source, step = fork
        if source in seen or not readable.read_runs([source]):
            break
        # A fork that was itself taken back to an earlier step has lost what it shared behind that step, too.
        bound = min([step, *_read_rewinds(readable, at), *(() if bound is None else (bound,))])
        folded = fold_items(to_items(readable.index.catalog.read_controls(source, ("start", "rewind"))), Sighting())
        for writer, start in folded.writers.items():
            if start.kind in RECORDING_KINDS:  # a watcher's steps are seconds of another process
                limits[WriterId(writer)] = min(bound, folded.cutoffs.get(WriterId(writer), bound))
        seen.append(source)
        at = source
    return seen[1:]


def _read_rewinds(readable: ReadableIndex, run: RunId) -> list[int]:
    records = [decode_control(row) for row in readable.index.catalog.read_controls(run, ("rewind",))]
    return [record.step for record in records if isinstance(record, Rewind)]
