"""A run's document: all its attributes in one value, the row truth from which column blocks are made."""

import math
from typing import Any

import msgspec

from everbloom.core.values import SUMMARIES, fold_text
from everbloom.index.columns import Cell
from everbloom.index.engine import damaged


class MetricSummary(msgspec.Struct, frozen=True, array_like=True):
    """A metric's summaries, in the words of the filter language.

    `min`, `max`, `mean` and `best` are over what is not NaN, `last` and `first` as they were logged. `best` is None
    where nothing says which direction is better. `rank` is whose points these are: the lowest rank that has any, as
    a metric that rank 0 never logged is there too; None = reduced over ranks.
    """

    n: int
    first: float
    last: float
    min: float
    max: float
    mean: float
    best: float | None = None
    direction: str | None = None
    is_guessed: bool = False
    last_step: int = 0
    rank: int | None = 0


class Document(msgspec.Struct, frozen=True):
    """What the index knows of a run.

    Attributes:
        attributes: Flat keys of the filter language to text, number, boolean, None or a list of texts.
        metrics: Metric name to its summaries.
    """

    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    metrics: dict[str, MetricSummary] = msgspec.field(default_factory=dict)


HAYSTACK = "haystack"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Document).decode


def encode_document(document: Document) -> bytes:
    """Return a document as bytes."""
    return _encode(document)


def decode_document(data: bytes) -> Document:
    """Read a document from bytes.

    Raises:
        Corrupt: They are not those of one (`index.corrupt`).
    """
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise damaged("a run's document", error) from error


def to_cells(document: Document) -> dict[str, Cell]:
    """Return every cell of a run's row, by column key; metrics as `metrics.<name>.<summary>`."""
    cells: dict[str, Cell] = dict(document.attributes)
    for name, summary in document.metrics.items():
        for word in SUMMARIES:
            value = getattr(summary, word)
            if value is not None:
                cells[f"metrics.{name}.{word}"] = value
    cells[HAYSTACK] = build_haystack(document)
    return cells


def get_cell(document: Document, key: str) -> Cell | None:
    """Return one cell of a run's row; None where the run lacks the key or holds an explicit null."""
    if key == HAYSTACK:
        return build_haystack(document)
    if key.startswith("metrics."):
        name, _, word = key[len("metrics.") :].rpartition(".")
        summary = document.metrics.get(name)
        return getattr(summary, word) if summary is not None and word in SUMMARIES else None
    value: Cell | None = document.attributes.get(key)
    return value


def has_cell(document: Document, key: str) -> bool:
    """Tell whether the run has the key, be it null."""
    if key in document.attributes or key == HAYSTACK:
        return True
    return key.startswith("metrics.") and get_cell(document, key) is not None


def build_haystack(document: Document) -> str:
    """Return what a bare word of the filter language is looked for in: name, note, tags, parameters; case-folded.

    Parts are set apart by line feeds, so that no word matches across two of them.
    """
    attributes = document.attributes
    parts = [str(attributes.get("name", "")), str(attributes.get("note", "")), *attributes.get("tag", [])]
    for key, value in attributes.items():
        if key.startswith("params."):
            parts += (key[len("params.") :], format_value(value))
    return fold_text("\n".join(parts))


def format_value(value: Cell) -> str:
    """Return a parameter's value as the text that a person sees and searches."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and math.isfinite(value) and abs(value) < 1e15:
        return str(int(value))
    return str(value)
