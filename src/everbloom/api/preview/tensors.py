"""Headers of files with arrays, read by hand: safetensors, NumPy's npz and npy. The arrays are never read."""

import ast
import json
import math
import struct
import zipfile
from typing import Any, BinaryIO

from everbloom.api.preview.types import Tensor, TensorsPreview
from everbloom.core.errors import InvalidInput

HEADER_MAX_BYTES = 32 * 1024 * 1024
_NPY_MAGIC = b"\x93NUMPY"
_VALUE_CHARS = 2000


def read_safetensors(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> TensorsPreview:
    """Return the arrays that a safetensors file holds, by its header.

    Raises:
        InvalidInput: It is none (`preview.tensors`).
    """
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if not 2 <= length <= min(size - 8, HEADER_MAX_BYTES):
            raise ValueError(f"its header is said to be of {length} bytes")
        header: dict[str, Any] = json.loads(file.read(length))
        metadata = header.pop("__metadata__", None) or {}
        tensors = [_read_entry(name, entry) for name, entry in header.items()]
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_tensors("safetensors", error) from error
    shown = tensors[offset : offset + limit]
    said = {str(key): str(value)[:_VALUE_CHARS] for key, value in list(metadata.items())[:200]}
    return TensorsPreview(size, media_type, "safetensors", len(tensors), offset, shown, said)


def _read_entry(name: str, entry: dict[str, Any]) -> Tensor:
    start, end = entry["data_offsets"]
    return Tensor(name, str(entry["dtype"]), [int(n) for n in entry["shape"]], int(end) - int(start))


def read_npz(file: BinaryIO, size: int, media_type: str, *, offset: int, limit: int) -> TensorsPreview:
    """Return the arrays of an npz file, by the header of each.

    Raises:
        InvalidInput: It is none (`preview.tensors`).
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".npy")]
            tensors = []
            for name in names[offset : offset + limit]:
                with archive.open(name) as member:
                    tensors.append(_read_npy_header(member, name.removesuffix(".npy")))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error) as error:
        raise _no_tensors("npz", error) from error
    return TensorsPreview(size, media_type, "npz", len(names), offset, tensors, {})


def read_npy(file: BinaryIO, size: int, media_type: str) -> TensorsPreview:
    """Return the array of an npy file, by its header.

    Raises:
        InvalidInput: It is none (`preview.tensors`).
    """
    try:
        tensor = _read_npy_header(file, "")
    except (ValueError, struct.error) as error:
        raise _no_tensors("npy", error) from error
    return TensorsPreview(size, media_type, "npy", 1, 0, [tensor], {})


def _read_npy_header(file: Any, name: str) -> Tensor:
    """Read an npy header (NEP 1): magic, version, length, a literal of a dictionary."""
    start = file.read(8)
    if start[:6] != _NPY_MAGIC or len(start) < 8:
        raise ValueError("it does not begin like one")
    length = struct.unpack("<H", file.read(2))[0] if start[6] == 1 else struct.unpack("<I", file.read(4))[0]
    if length > 1024 * 1024:
        raise ValueError(f"its header is said to be of {length} bytes")
    try:
        header = ast.literal_eval(file.read(length).decode("utf-8").strip())
        kind, shape = header["descr"], [int(n) for n in header["shape"]]
    except (SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("its header cannot be read") from error
    digits = "".join(c for c in kind if c.isdigit()) if isinstance(kind, str) else ""
    width = int(digits) * (4 if "U" in str(kind) else 1) if digits else 0
    return Tensor(name, kind if isinstance(kind, str) else "record", shape, math.prod(shape) * width)


def _no_tensors(what: str, error: Exception) -> InvalidInput:
    reason = str(error) or type(error).__name__
    return InvalidInput(f"this file cannot be read as {what}: {reason}. Download it.", code="preview.tensors")
