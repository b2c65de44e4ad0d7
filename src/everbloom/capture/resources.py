"""What a process and all its descendants use: processor, memory, disk, network; read from /proc.

Read by hand and not through psutil: a reading a second of a tree of twenty processes must stay far below 1 % of
a core, and the watcher below 30 MB. Totals never fall: what a child used counts in its parent once the parent has
taken note of its end, and until then the last known total stands. Network totals are those of the process's
network namespace without loopback; memory is resident pages, so pages that children share count in each.
"""

import contextlib
import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TOTALS = {
    "disk.read.bytes": "system/disk.read.bytes",
    "disk.write.bytes": "system/disk.write.bytes",
    "network.received.bytes": "system/network.received.bytes",
    "network.sent.bytes": "system/network.sent.bytes",
}


class ResourceMeter:
    """Readings of one process tree, each compared with the one before."""

    def __init__(self, pid: int, *, proc: Path = Path("/proc")) -> None:
        """Prepare to read the tree below a process; `proc` is where the kernel tells of processes."""
        self._pid = pid
        self._proc = proc
        self._cpu_ticks = 0
        self._read_at_s: float | None = None
        self._first: dict[str, int] = {}
        self._highest: dict[str, int] = {}

    def read(self, monotonic_s: float) -> dict[str, float]:
        """Return the tree's use by metric; empty where the process is gone.

        Args:
            monotonic_s: The time of the reading; processor use is since the reading before, so the first
                reading has none.

        Totals count from the first reading.
        """
        pids = self._list_tree()
        stats = [stat for pid in pids if (stat := self._read_stat(pid))]
        if not stats:
            return {}
        values = {
            "system/memory.bytes": float(sum(stat[2] for stat in stats) * _PAGE_BYTES),
            "system/processes": float(len(stats)),
            "system/threads": float(sum(stat[1] for stat in stats)),
        }
        ticks = max(sum(stat[0] for stat in stats), self._cpu_ticks)
        if self._read_at_s is not None and monotonic_s > self._read_at_s:
            used_s = (ticks - self._cpu_ticks) / _TICKS
            values["system/cpu.percent"] = round(100 * used_s / (monotonic_s - self._read_at_s), 2)
        self._cpu_ticks, self._read_at_s = ticks, monotonic_s
        for name, total in self._read_totals(pids).items():
            first = self._first.setdefault(name, total)
            self._highest[name] = max(total, self._highest.get(name, total))
            values[_TOTALS[name]] = float(self._highest[name] - first)
        return values

    def _list_tree(self) -> list[int]:
        found, seen = [self._pid], {self._pid}
        for pid in found:  # grows while it is walked
            with contextlib.suppress(OSError):
                for task in os.listdir(f"{self._proc}/{pid}/task"):  # noqa: PTH208 - names are wanted
                    with contextlib.suppress(OSError):
                        for child in map(int, _read(f"{self._proc}/{pid}/task/{task}/children").split()):
                            if child not in seen:
                                seen.add(child)
                                found.append(child)
        return found

    def _read_stat(self, pid: int) -> tuple[int, int, int] | None:
        """Return (ticks used with ended children, threads, resident pages)."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = _read(f"{self._proc}/{pid}/stat")
            fields = text[text.rindex(b")") + 2 :].split()
            if fields[0] in (b"Z", b"X"):
                return None
            return sum(map(int, fields[11:15])), int(fields[17]), int(fields[21])
        return None

    def _read_totals(self, pids: list[int]) -> dict[str, int]:
        totals: dict[str, int] = {}
        for pid in pids:
            with contextlib.suppress(OSError, ValueError):
                for line in _read(f"{self._proc}/{pid}/io").splitlines():
                    key, _, value = line.partition(b": ")
                    if key in (b"read_bytes", b"write_bytes"):
                        name = "disk.read.bytes" if key == b"read_bytes" else "disk.write.bytes"
                        totals[name] = totals.get(name, 0) + int(value)
        with contextlib.suppress(OSError, ValueError, IndexError):
            received = sent = 0
            for line in _read(f"{self._proc}/{self._pid}/net/dev").splitlines()[2:]:
                device, _, numbers = line.partition(b":")
                if device.strip() != b"lo":
                    fields = numbers.split()
                    received, sent = received + int(fields[0]), sent + int(fields[8])
            totals |= {"network.received.bytes": received, "network.sent.bytes": sent}
        return totals


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, 65_536)
    finally:
        os.close(handle)
