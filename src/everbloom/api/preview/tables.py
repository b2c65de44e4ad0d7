"""Rows of CSV files of any size, and of Parquet files where pyarrow is installed.

A CSV file is never read whole: where every thousandth row begins is remembered as far as anybody has looked, so a page
further on is a seek, and a page not yet seen costs reading up to it once.
"""

import csv
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, BinaryIO

from everbloom.api.preview.types import TablePreview
from everbloom.api.values import to_value
from everbloom.core.errors import InvalidInput
from everbloom.core.extras import import_optional

ROWS_MAX = 1000
COLUMNS_MAX = 2000
CELL_CHARS = 500
_MARK_EVERY = 1000
_PART_ROWS = 8192
_FILES_KEPT = 32
_LINE_MAX_BYTES = 16 * 1024 * 1024


class RowIndex:
    """Where rows of one CSV file begin, as far as it was looked at; rows count from 0, the heading apart.

    Attributes:
        marks: Byte of rows 0, 1000, 2000 …
        rows: How many rows stand before `end`.
        end: How far the file was looked at.
        is_whole: Whether that is its end.
    """

    def __init__(self, start: int) -> None:
        self.marks = [start]
        self.rows = 0
        self.end = start
        self.is_whole = False

    def look_further(self, file: BinaryIO, row: int) -> None:
        """Look at the file until `row` is known, or its end."""
        if self.rows > row or self.is_whole:
            return
        file.seek(self.end)
        for record in iter_records(file):
            self.rows += 1
            self.end += len(record)
            if self.rows % _MARK_EVERY == 0:
                self.marks.append(self.end)
            if self.rows > row:
                return
        self.is_whole = True


class RowIndexes:
    """The row indexes of the files that were looked at last, by content; any number of threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, RowIndex] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, sha256: str, start: int) -> RowIndex:
        """Return a file's index, begun if need be; within `lock`."""
        index = self._kept.pop(sha256, None) or RowIndex(start)
        self._kept[sha256] = index
        if len(self._kept) > _FILES_KEPT:
            self._kept.popitem(last=False)
        return index


def iter_records(file: BinaryIO) -> Iterator[bytes]:
    """Yield a CSV file's records from where it stands: lines, joined while a quote is open.

    Raises:
        InvalidInput: A record is longer than 16 MiB, so this is no table (`preview.table`).
    """
    record = b""
    while line := file.readline(_LINE_MAX_BYTES):
        record += line
        if len(record) >= _LINE_MAX_BYTES:
            raise InvalidInput(
                "a row of this file is longer than 16 MiB; it is not shown as a table. Download it.",
                code="preview.table",
            )
        if record.count(b'"') % 2 == 0:
            yield record
            record = b""
    if record:
        yield record


def read_csv(
    file: BinaryIO,
    size: int,
    media_type: str,
    indexes: RowIndexes,
    sha256: str,
    *,
    offset: int,
    limit: int,
    separator: str | None = None,
) -> TablePreview:
    """Return rows of a CSV file whose first row names the columns.

    Raises:
        InvalidInput: A record is too long to be one.
    """
    head = next(iter_records(file), b"")
    heading = _decode(head).removeprefix("\ufeff")
    chosen = separator or _guess_separator(heading)
    columns = _parse(heading, chosen)[:COLUMNS_MAX]
    with indexes.lock:
        index = indexes.get(sha256, len(head))
        index.look_further(file, offset + limit)
        mark = min(offset // _MARK_EVERY, len(index.marks) - 1)
        start, total = index.marks[mark], index.rows if index.is_whole else None
    file.seek(start)
    rows = []
    for row, record in enumerate(iter_records(file), mark * _MARK_EVERY):
        if row >= offset + limit:
            break
        if row >= offset:
            rows.append([to_value(cell, chars=CELL_CHARS) for cell in _parse(_decode(record), chosen)[:COLUMNS_MAX]])
    return TablePreview(size, media_type, columns, rows, offset, total)


def _decode(record: bytes) -> str:
    return record.decode("utf-8", "replace").replace("\0", "\ufffd")


def _guess_separator(heading: str) -> str:
    return max(",\t;|", key=heading.count)


def _parse(record: str, separator: str) -> list[str]:
    reader = csv.reader(io.StringIO(record, newline=""), delimiter=separator)
    csv.field_size_limit(_LINE_MAX_BYTES)
    return next(reader, [])


def read_parquet(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> TablePreview:
    """Return rows of a Parquet file; only the row groups that they stand in are read.

    Raises:
        Unavailable: pyarrow is not installed (`package.missing`); says what to install.
        InvalidInput: It is no Parquet file (`preview.table`).
    """
    purpose = "A preview of a Parquet file"
    arrow: Any = import_optional("pyarrow", purpose=purpose)
    parquet: Any = import_optional("pyarrow.parquet", purpose=purpose)
    try:
        source = parquet.ParquetFile(file)
        columns = [str(name) for name in source.schema_arrow.names]
        rows: list[list[Any]] = []
        before = 0
        for number in range(source.num_row_groups):
            count = source.metadata.row_group(number).num_rows
            if before + count > offset and len(rows) < limit:
                rows += _read_group(source, number, columns[:COLUMNS_MAX], max(offset - before, 0), limit - len(rows))
            before += count
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise InvalidInput(
            f"this file cannot be read as Parquet: {error}. Download it.", code="preview.table"
        ) from error
    return TablePreview(size, media_type, columns[:COLUMNS_MAX], rows, offset, source.metadata.num_rows)


def _read_group(source: Any, number: int, columns: list[str], skip: int, limit: int) -> list[list[Any]]:
    """Return rows of one row group, decoded in parts: a group may hold a whole file."""
    rows: list[list[Any]] = []
    for batch in source.iter_batches(batch_size=_PART_ROWS, row_groups=[number], columns=columns):
        part = batch.slice(skip, limit - len(rows)) if skip < len(batch) else batch.slice(0, 0)
        skip = max(skip - len(batch), 0)
        cells = [column.to_pylist() for column in part.columns]
        rows += [[to_value(cell, chars=CELL_CHARS) for cell in row] for row in zip(*cells, strict=True)]
        if len(rows) >= limit:
            break
    return rows
