"""Journals of every kind to pack, with small files, and the short way from a journal into a series store."""

import math
from pathlib import Path

import numpy as np

from everbloom.artifacts.local import store_bytes
from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, WriterId, new_run_id
from everbloom.core.records import Console, End, File, Media, Params, Record, Start, Tag
from everbloom.index.engine import Database
from everbloom.index.offsets import Offset
from everbloom.index.series import SeriesStore
from everbloom.journal.reader import iter_batches
from everbloom.journal.registry import iter_active, unregister_writer
from everbloom.journal.writer import JournalWriter

T0 = 1_700_000_000_000_000
BLOB_SIZES = (0, 1, 5000, 20_000, 65_535)
KEY_SETS = (("loss",), ("acc", "loss"), ("a b/c", "acc", "loss", "🌱"))


def write_journals(
    root: Path, seed: int, *, writers: int = 2, rows: int = 400, run: RunId | None = None, blobs: int = 0
) -> RunId:
    """Write journals of one run: several key sets, odd values, steps that repeat and go back, control records.

    Args:
        root: The store.
        seed: What all of it follows from but the ids.
        writers: How many journals.
        rows: In each of them.
        run: A run that is there already; None makes one.
        blobs: How many small files and media each writer keeps; some contents are kept by more than one.
    """
    rng = np.random.default_rng(seed)
    number = run or new_run_id(now_us())
    for rank in range(writers):
        start = Start(kind="rank" if rank else "process", rank=rank)
        writer = JournalWriter.open(root, number, start, is_mapped=bool(rng.integers(0, 2)))
        for i in range(rows):
            _write_some(writer, rng, i)
        for i in range(blobs):
            writer.append(_keep_some(root, number, rng, i), time_us=T0 + rows)
        writer.append(End(state="finished", cause="exit", witness="process"), time_us=T0 + rows)
        writer.close()
    return number


def _write_some(writer: JournalWriter, rng: np.random.Generator, i: int) -> None:
    draw = float(rng.random())
    if draw < 0.03:
        writer.append(_make_record(i), time_us=T0 + i)
    step = i if draw < 0.9 else int(rng.integers(0, i + 1))
    names = KEY_SETS[int(rng.choice(3, p=[0.7, 0.2, 0.1]))]
    values = rng.normal(size=len(names)).tolist()
    if draw > 0.95:
        values[0] = (math.nan, math.inf, -math.inf, -0.0, 5e-324)[int(rng.integers(0, 5))]
    writer.append_row(step, T0 + i * 1000, dict(zip(names, values, strict=True)))


def _keep_some(root: Path, run: RunId, rng: np.random.Generator, i: int) -> Record:
    """Keep a small content, one of few so that some are the same; returns the record that names it."""
    size = BLOB_SIZES[int(rng.integers(0, len(BLOB_SIZES)))]
    sha256, _ = store_bytes(root, bytes([int(rng.integers(0, 4))]) * size, run=run, is_synced=False)
    if i % 2:
        return Media(name="picture", kind="image", step=i, media_type="image/png", size=size, sha256=sha256)
    return File(path=f"out/{i} ünd.bin", sha256=sha256, size=size)


def _make_record(i: int) -> Record:
    kinds: tuple[Record, ...] = (
        Params(values={"lr": 0.1 * i, "name": "x" * (i % 50)}),
        Tag(add=[f"tag {i}"]),
        Console(text=f"line {i} 🌱\n" * 5, offset=i),
    )
    return kinds[i % len(kinds)]


def list_journals(root: Path, run: RunId) -> list[WriterId]:
    """Return the writers whose segments lie in the store."""
    folder = layout.spool_dir(root, run).with_name("journal")
    return sorted(WriterId(path.name) for path in folder.iterdir()) if folder.is_dir() else []


def feed_journals(root: Path, run: RunId, series: SeriesStore, database: Database) -> None:
    """Take a run's rows into a series store as an indexer does, and retire its journals."""
    for writer in list_journals(root, run):
        known = series.read_offset(writer)
        seen = known.rows if known else 0
        for batch in iter_batches(layout.journal_dir(root, run, writer), now_us=now_us()):
            with database.transaction():
                for rows in batch.rows:
                    fresh = rows.ordinals >= seen
                    series.append_rows(
                        run,
                        writer,
                        0,
                        rows.names,
                        rows.steps[fresh],
                        rows.times[fresh],
                        rows.ordinals[fresh],
                        rows.values[fresh],
                    )
                end = batch.end
                series.write_offset(writer, Offset(run, end.segment, end.byte, end.rows))
    for active, writer in list(iter_active(root)):
        if active == run:
            unregister_writer(root, run, writer)
