"""A second reader of packs, written from docs/formats/pack-v1.md alone and from nothing of ours.

Like the one of journals beside it, it agrees with `everbloom.journal.pack` only if the specification is complete. It
looks at the whole file in memory and asks for nothing but xxh3-64, zlib, SHA-256 and pcodec's standalone files.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import xxhash
from pcodec import standalone

from everbloom.testing.minimal_reader import decode

Item = tuple[Any, ...]


def read_pack(data: bytes) -> dict[str, list[Item]]:
    """Return the items of each journal by its writer: `("row", step, time, {name: text})` or `(tag, time, body)`."""
    told = {}
    for journal in read_table(data)["journals"]:
        placed = sorted([*_iter_controls(data, journal), *_iter_rows(data, journal)], key=lambda pair: pair[0])
        told[journal["writer"]] = [item for _, item in placed]
    return told


def read_files(data: bytes) -> dict[str, bytes]:
    """Return the content of each file and media item by its SHA-256."""
    place = read_table(data).get("files")
    if place is None:
        return {}
    index, files = read_blob(data, place), {}
    assert len(index) % 48 == 0
    for at in range(0, len(index), 48):
        digest, offset, length = struct.unpack_from("<32sQQ", index, at)
        content = read_blob(data, (offset, length))
        assert hashlib.sha256(content).digest() == digest
        files[digest.hex()] = content
    assert list(files) == sorted(files)
    return files


def read_table(data: bytes) -> dict[str, Any]:
    """Check header and footer, and return the table of contents."""
    assert data[:8] == b"\x89EVBK\r\n\x1a"
    assert struct.unpack_from("<H", data, 8) == (1,)
    at, length, table_check, body_check = struct.unpack("<QQQQ", data[-40:-8])
    assert data[-8:] == b"EVBK-END"
    assert at + length + 40 == len(data)
    assert xxhash.xxh3_64_intdigest(data[at : at + length]) == table_check
    assert xxhash.xxh3_64_intdigest(data[:at]) == body_check
    table, end = decode(data, at, at + length)
    assert end == at + length
    assert table["run"] == data[16:32].hex()
    return dict(table)


def read_blob(data: bytes, place: tuple[int, int] | list[int]) -> bytes:
    """Return the bytes at a place, compared with the check before them."""
    at, length = place
    blob = data[at : at + length]
    assert struct.unpack("<Q", data[at - 8 : at]) == (xxhash.xxh3_64_intdigest(blob),)
    return blob


def _iter_controls(data: bytes, journal: dict[str, Any]) -> Iterator[tuple[tuple[int, int, int], Item]]:
    for place in journal["controls"]:
        stream, at = zlib.decompress(read_blob(data, place)), 0
        while at < len(stream):
            position, rows_before, length = struct.unpack_from("<QQI", stream, at)
            (tag, time, body), end = decode(stream, at + 20, at + 20 + length)
            assert end == at + 20 + length
            yield (rows_before, 0, position), (tag, time, body)
            at = end


def _iter_rows(data: bytes, journal: dict[str, Any]) -> Iterator[tuple[tuple[int, int, int], Item]]:
    for group in journal["groups"]:
        for chunk in group["chunks"]:
            steps, times, ordinals = _read_axis(read_blob(data, chunk["axis"]))
            columns = [standalone.simple_decompress(read_blob(data, place)) for place in chunk["values"]]
            for i in range(chunk["rows"]):
                numbers = {n: repr(float(c[i])) for n, c in zip(group["names"], columns, strict=True)}
                yield (ordinals[i], 1, 0), ("row", steps[i], times[i], numbers)


def _read_axis(blob: bytes) -> list[list[int]]:
    version, rows = struct.unpack_from("<BI", blob)
    assert version == 1
    at, columns = 5, []
    for _ in range(3):
        if blob[at] == 0:
            start, difference = struct.unpack_from("<qq", blob, at + 1)
            columns.append([(start + difference * i + 2**63) % 2**64 - 2**63 for i in range(rows)])
            at += 17
        else:
            (length,) = struct.unpack_from("<I", blob, at + 1)
            column = standalone.simple_decompress(blob[at + 5 : at + 5 + length])
            assert column is not None
            assert str(column.dtype) == "int64"
            columns.append(column.tolist())
            at += 5 + length
    assert at == len(blob)
    return columns
