"""Tell whether journals or edits hold anything that the index has not taken in, at the price of a few small reads.

Asked before every local read, so that a reader loads the indexer only when it has work. Of each registered journal
the header of the segment that the index stopped in is looked at; nothing is decoded. A writer that has died, or
fallen silent for so long that its run counts as lost, is news too; so is one of which it is not yet known that it
cannot be read.
"""

from pathlib import Path
from typing import NamedTuple

from everbloom.core import layout
from everbloom.core.clock import monotonic_s, now_us
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.index.catalog import REFUSED
from everbloom.index.offsets import Offset
from everbloom.index.store import Index
from everbloom.ingest.fold import EDITS_WRITER
from everbloom.ingest.runs import SILENT_AFTER_S
from everbloom.ingest.unreadable import find_obstacle
from everbloom.journal.format import BY_FILE_SIZE, Header, parse_header
from everbloom.journal.identity import boot_id, is_process_alive
from everbloom.journal.names import NameList
from everbloom.journal.registry import iter_active, measure_taken, read_taken

_HEADER_BYTES = 64


def has_records(root: Path) -> bool:
    """Tell whether the store holds any journal, closed run or edit at all."""
    return any(_has_entries(root / name) for name in ("runs", "packs", "edits", "active"))


def has_news(root: Path, index: Index) -> bool:
    """Tell whether catching the index up would change it.

    A journal that cannot be read, because it is damaged or of a newer format, is news until the index says so of it.
    """
    if not index.catalog.is_whole():
        return has_records(root)
    if _was_told(root, index.catalog.read_taken()):
        return True
    active = list(iter_active(root))
    offsets = index.catalog_offsets.read_all() if len(active) > 8 else None
    for run, writer in active:
        offset = offsets.get(writer) if offsets is not None else index.catalog_offsets.read(writer)
        if _is_news(root, index, run, writer, offset):
            return True
    return _have_edits(root, index)


def _was_told(root: Path, known: int | None) -> bool:
    """Tell whether another database took journals off the list, or this one does not know how far it has read that."""
    return known is None or measure_taken(root) < known or read_taken(root, known)[1] > known


class Standing(NamedTuple):
    """How a store's journals stand to its index.

    Attributes:
        written: Journals that are taken in as far as they go, if they have begun, and may go on.
        waiting: Journals with news.
        refused: Journals of which nothing can be read, each with the reason, closed runs' packs among them.
    """

    written: int
    waiting: int
    refused: dict[tuple[RunId, WriterId], str]


def read_standing(root: Path, index: Index) -> Standing:
    """Look at every registered journal, and at what is known of the others."""
    refused = {key: reason.removeprefix(REFUSED) for key, reason in index.catalog.read_refusals().items()}
    written, waiting, names = 0, 0, NameList(root)
    active = list(iter_active(root))
    for run, writer in active:
        offset = index.catalog_offsets.read(writer)
        obstacle = find_obstacle(root, run, writer, names, now_us=now_us()) if offset is None else None
        if obstacle is not None:
            refused[run, writer] = obstacle
        elif _is_news(root, index, run, writer, offset):
            waiting += 1
        else:
            written += 1
    others, _ = read_taken(root, index.catalog.read_taken() or 0)
    waiting += len(set(others) - set(active))
    return Standing(written, waiting, refused)


def _is_news(root: Path, index: Index, run: RunId, writer: WriterId, offset: Offset | None) -> bool:
    if offset is None:  # where it is no news it is announced and not begun, or known to be unreadable
        return _has_begun(root, index, run, writer)
    journal = layout.journal_dir(root, run, writer)
    return (
        _has_grown(journal, offset) or _is_left(journal, offset) or _has_life_turned(index, root, run, writer, offset)
    )


def _has_begun(root: Path, index: Index, run: RunId, writer: WriterId) -> bool:
    """Tell whether a journal that the index has nothing of can be read, or is unreadable in a way not known yet."""
    if _read_header(layout.segment_path(layout.journal_dir(root, run, writer), 0)) is not None:
        return True
    obstacle = find_obstacle(root, run, writer, NameList(root), now_us=now_us())
    return obstacle is not None and f"{REFUSED}{obstacle}" != index.catalog.read_refusal(run, writer)


def has_live_writers(root: Path, run: RunId) -> bool:
    """Tell whether a journal of a run is registered whose writer is not proved dead."""
    for known, writer in iter_active(root):
        if known == run:
            header = _read_header(layout.segment_path(layout.journal_dir(root, run, writer), 0))
            if header is not None and _is_alive(header) is not False:
                return True
    return False


def _has_entries(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except (FileNotFoundError, NotADirectoryError):
        return False


def _has_grown(journal: Path, offset: Offset) -> bool:
    if _read_header(layout.segment_path(journal, offset.segment + 1)) is not None:
        return True
    path = layout.segment_path(journal, offset.segment)
    header = _read_header(path)
    if header is None:
        return False
    committed = _measure(path) if header.committed == BY_FILE_SIZE else header.committed
    return committed > offset.byte


def _is_left(journal: Path, offset: Offset) -> bool:
    """Tell whether a journal was closed, and yet the indexer that read it to its end did not take it off the list.

    It was killed before, or could not yet record what the run printed last. Only a closed segment, or a dead one, is
    as long as what was committed; a file that grows by what is written cannot be told.
    """
    path = layout.segment_path(journal, offset.segment)
    header = _read_header(path)
    return header is not None and header.committed == _measure(path)


def _measure(path: Path) -> int:
    """Return a file's bytes; 0 where it was removed since, as a run's are that is packed or deleted."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read_header(path: Path) -> Header | None:
    try:
        with path.open("rb") as file:
            return parse_header(file.read(_HEADER_BYTES), path=path)
    except (OSError, EverbloomError):
        return None


def _has_life_turned(index: Index, root: Path, run: RunId, writer: WriterId, offset: Offset) -> bool:
    """Tell whether a writer with nothing new to read has died, or been silent for too long, since last looked at."""
    journal = layout.journal_dir(root, run, writer)
    header = _read_header(layout.segment_path(journal, offset.segment)) or _read_header(layout.segment_path(journal, 0))
    if header is None:
        return False
    is_alive = _is_alive(header)
    if is_alive is not None:
        return not is_alive
    row = next((row for row in index.catalog.read_writers(run) if row.writer == writer), None)
    if row is None or row.seen_boot != f"{boot_id():016x}":
        return True
    is_silent = monotonic_s() - row.seen_at > SILENT_AFTER_S
    found = index.catalog.read_runs([run]).get(run)
    return is_silent and found is not None and found.document.attributes.get("state") == "running"


def _have_edits(root: Path, index: Index) -> bool:
    folder = layout.edits_dir(root)
    offset = index.catalog_offsets.read(WriterId(EDITS_WRITER))
    if offset is None:
        return _has_entries(folder)
    return _has_grown(folder, offset)


def _is_alive(header: Header) -> bool | None:
    return is_process_alive(header.pid, start=header.process_start, host=header.host, boot=header.boot)
