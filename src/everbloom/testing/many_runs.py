"""Very many runs, for benchmarks and tests: through real journals in minutes, or straight into the index in seconds.

`record_many` writes what training would have written, a journal a run, and leaves indexing to whoever looks first.
`index_many` writes the tables themselves, a block of 4,096 runs at a time: what a table of runs reads is as if the runs
had been recorded and indexed, but there are no series, texts or control records. The same seed gives the same runs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from everbloom.core.ids import RunId, default_name
from everbloom.core.values import guess_direction
from everbloom.index.blocks import BLOCK_RUNS, encode_block
from everbloom.index.columns import build_column
from everbloom.index.documents import Document, MetricSummary, encode_document, to_cells
from everbloom.index.store import Index
from everbloom.testing.stores import RunSpec, record_run

SECOND_US = 1_000_000
BENCH_START_US = 1_700_000_000_000_000


_STEPS = 8


def record_many(root: Path, count: int, *, keys: int = 50, seed: int = 0, project: str = "bench") -> None:
    """Record that many short runs through journals of their own; nothing of it is indexed until somebody reads.

    About 0.6 ms a run with 200 keys, and three times that when it is indexed.

    Args:
        root: The store's folder.
        count: How many runs.
        keys: About how many columns a table of them has, at least 40.
        seed: Of all values.
        project: The project they belong to, in namespace `local`.
    """
    rng = np.random.default_rng(seed)
    for number in range(count):
        drawn = rng.random(keys - 31).round(6).tolist()
        curves = np.sort(rng.random((len(_BENCH_METRICS), _STEPS)), axis=1)
        spec = RunSpec(
            fields={"project": project, "experiment": f"e{number % 20}"},
            params={f"p{i:02}": value for i, value in enumerate(drawn)} | {"optimizer": _OPTIMIZERS[number % 5]},
            metrics=dict(zip(_BENCH_METRICS, curves.tolist(), strict=True)),
            end="failed" if number % 17 == 0 else "finished",
        )
        record_run(root, spec, created_us=BENCH_START_US + number * 30 * SECOND_US)


def record_curves(
    root: Path, count: int, *, metrics: int = 20, points: int = 2000, project: str = "curves"
) -> list[RunId]:
    """Record runs with long curves, for pages that draw many of them; returns their ids."""
    steps = np.arange(points)
    return [
        record_run(
            root,
            RunSpec(
                fields={"project": project, "name": f"curves-{number}"},
                params={"lr": number / 100},
                metrics={
                    f"m{i:02}": (np.exp(-steps / (200 + 40 * i)) + np.sin(steps * (i + 1)) / 20 + number / 50).tolist()
                    for i in range(metrics)
                },
            ),
        )
        for number in range(count)
    ]


def index_many(index: Index, count: int, *, keys: int = 50, seed: int = 0, project: str = "bench") -> None:
    """Write that many runs straight into an index, without journals: documents, column blocks, projects.

    Much faster than indexing journals and equal to it in what a table of runs reads; there are no series, texts or
    control records. Values are drawn from the seed.

    Args:
        index: Open for writing, without runs of that project.
        count: How many runs.
        keys: About how many attributes a run has, at least 40.
        seed: Of all values.
        project: The project they belong to, in namespace `local`.
    """
    database = index.catalog_database
    with database.transaction():
        ((number,),) = database.execute(
            "INSERT INTO project (namespace, name, slots) VALUES ('local', ?, ?) RETURNING id", (project, count)
        )
    for block, documents in enumerate(_iter_blocks(count, keys, seed, project)):
        with database.transaction():
            _write_documents(index, number, block * BLOCK_RUNS, documents)
            _write_blocks(index, number, block, documents)
    with database.transaction():
        index.catalog.bump_version()
    database.execute("INSERT INTO meta (key, value) VALUES ('is_whole', 1) ON CONFLICT (key) DO NOTHING")


def iter_documents(count: int, *, keys: int = 50, seed: int = 0, project: str = "bench") -> Iterator[Document]:
    """Yield the documents that `index_many` writes for the same arguments."""
    for documents in _iter_blocks(count, keys, seed, project):
        yield from documents


def _iter_blocks(count: int, keys: int, seed: int, project: str) -> Iterator[list[Document]]:
    rng = np.random.default_rng(seed)
    for start in range(0, count, BLOCK_RUNS):
        yield _make_documents(rng, start, min(BLOCK_RUNS, count - start), keys - 31, project)


_OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop", "lion")
_BENCH_METRICS = ("train/loss", "val/acc", "val/loss")


def _make_documents(rng: np.random.Generator, start: int, size: int, params: int, project: str) -> list[Document]:
    numbers = rng.random((size, params)).round(6).tolist()
    values = rng.random((size, len(_BENCH_METRICS), 3))
    values.sort(axis=2)
    choices = rng.integers(0, len(_OPTIMIZERS), size).tolist()
    tails = rng.integers(0, 2**60, size).tolist()
    documents = []
    for row in range(size):
        created = BENCH_START_US + (start + row) * 30 * SECOND_US
        run = RunId(f"{created // 1000:012x}7{start + row & 0xFFF:03x}8{tails[row]:015x}")
        attributes: dict[str, Any] = {
            "id": run,
            "name": default_name(run),
            "namespace": "local",
            "project": project,
            "experiment": f"e{row % 20}",
            "state": "failed" if row % 17 == 0 else "finished",
            "created": created,
            "archived": row % 50 == 0,
            "duration": 60.0 + row % 600,
            "params.optimizer": _OPTIMIZERS[choices[row]],
        }
        attributes.update((f"params.p{i:02}", number) for i, number in enumerate(numbers[row]))
        metrics = {name: _make_summary(name, *values[row, i].tolist()) for i, name in enumerate(_BENCH_METRICS)}
        documents.append(Document(attributes, metrics))
    return documents


def _make_summary(name: str, low: float, middle: float, high: float) -> MetricSummary:
    direction = guess_direction(name)
    best = low if direction == "min" else high
    return MetricSummary(1000, high, middle, low, high, middle, best, direction, True, 999)


def _write_documents(index: Index, project: int, start: int, documents: Sequence[Document]) -> None:
    index.catalog_database.execute_many(
        "INSERT INTO run (id, id_reversed, name, project, slot, created, is_open, pending_since, was_folded, document) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, NULL, 1, ?)",
        (
            (
                document.attributes["id"],
                document.attributes["id"][::-1],
                document.attributes["name"],
                project,
                start + row,
                document.attributes["created"],
                encode_document(document),
            )
            for row, document in enumerate(documents)
        ),
    )


def _write_blocks(index: Index, project: int, block: int, documents: Sequence[Document]) -> None:
    rows = [to_cells(document) for document in documents]
    index.catalog_database.execute_many(
        "INSERT INTO column_block (project, key, block, payload) VALUES (?, ?, ?, ?)",
        ((project, key, block, encode_block(build_column([row[key] for row in rows]))) for key in rows[0]),
    )
