"""Small file systems for tests of full disks, where this machine lets a test mount one."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def mounted_disk(place: Path, size: str) -> Iterator[bool]:
    """Mount an empty file system in memory while the block runs; yields False where that is not allowed.

    Args:
        place: A folder, made if missing; without a mount it is left as a folder.
        size: Such as `8M`.
    """
    place.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill_disk(place: Path, *, but_bytes: int = 0) -> Path:
    """Fill a file system by one file, to its last block or but for some bytes; returns the file."""
    filler = place / "filler"
    status = os.statvfs(place)
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65_536, 512):
            left = status.f_bavail * status.f_frsize - but_bytes - file.tell()
            with contextlib.suppress(OSError):
                while left > 0 or not but_bytes:
                    file.write(b"x" * size)
                    left -= size
    return filler
