"""How a process ended, told by the kernel: exit code or signal, and whether memory ran out.

A pidfd stands for one process for ever, so no other process of the same id can be mistaken for it. From Linux
6.15 on it also tells the exit status of a process that is not one's child, once its parent has taken note
(`PIDFD_GET_INFO`); before, /proc tells it as long as the parent has not. Otherwise the answer is "unknown": an
end is never guessed.
"""

import contextlib
import fcntl
import os
import re
import select
import struct
from pathlib import Path

from everbloom.core.records import Cause, End, EndState

# include/uapi/linux/pidfd.h: struct pidfd_info, first version, 64 bytes; exit_code is its last field.
_PIDFD_GET_INFO = (3 << 30) | (64 << 16) | (0xFF << 8) | 11  # _IOWR(0xFF, 11, struct pidfd_info)
_PIDFD_INFO_EXIT = 1 << 3
_MASK = struct.Struct("<Q")
_EXIT_CODE = struct.Struct("<i")
_EXIT_CODE_AT = 60

_SIGINT, _SIGKILL = 2, 9
_OOM_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def open_process(pid: int, process_start: int) -> int | None:
    """Return a pidfd for the very process that began at that time; None where it is gone.

    Args:
        pid: Its process id.
        process_start: Its start in clock ticks since boot; 0 = whichever has that id now.
    """
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return None
    if process_start and _read_stat(pid, 19) != process_start:
        os.close(handle)
        return None
    return handle


def is_dead(handle: int, timeout_s: float = 0.0) -> bool:
    """Wait until the process of a pidfd has ended, at most so long; tells whether it has."""
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(timeout_s * 1000))


def read_status(handle: int, pid: int) -> int | None:
    """Return the wait status of a process that has ended; None while, or where, the kernel does not tell."""
    request = bytearray(_MASK.pack(_PIDFD_INFO_EXIT) + bytes(56))
    with contextlib.suppress(OSError):
        fcntl.ioctl(handle, _PIDFD_GET_INFO, request)
        if _MASK.unpack_from(request)[0] & _PIDFD_INFO_EXIT:
            return int(_EXIT_CODE.unpack_from(request, _EXIT_CODE_AT)[0])
    return _read_stat(pid, 49) if _read_state(pid) == "Z" else None


def _read_state(pid: int) -> str:
    fields = _read_fields(pid)
    return fields[0] if fields else ""


def _read_stat(pid: int, index: int) -> int | None:
    fields = _read_fields(pid)
    return int(fields[index]) if len(fields) > index else None


def _read_fields(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return text[text.rfind(")") + 2 :].split()  # the command before it may hold anything


def describe_end(status: int | None, *, is_oom: bool) -> End:
    """Return the end record for a wait status that the watcher saw.

    Args:
        status: As `os.wait` gives it; None = not known.
        is_oom: Whether the kernel killed for memory in the process's group while it ran.
    """
    if status is None:
        return _end("killed", "unknown")
    signal = status & 0x7F
    if not signal:
        code = status >> 8 & 0xFF
        return _end("finished" if code == 0 else "failed", "exit", exit_code=code)
    if signal == _SIGINT:
        return _end("cancelled", "user", signal=signal)
    return _end("killed", "oom" if signal == _SIGKILL and is_oom else "signal", signal=signal)


def _end(state: EndState, cause: Cause, *, exit_code: int | None = None, signal: int | None = None) -> End:
    return End(state=state, cause=cause, witness="watcher", exit_code=exit_code, signal=signal)


def read_oom_kills(folder: Path | None) -> int:
    """Return how often the kernel has killed for memory in a control group; 0 where it does not tell.

    Args:
        folder: The group's folder, from `everbloom.capture.limits.find_group`.
    """
    if folder is None:
        return 0
    for name in ("memory.events", "memory.oom_control"):
        with contextlib.suppress(OSError):
            if found := _OOM_KILLS.search((folder / name).read_text()):
                return int(found[1])
    return 0
