"""Which session of a run a process belongs to: one that others of its start have begun, or the next.

A session is what the processes of one start of a job record. They begin in any order, on hosts whose clocks differ, and
tell each other nothing, so each goes by what stands in the store (docs/decisions/0022): a rank comes once in a session,
who resumes is of no run's first, and of later ones he joins the newest while it is alive, or just done without a
failure. Asked of shared and resumed runs only; a run that one process begins is session 0.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from everbloom.core import layout
from everbloom.core.branches import MAIN_KINDS, Item
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import End, Start
from everbloom.journal.format import HEADER_BYTES, parse_header
from everbloom.journal.identity import is_process_alive
from everbloom.journal.marks import iter_in_segment, list_segments, read_committed
from everbloom.sdk.resume import read_starts

FRESH_S = 60.0  # a watcher's heartbeat comes every 5 s, and a file server may keep what it is told for a while


def find_session(root: Path, run: RunId, rank: int, *, is_resumed: bool) -> int:
    """Return the number of the session that a process of this rank joins or begins.

    Args:
        root: The store.
        run: A run that may be there already.
        rank: The process's.
        is_resumed: Whether it goes on from what earlier sessions left; only then it matters much where it belongs,
            because others of its session are not to be gone on from, nor taken back.
    """
    starts = [(item, item.record) for item in read_starts(root, run) if isinstance(item.record, Start)]
    newest = max((start.session for _, start in starts), default=0)
    members = [item for item, start in starts if start.session == newest]
    ranks = {start.rank for _, start in starts if start.session == newest and start.kind in MAIN_KINDS}
    if rank in ranks or (is_resumed and starts and not newest):
        return newest + 1
    if is_resumed and newest and not _is_going(root, run, members):
        return newest + 1
    return newest


def find_newest_session(root: Path, run: RunId) -> int:
    """Return the number of a run's newest session; 0 where none is known."""
    return max((i.record.session for i in read_starts(root, run) if isinstance(i.record, Start)), default=0)


class _Look(NamedTuple):
    """What the journals of a rank show.

    Attributes:
        is_alive: Whether it is being recorded; None = unknown.
        has_failed: Whether it ended otherwise than it should.
        began_s: When its journals were made.
        wrote_s: When one of them was written last.
    """

    is_alive: bool | None
    has_failed: bool
    began_s: float
    wrote_s: float


def _is_going(root: Path, run: RunId, members: Iterable[Item]) -> bool:
    """Tell whether a session is under way, by the store's own clock, which stamps its files, and by no host's.

    It is where a rank of it is proved alive, or may be and has written lately. One whose ranks all are over is where
    none failed and it began just now: of a short job one rank may be done before the next has started. After a failure
    the job is started again, often within seconds, so who comes then belongs to that start.
    """
    ranks: defaultdict[int, list[tuple[Path, Start]]] = defaultdict(list)
    for item in members:
        if isinstance(item.record, Start):
            journal = layout.journal_dir(root, run, WriterId(item.writer))
            ranks[item.record.rank].append((journal, item.record))
    looks = [look for journals in ranks.values() if (look := _look_at(journals)) is not None]
    if any(look.is_alive for look in looks):
        return True
    try:
        with tempfile.TemporaryFile(dir=layout.run_dir(root, run)) as file:
            now_s = os.fstat(file.fileno()).st_mtime
    except OSError:
        return False
    maybe = [look.wrote_s for look in looks if look.is_alive is None]
    if not maybe and not any(look.has_failed for look in looks):
        maybe = [min((look.began_s for look in looks), default=0.0)]
    return any(abs(now_s - moment_s) <= FRESH_S for moment_s in maybe)


def _look_at(journals: Collection[tuple[Path, Start]]) -> _Look | None:
    """Look at all that one rank of a session wrote; None where nothing is there, as what is packed is long over.

    Only who trains shows that it lives: a watcher outlives its process, and a forked child may linger after the end.
    """
    found = [(start.kind, segments) for journal, start in journals if (segments := list_segments(journal))]
    try:
        began_s = min(segments[-1].parent.stat().st_mtime for _, segments in found)  # of most, the only segment
        wrote_s = max(path.stat().st_mtime for _, segments in found for path in segments)
    except (OSError, ValueError):
        return None
    mains = [_read_state(path) for kind, segments in found if kind in MAIN_KINDS for path in segments]
    if "alive" in mains:
        return _Look(True, False, began_s, wrote_s)
    tails = [read_committed(segments[-1]) for kind, segments in found if kind != "fork"]
    if ends := [end for tail in tails for _, end in iter_in_segment(tail, End)]:
        told = [end for end in ends if end.explicit] or ends
        return _Look(False, any(end.state != "finished" for end in told), began_s, wrote_s)
    forks = [_read_state(path) for kind, segments in found if kind == "fork" for path in segments]
    is_alive = True if "alive" in forks else None if "unknown" in mains else False
    return _Look(is_alive, is_alive is False and "dead" in mains, began_s, wrote_s)


def _read_state(segment: Path) -> Literal["alive", "dead", "closed", "unknown"]:
    """Tell who a segment is being written by: one proved alive, one proved dead, nobody any more, or one unknown."""
    try:
        with segment.open("rb") as file:
            header = parse_header(file.read(HEADER_BYTES), path=segment)
            size = os.fstat(file.fileno()).st_size
    except (EverbloomError, OSError):
        return "unknown"
    if header is None:
        return "unknown"
    if header.committed == size:  # whatever its process does now
        return "closed"
    is_alive = is_process_alive(header.pid, start=header.process_start, host=header.host, boot=header.boot)
    return "unknown" if is_alive is None else "alive" if is_alive else "dead"
