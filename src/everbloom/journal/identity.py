"""Who is who on a machine: host, boot and process, so that a writer's death can be proved and not guessed.

A pid alone proves nothing, because pids are used again: a process is the same one only if boot id and start
time agree too. Where they cannot be read (another host, no /proc), the answer is "unknown".
"""

import os
import socket
from functools import lru_cache
from pathlib import Path

import xxhash

# Linux gives the first namespace of process ids this name on every machine (PROC_PID_INIT_INO).
_FIRST_NAMESPACE = "pid:[4026531836]"


@lru_cache(maxsize=1)
def host_id() -> int:
    """Return xxh3-64 of the machine's id; of its name where it has no id.

    A container with process ids of its own is a host of its own, by its namespace: two from one image often share
    machine id and boot, and each would take the other's writers for dead and cut the segments under them.
    """
    machine = _read("/etc/machine-id") or socket.gethostname().encode()
    namespace = _read_link("/proc/self/ns/pid")
    if namespace not in ("", _FIRST_NAMESPACE):
        machine += namespace.encode()
    return xxhash.xxh3_64_intdigest(machine)


@lru_cache(maxsize=1)
def boot_id() -> int:
    """Return xxh3-64 of this boot's id; 0 where the system has none."""
    text = _read("/proc/sys/kernel/random/boot_id")
    return xxhash.xxh3_64_intdigest(text) if text else 0


def process_start(pid: int) -> int:
    """Return a process's start in clock ticks since boot; 0 where it does not run or cannot be asked."""
    stat = _read(f"/proc/{pid}/stat")
    # The second field is the command in parentheses and may itself hold spaces and parentheses.
    fields = stat[stat.rfind(b")") + 2 :].split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return 0
    return int(fields[19])


def is_process_alive(pid: int, *, start: int, host: int, boot: int) -> bool | None:
    """Tell whether that very process still runs; None where this host cannot know."""
    if host != host_id():
        return None
    if not boot or not boot_id():
        return None
    if boot != boot_id():
        return False
    now = process_start(pid)
    if now:
        return now == start or not start
    return False if Path("/proc/self/stat").exists() else None


def user_name() -> str:
    """Return the system's name of the current user, else its number."""
    try:
        import pwd  # not on every platform

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _read_link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes().strip()
    except OSError:
        return b""
