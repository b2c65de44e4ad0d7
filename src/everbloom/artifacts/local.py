"""Blobs on the store's own disk: `blobs/<2 hex>/<sha256>`, written once, never changed.

A file is copied, never linked: the source goes on belonging to the person and may be written in place. A blob
appears by renaming a complete temporary file, so whatever lies under a SHA-256 has that content, and two
writers of the same content do no harm. Saved files are synced, so that this holds after a power cut too;
media logged in a training loop are not, as `log` waits for no disk. Names and media types are the records'.
"""

import hashlib
import os
from io import BufferedReader
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import Corrupt, EverbloomError, NotFound, Unavailable

_CHUNK_BYTES = 1 << 20
_REASONS = {28: "the disk is full", 122: "the quota is used up", 30: "the file system is read-only"}


def store_bytes(root: Path, data: bytes, *, is_synced: bool = True) -> tuple[str, int]:
    """Keep bytes in the store; returns their SHA-256 and size.

    Args:
        root: The store's folder.
        data: The content.
        is_synced: Wait until the disk has it; without, it survives the process's death but no power cut.

    Raises:
        Unavailable: The store cannot be written (`blob.write`); nothing is left behind.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if layout.blob_path(root, sha256).exists():
        return sha256, len(data)
    with _Incoming(root) as incoming:
        incoming.write(data)
        incoming.publish(sha256, is_synced=is_synced)
    return sha256, len(data)


def store_file(root: Path, path: Path) -> tuple[str, int]:
    """Keep a copy of a file's present content in the store; returns its SHA-256 and size.

    The answer describes the bytes that were kept, also where the file was written to meanwhile.

    Raises:
        Unavailable: The store cannot be written (`blob.write`); nothing is left behind.
        OSError: The file cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as source, _Incoming(root) as incoming:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            incoming.write(chunk)
        sha256 = digest.hexdigest()
        if not layout.blob_path(root, sha256).exists():
            incoming.publish(sha256, is_synced=True)
    return sha256, size


def open_blob(root: Path, sha256: str) -> BufferedReader:
    """Open a blob for reading; the caller closes it.

    Raises:
        NotFound: The store has no such blob (`blob.missing`).
    """
    try:
        return open(layout.blob_path(root, sha256), "rb")
    except FileNotFoundError as error:
        raise NotFound(
            f"blob {sha256} is not in the store at {root}; it was purged, or never copied here. Fetch it "
            f"from the store that recorded it.",
            code="blob.missing",
            sha256=sha256,
        ) from error


def read_blob(root: Path, sha256: str) -> bytes:
    """Read a whole blob and check it.

    Raises:
        NotFound: The store has no such blob (`blob.missing`).
        Corrupt: Its content no longer has that SHA-256 (`blob.damaged`).
    """
    with open_blob(root, sha256) as blob:
        data = blob.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _damaged(root, sha256)
    return data


def verify_blob(root: Path, sha256: str, size: int | None = None) -> None:
    """Check that a blob is there and has its content; memory stays bounded.

    Raises:
        NotFound: The store has no such blob (`blob.missing`).
        Corrupt: Its content no longer has that SHA-256, or that size (`blob.damaged`).
    """
    with open_blob(root, sha256) as blob:
        actual_size = os.fstat(blob.fileno()).st_size
        digest = hashlib.file_digest(blob, "sha256").hexdigest()
    if digest != sha256 or (size is not None and size != actual_size):
        raise _damaged(root, sha256)


def _damaged(root: Path, sha256: str) -> Corrupt:
    return Corrupt(
        f"blob {sha256} in the store at {root} has other content than its name says; the disk or somebody "
        f"changed it. Restore it from a backup.",
        code="blob.damaged",
        sha256=sha256,
    )


class _Incoming:
    """A temporary file in the blobs' folder, gone at the end unless published."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "blobs"
        self._path = self._folder / f".{os.getpid()}-{os.urandom(8).hex()}.part"
        self._file = -1

    def __enter__(self) -> "_Incoming":
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._unavailable(error) from error
        return self

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise self._unavailable(error) from error

    def publish(self, sha256: str, *, is_synced: bool) -> None:
        target = layout.blob_path(self._root, sha256)
        try:
            if is_synced:
                os.fsync(self._file)
            target.parent.mkdir(exist_ok=True)
            self._path.replace(target)
            if is_synced:
                _sync_folder(target.parent)
        except OSError as error:
            raise self._unavailable(error) from error

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _unavailable(self, error: OSError) -> EverbloomError:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        return Unavailable(
            f"cannot keep a file below {self._folder}: {reason}. Free some space or mend the folder, then "
            f"save it again.",
            code="blob.write",
            path=str(self._folder),
        )


def _sync_folder(folder: Path) -> None:
    # The rename itself must survive a power cut, or a record would name a blob that is not there.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
