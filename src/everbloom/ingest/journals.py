"""What an indexer reads from journals, and the rows that it keeps of it: pure but for a segment's header and end."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from everbloom.core import layout
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Edit, Problem, Unknown
from everbloom.index.catalog import ControlRow
from everbloom.index.offsets import Offset
from everbloom.ingest.fold import EDITS_WRITER
from everbloom.ingest.runs import decode_body
from everbloom.journal.identity import is_process_alive
from everbloom.journal.reader import Batch, Control, Position, read_header


@dataclass
class News:
    """What one journal had to tell in a round."""

    run: RunId
    writer: WriterId
    batch: Batch
    is_alive: bool | None
    in_series: Offset | None
    in_catalog: Offset | None

    @property
    def is_dead(self) -> bool:
        """Whether the writer's process is proved dead."""
        return self.is_alive is False

    @property
    def is_over(self) -> bool:
        """Whether nothing will come after this batch: the writer said so, or is proved dead."""
        return (self.batch.is_closed or self.is_dead) and not self.batch.has_more


def is_writer_alive(journal: Path, position: Position) -> bool | None:
    """Tell whether the process that wrote a journal lives: proved yes, proved no, or None for unknown."""
    try:
        header = read_header(journal, position.segment) or read_header(journal, 0)
    except (EverbloomError, OSError):
        return None
    if header is None:
        return None
    return is_process_alive(header.pid, start=header.process_start, host=header.host, boot=header.boot)


def cut_dead_segment(journal: Path, number: int) -> None:
    """Give back the space that a dead writer had allocated behind what it committed."""
    path = layout.segment_path(journal, number)
    try:
        header = read_header(journal, number)
        if header is not None and header.committed < path.stat().st_size:
            with path.open("r+b") as file:
                file.truncate(header.committed)
    except (EverbloomError, OSError):
        return  # a newer format, or a store that may be read only: it stays as it is


def size_of(batch: Batch) -> int:
    """Return about how much memory a batch takes, in bytes."""
    rows = sum(rows.values.nbytes + rows.steps.nbytes * 3 for rows in batch.rows)
    return rows + sum(len(control.raw) for control in batch.controls)


def to_position(offset: Offset | None) -> Position:
    """Return where to read on; the beginning where nothing was taken in."""
    return Position(offset.segment, offset.byte, offset.rows) if offset else Position()


def to_offset(news: News) -> Offset:
    """Return how far a journal is taken in with this batch."""
    end = news.batch.end
    return Offset(news.run, end.segment, end.byte, end.rows)


def is_behind(offset: Offset | None, end: Position) -> bool:
    """Tell whether what was taken in ends before a position."""
    return offset is None or (offset.segment, offset.byte) < (end.segment, end.byte)


ROUNDED_AT = -1  # the position of what the indexer itself says of a journal: no record of one stands there


def to_rounded_row(run: RunId, writer: WriterId, count: int) -> ControlRow:
    """Return the record that numbers of a journal were rounded, as if its writer had said so.

    Its time is 0, so that it says the same whenever, and in however many parts, the journal was read.
    """
    message = "whole numbers beyond 2^53 were rounded to the nearest that a 64-bit float holds"
    body = msgspec.msgpack.encode(Problem(code="value.rounded", message=message, count=count))
    return ControlRow(run, writer, ROUNDED_AT, 0, 0, Problem.tag_name, 0, body)


_decode_control = msgspec.msgpack.Decoder(tuple[str, int, msgspec.Raw]).decode


def to_row(run: RunId, writer: WriterId, control: Control) -> ControlRow:
    """Return a control record as the catalog keeps it."""
    tag, time_us, body = _decode_control(control.raw)
    if isinstance(control.record, Unknown):
        tag = f"?{tag}"  # carried along; of a known tag too, where only a newer version understands the body
    return ControlRow(run, writer, control.position, 0, time_us, tag, control.rows_before, bytes(body))


def to_edit_row(control: Control, edit: Edit) -> ControlRow:
    """Return an edit as the catalog keeps it: under its run, with its number."""
    body = bytes(edit.body)
    tag = edit.tag if decode_body(edit.tag, body) is not None else f"?{edit.tag}"
    return ControlRow(edit.run, EDITS_WRITER, control.position, control.position, control.time_us, tag, 0, body)
