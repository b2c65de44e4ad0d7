"""Finding runs: filter, range, sort and the first 100, and what a cold look from the terminal costs.

    python bench/bench_search.py [--runs 100000,1000000] [--postgres ADDRESS] [--json]

The floor is what a tracker on SQLite does: one row an attribute, indexed by key and value, in the same process and on
the same values. Both answer the same question: how many runs match, which 100 come first, and all attributes of
these. Runs are generated straight into the index. Without an address a PostgreSQL is started where one is found.
"""

import argparse
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from everbloom.core.settings import Settings
from everbloom.index.documents import to_cells
from everbloom.index.store import open_index
from everbloom.query.reader import Reader, RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.many_runs import index_many, iter_documents
from everbloom.testing.postgres import find_postgres, running_postgres
from harness import Row, best_of, report, temporary_root

QUERY = RunQuery("params.optimizer = adam and metrics.val/acc.max > 0.9", sort="-metrics.val/acc.max", archived=None)
COLD_RUNS = 100_000
CLI_CPU_S = 0.5
ROUNDS = 7

FLOOR_MATCHES = """
    SELECT a.run, a.number FROM attribute a JOIN attribute b ON b.run = a.run AND b.key = 'params.optimizer'
    WHERE a.key = 'metrics.val/acc.max' AND a.number > 0.9 AND b.text = 'adam' ORDER BY a.number DESC"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", default="100000,1000000", help="how many runs, by comma")
    parser.add_argument("--postgres", help="the address of a PostgreSQL server")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    with contextlib.ExitStack() as stack:
        places: list[tuple[str, Path | str]] = [("SQLite", stack.enter_context(temporary_root()))]
        if options.postgres or find_postgres():
            places.append(("PostgreSQL", options.postgres or stack.enter_context(running_postgres(find_postgres()))))
        for count in map(int, options.runs.split(",")):
            for engine, place in places:
                rows += measure(engine, place, count)
    return report("Finding runs", rows)


def measure(engine: str, place: Path | str, count: int) -> list[Row]:
    with temporary_root() as root, fresh_store_database(place) as database:
        settings = Settings(root=root, database=database)
        with open_index(root, database) as index:
            index_many(index, count)
        with open_reader(settings) as reader, floor_database(root, count) as floor:
            rows = measure_search(engine, reader, floor, count)
        if engine == "SQLite" and count == COLD_RUNS:
            rows += measure_cold(settings)
        return rows


def measure_search(engine: str, reader: Reader, floor: sqlite3.Connection | None, count: int) -> list[Row]:
    contenders = {"columns": lambda: read_afresh(reader), "cached": lambda: reader.list_runs(QUERY)}
    if floor is not None:
        contenders["floor"] = lambda: ask_floor(floor)
        check_agreement(reader, floor)
    took = {name: seconds * 1e3 for name, seconds in best_of(ROUNDS, contenders).items()}
    name = f"{count:,} runs × 50 keys, {engine}"
    limit = 0.1 if floor is not None else 20.0
    return [
        Row(f"{name}: columns read", took["columns"], "ms", limit, took.get("floor")),
        Row(f"{name}: columns kept", took["cached"], "ms", limit, took.get("floor")),
    ]


def read_afresh(reader: Reader) -> None:
    reader.readable.forget_columns()
    reader.list_runs(QUERY)


@contextlib.contextmanager
def floor_database(root: Path, count: int) -> Iterator[sqlite3.Connection | None]:
    """Yield indexed attribute rows of the same runs; None beyond what takes minutes to build."""
    if count > COLD_RUNS:
        yield None
        return
    with contextlib.closing(sqlite3.connect(root / "floor.db")) as connection:
        connection.execute("CREATE TABLE attribute (run INTEGER, key TEXT, number REAL, text TEXT)")
        connection.executemany("INSERT INTO attribute VALUES (?, ?, ?, ?)", iter_attributes(count))
        connection.execute("CREATE INDEX by_number ON attribute (key, number, run)")
        connection.execute("CREATE INDEX by_text ON attribute (key, text, run)")
        connection.execute("CREATE INDEX by_run ON attribute (run, key)")
        connection.execute("ANALYZE")
        connection.commit()
        yield connection


def iter_attributes(count: int) -> Iterator[tuple[int, str, float | None, str | None]]:
    for run, document in enumerate(iter_documents(count)):
        for key, cell in to_cells(document).items():
            is_text = isinstance(cell, str)
            yield run, key, None if is_text else float(cell), cell if is_text else None


def ask_floor(floor: sqlite3.Connection) -> tuple[int, list[object]]:
    matches = floor.execute(FLOOR_MATCHES).fetchall()
    first = [run for run, _ in matches[:100]]
    marks = ", ".join("?" * len(first))
    return len(matches), floor.execute(f"SELECT * FROM attribute WHERE run IN ({marks})", first).fetchall()


def check_agreement(reader: Reader, floor: sqlite3.Connection) -> None:
    page = reader.list_runs(QUERY)
    total, _ = ask_floor(floor)
    if page.total != total:
        raise SystemExit(f"{page.total} runs match, but {total} on the floor: the benchmark compares nothing")


def measure_cold(settings: Settings) -> list[Row]:
    """Measure the CPU of a whole `everbloom ls`, process start included, beside that of an empty Python."""
    environment = {**os.environ, "EVERBLOOM_ROOT": str(settings.root)}
    command = [sys.executable, "-m", "everbloom.cli"]
    looks = {"ls": ["ls"], "ls, filtered and sorted": ["ls", QUERY.filter, f"--sort={QUERY.sort}"], "best": ["best"]}
    rows = []
    for name, words in looks.items():
        used = measure_cpu([*command, *words], environment)
        rows.append(Row(f"everbloom {name}, {COLD_RUNS:,} runs, cold", used, "s CPU", CLI_CPU_S))
    rows.append(Row("python -c pass", measure_cpu([sys.executable, "-c", "pass"], environment), "s CPU"))
    return rows


def measure_cpu(command: list[str], environment: dict[str, str]) -> float:
    best = float("inf")
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


if __name__ == "__main__":
    sys.exit(main())
