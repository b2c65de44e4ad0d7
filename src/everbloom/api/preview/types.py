"""What a preview is, by kind. Everything is data for the page to draw; nothing in it is markup to be trusted."""

from typing import Any

from msgspec import Struct

from everbloom.api.values import Value


class TextPreview(Struct, tag="text", tag_field="kind"):
    """A part of a text: bytes `offset` to `next_offset`, cut between characters; None = that was the end."""

    size: int
    media_type: str
    offset: int
    next_offset: int | None
    text: str


class JsonPreview(Struct, tag="json", tag_field="kind"):
    """A JSON document; a larger one is shown as text."""

    size: int
    media_type: str
    value: Any


class TablePreview(Struct, tag="table", tag_field="kind"):
    """Rows `offset` and following of a table; `total_rows` is None until its end was seen."""

    size: int
    media_type: str
    columns: list[str]
    rows: list[list[Value]]
    offset: int
    total_rows: int | None


class Tensor(Struct):
    """An array in a file, by its header."""

    name: str
    dtype: str
    shape: list[int]
    size: int


class TensorsPreview(Struct, tag="tensors", tag_field="kind"):
    """The arrays of a file (safetensors, npz, npy), from its headers alone."""

    size: int
    media_type: str
    format: str
    total: int
    offset: int
    tensors: list[Tensor]
    metadata: dict[str, str]


class ModelPort(Struct):
    """An input or output of a model; a dimension is a number, a name, or empty where it is free."""

    name: str
    dtype: str
    shape: list[str]


class ModelPreview(Struct, tag="model", tag_field="kind"):
    """An ONNX model, from its graph without the weights."""

    size: int
    media_type: str
    producer: str
    opsets: dict[str, int]
    graph: str
    inputs: list[ModelPort]
    outputs: list[ModelPort]
    operators: dict[str, int]
    total: int
    offset: int
    tensors: list[Tensor]


class Output(Struct):
    """What a notebook's cell gave: text, or an image in base64. HTML and script are left out."""

    media_type: str
    data: str


class Cell(Struct):
    """A notebook's cell; `left_out` counts outputs of kinds that are not shown."""

    type: str
    source: str
    execution_count: int | None
    outputs: list[Output]
    left_out: int


class NotebookPreview(Struct, tag="notebook", tag_field="kind"):
    """Cells `offset` and following of a notebook."""

    size: int
    media_type: str
    language: str
    total: int
    offset: int
    cells: list[Cell]


class MediaPreview(Struct, tag="media", tag_field="kind"):
    """Something that the browser shows by itself: an image, sound, film or PDF; its content is at `url`."""

    size: int
    media_type: str
    url: str


class BinaryPreview(Struct, tag="binary", tag_field="kind"):
    """Anything else: bytes `offset` and following, in hex."""

    size: int
    media_type: str
    offset: int
    hex: str


Preview = (
    TextPreview
    | JsonPreview
    | TablePreview
    | TensorsPreview
    | ModelPreview
    | NotebookPreview
    | MediaPreview
    | BinaryPreview
)
