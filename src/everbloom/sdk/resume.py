"""What an earlier process of the same run left to go on from: its newest whole checkpoint and its last step.

The journal is searched by bytes and not read row by row, because `init` may not take as long as a long run's
rows need, and the client has no NumPy: a checkpoint's record begins with bytes that appear nowhere in text, and
the last step stands in a journal's last block.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from everbloom.artifacts.local import open_blob, read_blob
from everbloom.artifacts.names import check_artifact_path
from everbloom.core import layout
from everbloom.core.errors import Corrupt, EverbloomError, NotFound
from everbloom.core.ids import RunId
from everbloom.core.records import File, Start
from everbloom.journal.format import (
    BLOCK_BYTES,
    BY_FILE_SIZE,
    HEADER_BYTES,
    PADDING,
    SEAL_BYTES,
    TornItem,
    block_start,
    find_item_end,
    parse_committed,
    parse_header,
)
from everbloom.journal.pack import JournalPart, PackReader
from everbloom.sdk.files import MANIFEST_TYPE, CheckpointFile

# A control record is [tag, time, body]; this is an array of three whose first item is the text "blob".
_FILE_MARK = b"\x93\xa4blob"
_decode_file = msgspec.msgpack.Decoder(tuple[str, int, File]).decode
_decode_start = msgspec.msgpack.Decoder(tuple[str, int, Start]).decode
_decode_item = msgspec.msgpack.Decoder(tuple[int | str, int, msgspec.Raw]).decode


def find_checkpoint(root: Path, run: RunId, *, step: int | None = None) -> tuple[Path, int] | None:
    """Restore the newest whole checkpoint of a run, or its newest of a step.

    Returns:
        The path of the restored file or folder, and the checkpoint's step; None where there is none.

    Raises:
        Unavailable: The store cannot be written.
    """
    found = [(file.step or 0, time_us, file) for time_us, file in _iter_checkpoints(root, run)]
    for at_step, _, file in sorted(found, key=lambda item: item[:2], reverse=True):
        if step is None or at_step == step:
            try:
                return _restore(root, run, file), at_step
            except (NotFound, Corrupt):  # not whole: the one before is
                continue
    return None


def find_last_step(root: Path, run: RunId) -> int:
    """Return the highest of the steps that the run's writers recorded last; -1 where there is none."""
    last = -1
    for part, controls in _iter_packed(root, run):
        if part.last_step is not None and _parse_kind(next(controls, b"")) != "watcher":
            last = max(last, part.last_step)
    for journal in _iter_journals(root, run):
        segments = _list_segments(journal)
        if not segments or _read_kind(segments[0]) == "watcher":  # its steps are seconds
            continue
        for segment in reversed(segments):
            steps = _read_last_steps(segment)
            if steps:
                last = max(last, *steps)
                break
    return last


def _iter_journals(root: Path, run: RunId) -> Iterator[Path]:
    folder = layout.run_dir(root, run) / "journal"
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _list_segments(journal: Path) -> list[Path]:
    return sorted(journal.glob("*.seg"), key=lambda path: int(path.stem) if path.stem.isdigit() else -1)


def _read_committed(path: Path) -> bytes:
    data = path.read_bytes()
    try:
        if parse_header(data, path=path) is None:
            return b""
    except EverbloomError:  # a newer version's or a foreign file: nothing to go on from
        return b""
    committed = parse_committed(data)
    return data if committed == BY_FILE_SIZE else data[:committed]


def _iter_packed(root: Path, run: RunId) -> Iterator[tuple[JournalPart, Iterator[bytes]]]:
    """Yield each journal of a run that is packed, with its control records' bytes."""
    try:
        pack = PackReader(layout.pack_path(root, run))
    except (FileNotFoundError, EverbloomError):  # not packed, or by a newer version: nothing to go on from
        return
    with pack:
        for part in pack.contents.journals:
            yield part, (control.raw for control in pack.iter_controls(part))


def _iter_checkpoints(root: Path, run: RunId) -> Iterator[tuple[int, File]]:
    for _, controls in _iter_packed(root, run):
        for raw in controls:
            if raw.startswith(_FILE_MARK):
                _, time_us, file = _decode_file(raw)
                if file.kind == "checkpoint":
                    yield time_us, file
    for journal in _iter_journals(root, run):
        for path in _list_segments(journal):
            data = _read_committed(path)
            position = data.find(_FILE_MARK)
            while position >= 0:
                try:
                    end = find_item_end(data, position, len(data))
                    _, time_us, file = _decode_file(data[position:end])
                    if file.kind == "checkpoint":
                        yield time_us, file
                except (TornItem, msgspec.DecodeError):  # these bytes stand within something else
                    pass
                position = data.find(_FILE_MARK, position + 1)


def _read_kind(path: Path) -> str:
    data = _read_committed(path)
    try:
        end = find_item_end(data, HEADER_BYTES, len(data))
    except TornItem:
        return ""
    return _parse_kind(data[HEADER_BYTES:end])


def _parse_kind(raw: bytes) -> str:
    try:
        return _decode_start(raw)[2].kind
    except msgspec.DecodeError:
        return ""


def _read_last_steps(path: Path) -> list[int]:
    data = _read_committed(path)
    steps: list[int] = []
    position = block_start(max(len(data) - 1, 0))
    while not steps and position >= HEADER_BYTES and data:
        end = min(len(data), position - position % BLOCK_BYTES + BLOCK_BYTES - SEAL_BYTES)
        steps = _read_steps(data, position, end)
        if position == HEADER_BYTES:
            break
        position = block_start(position - 1)
    return steps


def _read_steps(data: bytes, position: int, end: int) -> list[int]:
    steps = []
    while position < end and data[position] != PADDING:
        try:
            stop = find_item_end(data, position, end)
            step, _, _ = _decode_item(data[position:stop])
        except (TornItem, msgspec.DecodeError):
            break
        if isinstance(step, int):
            steps.append(step)
        position = stop
    return steps[-1:]


def _restore(root: Path, run: RunId, file: File) -> Path:
    folder = layout.run_dir(root, run) / "restored" / str(file.step)
    if file.media_type != MANIFEST_TYPE:
        target = folder / Path(check_artifact_path(file.path)).name
        _copy_out(root, file.sha256, target)
        return target
    files = msgspec.json.decode(read_blob(root, file.sha256), type=list[CheckpointFile])
    for part in files:
        _copy_out(root, part.sha256, folder / check_artifact_path(part.path))
    return folder / Path(file.path).stem


def _copy_out(root: Path, sha256: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    partial = target.with_name(target.name + ".part")
    with open_blob(root, sha256) as blob, open(partial, "wb") as out:
        while chunk := blob.read(1 << 20):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != sha256:
        partial.unlink()
        raise Corrupt(
            f"blob {sha256} of a checkpoint is damaged; an earlier checkpoint is taken.",
            code="blob.damaged",
            sha256=sha256,
        )
    partial.replace(target)
