"""The content that a run kept, by its SHA-256, wherever it lies: all that opens a blob comes through here.

Small content lies in the run's own folder until its pack holds it, large content is shared by the store's runs
(`artifacts.local` puts them there). A file of the folder goes only after the pack that holds its content stands in
its place, and packs only grow; so who looks into the folder first and into the pack last finds it at any moment.
Ranges of a packed blob are cut from memory: it is small.
"""

import contextlib
import hashlib
import io
import re
from pathlib import Path
from typing import BinaryIO

from everbloom.core import layout
from everbloom.core.errors import Corrupt, NotFound
from everbloom.core.ids import RunId
from everbloom.journal.pack import PackReader

_SHA256 = re.compile(r"[0-9a-f]{64}")  # it comes from a record, which may have come from anywhere


def open_blob(root: Path, run: RunId, sha256: str) -> BinaryIO:
    """Open the content of a run's record for reading, seekable; the caller closes it.

    Raises:
        NotFound: The store has no such blob (`blob.missing`).
        Corrupt: It lies in the run's pack, and that is damaged.
        UnsupportedVersion: It may lie in the run's pack, which a newer Everbloom wrote.
    """
    if _SHA256.fullmatch(sha256):
        for path in (layout.run_blobs_dir(root, run) / sha256, layout.blob_path(root, sha256)):
            with contextlib.suppress(FileNotFoundError):
                return open(path, "rb")
        data = _read_packed(root, run, sha256)
        if data is not None:
            return io.BytesIO(data)
    raise NotFound(
        f"blob {sha256[:80]} of run {run} is not in the store at {root}; it was purged, or never copied here. Fetch "
        f"it from the store that recorded it.",
        code="blob.missing",
        sha256=sha256,
    )


def read_blob(root: Path, run: RunId, sha256: str) -> bytes:
    """Read the whole content of a run's record and check it.

    Raises:
        NotFound: The store has no such blob (`blob.missing`).
        Corrupt: Its content no longer has that SHA-256 (`blob.damaged`).
    """
    with open_blob(root, run, sha256) as blob:
        data = blob.read()
    if not has_content(data, sha256):
        raise Corrupt(
            f"blob {sha256} of run {run} in the store at {root} has other content than its name says; the disk or "
            f"somebody changed it. Restore it from a backup.",
            code="blob.damaged",
            sha256=sha256,
        )
    return data


def list_own_blobs(root: Path, run: RunId) -> list[str]:
    """Return the SHA-256 of each blob in a run's own folder, in their order; temporary files are passed over."""
    try:
        return sorted(path.name for path in layout.run_blobs_dir(root, run).iterdir() if _SHA256.fullmatch(path.name))
    except (FileNotFoundError, NotADirectoryError):
        return []


def has_content(data: bytes, sha256: str) -> bool:
    """Tell whether bytes are what a blob's name says."""
    return hashlib.sha256(data).hexdigest() == sha256


def _read_packed(root: Path, run: RunId, sha256: str) -> bytes | None:
    try:
        pack = PackReader(layout.pack_path(root, run))
    except FileNotFoundError:
        return None
    with pack:
        place = pack.find_file(sha256)
        return None if place is None else pack.read_blob(place)
