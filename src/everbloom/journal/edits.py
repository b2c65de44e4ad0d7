"""The store's edit journal: what people change about runs afterwards, by command line and web app.

Edits share one journal, `edits/<n>.seg`, because their order is what counts: a record's number is its place,
and the highest number wins. A record is appended by one `write()` under a file lock; nothing is preallocated, and
the file's size is the publish point. Segments are sealed in blocks like any other.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from everbloom.core import layout
from everbloom.core.errors import Corrupt, Unavailable
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Edit, Record
from everbloom.journal.format import (
    BLOCK_BYTES,
    BY_FILE_SIZE,
    HEADER_BYTES,
    PADDING,
    RECORD_MAX_BYTES,
    SEAL_BYTES,
    Header,
    TornItem,
    block_end,
    block_start,
    compute_seal,
    encode_item,
    find_item_end,
    pack_header,
    parse_header,
    too_large,
)
from everbloom.journal.identity import boot_id, host_id, process_start
from everbloom.journal.segment import DISK_FULL, to_unavailable
from everbloom.journal.writer import check_time, now_in_range_us

SEGMENT_MAX_BYTES = 16 * 1024 * 1024
NO_WRITER = WriterId("0" * 16)

_decode_tagged = msgspec.msgpack.Decoder(tuple[str, int, msgspec.Raw]).decode


def append_edit(root: Path, run: RunId, author: str, record: Record, *, time_us: int | None = None) -> int:
    """Append an edit of a run; on disk (fsync) on return, in one piece or not at all.

    Any number of processes and threads may append; they wait for each other's few microseconds.

    Returns:
        The edit's number, greater than that of every edit before.

    Raises:
        InvalidInput: The record is larger than a record may be (`record.too_large`).
        UnsupportedVersion: A newer Everbloom keeps this store's edits.
        Unavailable: The store cannot be written; nothing was.
    """
    return append_edits(root, author, [(run, record)], time_us=time_us)[-1]


def append_edits(
    root: Path, author: str, edits: Sequence[tuple[RunId, Record]], *, time_us: int | None = None
) -> list[int]:
    """Append edits of many runs in one go, with one sync for all; each is there whole or not at all.

    Returns:
        The edits' numbers, rising.

    Raises:
        InvalidInput: One of them is larger than a record may be (`record.too_large`); none was appended.
        UnsupportedVersion: A newer Everbloom keeps this store's edits.
        Unavailable: The store cannot be written; of several edits the first ones may be.
    """
    moment = now_in_range_us() if time_us is None else check_time(time_us)
    items = [_encode(run, author, record, moment) for run, record in edits]
    folder = layout.edits_dir(root)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(layout.lock_path(root, "edits")):
            numbers: list[int] = []
            while len(numbers) < len(items):
                numbers += _append_locked(folder, items[len(numbers) :])
            return numbers
    except OSError as error:
        raise to_unavailable(error, folder, then="repeat the edit") from error


def _encode(run: RunId, author: str, record: Record, time_us: int) -> bytes:
    body = msgspec.Raw(msgspec.msgpack.encode(record))
    data = encode_item((Edit.tag_name, time_us, Edit(run=run, author=author, tag=record.tag_name, body=body)))
    if len(data) > RECORD_MAX_BYTES:
        raise too_large(len(data), f"the edit of run {run}")
    return data


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _append_locked(folder: Path, items: Sequence[bytes]) -> list[int]:
    """Append as many items as the current segment takes, at least one; returns their numbers."""
    number = max((int(path.stem) for path in folder.glob("*.seg") if path.stem.isdigit()), default=0)
    path = layout.segment_path(folder, number)
    if path.exists() and not _can_take_more(path):
        number += 1
        path = layout.segment_path(folder, number)
    size = path.stat().st_size if path.exists() else 0
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o644)
    places: list[int] = []
    try:
        size, is_sound = _cut_torn_end(file, size)
        is_fresh = size < HEADER_BYTES
        for data in items:
            if places and size >= SEGMENT_MAX_BYTES:
                break
            if size < HEADER_BYTES:
                prefix = _fresh_header(number)
            else:
                prefix = _seal_if_full(file, size, len(data) if is_sound else BLOCK_BYTES)
            _write_whole(file, prefix + data, size, path)
            places.append(number << 32 | size + len(prefix))
            size, is_sound = size + len(prefix) + len(data), True
        os.fsync(file)
    finally:
        os.close(file)
    if is_fresh:
        _sync_folder(folder)
    return places


def _can_take_more(path: Path) -> bool:
    """Tell whether a segment has room and is one; behind a damaged header no reader would find the edit."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    try:
        parse_header(head, path=path)
    except Corrupt:
        return False
    return path.stat().st_size < SEGMENT_MAX_BYTES


def _sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as its content."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fresh_header(number: int) -> bytes:
    pid = os.getpid()
    return pack_header(Header(BY_FILE_SIZE, number, NO_WRITER, host_id(), boot_id(), process_start(pid), pid))


def _cut_torn_end(file: int, size: int) -> tuple[int, bool]:
    """Drop what a writer killed within its `write()` left behind.

    Returns:
        The size that is whole; and whether the last block is sound. One that holds anything but records (zeros
        that a power cut left) is kept as it is, but no record may stand behind it: readers would not reach that.
    """
    if size < HEADER_BYTES:
        os.ftruncate(file, 0)
        return 0, True
    if size % BLOCK_BYTES == 0:
        return size, True
    start = block_start(size)
    block = os.pread(file, size - start, start)
    limit = min(len(block), block_end(start) - SEAL_BYTES - start)
    position, is_sound = 0, True
    try:
        while position < limit and block[position] != PADDING and is_sound:
            end = find_item_end(block, position, limit)
            is_sound = _is_record(block[position:end])
            position = end if is_sound else position
    except TornItem as torn:
        is_sound = torn.is_incomplete
    if is_sound and start + position < size:  # an item, padding or a seal that was not finished
        os.ftruncate(file, start + position)
        return start + position, True
    return (size, True) if is_sound else (_cut_to_content(file, size), False)


def _cut_to_content(file: int, size: int) -> int:
    """Cut a damaged block so that its seal still has room."""
    limit = block_end(size) - SEAL_BYTES
    if size > limit:
        os.ftruncate(file, limit)
    return min(size, limit)


def _is_record(item: bytes) -> bool:
    try:
        _decode_tagged(item)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return False
    return True


def _seal_if_full(file: int, size: int, length: int) -> bytes:
    """Return padding and seal if the record does not fit into the current block, else nothing."""
    if size % BLOCK_BYTES == 0 or size + length <= block_end(size) - SEAL_BYTES:
        return b""
    start = block_start(size)
    padding = bytes([PADDING]) * (block_end(size) - SEAL_BYTES - size)
    return padding + compute_seal(os.pread(file, size - start, start) + padding)


def _write_whole(file: int, data: bytes, size: int, path: Path) -> None:
    written = os.write(file, data)
    if written != len(data):
        os.ftruncate(file, size)
        raise Unavailable(
            f"cannot write {path}: the disk is full after {written} of {len(data)} bytes; free some space, then repeat "
            f"the edit.",
            code=DISK_FULL,
            path=str(path),
        )
