"""Tables and text.

A table is kept as JSON, `{"columns": [...], "rows": [[...]]}`, row by row, so that anything can read it. JSON has
no NaN and no infinity: they are `{"float": "nan"}`, `{"float": "inf"}` and `{"float": "-inf"}`. Dates are ISO text;
what JSON cannot hold is kept as its `repr`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from everbloom.core.errors import InvalidInput
from everbloom.core.values import to_param_value
from everbloom.sdk.media.base import Encoded, Media, not_media, to_array

_EXPECTED = "columns and rows, a list of dictionaries, a data frame, or an array of shape (rows, columns)"


class Table(Media):
    """A table: `Table(columns=[...], rows=[...])`, a list of dictionaries, a data frame or a 2-D array.

    Dictionaries may differ in their keys; what one lacks is null.
    """

    kind = "table"

    def __init__(
        self,
        data: Any = None,
        *,
        columns: Sequence[str] | None = None,
        rows: Iterable[Sequence[Any]] | None = None,
        caption: str = "",
    ) -> None:
        super().__init__(caption=caption)
        self.data = data
        self.columns = columns
        self.rows = rows

    def encode(self) -> Encoded:
        """Return the table as JSON."""
        columns, rows = self._read()
        names = [str(name) for name in columns]
        cells = [[_to_json(cell) for cell in row] for row in rows]
        for number, row in enumerate(cells):
            if len(row) != len(names):
                raise InvalidInput(
                    f"row {number} of a table has {len(row)} cells; there are {len(names)} columns. Fill what is "
                    f"missing with None.",
                    code="media.table",
                    row=number,
                )
        content = msgspec.json.encode({"columns": names, "rows": cells})
        return Encoded(media_type="application/json", data=content, meta={"columns": len(names), "rows": len(cells)})

    def _read(self) -> tuple[Sequence[Any], Iterable[Sequence[Any]]]:
        data = self.rows if self.data is None else self.data
        if data is None:
            raise not_media("a table", None, _EXPECTED)
        if hasattr(data, "columns") and (frame := _read_frame(data)):
            return frame
        if (array := to_array(data)) is not None:
            if array.ndim != 2:
                raise not_media("a table", array, _EXPECTED)
            return self.columns or range(array.shape[1]), array.tolist()
        try:
            rows = list(data)
        except TypeError as error:
            raise not_media("a table", data, _EXPECTED) from error
        if rows and all(isinstance(row, Mapping) for row in rows):
            columns = self.columns or list(dict.fromkeys(key for row in rows for key in row))
            return columns, [[row.get(column) for column in columns] for row in rows]
        if self.columns is None:
            raise not_media("a table without columns", data, _EXPECTED)
        return self.columns, rows


class Text(Media):
    """A text, plain or Markdown: a generated answer, a prompt, a report."""

    kind = "text"

    def __init__(self, text: str, *, caption: str = "", is_markdown: bool = False) -> None:
        super().__init__(caption=caption)
        self.text = text
        self.is_markdown = is_markdown

    def encode(self) -> Encoded:
        """Return the text as UTF-8; what is not Unicode is written as escapes."""
        content = str(self.text).encode("utf-8", "backslashreplace")
        return Encoded(media_type="text/markdown" if self.is_markdown else "text/plain", data=content)


def _read_frame(frame: Any) -> tuple[Sequence[Any], Iterable[Sequence[Any]]] | None:
    columns = list(frame.columns)
    if callable(rows := getattr(frame, "rows", None)):  # polars
        return columns, rows()
    if callable(tuples := getattr(frame, "itertuples", None)):  # pandas
        return columns, list(tuples(index=False, name=None))
    return None


def _to_json(cell: Any) -> Any:
    if isinstance(cell, float):  # NumPy's float64 is one too
        return float(cell) if math.isfinite(cell) else {"float": str(float(cell))}
    if callable(item := getattr(cell, "item", None)) and getattr(cell, "ndim", None) == 0:
        cell = item()  # NumPy's dates become Python's
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())
    value = to_param_value(cell)
    return _to_json(value) if isinstance(value, float) else value
