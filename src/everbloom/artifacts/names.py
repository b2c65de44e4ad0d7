"""What a file of a run may be called, and which files a folder gives.

A name is a relative path with forward slashes that stays below whatever folder it is restored into, on every
platform; it is checked on recording and again by whoever writes files. Links: a link to a file is stored as
the file's content, because that is what training saw; links to folders are not entered, because they may go
in circles or lead out of the tree.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from everbloom.core.errors import InvalidInput

PATH_MAX_CHARS = 1024
_PART_MAX_BYTES = 255  # what Linux and macOS allow one part of a path
_DRIVE = re.compile(r"[A-Za-z]:")


def check_artifact_path(path: str) -> str:
    """Return a file's name within a run, `./` and doubled slashes taken out.

    Raises:
        InvalidInput: It is empty, absolute, holds `..`, a backslash, a drive letter or control characters, or
            is too long (`artifact.path`).
    """
    reason = _find_fault(path)
    parts = [part for part in path.split("/") if part not in ("", ".")] if not reason else []
    if not reason and not parts:
        reason = "it names no file"
    if not reason and any(len(part.encode()) > _PART_MAX_BYTES for part in parts):
        reason = f"a part of it is longer than {_PART_MAX_BYTES} bytes"
    if reason:
        raise InvalidInput(
            f"{path[:200]!r} cannot be the name of a run's file: {reason}. Use a relative path with forward "
            f"slashes, such as 'models/best.pt'.",
            code="artifact.path",
            path=path,
        )
    return "/".join(parts)


def _find_fault(path: str) -> str:
    if not path:
        return "it is empty"
    if len(path) > PATH_MAX_CHARS:
        return f"it is longer than {PATH_MAX_CHARS} characters"
    if path.startswith("/") or _DRIVE.match(path):
        return "it is absolute"
    if "\\" in path:
        return "it holds a backslash, which is a separator elsewhere"
    if ".." in path.split("/"):
        return "'..' would lead out of the run's folder"
    if not path.isprintable():  # control characters, NUL and lone surrogates; blanks and emoji are fine
        return "it holds characters that cannot be printed"
    return ""


def iter_files(source: Path, name: str) -> Iterator[tuple[str, Path]]:
    """Yield (name, file) for a file, or for each file below a folder in the order of their names.

    Args:
        source: A file or folder.
        name: What it is called within the run; files of a folder are called `name/…`.

    Raises:
        InvalidInput: A name cannot be one (`artifact.path`), or `source` is neither file nor folder
            (`artifact.kind`).
        OSError: The source cannot be read.

    Within a folder, sockets, pipes, devices, dangling links and links to folders are passed over.
    """
    mode = source.stat().st_mode
    if stat.S_ISREG(mode):
        yield check_artifact_path(name), source
    elif stat.S_ISDIR(mode):
        yield from _iter_folder(source, name)
    else:
        raise InvalidInput(
            f"{str(source)!r} is neither a file nor a folder; only their content can be kept.",
            code="artifact.kind",
            path=str(source),
        )


def _iter_folder(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        child = f"{name}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _iter_folder(Path(entry.path), child)
        elif entry.is_file():
            yield check_artifact_path(child), Path(entry.path)
