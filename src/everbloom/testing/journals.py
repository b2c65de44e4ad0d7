"""Builders of journals for tests, and their content as plain values that compare by eye.

An item is `("row", step, time, {name: number})` or `(tag, time, {field: value})`, in the order in which it was
written. Numbers compare as text, so that NaN equals NaN and -0.0 differs from 0.0.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.core.records import Start
from everbloom.journal.reader import Batch, Damage, Position, read_batch
from everbloom.journal.writer import JournalWriter

Item = tuple[Any, ...]


@dataclass(frozen=True)
class Reading:
    """All that a reader found in a journal."""

    items: list[Item]
    damage: list[Damage]
    end: Position
    is_closed: bool
    rounded: int


def open_journal(root: Path, *, is_mapped: bool = True, run: RunId | None = None) -> JournalWriter:
    """Open a new journal of a training process."""
    return JournalWriter.open(root, run or new_run_id(now_us()), Start(kind="process"), is_mapped=is_mapped)


def journal_of(root: Path, writer: JournalWriter) -> Path:
    """Return the folder of a writer's segments."""
    return layout.journal_dir(root, writer.run, writer.writer_id)


def read_journal(journal: Path, *, max_bytes: int = 8 * 1024 * 1024, start: Position | None = None) -> Reading:
    """Read a journal to its end in batches of about `max_bytes`."""
    batches = [read_batch(journal, start or Position(), now_us=now_us(), max_bytes=max_bytes)]
    while batches[-1].has_more:
        batches.append(read_batch(journal, batches[-1].end, now_us=now_us(), max_bytes=max_bytes))
    return to_reading(batches)


def to_reading(batches: list[Batch]) -> Reading:
    """Put what consecutive batches hold into one sequence."""
    return Reading(
        items=[item for batch in batches for item in _to_items(batch)],
        damage=[damage for batch in batches for damage in batch.damage],
        end=batches[-1].end,
        is_closed=batches[-1].is_closed,
        rounded=sum(batch.rounded for batch in batches),
    )


def _to_items(batch: Batch) -> Iterable[Item]:
    # A control record stands behind the rows before it: (rows before, 0 = control, place) sorts it in front of
    # the row of that ordinal.
    placed: list[tuple[tuple[int, int, int], Item]] = []
    for rows in batch.rows:
        columns = zip(rows.ordinals.tolist(), rows.steps.tolist(), rows.times.tolist(), rows.values, strict=True)
        for ordinal, step, time, values in columns:
            numbers = dict(zip(rows.names, map(repr, values.tolist()), strict=True))
            placed.append(((ordinal, 1, 0), ("row", step, time, numbers)))
    for control in batch.controls:
        tag, time, body = msgspec.msgpack.decode(control.raw)
        placed.append(((control.rows_before, 0, control.position), (tag, time, body)))
    return [item for _, item in sorted(placed, key=lambda pair: pair[0])]


def to_row(step: int, time: int, values: dict[str, float]) -> Item:
    """Return the item that a row becomes."""
    return ("row", step, time, {name: repr(float(values[name])) for name in sorted(values)})


def copy_with(journal: Path, target: Path, *, segment: int, content: bytes) -> Path:
    """Copy a journal with one segment's bytes replaced; segments are `<n>.seg`."""
    target.mkdir(parents=True, exist_ok=True)
    for path in journal.iterdir():
        (target / path.name).write_bytes(content if path.name == f"{segment}.seg" else path.read_bytes())
    return target


def raise_version(segment: bytes) -> bytes:
    """Return a segment as one of the next major format, which is not invented yet; its header is sound."""
    data = bytearray(segment)
    (major,) = struct.unpack_from("<H", data, 16)
    struct.pack_into("<H", data, 16, major + 1)
    struct.pack_into("<I", data, 60, xxhash.xxh3_64_intdigest(bytes(data[8:60])) & 0xFFFF_FFFF)
    return bytes(data)
