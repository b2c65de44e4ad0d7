"""Find records of a type in a run's journals by their first bytes, without reading what lies between.

For processes that record: they have no NumPy, and a long run's rows must not be decoded one by one. What is found is
decoded whole, so bytes that only look like a record are passed over; seals are not checked.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from everbloom.core import layout
from everbloom.core.errors import EverbloomError
from everbloom.core.records import Record
from everbloom.journal.format import (
    BY_FILE_SIZE,
    HEADER_BYTES,
    TornItem,
    find_item_end,
    parse_committed,
    parse_header,
)

_R = TypeVar("_R", bound=Record)


def list_segments(journal: Path) -> list[Path]:
    """Return a journal's segments in their order; none where there is no such journal."""
    try:
        names = [path.name.removesuffix(".seg") for path in journal.iterdir() if path.suffix == ".seg"]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [layout.segment_path(journal, number) for number in sorted(int(name) for name in names if name.isdigit())]


def read_committed(path: Path, limit: int = -1) -> bytes:
    """Return what is published of a segment; nothing where it is gone, not begun, foreign or of a newer version.

    Args:
        path: The segment.
        limit: Only of its first so many bytes; -1 = all.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit)
        if parse_header(data, path=path) is None:
            return b""
    except (FileNotFoundError, EverbloomError):
        return b""
    committed = parse_committed(data)
    return data if committed == BY_FILE_SIZE else data[:committed]


def iter_marked(journal: Path, kind: type[_R]) -> Iterator[tuple[int, _R]]:
    """Yield (time, record) of each record of a type, in the order written."""
    for path in list_segments(journal):
        yield from iter_in_segment(read_committed(path), kind)


def iter_in_segment(data: bytes, kind: type[_R]) -> Iterator[tuple[int, _R]]:
    """Yield (time, record) of each record of a type in a segment's committed bytes."""
    tag = kind.tag_name.encode()
    mark = bytes((0x93, 0xA0 | len(tag))) + tag  # a control record is [tag, time, body]
    decode = msgspec.msgpack.Decoder(tuple[str, int, kind]).decode  # type: ignore[valid-type]
    position = data.find(mark, HEADER_BYTES)
    while position >= 0:
        behind = position + 1
        try:
            behind = find_item_end(data, position, len(data))
            _, time_us, record = decode(data[position:behind])
            yield time_us, record
        except (TornItem, msgspec.DecodeError):  # these bytes stand within something else
            behind = position + 1
        position = data.find(mark, behind)
