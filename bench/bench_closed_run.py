"""What a closed run costs on disk: bytes a point, and inodes, its small files and media among them.

Bytes: its pack, which is the truth, and its share of the series index, of 10 metrics x 100,000 steps as DESIGN.md
section 10 asks; the floor writes the same rows as JSON lines. Inodes: of a thousand runs that each kept a picture, a
table, a long note and a file, all below 64 KiB, before and after they are packed; DESIGN.md section 3 promises fewer
than 150,000 for 100,000 closed runs, everything else in the store counted.
"""

import json
import sys
from pathlib import Path

import numpy as np

from everbloom.artifacts.local import store_bytes
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.core.records import End, File, Media, Note, Start
from everbloom.index.database import open_database
from everbloom.index.series import SeriesStore
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.packing import pack_run
from everbloom.journal.writer import JournalWriter
from everbloom.testing.packs import feed_journals
from harness import Row, report, size_of, temporary_root

ROWS, METRICS = 100_000, 10
RUNS = 1_000
T0 = 1_700_000_000_000_000


def record(root: Path, floor: Path) -> RunId:
    """Write one run's journal and the same rows as JSON lines."""
    run, rng = new_run_id(now_us()), np.random.default_rng(0)
    names = [f"train/metric_{i}" for i in range(METRICS)]
    decay = np.exp(-np.arange(ROWS) / (ROWS / 3))[:, np.newaxis]
    values = (decay + rng.normal(0, 0.02, (ROWS, METRICS))).astype(np.float32).astype(float).tolist()
    times = (T0 + np.cumsum(rng.gamma(4, 250, ROWS))).astype(np.int64).tolist()
    writer = JournalWriter.open(root, run, Start(kind="process"))
    with floor.open("w") as file:
        for step in range(ROWS):
            row = dict(zip(names, values[step], strict=True))
            writer.append_row(step, times[step], row)
            file.write(json.dumps({"step": step, "time": times[step]} | row) + "\n")
    writer.append(End(state="finished", cause="exit", witness="process"))
    writer.close()
    return run


def measure(root: Path) -> list[Row]:
    """Record, index and pack one run; return its bytes a point."""
    store, floor, index = root / "store", root / "floor.jsonl", root / "series.db"
    run = record(store, floor)
    points = ROWS * METRICS
    live = size_of(store / "runs")
    with open_database(index) as database:
        series = SeriesStore(database)
        series.ensure_schema()
        feed_journals(store, run, series, database)
        pack_run(store, run, series, database)
    truth, derived, json_bytes = (
        size_of(store / "packs"),
        size_of(root) - size_of(store) - floor.stat().st_size,
        floor.stat().st_size,
    )
    return [
        Row("truth (pack)", truth / points, "B"),
        Row("index (series database)", derived / points, "B"),
        Row("total", (truth + derived) / points, "B", promise=4.0),
        Row("total against JSON lines", (truth + derived) / points, "B", floor=json_bytes / points),
        Row("while it ran (segments)", live / points, "B"),
    ]


def record_small(root: Path, number: int) -> None:
    """Record a run of 20 steps that keeps a picture, a table, a long note and a file, no two runs the same."""
    run, rng = new_run_id(now_us()), np.random.default_rng(number)
    writer = JournalWriter.open(root, run, Start(kind="process"))
    for step in range(20):
        writer.append_row(step, None, {"loss": float(rng.random())})
    for name, size in (("picture", 12_000), ("table", 20_000)):
        sha256, _ = store_bytes(root, rng.bytes(size), run=run, is_synced=False)
        kind = "image" if name == "picture" else "table"
        writer.append(Media(name=name, kind=kind, step=19, media_type="image/png", size=size, sha256=sha256))
    for path, size in (("notes/note.md", 18_000), ("out.csv", 40_000)):
        sha256, _ = store_bytes(root, rng.bytes(size), run=run, is_synced=False)
        writer.append(File(path=path, sha256=sha256, size=size))
    writer.append(Note(text=f"run {number}"))
    writer.append(End(state="finished", cause="exit", witness="process"))
    writer.close()


def measure_inodes(root: Path) -> list[Row]:
    """Record many small runs, index and pack them; return how many files and folders there are for each."""
    for number in range(RUNS):
        record_small(root, number)
    before = count_inodes(root)
    packing = pack_closed_runs(root, is_forced=True)
    assert len(packing.packed) == RUNS, packing.refused
    return [
        Row("open runs, each with 4 small files", before / RUNS, "inodes"),
        Row("the same runs packed", count_inodes(root) / RUNS, "inodes", promise=1.5),
    ]


def count_inodes(root: Path) -> int:
    """Count the files and folders below a folder."""
    return sum(1 for _ in root.rglob("*"))


def main() -> int:
    """Print the bytes and the inodes of closed runs."""
    with temporary_root() as one, temporary_root() as many:
        rows = measure(one) + measure_inodes(many)
    return report(
        f"Closed runs: bytes a point ({METRICS} metrics x {ROWS:,} steps), inodes a run ({RUNS:,} runs)", rows
    )


if __name__ == "__main__":
    sys.exit(main())
