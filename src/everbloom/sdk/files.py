"""What a run keeps besides numbers: media, files, checkpoints, long texts.

Small media stand in their record; everything else is a blob, stored before the record that names it is written,
so no record names what is not there. A checkpoint of many files ends with a manifest that lists them, and only
the manifest has the kind `checkpoint`: so a checkpoint is whole or absent.
"""

import contextlib
import os
from pathlib import Path
from stat import S_ISDIR, S_ISREG

import msgspec
from msgspec import Struct

from everbloom.artifacts.local import store_bytes, store_file
from everbloom.artifacts.names import check_artifact_path, iter_files
from everbloom.core.errors import InvalidInput, Unavailable
from everbloom.core.ids import RunId
from everbloom.core.records import File
from everbloom.core.records import Media as MediaRecord
from everbloom.sdk.guard import Guard
from everbloom.sdk.media.base import Media
from everbloom.sdk.recorder import Recorder

INLINE_MAX_BYTES = 8_192
_MANY_FILES = 10_000
_LARGE_BYTES = 1_000_000_000
MANIFEST_TYPE = "application/vnd.everbloom.checkpoint+json"


class CheckpointFile(Struct, frozen=True):
    """One file of a checkpoint, its path relative to the checkpoint's folder."""

    path: str
    sha256: str
    size: int


class FileStore:
    """Keeps what belongs to one run. Thread safe.

    Attributes:
        user: Who records.
    """

    def __init__(self, root: Path, run: RunId, recorder: Recorder, guard: Guard, *, user: str) -> None:
        self.user = user
        self._root = root
        self._run = run
        self._recorder = recorder
        self._guard = guard

    def log_media(self, name: str, value: Media, step: int, time_us: int | None) -> None:
        """Record media under a name at a step; without a time, now.

        Raises:
            InvalidInput: The value is not what its wrapper says.
            Unavailable: The store cannot be written.
        """
        encoded = value.encode()
        data, sha256 = encoded.data or None, None
        if len(encoded.data) > INLINE_MAX_BYTES:
            data, sha256 = None, self._store_bytes(encoded.data, is_synced=False)[0]
        record = MediaRecord(
            name=name,
            kind=value.kind,
            step=step,
            media_type=encoded.media_type,
            size=len(encoded.data),
            data=data,
            sha256=sha256,
            caption=value.caption[:INLINE_MAX_BYTES].encode("utf-8", "backslashreplace").decode(),
            meta=encoded.meta,
        )
        self._recorder.append(record, time_us=time_us)

    def store_text(self, path: str, text: str) -> str:
        """Keep a long text as a file of the run; returns its SHA-256."""
        sha256, size = self._store_bytes(text.encode(), is_synced=False)
        self._recorder.append(File(path=path, sha256=sha256, size=size, kind="text", media_type="text/plain"))
        return sha256

    def save(self, source: Path, name: str | None, *, kind: str, step: int | None) -> None:
        """Keep a file, or every file below a folder; one that cannot be read is told, the others are kept.

        Raises:
            InvalidInput: There is no such file or folder (`artifact.missing`), or a name cannot be one.
        """
        self._look_at(source)
        for path, file in iter_files(source, _name_of(source, name)):
            try:
                sha256, size = self._store_file(file)
                self._recorder.append(
                    File(path=path, sha256=sha256, size=size, kind=kind, media_type=guess_type(path), step=step)
                )
            except Exception as error:  # noqa: BLE001 - the guard's edge, file by file
                self._guard.handle(error)

    def save_checkpoint(self, source: Path, step: int) -> None:
        """Keep a file or folder as the checkpoint of a step.

        Raises:
            InvalidInput: There is no such file or folder (`artifact.missing`).
            OSError: A file of it cannot be read; there is no checkpoint then.
            Unavailable: The store cannot be written; there is no checkpoint then.
        """
        self._look_at(source)
        prefix = f"checkpoints/{step}"
        name = _name_of(source, None)
        if source.is_file():
            sha256, size = self._store_file(source)
            path = check_artifact_path(f"{prefix}/{name}")
            self._append_checkpoint(path, sha256, size, guess_type(name), step)
            return
        files = []
        for path, file in iter_files(source, name):
            sha256, size = self._store_file(file)
            files.append(CheckpointFile(path, sha256, size))
            self._recorder.append(
                File(
                    path=f"{prefix}/{path}",
                    sha256=sha256,
                    size=size,
                    kind="checkpoint.part",
                    media_type=guess_type(path),
                    step=step,
                )
            )
        sha256, size = self._store_bytes(msgspec.json.encode(files), is_synced=True)
        self._append_checkpoint(f"{prefix}/{name}.json", sha256, size, MANIFEST_TYPE, step)

    def _look_at(self, source: Path) -> None:
        """Refuse what is not there, and tell a person what will take long: each file is read, copied and synced."""
        try:
            is_folder = S_ISDIR(source.stat().st_mode)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InvalidInput(
                f"{str(source)!r} cannot be saved: {reason}. Give a file or folder that can be read.",
                code="artifact.missing",
                path=str(source),
            ) from error
        if not is_folder:
            return
        count, size = measure_folder(source)
        if count > _MANY_FILES or size > _LARGE_BYTES:
            self._guard.note(
                "save.large",
                f"saving {str(source)!r} copies {count:,} files of {size / 1e9:.1f} GB in all, and the call returns "
                f"when they are stored; `run.artifact(path)` would only note where they are.",
            )

    def _store_bytes(self, data: bytes, *, is_synced: bool) -> tuple[str, int]:
        self._check_stored()
        return store_bytes(self._root, data, run=self._run, is_synced=is_synced)

    def _store_file(self, file: Path) -> tuple[str, int]:
        self._check_stored()
        return store_file(self._root, file, run=self._run)

    def _check_stored(self) -> None:
        # Else a store that somebody deleted would come back as a heap of files that no run names.
        if not self._recorder.is_stored():
            raise Unavailable(
                f"the store {self._root} was deleted while the run was recorded; files are not kept any more.",
                code="root.vanished",
                path=str(self._root),
            )

    def _append_checkpoint(self, path: str, sha256: str, size: int, media_type: str, step: int) -> None:
        self._recorder.append(
            File(path=path, sha256=sha256, size=size, kind="checkpoint", media_type=media_type, step=step)
        )


def measure_folder(folder: Path) -> tuple[int, int]:
    """Return how many files a folder holds, those of its folders included, and how many bytes they have in all."""
    count = size = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                status = os.stat(os.path.join(base, name))  # noqa: PTH116 - a Path a file is three times slower
                if S_ISREG(status.st_mode):
                    count += 1
                    size += status.st_size
    return count, size


def _name_of(source: Path, name: str | None) -> str:
    return name if name is not None else (source.name or source.resolve().name)


def guess_type(path: str) -> str:
    """Return the media type that a file's ending tells."""
    import mimetypes  # 6 ms, and many runs save nothing

    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def guess_size(uri: str) -> int | None:
    """Return the size of what a URI names, where it is a file of this machine's file system."""
    path = uri.removeprefix("file://")
    if "://" in path:
        return None
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return None
