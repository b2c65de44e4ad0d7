"""Choose how a file is shown: by its ending, then by its first bytes, and as bytes where nothing else fits."""

from pathlib import PurePosixPath
from typing import BinaryIO

from everbloom.api.content import choose_type
from everbloom.api.preview.onnx import read_onnx
from everbloom.api.preview.tables import ROWS_MAX, RowIndexes, read_csv, read_parquet
from everbloom.api.preview.tensors import read_npy, read_npz, read_safetensors
from everbloom.api.preview.texts import is_text, read_hex, read_json, read_notebook, read_text
from everbloom.api.preview.types import MediaPreview, Preview

LIMIT = 100
TEXT_BYTES = 64 * 1024
_HEAD_BYTES = 8192
_ENDINGS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".pdf": "application/pdf",
}


def name_type(path: str, recorded: str) -> str:
    """Return what type a file is shown as: by its ending where that says it, else as it was recorded."""
    return _ENDINGS.get(PurePosixPath(path).suffix.lower(), recorded)


def preview(
    file: BinaryIO,
    size: int,
    *,
    path: str,
    media_type: str,
    sha256: str,
    url: str,
    indexes: RowIndexes,
    offset: int,
    limit: int | None,
) -> Preview:
    """Return a preview of a file.

    Args:
        file: Open, at its beginning.
        size: Bytes.
        path: Its name, whose ending decides.
        media_type: As it was recorded.
        sha256: What its row index is kept under.
        url: Where its content is, for what a browser shows by itself.
        indexes: Row indexes of CSV files.
        offset: Bytes of a text; rows, arrays or cells of others.
        limit: The same; None = 64 KiB, or 100.

    Raises:
        InvalidInput: It is not what its ending says (`preview.*`).
        Unavailable: A package is missing (`package.missing`).
    """
    ending = PurePosixPath(path).suffix.lower()
    rows = min(limit or LIMIT, ROWS_MAX)
    kind, is_shown = choose_type(media_type)
    if is_shown and not kind.startswith("text/"):
        return MediaPreview(size, kind, url)
    if ending in (".csv", ".tsv"):
        separator = "\t" if ending == ".tsv" else None
        return read_csv(file, size, media_type, indexes, sha256, offset=offset, limit=rows, separator=separator)
    if ending in (".parquet", ".pq"):
        return read_parquet(file, size, media_type, offset=offset, limit=rows)
    if ending == ".ipynb":
        return read_notebook(file, size, media_type, offset=offset, limit=rows)
    if ending == ".safetensors":
        return read_safetensors(file, size, media_type, offset=offset, limit=rows)
    if ending == ".onnx":
        return read_onnx(file, size, media_type, offset=offset, limit=rows)
    if ending == ".npz":
        return read_npz(file, size, media_type, offset=offset, limit=rows)
    if ending == ".npy":
        return read_npy(file, size, media_type)
    return _preview_plain(file, size, ending, media_type, offset=offset, limit=limit or TEXT_BYTES)


def _preview_plain(file: BinaryIO, size: int, ending: str, media_type: str, *, offset: int, limit: int) -> Preview:
    if ending == ".json" and (document := read_json(file, size, media_type)) is not None:
        return document
    file.seek(0)
    if is_text(file.read(_HEAD_BYTES)):
        return read_text(file, size, media_type, offset=offset, limit=limit)
    return read_hex(file, size, media_type, offset=offset, limit=limit)
