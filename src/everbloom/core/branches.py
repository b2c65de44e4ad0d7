"""Which of a run's points count: the order of its sessions, what a rewind takes back, and what a fork shares.

A session is what the processes of one start of a job record; each `Start` says its number, so that no clock decides
which came first (docs/decisions/0022). Journals from before that, and two processes that took one number at once, are
told apart by time. Pure, and in core, because two parts must never differ about it: the index, which leaves out what
was taken back, and a resume, which must not go on from it.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
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
    """A run that was forked from, the last step that is shared, and the run's newest session then.

    `session` is None in journals from before sessions were numbered.
    """

    source: RunId
    step: int
    session: int | None = None


def to_reference(fork: Fork) -> Reference:
    """Return the record by which a run says what it was forked from."""
    uri = f"{_SCHEME}{fork.source}"
    return Reference(uri=uri, kind="fork", checksum=f"step {fork.step}", session=fork.session)


def parse_fork(record: Record) -> Fork | None:
    """Return the run and the step that a reference says its run was forked from; None where it says no such thing."""
    if not isinstance(record, Reference) or record.kind != "fork" or not record.uri.startswith(_SCHEME):
        return None
    run, told = record.uri[len(_SCHEME) :], _STEP.fullmatch(record.checksum)
    if told is None or not is_run_id(run) or (step := int(told[1])) not in _INT64:
        return None
    return Fork(RunId(run), step, record.session)


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────


class Beginning(NamedTuple):
    """Where a writer stands among those of its run.

    Attributes:
        session: The session's number, from 0.
        part: Which of several beginnings that have one number it is of; None where only its time can tell.
        time_us: When it began, by its own clock.
        writer: The writer.
        position: Of the record that says so.
    """

    session: int
    part: int | None
    time_us: int
    writer: str
    position: int


def find_beginnings(items: Iterable[Item]) -> dict[str, Beginning]:
    """Return, by writer, where it stands; a writer whose `Start` cannot be read stands where its first item does.

    Args:
        items: Records of one run in any order, all its `Start` records among them; edits are passed over.
    """
    own = [item for item in items if not item.number]
    starts: dict[str, Item] = {}
    for item in sorted((i for i in own if isinstance(i.record, Start)), key=lambda i: i[:4]):
        starts.setdefault(item.writer, item)
    parts = _number_parts(list(starts.values()))
    found = {writer: Beginning(_read_session(i), parts.get(writer), *i[1:4]) for writer, i in starts.items()}
    for item in sorted((i for i in own if i.writer not in starts), key=lambda i: i[:4]):
        found.setdefault(item.writer, Beginning(_guess_session(item, starts), None, *item[1:4]))
    return found


def sort_items(items: Iterable[Item], beginnings: Mapping[str, Beginning] | None = None) -> list[Item]:
    """Return records of one run in the order that counts: by session, time, writer and position; then edits.

    Args:
        items: All its `Start` records among them, unless `beginnings` are given.
        beginnings: Where its writers stand.
    """
    kept = list(items)
    known = find_beginnings(kept) if beginnings is None else beginnings
    sessions = {writer: beginning.session for writer, beginning in known.items()}
    return sorted(kept, key=lambda i: (i.number, 0 if i.number else sessions.get(i.writer, 0), *i[1:4]))


def is_older(one: Beginning, other: Beginning) -> bool:
    """Tell whether a writer is of an earlier session than another one.

    Within a number, which a run of before or a race may have given twice, ranks begin in any order: of the second time
    rank 1 may stand before rank 0 and yet not be older than it, so a rank's n-th beginning goes with the others' n-th.
    """
    if one.session != other.session:
        return one.session < other.session
    if one.part is not None and other.part is not None:
        return one.part < other.part
    return one[2:] < other[2:]


def _read_session(start: Item) -> int:
    return start.record.session if isinstance(start.record, Start) else 0


def _number_parts(starts: Collection[Item]) -> dict[str, int]:
    """Number, within each session, the beginnings of ranks that began as often as rank 0 did.

    Where that is once at most, as it should be, there is one part, and all of the session are of it.
    """
    by_rank: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for item in starts:
        if isinstance(item.record, Start) and item.record.kind in MAIN_KINDS:
            by_rank[item.record.session, item.record.rank].append(item.writer)
    times = {session: len(writers) for (session, rank), writers in by_rank.items() if not rank}
    return {item.writer: 0 for item in starts if times.get(_read_session(item), 0) <= 1} | {
        writer: number
        for (session, _), writers in by_rank.items()
        if len(writers) == times.get(session)
        for number, writer in enumerate(writers)
    }


def _guess_session(item: Item, starts: Mapping[str, Item]) -> int:
    """Return the session of a writer whose beginning cannot be read: the latest that had begun by its clock."""
    begun = [_read_session(start) for start in starts.values() if start[1:3] <= item[1:3]]
    return max(begun, default=min(map(_read_session, starts.values()), default=0))


# ── what is taken back ────────────────────────────────────────────────────────────────────────────────────────


def find_cutoffs(items: Iterable[Item], beginnings: Mapping[str, Beginning] | None = None) -> dict[WriterId, int]:
    """Return, by writer, the step beyond which its points no longer count, because a later session rewound the run.

    Args:
        items: All `Start` and `Rewind` records of the run's journals, in any order; others are passed over.
        beginnings: Where its writers stand, where that is known already.
    """
    told = [i for i in items if not i.number and isinstance(i.record, Start | Rewind)]
    known = find_beginnings(told) if beginnings is None else beginnings
    recording = {i.writer for i in told if isinstance(i.record, Start) and i.record.kind in RECORDING_KINDS}
    cutoffs: dict[WriterId, int] = {}
    for rewind in told:
        if not isinstance(rewind.record, Rewind):
            continue
        step, since = rewind.record.step, known[rewind.writer]
        for writer in map(WriterId, recording):
            if writer != rewind.writer and is_older(known[writer], since):
                cutoffs[writer] = min(step, cutoffs.get(writer, step))
    return cutoffs


def leave_later(items: Iterable[Item], session: int | None, moment: int) -> list[Item]:
    """Leave out, of a run that was forked, the first session since that went back to an earlier step, and all after it.

    Others stay: a rank that is late, and a session that only goes on, went back over nothing.

    Args:
        items: The run's starts and rewinds.
        session: Its newest session when it was forked; None = the fork does not say.
        moment: When it was forked, by the fork's clock; counts where the fork does not say.
    """
    kept = list(items)
    beginnings = find_beginnings(kept)
    first: Beginning | None = None
    for item in kept:
        if isinstance(item.record, Rewind):
            own = beginnings[item.writer]
            is_later = item.time_us > moment if session is None else own.session > session
            if is_later and (first is None or is_older(own, first)):
                first = own
    return kept if first is None else [i for i in kept if is_older(beginnings[i.writer], first)]
