"""Bytes on disk a point of a closed run: its pack, which is the truth, and its share of the series index.

10 metrics x 100,000 steps as DESIGN.md section 10 asks. The floor writes the same rows as JSON lines.
"""

import json
import sys
from pathlib import Path

import numpy as np

from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.core.records import End, Start
from everbloom.index.database import open_database
from everbloom.index.series import SeriesStore
from everbloom.ingest.packing import pack_run
from everbloom.journal.writer import JournalWriter
from everbloom.testing.packs import feed_journals
from harness import Row, report, size_of, temporary_root

ROWS, METRICS = 100_000, 10
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


def main() -> int:
    """Print the bytes of a closed run."""
    with temporary_root() as root:
        return report(f"Closed run, {METRICS} metrics x {ROWS:,} steps, bytes a point", measure(root))


if __name__ == "__main__":
    sys.exit(main())
