"""The byte format of a segment: header, blocks, seals, and where a MessagePack item ends.

docs/formats/journal-v1.md is the specification; this module is all that knows it. Pure: bytes in, values out.

A segment is a file of 64 KiB blocks. Block 0 begins with the header. A block's content is a sequence of
MessagePack items, then padding, then in its last 8 bytes the seal: xxh3-64 of all that stands before it in the
block (after the header in block 0). Records never cross a block's end, so a damaged block costs that block.
"""

import struct
from typing import NamedTuple

import msgspec
import xxhash

from everbloom.core.errors import Corrupt, InvalidInput, UnsupportedVersion
from everbloom.core.ids import WriterId

MAGIC = b"\x89EVBJ\r\n\x1a"  # a text-mode copy mangles it and is found out, as in PNG
MAJOR = 1
MINOR = 0
HEADER_BYTES = 64
BLOCK_BYTES = 65_536
SEAL_BYTES = 8
CLOSING_BYTES = 1 + SEAL_BYTES
RECORD_MAX_BYTES = BLOCK_BYTES - HEADER_BYTES - SEAL_BYTES  # what fits into any block, the first included
PADDING = 0xC1  # the one byte that MessagePack never uses
BY_FILE_SIZE = 2**64 - 1  # as committed length: the file's size is the publish point

_HEADER = struct.Struct("<Q8sHHI8sQQQI")  # without the check; 60 bytes
_CHECK = struct.Struct("<I")
_SEAL = struct.Struct("<Q")
_COMMITTED = struct.Struct("<Q")


class Header(NamedTuple):
    """The first 64 bytes of a segment.

    Attributes:
        committed: File offset of the first byte that is not published; `BY_FILE_SIZE` = the file's size is.
        number: The segment's number in its journal, from 0.
        writer: Who writes; all zeros in an edit journal.
        host: xxh3-64 of the machine's id.
        boot: xxh3-64 of the boot's id.
        process_start: The writer's start in clock ticks since boot, 0 where unknown.
        pid: The writer's process id.
    """

    committed: int
    number: int
    writer: WriterId
    host: int
    boot: int
    process_start: int
    pid: int


def pack_header(header: Header) -> bytes:
    """Return the 64 bytes of a header."""
    body = _HEADER.pack(
        header.committed,
        MAGIC,
        MAJOR,
        MINOR,
        header.number,
        bytes.fromhex(header.writer),
        header.host,
        header.boot,
        header.process_start,
        header.pid,
    )
    return body + _CHECK.pack(xxhash.xxh3_64_intdigest(body[8:]) & 0xFFFF_FFFF)


def parse_header(data: bytes, *, path: object) -> Header | None:
    """Read a header; None where the writer has not got as far as publishing one.

    Raises:
        UnsupportedVersion: A newer major version wrote it; names both.
        Corrupt: The magic or the check is wrong.
    """
    # The committed length is written last: while it is 0, the rest of the header may be half there.
    if len(data) < HEADER_BYTES or not any(data[:8]):
        return None
    committed, magic, major, _, number, writer, host, boot, start, pid = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise Corrupt(
            f"{path} begins with {magic!r}; a journal segment begins with {MAGIC!r}. It is another program's file "
            f"or was copied as text; restore it from a backup.",
            code="journal.magic",
            path=str(path),
        )
    if major > MAJOR:
        raise UnsupportedVersion(
            f"{path} has journal format {major}; this Everbloom reads up to {MAJOR}. Upgrade Everbloom to read it.",
            code="journal.version",
            path=str(path),
            version=major,
            supported=MAJOR,
        )
    (check,) = _CHECK.unpack_from(data, _HEADER.size)
    if check != xxhash.xxh3_64_intdigest(data[8 : _HEADER.size]) & 0xFFFF_FFFF:
        raise Corrupt(
            f"{path} has a damaged header: its check does not fit its fields. Restore it from a backup.",
            code="journal.header",
            path=str(path),
        )
    return Header(committed, number, WriterId(writer.hex()), host, boot, start, pid)


def pack_committed(committed: int) -> bytes:
    """Return the 8 bytes at the head of a segment that publish what stands before `committed`."""
    return _COMMITTED.pack(committed)


def parse_committed(data: bytes) -> int:
    """Read the committed length from a segment's first 8 bytes."""
    (committed,) = _COMMITTED.unpack_from(data)
    return int(committed)


def compute_seal(content: bytes | memoryview) -> bytes:
    """Return the 8-byte seal of a block's content, padding included."""
    return _SEAL.pack(xxhash.xxh3_64_intdigest(content))


def block_start(position: int) -> int:
    """Return where the content of the block that holds `position` begins."""
    start = position - position % BLOCK_BYTES
    return start or HEADER_BYTES


def block_end(position: int) -> int:
    """Return the offset behind the block that holds `position`."""
    return position - position % BLOCK_BYTES + BLOCK_BYTES


class TornItem(Exception):
    """The bytes at `position` are not a whole item."""

    def __init__(self, position: int, *, is_incomplete: bool) -> None:
        super().__init__(position, is_incomplete)
        self.position = position
        self.is_incomplete = is_incomplete


# For each first byte of a MessagePack item: (bytes of the head, payload kind). The payload of kind "bytes" has
# the length that the head tells, of kind "items" that many further items.
_FIXED = {0xC0: 1, 0xC2: 1, 0xC3: 1, 0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3}
_FIXED |= {0xD2: 5, 0xD3: 9, 0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18}
_FIXED |= dict.fromkeys(range(0x80), 1) | dict.fromkeys(range(0xE0, 0x100), 1)
_FIXED |= {0xA0 + n: 1 + n for n in range(32)}
_LENGTH_OF_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
_EXTENSIONS = frozenset({0xC7, 0xC8, 0xC9})
_FIXED_ITEMS = {0x90 + n: n for n in range(16)} | {0x80 + n: 2 * n for n in range(16)}
_LENGTH_OF_ITEMS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def find_item_end(data: bytes | memoryview, position: int, limit: int) -> int:
    """Return the offset behind the MessagePack item at `position`, which must end at or before `limit`.

    Raises:
        TornItem: It does not, or begins with a byte that MessagePack does not use.
    """
    pending = 1
    while pending:
        if position >= limit:
            raise TornItem(position, is_incomplete=True)
        first = data[position]
        pending -= 1
        if (size := _FIXED.get(first)) is not None:
            position += size
        elif (items := _FIXED_ITEMS.get(first)) is not None:
            position += 1
            pending += items
        elif (width := _LENGTH_OF_BYTES.get(first)) is not None:
            length = int.from_bytes(data[position + 1 : position + 1 + width], "big")
            position += 1 + width + length + (first in _EXTENSIONS)
        elif (container := _LENGTH_OF_ITEMS.get(first)) is not None:
            width, per_entry = container
            pending += per_entry * int.from_bytes(data[position + 1 : position + 1 + width], "big")
            position += 1 + width
        else:
            raise TornItem(position, is_incomplete=False)
        if position > limit:
            raise TornItem(limit, is_incomplete=True)
    return position


encode_item = msgspec.msgpack.Encoder().encode


def too_large(size: int, what: str) -> InvalidInput:
    """Return the error for a record beyond the limit."""
    return InvalidInput(
        f"{what} takes {size} bytes; a journal record has at most {RECORD_MAX_BYTES}. Save it as a file or media.",
        code="record.too_large",
        size=size,
        limit=RECORD_MAX_BYTES,
    )
