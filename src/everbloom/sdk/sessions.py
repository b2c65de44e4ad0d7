"""Which session of a run a process belongs to: one that others of its start have begun, or the next.

A session is what the processes of one start of a job record. They begin in any order, on hosts whose clocks differ, and
tell each other nothing, so each goes by what stands in the store (docs/decisions/0022): a rank comes once in a session,
who resumes is of no run's first, and of later ones he joins the newest while it is alive. Asked of shared and resumed
runs only; a run that one process begins is session 0.
"""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from everbloom.core import layout
from everbloom.core.branches import MAIN_KINDS, Item
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Start
from everbloom.journal.format import HEADER_BYTES, parse_header
from everbloom.journal.identity import is_process_alive
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
    """What a journal shows: whether it is being written (None = unknown), and when it began and was written last."""

    is_alive: bool | None
    began_s: float
    wrote_s: float


def _is_going(root: Path, run: RunId, members: Iterable[Item]) -> bool:
    """Tell whether a session is under way, by the store's own clock, which stamps its files, and by no host's.

    It is where a process of it is proved alive, or may be and has written lately. One whose processes all are over is
    where it began just now: of a short job one rank may be done before the next has started.
    """
    looks = [_look_at(layout.journal_dir(root, run, WriterId(item.writer))) for item in members]
    found = [look for look in looks if look is not None]  # what is packed is long over
    if any(look.is_alive for look in found):
        return True
    try:
        with tempfile.TemporaryFile(dir=layout.run_dir(root, run)) as file:
            now_s = os.fstat(file.fileno()).st_mtime
    except OSError:
        return False
    maybe = [look.wrote_s for look in found if look.is_alive is None] or [min((x.began_s for x in found), default=0.0)]
    return any(abs(now_s - moment_s) <= FRESH_S for moment_s in maybe)


def _look_at(journal: Path) -> _Look | None:
    try:
        began_s = journal.stat().st_mtime  # when its last segment was made: of most, the only one
        segments = [path for path in journal.iterdir() if path.suffix == ".seg"]
        wrote_s = max((path.stat().st_mtime for path in segments), default=began_s)
    except OSError:
        return None
    lives = [_is_written(path) for path in segments]
    return _Look(True if True in lives else None if None in lives else False, began_s, wrote_s)


def _is_written(segment: Path) -> bool | None:
    """Tell whether a segment is being written: proved yes, proved no, or None for unknown."""
    try:
        with segment.open("rb") as file:
            header = parse_header(file.read(HEADER_BYTES), path=segment)
            size = os.fstat(file.fileno()).st_size
    except (EverbloomError, OSError):
        return None
    if header is None:
        return None
    if header.committed == size:  # it was closed, whatever its process does now
        return False
    return is_process_alive(header.pid, start=header.process_start, host=header.host, boot=header.boot)
