"""A second reader of journals, written from docs/formats/journal-v1.md alone and from nothing of ours.

It imports no part of Everbloom and decodes MessagePack by itself, so that it agrees with `everbloom.journal`
only if the specification is complete. Slow, and made to be read: it is also an example for other languages.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

HEADER, BLOCK, SEAL, MARK = 64, 65_536, 8, 9
PADDING = 0xC1
MAGIC = b"\x89EVBJ\r\n\x1a"
BY_FILE_SIZE = 2**64 - 1
YEAR_2000_US, DAY_US = 946_684_800_000_000, 86_400_000_000


@dataclass
class Found:
    """Items as `("row", step, time, {name: number})` or `(tag, time, body)`, and the damage as (segment, byte)."""

    items: list[tuple[Any, ...]] = field(default_factory=list)
    damage: list[tuple[int, int]] = field(default_factory=list)
    is_closed: bool = False


class BadItem(Exception):
    """No MessagePack item, or not all of one."""


def read(journal: Path, *, boot: int, now_us: int) -> Found:
    """Read all segments of a journal in their order."""
    found = Found()
    for number in sorted(int(path.stem) for path in journal.glob("*.seg")):
        found.is_closed = read_segment((journal / f"{number}.seg").read_bytes(), number, found, boot, now_us)
    return found


def read_segment(data: bytes, number: int, found: Found, boot: int, now_us: int) -> bool:
    """Read one segment; True where it ends with a closing mark."""
    committed, magic, major, _, _, _, _, its_boot, _, _, check = struct.unpack_from("<Q8sHHI8sQQQII", data)
    if magic != MAGIC or major != 1 or check != xxhash.xxh3_64_intdigest(data[8:60]) & 0xFFFFFFFF:
        raise ValueError("no segment of version 1")
    data = data if committed == BY_FILE_SIZE else data[:committed]
    latest_us = now_us + DAY_US if its_boot != boot and committed != BY_FILE_SIZE else 2**63 - 1
    is_marked = False
    for start in range(0, len(data), BLOCK):
        block = data[start : start + BLOCK]
        first = HEADER if start == 0 else 0
        end, is_sealed = len(block), False
        if len(block) == BLOCK:
            end, is_sealed = BLOCK - SEAL, seal_fits(block[first : BLOCK - SEAL], block[-SEAL:])
            if not is_sealed:
                found.damage.append((number, start + first))
                continue
        elif len(block) - first >= MARK and block[-MARK] == PADDING and seal_fits(block[first:-MARK], block[-SEAL:]):
            end, is_sealed, is_marked = len(block) - MARK, True, True
        stop = read_items(block, first, end, found, (YEAR_2000_US, latest_us) if not is_sealed else None)
        if stop < end and not is_sealed:
            found.damage.append((number, start + stop))
    return is_marked


def seal_fits(content: bytes, seal: bytes) -> bool:
    """Tell whether the 8 bytes of a seal fit a block's content."""
    return struct.pack("<Q", xxhash.xxh3_64_intdigest(content)) == seal


def read_items(block: bytes, at: int, end: int, found: Found, times: tuple[int, int] | None) -> int:
    """Take items until padding, the end, or something that is none; returns where."""
    while at < end and block[at] != PADDING:
        try:
            item, after = decode(block, at, end)
        except BadItem:
            return at
        if not is_item(item) or (times and not times[0] <= item[1] <= times[1]):
            return at
        head, time, body = item
        found.items.append((head, time, body) if isinstance(head, str) else ("row", head, time, body))
        at = after
    return at


def is_item(item: Any) -> bool:
    """Tell whether a value is a row of numbers or a tagged record."""
    if not isinstance(item, list) or len(item) != 3 or type(item[1]) is not int or not isinstance(item[2], dict):
        return False
    head, _, body = item
    numbers = all(isinstance(name, str) and type(value) in (int, float, bool) for name, value in body.items())
    return isinstance(head, str) or (type(head) is int and bool(body) and numbers)


_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_STRINGS, _BYTES = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}, {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_ARRAYS, _MAPS = {0xDC: ">H", 0xDD: ">I"}, {0xDE: ">H", 0xDF: ">I"}


def decode(data: bytes, at: int, end: int) -> tuple[Any, int]:
    """Decode the MessagePack value at `at`, which must end at or before `end`; returns it and where it ends."""
    (first,), at = take(data, ">B", at, end)
    if first < 0x80 or first >= 0xE0:
        return first if first < 0x80 else first - 256, at
    if first in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[first], at
    if first in _NUMBERS:
        (number,), at = take(data, _NUMBERS[first], at, end)
        return number, at
    if 0xA0 <= first < 0xC0 or first in _STRINGS or first in _BYTES:
        (size,), at = ((first - 0xA0,), at) if first < 0xC0 else take(data, (_STRINGS | _BYTES)[first], at, end)
        (raw,), at = take(data, f"{size}s", at, end)
        return raw if first in _BYTES else raw.decode(), at
    return decode_container(data, first, at, end)


def decode_container(data: bytes, first: int, at: int, end: int) -> tuple[Any, int]:
    """Decode an array or a map whose first byte is `first`."""
    is_map = first < 0x90 or first in _MAPS
    if first < 0xA0:
        size = first & 0x0F
    elif first in _ARRAYS or first in _MAPS:
        (size,), at = take(data, (_ARRAYS | _MAPS)[first], at, end)
    else:
        raise BadItem(at)
    values = []
    for _ in range(size * (2 if is_map else 1)):
        value, at = decode(data, at, end)
        values.append(value)
    return dict(zip(values[::2], values[1::2], strict=True)) if is_map else values, at


def take(data: bytes, form: str, at: int, end: int) -> tuple[tuple[Any, ...], int]:
    """Unpack a fixed form at `at`; returns its values and where it ends."""
    size = struct.calcsize(form)
    if at + size > end:
        raise BadItem(at)
    return struct.unpack_from(form, data, at), at + size
