"""What earlier processes left to go on from: a run's newest whole checkpoint, its last step, what it was told.

The journal is searched by bytes and not read row by row, because `init` may not take as long as a long run's
rows need, and the client has no NumPy: a checkpoint's record begins with bytes that appear nowhere in text, and
the last step stands in a journal's last block. The run may be packed at this moment. A pack takes its place before
the journals that it holds go, so journals are read first and the pack after them: what vanishes stands in the pack.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from everbloom.artifacts.names import check_artifact_path
from everbloom.core import layout
from everbloom.core.branches import Beginning, Item, find_beginnings, find_cutoffs, parse_fork, sort_items
from everbloom.core.errors import Corrupt, EverbloomError, NotFound
from everbloom.core.ids import RunId, WriterId, is_writer_id, new_writer_id
from everbloom.core.records import File, Params, Record, Reference, Rewind, Scalar, Set, Start, Tag
from everbloom.journal.blobs import open_blob, read_blob
from everbloom.journal.format import (
    BLOCK_BYTES,
    HEADER_BYTES,
    PADDING,
    SEAL_BYTES,
    TornItem,
    block_start,
    find_item_end,
)
from everbloom.journal.marks import list_segments, read_committed
from everbloom.journal.pack import JournalPart, PackedControl, PackReader
from everbloom.journal.writer import STEP_MAX
from everbloom.sdk.files import MANIFEST_TYPE, CheckpointFile
from everbloom.sdk.ranks import own_tag

_R = TypeVar("_R", bound=Record)
_decode_start = msgspec.msgpack.Decoder(tuple[str, int, Start]).decode
_decode_item = msgspec.msgpack.Decoder(tuple[int | str, int, msgspec.Raw]).decode


def find_checkpoint(root: Path, run: RunId, *, session: int, step: int | None = None) -> tuple[Path, int] | None:
    """Restore the newest whole checkpoint of a run, or its newest of a step; one that was taken back does not count.

    Args:
        root: The store.
        run: The run.
        session: What goes on; only earlier sessions count, as peers of this one may have written already.
        step: Of which step.

    Returns:
        The path of the restored file or folder, and the checkpoint's step; None where there is none.

    Raises:
        Unavailable: The store cannot be written.
    """
    items, _ = _read_earlier(root, run, session, Rewind, File)
    cutoffs = find_cutoffs(items)
    files = [(i.record.step or 0, place, i, i.record) for place, i in enumerate(items) if isinstance(i.record, File)]
    for at_step, _, item, file in sorted(files, key=lambda one: one[:2], reverse=True):
        is_kept = file.kind == "checkpoint" and at_step <= _get_limit(cutoffs, item.writer)
        if is_kept and step in (None, at_step):
            try:
                return _restore(root, run, file), at_step
            except (NotFound, Corrupt):  # not whole: the one before is
                continue
    return None


def find_last_step(root: Path, run: RunId, *, session: int) -> int:
    """Return the highest of the steps that the writers of sessions before this one recorded last; -1 without any.

    What was taken back does not count; what a fork shares with the run before it does.
    """
    items, beginnings = _read_earlier(root, run, session, Rewind, Reference)
    last, cutoffs = _find_shared_step(items), find_cutoffs(items)
    watchers = {i.writer for i in items if isinstance(i.record, Start) and i.record.kind == "watcher"}

    def is_counted(writer: str) -> bool:  # a watcher's steps are seconds
        return writer not in watchers and (writer not in beginnings or beginnings[writer].session < session)

    for writer, segments in _iter_journals(root, run):
        if not is_counted(writer):
            continue
        for segment in reversed(segments):
            steps = _read_last_steps(segment)
            if steps:
                last = max(last, min(*steps, _get_limit(cutoffs, writer)))
                break
    for part, _ in _iter_packed(root, run):
        if part.last_step is not None and is_counted(part.writer):
            last = max(last, min(part.last_step, _get_limit(cutoffs, part.writer)))
    return last


def _read_earlier(
    root: Path, run: RunId, session: int, *kinds: type[Record]
) -> tuple[list[Item], dict[str, Beginning]]:
    """Return the starts and some other records of the sessions before one, in order, and where all writers stand."""
    items = _read_records(root, run, Start, *kinds)
    beginnings = find_beginnings(items)
    return [item for item in items if beginnings[item.writer].session < session], beginnings


def _get_limit(cutoffs: Mapping[WriterId, int], writer: str) -> int:
    return cutoffs.get(WriterId(writer), STEP_MAX)


def _find_shared_step(items: list[Item]) -> int:
    """Return the last step that a fork shares: going back behind it takes back what was shared, too."""
    forks = [fork for i in items if (fork := parse_fork(i.record)) is not None]
    rewinds = [i.record.step for i in items if isinstance(i.record, Rewind)]
    return min([forks[0].step, *rewinds]) if forks else -1


def has_begun(root: Path, run: RunId) -> bool:
    """Tell whether a process of rank 0, or an importer, has begun to record a run; other ranks do not count."""
    return any(isinstance(i.record, Start) and i.record.kind in ("process", "importer") for i in read_starts(root, run))


def is_own_run(root: Path, run: RunId, rank: int) -> bool:
    """Tell whether a run was begun by this rank of a job as one of its own; such a run carries the rank's tag."""
    first = [i.record for i in read_starts(root, run) if isinstance(i.record, Start) and not i.record.session]
    if any(start.rank for start in first):  # a shared one, however it is tagged: its many journals need not be read
        return False
    items, _ = _read_earlier(root, run, 1, Tag)
    return any(isinstance(i.record, Tag) and own_tag(rank) in i.record.add for i in items)


def read_starts(root: Path, run: RunId) -> list[Item]:
    """Return the beginnings of a run's writers; of a journal only the first block is read, as a job may have many."""
    found: dict[str, Item] = {}
    for writer, segments in _iter_journals(root, run):
        for offset, time_us, start in _iter_segment(read_committed(segments[0], BLOCK_BYTES), Start):
            found[writer] = Item(0, time_us, writer, offset, start)
    for part, controls in _iter_packed(root, run):
        first = next(controls, None)
        if first is not None and first.raw.startswith(_get_mark(Start)):
            _, time_us, start = _decode_start(first.raw)
            found[part.writer] = Item(0, time_us, part.writer, first.position, start)
    return sort_items(found.values())


def read_told(root: Path, run: RunId) -> tuple[dict[str, Any], dict[str, Scalar]]:
    """Return a run's single-valued fields and its parameters as it recorded them itself; edits are left out."""
    fields: dict[str, Any] = {}
    params: dict[str, Scalar] = {}
    for item in _read_records(root, run, Start, Set, Params):
        if isinstance(item.record, Set):
            fields |= item.record.fields
        elif isinstance(item.record, Params):
            params |= item.record.values
    return fields, params


def _iter_journals(root: Path, run: RunId) -> Iterator[tuple[str, list[Path]]]:
    """Yield each writer that has begun, with its segments."""
    folder = layout.run_dir(root, run) / "journal"
    for writer in filter(is_writer_id, _list_folder(folder)):
        if segments := list_segments(folder / writer):
            yield writer, segments


def _list_folder(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _iter_packed(root: Path, run: RunId) -> Iterator[tuple[JournalPart, Iterator[PackedControl]]]:
    """Yield each journal of a run that is packed, with its control records."""
    try:
        pack = PackReader(layout.pack_path(root, run))
    except (FileNotFoundError, EverbloomError):  # not packed, or by a newer version: nothing to go on from
        return
    with pack:
        for part in pack.contents.journals:
            yield part, pack.iter_controls(part)


def _read_records(root: Path, run: RunId, *kinds: type[Record]) -> list[Item]:
    """Return the run's own records of some types, in order if `Start` is one; a journal in both places comes once."""
    found: dict[tuple[str, int], Item] = {}
    for writer, segments in _iter_journals(root, run):
        for path in segments:
            data = read_committed(path)
            for kind in kinds:
                for offset, time_us, record in _iter_segment(data, kind):
                    position = int(path.stem) << 32 | offset
                    found[writer, position] = Item(0, time_us, writer, position, record)
    decoders = [(_get_mark(kind), _get_decoder(kind)) for kind in kinds]
    for part, controls in _iter_packed(root, run):
        for control in controls:
            for mark, decode in decoders:
                if control.raw.startswith(mark):
                    _, time_us, record = decode(control.raw)
                    place = part.writer, control.position
                    found[place] = Item(0, time_us, *place, record)
    return sort_items(found.values())


def _iter_segment(data: bytes, kind: type[_R]) -> Iterator[tuple[int, int, _R]]:
    """Yield (offset, time, record) of each record of a type; of `Start`, a journal's first only."""
    mark, decode = _get_mark(kind), _get_decoder(kind)
    position = data.find(mark) if kind is not Start or data.startswith(mark, HEADER_BYTES) else -1
    while position >= 0:
        try:
            _, time_us, record = decode(data[position : find_item_end(data, position, len(data))])
            yield position, time_us, record
        except (TornItem, msgspec.DecodeError):  # these bytes stand within something else
            pass
        position = data.find(mark, position + 1) if kind is not Start else -1


def _get_mark(kind: type[Record]) -> bytes:
    tag = kind.tag_name.encode()
    return bytes((0x93, 0xA0 | len(tag))) + tag  # a control record is [tag, time, body]


def _get_decoder(kind: type[_R]) -> Callable[[bytes], tuple[str, int, _R]]:
    return msgspec.msgpack.Decoder(tuple[str, int, kind]).decode  # type: ignore[valid-type]


def _read_last_steps(path: Path) -> list[int]:
    data = read_committed(path)
    steps: list[int] = []
    position = block_start(max(len(data) - 1, 0))
    while not steps and position >= HEADER_BYTES and data:
        end = min(len(data), position - position % BLOCK_BYTES + BLOCK_BYTES - SEAL_BYTES)
        steps = _read_steps(data, position, end)
        if position == HEADER_BYTES:
            break
        position = block_start(position - 1)
    return steps


def _read_steps(data: bytes, position: int, end: int) -> list[int]:
    steps = []
    while position < end and data[position] != PADDING:
        try:
            stop = find_item_end(data, position, end)
            step, _, _ = _decode_item(data[position:stop])
        except (TornItem, msgspec.DecodeError):
            break
        if isinstance(step, int):
            steps.append(step)
        position = stop
    return steps[-1:]


def _restore(root: Path, run: RunId, file: File) -> Path:
    folder = layout.run_dir(root, run) / "restored" / str(file.step)
    if file.media_type != MANIFEST_TYPE:
        target = folder / Path(check_artifact_path(file.path)).name
        _copy_out(root, run, file.sha256, target)
        return target
    files = msgspec.json.decode(read_blob(root, run, file.sha256), type=list[CheckpointFile])
    for part in files:
        _copy_out(root, run, part.sha256, folder / check_artifact_path(part.path))
    return folder / Path(file.path).stem


def _copy_out(root: Path, run: RunId, sha256: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    # Ranks restore the same checkpoint at once: each writes a file of its own and puts it in place whole.
    partial = target.with_name(f"{target.name}.{new_writer_id()}.part")
    with open_blob(root, run, sha256) as blob, open(partial, "wb") as out:
        while chunk := blob.read(1 << 20):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != sha256:
        partial.unlink()
        raise Corrupt(
            f"blob {sha256} of a checkpoint is damaged; an earlier checkpoint is taken.",
            code="blob.damaged",
            sha256=sha256,
        )
    partial.replace(target)
