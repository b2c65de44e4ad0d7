"""Which of a run's points count: what a rewind takes back, and what a fork shares.

Pure, and in core, because two parts must never differ about it: the index, which leaves out what was taken back, and
a resume, which must not go on from it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from everbloom.core.ids import RunId, WriterId, is_run_id
from everbloom.core.records import Record, Reference, Rewind, Start

RECORDING_KINDS = frozenset({"process", "rank", "fork", "importer"})
MAIN_KINDS = frozenset({"process", "rank", "importer"})

_STEP = re.compile(r"step (-?\d{1,19})")
_SCHEME = "everbloom:"
_INT64 = range(-(2**63), 2**63)


class Item(NamedTuple):
    """A control record with what decides its order; `number` is 0 but for edits."""

    number: int
    time_us: int
    writer: str
    position: int
    record: Record


class Fork(NamedTuple):
    """A run that was forked from, and the last step that is shared."""

    source: RunId
    step: int


def to_reference(fork: Fork) -> Reference:
    """Return the record by which a run says what it was forked from."""
    return Reference(uri=f"{_SCHEME}{fork.source}", kind="fork", checksum=f"step {fork.step}")


def parse_fork(record: Record) -> Fork | None:
    """Return the run and the step that a reference says its run was forked from; None where it says no such thing."""
    if not isinstance(record, Reference) or record.kind != "fork" or not record.uri.startswith(_SCHEME):
        return None
    run, told = record.uri[len(_SCHEME) :], _STEP.fullmatch(record.checksum)
    if told is None or not is_run_id(run) or (step := int(told[1])) not in _INT64:
        return None
    return Fork(RunId(run), step)


def find_cutoffs(items: Iterable[Item]) -> dict[WriterId, int]:
    """Return, by writer, the step beyond which its points no longer count, because a later writer rewound the run.

    Args:
        items: All `Start` and `Rewind` records of the run's journals, in any order; others are passed over.
    """
    told = sorted((i for i in items if not i.number), key=lambda i: i[:4])
    starts = [i for i in told if isinstance(i.record, Start)]
    sessions = _number_sessions(starts)
    recording = [i for i in starts if isinstance(i.record, Start) and i.record.kind in RECORDING_KINDS]
    cutoffs: dict[WriterId, int] = {}
    for rewind in told:
        if not isinstance(rewind.record, Rewind):
            continue
        step = rewind.record.step
        since = next((item for item in starts if item.writer == rewind.writer), rewind)
        for item in recording:
            if item.writer != rewind.writer and _is_older(item, since, sessions):
                writer = WriterId(item.writer)
                cutoffs[writer] = min(step, cutoffs.get(writer, step))
    return cutoffs


def _number_sessions(starts: Sequence[Item]) -> dict[str, int]:
    """Number the sessions of a distributed run: a rank that began as often as rank 0 did belongs to each in turn.

    Ranks begin in any order, so of a resumed session rank 1 may stand before rank 0 and yet not be older than it.
    """
    by_rank: defaultdict[int, list[str]] = defaultdict(list)
    for item in starts:
        if isinstance(item.record, Start) and item.record.kind in MAIN_KINDS:
            by_rank[item.record.rank].append(item.writer)
    sessions = len(by_rank[0])
    return {
        writer: number
        for writers in by_rank.values()
        if len(writers) == sessions
        for number, writer in enumerate(writers)
    }


def _is_older(item: Item, since: Item, sessions: Mapping[str, int]) -> bool:
    if item.writer in sessions and since.writer in sessions:
        return sessions[item.writer] < sessions[since.writer]
    return item[1:4] < since[1:4]
