"""The container of a closed run: control records verbatim, columns as opaque bytes, small files, a table of contents.

docs/formats/pack-v1.md is the specification; this module is all that knows it. What the columns' bytes mean is
for those who make and read them (`ingest.packing`): recording never loads NumPy. A pack is written beside its
place and moved there whole; to add to one, its bytes are copied and new ones follow, so that an offset into a
pack stays right for ever.
"""

import bisect
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

import msgspec
import xxhash

from everbloom.core.errors import Corrupt, UnsupportedVersion
from everbloom.core.ids import RunId
from everbloom.journal.segment import to_unavailable

MAGIC = b"\x89EVBK\r\n\x1a"
END_MAGIC = b"EVBK-END"
MAJOR = 1
MINOR = 0
CONTROLS_BYTES = 1 << 20  # control records before compression in one blob, about

_HEADER = struct.Struct("<8sHHI16s")
_CHECK = struct.Struct("<Q")
_FOOTER = struct.Struct("<QQQQ8s")
_CONTROL = struct.Struct("<QQI")
_FILE = struct.Struct("<32sQQ")
_DIGEST_BYTES = 32
_RUN_BYTES = 16
_COPY_BYTES = 1 << 20

Place = tuple[int, int]
"""Offset and length of a blob's bytes in the file."""


class PackedControl(NamedTuple):
    """A control record: its position in the journal, the rows before it, its bytes as they stood there."""

    position: int
    rows_before: int
    raw: bytes


class PackedFile(NamedTuple):
    """The content of a file or of media that the run kept: its SHA-256 in hex, and where it stands."""

    sha256: str
    place: Place


class PackedDamage(msgspec.Struct, frozen=True):
    """Bytes of a segment that could not be trusted and are not in the pack."""

    segment: int
    byte: int
    size: int
    reason: str


class ColumnChunk(msgspec.Struct, frozen=True):
    """Rows of one key set: their axis, and one blob a name."""

    rows: int
    axis: Place
    values: list[Place]


class ColumnGroup(msgspec.Struct, frozen=True):
    """All rows of one key set of a journal, cut in the order of the journal."""

    names: list[str]
    chunks: list[ColumnChunk]


class JournalPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """One writer's journal.

    Attributes:
        writer: Its id.
        segment: The segment that it ended in.
        byte: The first byte of it behind what was read.
        rows: How many rows it has.
        is_closed: The writer said that nothing comes after this.
        header: The last segment's header as it stood there; empty where there was none.
        controls: Blobs of control records, in the order of the journal.
        groups: Its rows.
        damage: What could not be read.
        rounded: How many integers beyond 2^53 were rounded to float64.
        last_step: The step of the last row; None where there is none. For a resume, which cannot decode columns.
    """

    writer: str
    segment: int
    byte: int
    rows: int
    is_closed: bool
    header: bytes
    controls: list[Place]
    groups: list[ColumnGroup]
    damage: list[PackedDamage] = []
    rounded: int = 0
    last_step: int | None = None


class Contents(msgspec.Struct, frozen=True, omit_defaults=True):
    """The table of contents.

    Attributes:
        run: Whose pack it is.
        journals: One a writer.
        files: The blob that tells where files and media stand; None where there are none.
    """

    run: str
    journals: list[JournalPart]
    files: Place | None = None


_encode_contents = msgspec.msgpack.Encoder().encode
_decode_contents = msgspec.msgpack.Decoder(Contents).decode


class PackWriter:
    """Writes a pack from front to back.

    Args:
        path: Where nothing stands yet; not the pack's place.
        run: Whose it is.
        base: A pack whose blobs come first, at the same offsets.

    Raises, from every method:
        Unavailable: The disk is full, or the folder cannot be written.

    Raises, on opening:
        UnsupportedVersion: A newer Everbloom wrote the base.
    """

    def __init__(self, path: Path, run: RunId, *, base: Path | None = None) -> None:
        self._path = path
        self._at = 0
        self._digest = xxhash.xxh3_64()
        try:
            self._file: BinaryIO = path.open("xb")  # never one that a process still writes to, or that is in use
        except OSError as error:
            raise to_unavailable(error, path, then="repeat it") from error
        try:
            if base is None:
                self._write(_HEADER.pack(MAGIC, MAJOR, MINOR, 0, bytes.fromhex(run)))
            else:
                self._copy(base)
        except BaseException:
            self._file.close()
            path.unlink(missing_ok=True)
            raise

    def _copy(self, base: Path) -> None:
        with PackReader(base) as pack:
            if pack.minor > MINOR:  # its table may have fields that this version would leave out
                raise UnsupportedVersion(
                    f"{base} has pack format {MAJOR}.{pack.minor}; this Everbloom adds to packs up to "
                    f"{MAJOR}.{MINOR}. Upgrade Everbloom, then pack the run again.",
                    code="pack.version",
                    path=str(base),
                    version=pack.minor,
                    supported=MINOR,
                )
            for data in pack.iter_body():
                self._write(data)

    def add_blob(self, data: bytes) -> Place:
        """Write a blob behind its check and return its place."""
        self._write(_CHECK.pack(xxhash.xxh3_64_intdigest(data)))
        self._write(data)
        return self._at - len(data), len(data)

    def add_controls(self, controls: Iterable[PackedControl]) -> list[Place]:
        """Write control records in the order given, compressed, and return the places of their blobs."""
        places, waiting, size = [], [], 0
        for control in controls:
            waiting.append(_CONTROL.pack(control.position, control.rows_before, len(control.raw)) + control.raw)
            size += len(waiting[-1])
            if size >= CONTROLS_BYTES:
                places.append(self.add_blob(zlib.compress(b"".join(waiting))))
                waiting, size = [], 0
        if waiting:
            places.append(self.add_blob(zlib.compress(b"".join(waiting))))
        return places

    def add_files(self, files: Iterable[tuple[str, bytes]], known: Iterable[PackedFile] = ()) -> Place | None:
        """Write (SHA-256, content) of files, and where each stands; returns the place of that, for the table.

        Args:
            files: New ones; a content that is known already, or comes twice, is written once.
            known: Those that the base holds.

        Returns:
            None where there are none at all.
        """
        places = {file.sha256: file.place for file in known}
        for sha256, data in files:
            if sha256 not in places:
                places[sha256] = self.add_blob(data)
        entries = (_FILE.pack(bytes.fromhex(sha256), *place) for sha256, place in sorted(places.items()))
        return self.add_blob(b"".join(entries)) if places else None

    def finish(self, contents: Contents) -> None:
        """Write the table of contents and the footer, and see all of it to the disk."""
        at, body = self._at, self._digest.intdigest()
        table = _encode_contents(contents)
        self._write(table)
        self._write(_FOOTER.pack(at, len(table), xxhash.xxh3_64_intdigest(table), body, END_MAGIC))
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise to_unavailable(error, self._path, then="repeat it") from error

    def _write(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise to_unavailable(error, self._path, then="repeat it") from error
        self._digest.update(data)
        self._at += len(data)

    def __enter__(self) -> "PackWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; remove it where writing it failed."""
        try:
            self._file.close()
        except OSError as problem:
            self._path.unlink(missing_ok=True)
            raise to_unavailable(problem, self._path, then="repeat it") from problem
        if error is not None:
            self._path.unlink(missing_ok=True)


class PackReader:
    """Reads a pack; any number at a time, from any thread.

    Attributes:
        contents: The table of contents.
        minor: The minor version that it was written in.

    Raises, on opening:
        FileNotFoundError: There is none.
        Corrupt: It is no pack, or torn, or its table is damaged.
        UnsupportedVersion: A newer Everbloom wrote it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.minor, size = self._read_header(), os.fstat(self._handle).st_size
            self._body_end, self._body_check, self.contents = self._read_contents(size)
        except BaseException:
            os.close(self._handle)
            raise

    def _read_header(self) -> int:
        head = os.pread(self._handle, _HEADER.size, 0)
        if len(head) < _HEADER.size or head[:8] != MAGIC:
            raise self._corrupt("it does not begin like a pack", "pack.magic")
        _, major, minor, _, _ = _HEADER.unpack(head)
        if major > MAJOR:
            raise UnsupportedVersion(
                f"{self.path} has pack format {major}; this Everbloom reads up to {MAJOR}. Upgrade Everbloom.",
                code="pack.version",
                path=str(self.path),
                version=major,
                supported=MAJOR,
            )
        return int(minor)

    def _read_contents(self, size: int) -> tuple[int, int, Contents]:
        footer = os.pread(self._handle, _FOOTER.size, max(size - _FOOTER.size, 0))
        if size < _HEADER.size + _FOOTER.size or footer[-8:] != END_MAGIC:
            raise self._corrupt("its end is missing", "pack.torn")
        at, length, check, body, _ = _FOOTER.unpack(footer)
        if at + length + _FOOTER.size != size:
            raise self._corrupt("its table is not where the footer says", "pack.torn")
        table = os.pread(self._handle, length, at)
        if xxhash.xxh3_64_intdigest(table) != check:
            raise self._corrupt("its table of contents is damaged", "pack.check")
        contents = _decode_contents(table)
        if contents.run != os.pread(self._handle, _RUN_BYTES, _HEADER.size - _RUN_BYTES).hex():
            raise self._corrupt("header and table name different runs", "pack.check")
        return at, body, contents

    def read_blob(self, place: Place) -> bytes:
        """Return a blob's bytes.

        Raises:
            Corrupt: They are not what was written.
        """
        at, length = place
        if at < _HEADER.size + _CHECK.size or at + length > self._body_end:
            raise self._corrupt(f"{length} bytes at {at} lie outside of its blobs", "pack.place")
        data = os.pread(self._handle, _CHECK.size + length, at - _CHECK.size)
        if len(data) != _CHECK.size + length or data[: _CHECK.size] != _CHECK.pack(
            xxhash.xxh3_64_intdigest(memoryview(data)[_CHECK.size :])
        ):
            raise self._corrupt(f"{length} bytes at {at} do not fit their check", "pack.check")
        return data[_CHECK.size :]

    def find_file(self, sha256: str) -> Place | None:
        """Return where the content of that SHA-256 stands; None where the pack does not hold it.

        Raises:
            Corrupt: What tells where files stand is damaged.
        """
        index, wanted = self._read_files(), bytes.fromhex(sha256)

        def digest_at(number: int) -> bytes:
            return index[number * _FILE.size : number * _FILE.size + _DIGEST_BYTES]

        number = bisect.bisect_left(range(len(index) // _FILE.size), wanted, key=digest_at)
        if digest_at(number) != wanted:
            return None
        _, offset, length = _FILE.unpack_from(index, number * _FILE.size)
        return offset, length

    def iter_files(self) -> Iterator[PackedFile]:
        """Yield the files and media that the pack holds, in the order of their SHA-256.

        Raises:
            Corrupt: What tells where files stand is damaged.
        """
        for digest, offset, length in _FILE.iter_unpack(self._read_files()):
            yield PackedFile(digest.hex(), (offset, length))

    def _read_files(self) -> bytes:
        index = self.read_blob(self.contents.files) if self.contents.files else b""
        if len(index) % _FILE.size:
            raise self._corrupt(f"what tells where files stand has {len(index)} bytes", "pack.check")
        return index

    def iter_controls(self, part: JournalPart) -> Iterator[PackedControl]:
        """Yield a journal's control records in its order."""
        for place in part.controls:
            try:
                data = zlib.decompress(self.read_blob(place))
                yield from _split_controls(data)
            except (zlib.error, struct.error) as error:
                raise self._corrupt(f"control records at {place[0]} are damaged", "pack.check") from error

    def iter_body(self) -> Iterator[bytes]:
        """Yield all bytes before the table of contents.

        Raises:
            Corrupt: At the end, if they do not fit the footer's check.
        """
        digest, at = xxhash.xxh3_64(), 0
        while at < self._body_end:
            data = os.pread(self._handle, min(_COPY_BYTES, self._body_end - at), at)
            if not data:
                raise self._corrupt("it was cut while it was read", "pack.torn")
            digest.update(data)
            at += len(data)
            yield data
        if digest.intdigest() != self._body_check:
            raise self._corrupt("its bytes do not fit their check", "pack.check")

    def verify(self) -> None:
        """Read all of it and compare with its checks.

        Raises:
            Corrupt: They do not fit.
        """
        for _ in self.iter_body():
            pass

    def _corrupt(self, why: str, code: str) -> Corrupt:
        return Corrupt(
            f"the pack {self.path} cannot be read: {why}. Restore it from a backup.", code=code, path=str(self.path)
        )

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    def __enter__(self) -> "PackReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _split_controls(data: bytes) -> Iterator[PackedControl]:
    at = 0
    while at < len(data):
        position, rows_before, length = _CONTROL.unpack_from(data, at)
        at += _CONTROL.size
        if at + length > len(data):
            raise struct.error("a control record is cut")
        yield PackedControl(position, rows_before, data[at : at + length])
        at += length


def publish_pack(written: Path, path: Path) -> None:
    """Move a finished pack to its place, so that after a power cut the old or the new one stands there.

    Raises:
        Unavailable: It cannot be moved there.
    """
    try:
        written.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise to_unavailable(error, path, then="repeat it") from error


def iter_packs(root: Path) -> Iterator[RunId]:
    """Yield the runs that have a pack, by a full scan, in no order."""
    for path in (root / "packs").glob("[0-9a-f][0-9a-f]/*.pack"):
        yield RunId(path.stem)
