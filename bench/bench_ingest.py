"""How fast journals become an index: points a second and core, small runs a second, and memory.

The floor is `json.loads` of the same rows as JSON lines: what a server does at least that takes rows in as JSON, and
then has neither stored nor sorted anything. Every measurement is a process of its own, so that its CPU is all there
is and its peak memory is its own.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from everbloom.core import layout
from everbloom.core.clock import cpu_s, now_us
from everbloom.core.ids import new_run_id
from everbloom.core.records import Console, End, Params, Set, Start
from everbloom.journal.writer import JournalWriter
from harness import Row, best_of, report, temporary_root

POINTS = 2_000_000
SMALL_RUNS = 2_000
MEMORY_MB = 300
DAY_US = 86_400_000_000

_TEN = [f"train/metric_{i}" for i in range(10)]


def _ten_keys(step: int) -> dict[str, float]:
    return {name: step * 0.001 + i for i, name in enumerate(_TEN)}


def _one_key(step: int) -> dict[str, float]:
    return {"loss": 1.0 / (step + 1)}


def _alternating(step: int) -> dict[str, float]:
    """Ten keys mostly, three others every tenth step: what a loop with an evaluation logs."""
    if step % 10:
        return _ten_keys(step)
    return {"val/loss": step * 0.5, "val/acc": 0.9, "epoch": float(step // 10)}


SHAPES: dict[str, tuple[Callable[[int], dict[str, float]], int]] = {
    "10 keys a row": (_ten_keys, POINTS // 10),
    "1 key a row": (_one_key, POINTS // 2),
    "key sets in turn": (_alternating, POINTS // 10),
}


def main() -> int:
    """Measure, print and tell whether the promises hold."""
    rows = [row for name, (make, count) in SHAPES.items() for row in _measure_shape(name, make, count)]
    rows.append(_measure_small_runs())
    return report("Ingest: from journals to an index on SQLite, one process, one core", rows)


def _measure_shape(name: str, make: Callable[[int], dict[str, float]], count: int) -> Iterator[Row]:
    with temporary_root() as root:
        points = _write_run(root, make, count)
        answer = min((_index_in_child(root) for _ in range(3)), key=lambda found: found["cpu_s"])
        assert answer["points"] == points
    lines = [json.dumps({"step": step, "time": now_us(), "values": make(step)}) for step in range(20_000)]
    decoded = sum(len(make(step)) for step in range(20_000))
    floor_s = best_of(3, {"floor": lambda: [json.loads(line) for line in lines]})["floor"]
    rate = points / answer["cpu_s"]
    yield Row(f"{name}: points a second and core", rate, "points/s", promise=1e6, at_least=True)
    yield Row(f"{name}: CPU a point", answer["cpu_s"] / points * 1e6, "µs", floor=floor_s / decoded * 1e6)
    yield Row(f"{name}: peak memory", answer["peak_mb"], "MB", promise=MEMORY_MB)


def _measure_small_runs() -> Row:
    with temporary_root() as root:
        for number in range(SMALL_RUNS):
            _write_small_run(root, number)
        answer = _index_in_child(root)
    note = f"{SMALL_RUNS} runs of 10 rows, 8 parameters and 3 lines each; peak {answer['peak_mb']:.0f} MB"
    return Row("small runs a second", SMALL_RUNS / answer["cpu_s"], "runs/s", promise=500, at_least=True, note=note)


def _open(root: Path, time_us: int) -> JournalWriter:
    return JournalWriter.open(root, new_run_id(time_us), Start(kind="process"))


def _write_run(root: Path, make: Callable[[int], dict[str, float]], count: int) -> int:
    writer, points = _open(root, now_us()), 0
    for step in range(count):
        values = make(step)
        points += len(values)
        writer.append_row(step, None, values)
    writer.append(End(state="finished", cause="exit", witness="process", explicit=True))
    writer.close()
    return points


def _write_small_run(root: Path, number: int) -> None:
    writer = _open(root, now_us() - DAY_US + number * 1_000)
    writer.append(Set(fields={"name": f"run-{number}", "project": f"p{number % 3}", "experiment": f"e{number % 10}"}))
    writer.append(Params(values={f"p{i}": number * i / 7 for i in range(7)} | {"optimizer": "adam"}))
    for step in range(10):
        writer.append_row(step, None, {"loss": 1 / (step + 1), "val/acc": step / 10})
    writer.append(Console(text="started\nepoch 1\ndone\n"))
    writer.append(End(state="finished", cause="exit", witness="process", explicit=True))
    writer.close()


def _index_in_child(root: Path) -> Mapping[str, float]:
    command = [sys.executable, __file__, "--index", str(root)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout)
    return found


def _index(root: Path) -> None:
    """Index a store anew and print what that took; the process that `_index_in_child` starts."""
    import shutil

    from everbloom.ingest.indexer import Indexer

    shutil.rmtree(root / "index", ignore_errors=True)
    layout.workspace_path(root).unlink(missing_ok=True)
    before_s = cpu_s()
    indexer = Indexer(root)
    found = indexer.catch_up()
    indexer.close()
    print(json.dumps({"cpu_s": cpu_s() - before_s, "points": found.points, "peak_mb": _read_peak_mb()}))


def _read_peak_mb() -> float:
    """Return this process's highest resident memory; `ru_maxrss` would be inherited from the one that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    if "--index" in sys.argv:
        _index(Path(sys.argv[-1]))
    else:
        sys.exit(main())
