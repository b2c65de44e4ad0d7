"""The series store: bytes and time a point, a million points at chart width, last values, append rate.

Curves are what training gives: a decay with noise, rounded to float32, and a clock with jitter. "Cold" is a
newly opened database in a warm file cache.
"""

import sqlite3
import sys
from pathlib import Path

import numpy as np

from everbloom.core.ids import RunId, WriterId
from everbloom.index.database import open_database
from everbloom.index.series import SeriesKey, SeriesStore, Window
from harness import Row, best_of, report, size_of, temporary_root

MILLION = 1_000_000
T0 = 1_700_000_000_000_000
RUN, WRITER = RunId("0" * 32), WriterId("0" * 16)
TEN = tuple(f"train/metric_{i}" for i in range(10))


def curves(rows: int, metrics: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(rows) / (rows / 3))[:, np.newaxis]
    return (decay + rng.normal(0, 0.02, (rows, metrics))).astype(np.float32).astype(np.float64)


def clock_of(rows: int, seed: int = 0) -> np.ndarray:
    return T0 + np.cumsum(np.random.default_rng(seed).gamma(4, 250, rows)).astype(np.int64)


def fill(path: Path, names: tuple[str, ...], values: np.ndarray) -> None:
    steps = np.arange(len(values))
    with open_database(path) as database:
        store = SeriesStore(database)
        store.ensure_schema()
        with database.transaction():
            store.append_rows(RUN, WRITER, 0, names, steps, clock_of(len(values)), steps, values)
            store.finish_writer(RUN, WRITER)


def fill_floor(path: Path, values: np.ndarray) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE points (metric INTEGER, step INTEGER, time INTEGER, value REAL)")
    times = clock_of(len(values)).tolist()
    for metric in range(values.shape[1]):
        column = values[:, metric].tolist()
        rows = zip([metric] * len(column), range(len(column)), times, column, strict=True)
        connection.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", rows)
    connection.execute("CREATE INDEX by_metric ON points (metric, step)")
    connection.commit()
    connection.close()


def read_floor(path: Path) -> None:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT step, time, value FROM points WHERE metric = 0 ORDER BY step").fetchall()
    assert len(rows) == MILLION
    connection.close()


def with_store(path: Path, ask) -> None:
    with open_database(path, read_only=True) as database:
        ask(SeriesStore(database))


def measure_reading(root: Path) -> list[Row]:
    values = curves(MILLION, 1)
    fill(root / "million.db", ("loss",), values)
    fill_floor(root / "rows.db", values)
    key = [SeriesKey(RUN, "loss")]
    ours, smoothed = Window(columns=1200), Window(columns=1200, smoothing=0.9)
    zoomed = Window(columns=1200, low=400_000, high=400_500)
    slow = {
        "floor": lambda: read_floor(root / "rows.db"),
        "smooth": lambda: with_store(root / "million.db", lambda s: s.read_window(key, smoothed)),
        "full": lambda: with_store(root / "million.db", lambda s: s.read_series(RUN, "loss")),
    }
    quick = {
        "window": lambda: with_store(root / "million.db", lambda s: s.read_window(key, ours)),
        "zoom": lambda: with_store(root / "million.db", lambda s: s.read_window(key, zoomed)),
    }
    best = best_of(5, slow) | best_of(40, quick)
    per_point = 1e6 / MILLION
    return [
        Row("1 M points at 1,200 columns, cold", best["window"] * 1e3, "ms", promise=2.0),
        Row("500 of 1 M points, cold", best["zoom"] * 1e3, "ms", promise=2.0),
        Row("1 M points smoothed at 1,200 columns", best["smooth"] * 1e3, "ms"),
        Row("in full, a point", best["full"] * per_point, "µs", promise=0.05),
        Row("in full, against SQLite rows", best["full"] * per_point, "µs", floor=best["floor"] * per_point),
    ]


def measure_bytes(root: Path) -> list[Row]:
    values = curves(100_000, 10)
    (root / "ours").mkdir()
    (root / "floor").mkdir()
    fill(root / "ours" / "series.db", TEN, values)
    fill_floor(root / "floor" / "rows.db", values)
    points = values.size
    return [
        Row(
            "bytes a point, 10 metrics x 100,000 steps",
            size_of(root / "ours") / points,
            "B",
            promise=4.0,
            note="the series database alone, chunks in it; a floor of SQLite rows takes "
            f"{size_of(root / 'floor') / points:.1f}",
        )
    ]


def measure_appending(root: Path) -> list[Row]:
    values = curves(100_000, 10)
    numbers = iter(range(1000))
    best = best_of(
        3,
        {
            "ours": lambda: fill(root / f"append{next(numbers)}.db", TEN, values),
            "floor": lambda: fill_floor(root / f"append{next(numbers)}.db", values),
        },
    )
    return [
        Row(
            "append, 10 metrics a row",
            values.size / best["ours"] / 1e6,
            "M points/s",
            promise=5.0,
            at_least=True,
            note=f"a floor of SQLite rows takes {values.size / best['floor'] / 1e6:.2f} M points/s",
        )
    ]


def measure_last_values(root: Path) -> list[Row]:
    path, runs = root / "thousand.db", [RunId(f"{i:032x}") for i in range(1000)]
    steps = np.arange(100)
    with open_database(path) as database:
        store = SeriesStore(database)
        store.ensure_schema()
        with database.transaction():
            for i, run in enumerate(runs):
                writer, values = WriterId(f"{i:016x}"), curves(100, 10, i)
                store.append_rows(run, writer, 0, TEN, steps, clock_of(100), steps, values)
    best = best_of(
        7,
        {"one": lambda: with_store(path, lambda s: s.read_summaries(runs, metrics=[TEN[0]]))},
    )
    return [Row("last value of a metric of 1,000 runs, cold", best["one"] * 1e3, "ms", promise=10.0)]


def main() -> int:
    rows: list[Row] = []
    for measure in (measure_bytes, measure_reading, measure_last_values, measure_appending):
        with temporary_root() as root:
            rows += measure(root)
    return report("Series", rows)


if __name__ == "__main__":
    sys.exit(main())
