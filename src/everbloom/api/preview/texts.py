"""Parts of texts by bytes, JSON documents, notebooks as data, bytes in hex."""

import json
import math
from typing import Any, BinaryIO

from everbloom.api.preview.types import BinaryPreview, Cell, JsonPreview, NotebookPreview, Output, TextPreview
from everbloom.api.values import to_plain
from everbloom.core.errors import InvalidInput

TEXT_MAX_BYTES = 1024 * 1024
WHOLE_MAX_BYTES = 2 * 1024 * 1024
NOTEBOOK_MAX_BYTES = 64 * 1024 * 1024
HEX_MAX_BYTES = 4096
_OUTPUT_CHARS = 200_000
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SHOWN = (*_IMAGES, "text/plain", "text/markdown", "text/latex", "application/json")


def read_text(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> TextPreview:
    """Return a part of a text, cut between characters; bytes that are no UTF-8 are shown as replacements."""
    file.seek(min(offset, size))  # beyond what a file system can hold a seek fails
    data = file.read(min(limit, TEXT_MAX_BYTES))
    end = offset + len(data)
    if end < size:  # not in the middle of a character, nor, where that is near, of a line
        data = data[: len(data) - _count_cut_bytes(data)] or data
        at = data.rfind(b"\n")
        data = data[: at + 1] if at > len(data) // 2 else data
        end = offset + len(data)
    text = data.decode("utf-8", "replace")
    return TextPreview(size, media_type, offset, None if end >= size or not data else end, text)


def _count_cut_bytes(data: bytes) -> int:
    """Return how many bytes at the end begin a character that goes on behind."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return back if length > back else 0
    return 0


def is_text(head: bytes) -> bool:
    """Tell whether a file's first bytes look like text: UTF-8 without control characters but white space."""
    if b"\0" in head:
        return False
    cut = head[: len(head) - _count_cut_bytes(head)]
    try:
        text = cut.decode("utf-8")
    except UnicodeDecodeError:
        return False
    odd = sum(ord(c) < 32 and c not in "\t\n\r\f\x1b" for c in text)
    return odd * 100 <= len(text)


def read_json(file: BinaryIO, size: int, media_type: str) -> JsonPreview | None:
    """Return a JSON document; None where it is none, or too large or too deep to be shown as one."""
    if size > WHOLE_MAX_BYTES:
        return None
    try:
        return JsonPreview(size, media_type, to_plain(json.loads(file.read())))
    except (ValueError, RecursionError):
        return None


def read_hex(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> BinaryPreview:
    """Return some bytes in hex."""
    file.seek(min(offset, size))
    return BinaryPreview(size, media_type, offset, file.read(min(limit, HEX_MAX_BYTES)).hex())


def read_notebook(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> NotebookPreview:
    """Return some cells of a notebook, with what of their outputs is text or an image.

    Raises:
        InvalidInput: It is too large, or no notebook (`preview.notebook`).
    """
    if size > NOTEBOOK_MAX_BYTES:
        raise _no_notebook(f"it has {size} bytes, and at most {NOTEBOOK_MAX_BYTES} are read")
    try:
        document = json.loads(file.read())
        cells = document["cells"]
        language = str(document.get("metadata", {}).get("kernelspec", {}).get("language", ""))
        shown = [_read_cell(cell) for cell in cells[offset : offset + limit]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_notebook(f"it cannot be read as one ({type(error).__name__})") from error
    return NotebookPreview(size, media_type, language, len(cells), offset, shown)


def _no_notebook(reason: str) -> InvalidInput:
    return InvalidInput(f"this file is not shown as a notebook: {reason}. Download it.", code="preview.notebook")


def _read_cell(cell: dict[str, Any]) -> Cell:
    outputs: list[Output] = []
    left_out = 0
    for raw in cell.get("outputs", ()):
        found = _read_output(raw)
        outputs += [found] if found is not None else []
        left_out += found is None
    count = cell.get("execution_count")
    return Cell(
        str(cell.get("cell_type", "raw")),
        _join(cell.get("source", ""))[:_OUTPUT_CHARS],
        count if isinstance(count, int) and math.isfinite(count) else None,
        outputs,
        left_out,
    )


def _read_output(output: dict[str, Any]) -> Output | None:
    """Return what can be shown of an output: an image, else its text; a stream's text; an error's traceback."""
    kind = output.get("output_type")
    if kind == "stream":
        return Output("text/plain", _join(output.get("text", ""))[:_OUTPUT_CHARS])
    if kind == "error":
        trace = "\n".join(str(line) for line in output.get("traceback", ()))
        return Output("text/plain", (trace or f"{output.get('ename')}: {output.get('evalue')}")[:_OUTPUT_CHARS])
    data = output.get("data", {})
    for media_type in _SHOWN:
        if media_type in data:
            content = data[media_type]
            if media_type == "application/json":
                return Output("text/plain", json.dumps(content, indent=1)[:_OUTPUT_CHARS])
            text = _join(content)
            return Output(media_type, text if media_type in _IMAGES else text[:_OUTPUT_CHARS])
    return None


def _join(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
