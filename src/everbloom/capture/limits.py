"""What a process may use at most: processors and memory, from its control group, its limits and the machine.

Control groups of version 1 and 2; of nested groups the tightest limit counts. Whatever cannot be read is left
out, never guessed.
"""

import contextlib
import os
import resource
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED_BYTES = 1 << 60  # version 1 writes "no limit" as a number near 2^63


def find_group(pid: int, controller: str, *, mount: Path = _CGROUPS, proc: Path = Path("/proc")) -> Path | None:
    """Return the folder of a process's control group for `memory` or `cpu`; None where there is none."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return _first_folder(mount / controller, path)
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers and (mount / "cgroup.controllers").exists():
            return _first_folder(mount, path)
    return None


def _first_folder(mount: Path, path: str) -> Path | None:
    # In a container the path may be the host's, while only the group itself is mounted.
    for folder in (mount / path.lstrip("/"), mount):
        if folder.is_dir():
            return folder
    return None


def read_limits(pid: int, *, mount: Path = _CGROUPS, proc: Path = Path("/proc")) -> dict[str, float]:
    """Return the limits of a process by resource metric: `system/cpu.percent` and `system/memory.bytes`."""
    memory = [
        *_iter_memory(find_group(pid, "memory", mount=mount, proc=proc), mount),
        *_read_machine_memory(proc),
        *_read_memory_rlimit(pid),
    ]
    processors = [*_iter_cpu_quota(find_group(pid, "cpu", mount=mount, proc=proc), mount), *_read_affinity(pid)]
    limits: dict[str, float] = {}
    if processors:
        limits["system/cpu.percent"] = 100.0 * min(processors)
    if memory:
        limits["system/memory.bytes"] = float(min(memory))
    return limits


def _iter_up(folder: Path | None, mount: Path) -> list[Path]:
    if folder is None:
        return []
    return [f for f in (folder, *folder.parents) if f == mount or mount in f.parents]


def _iter_memory(folder: Path | None, mount: Path) -> list[float]:
    found = []
    for group in _iter_up(folder, mount):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with contextlib.suppress(OSError, ValueError):  # "max", or no such file
                if (value := int((group / name).read_text())) < _UNLIMITED_BYTES:
                    found.append(float(value))
    return found


def _iter_cpu_quota(folder: Path | None, mount: Path) -> list[float]:
    found = []
    for group in _iter_up(folder, mount):
        with contextlib.suppress(OSError, ValueError):
            quota, period = (group / "cpu.max").read_text().split()
            found.append(int(quota) / int(period))
        with contextlib.suppress(OSError, ValueError):
            quota_us = int((group / "cpu.cfs_quota_us").read_text())
            if quota_us > 0:
                found.append(quota_us / int((group / "cpu.cfs_period_us").read_text()))
    return found


def _read_machine_memory(proc: Path) -> list[float]:
    with contextlib.suppress(OSError):
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                return [float(line.split()[1]) * 1024]
    return []


def _read_memory_rlimit(pid: int) -> list[float]:
    with contextlib.suppress(OSError, AttributeError):
        soft, _ = resource.prlimit(pid, resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            return [float(soft)]
    return []


def _read_affinity(pid: int) -> list[float]:
    with contextlib.suppress(OSError, AttributeError):
        return [float(len(os.sched_getaffinity(pid)))]
    return [float(os.cpu_count() or 1)]
