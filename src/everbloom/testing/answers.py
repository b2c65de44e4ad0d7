"""Everything that an index can be asked, as one comparable value: two indexes are equal if their answers are."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from everbloom.core.ids import RunId
from everbloom.index.attribute_columns import ColumnSnapshot
from everbloom.index.columns import MISSING_CELL, cell_at
from everbloom.index.ranks import Reduce
from everbloom.index.store import Index
from everbloom.index.window import SeriesKey, Window
from everbloom.ingest.forks import read_shares
from everbloom.ingest.runs import read_folded


def read_answers(index: Index) -> dict[str, Any]:
    """Ask an index everything: documents, columns, records, series, charts, console, text."""
    runs = [RunId(row[0]) for row in index.catalog_database.execute("SELECT id FROM run WHERE id_reversed <> ''")]
    answers: dict[str, Any] = {run: _read_run(index, run) for run in sorted(runs)}
    answers["projects"] = sorted(
        (p.namespace, p.name) for p in index.catalog.read_projects() if _holds_runs(index, p.id)
    )
    answers["columns"] = _read_columns(index)
    projects = [project.id for project in index.catalog.read_projects()]
    for words in ("run-1", "straße", "boom", "to see", "sgd"):
        answers[f"search {words}"] = [match.run for match in index.text.find_runs(words, projects)]
        answers[f"console {words}"] = sorted(index.console.find_runs(words))
    return answers


def _holds_runs(index: Index, project: int) -> bool:
    rows = index.catalog_database.execute(
        "SELECT COUNT(*) FROM run WHERE project = ? AND id_reversed <> ''", (project,)
    )
    return bool(rows[0][0])


def _read_run(index: Index, run: RunId) -> dict[str, Any]:
    folded, _ = read_folded(index, run, boot="", monotonic_s=0.0)
    answers: dict[str, Any] = {
        "document": repr(index.catalog.read_run(run).document),
        "history": folded.history,
        "problems": folded.problems,
        "controls": index.catalog.read_controls(run),
        "damage": index.catalog.read_damage(run),
        "console": "".join(index.console.iter_text(run)),
        "lines": index.console.count_lines(run),
        "tail": index.console.read_tail(run, 7),
        "grep": list(index.console.find_lines(run, "STRASSE")),
    }
    shares = read_shares(index.catalog, index.catalog.read_namespaces([run]))
    answers["shares"] = shares
    reach = [index.series.read_reach(source, shared.limits) for shared in shares.values() for source in shared.runs]
    answers["reach"] = reach
    for info in index.series.list_metrics(run, folded.cutoffs, shares):
        for rank in (*info.ranks, None):
            how: Reduce | None = "mean" if rank is None else None
            key = SeriesKey(run, info.metric, rank, how)
            series = index.series.read_series(*key[:3], folded.cutoffs, shares, reduce=how)
            arrays = (series.steps, series.times, series.values, series.greyed, series.low, series.high)
            answers[f"{key}"] = [None if array is None else array.tobytes() for array in arrays]
            for smoothing in (None, 0.9):
                window = Window(columns=50, smoothing=smoothing)
                found = index.series.read_window([key], window, folded.cutoffs, shares)
                answers[f"{key} chart {smoothing}"] = _to_exact(found)
    return answers


def _to_exact(part: Any) -> Any:
    """Return a value that compares by every bit, NaN equal to itself."""
    if isinstance(part, np.ndarray):
        return part.dtype.str, part.shape, part.tobytes()
    if is_dataclass(part):
        return [_to_exact(getattr(part, field.name)) for field in fields(part)]
    return [_to_exact(inner) for inner in part] if isinstance(part, tuple) else repr(part)


def _read_columns(index: Index) -> dict[str, list[Any]]:
    """Return every column, its cells by run id, so that places may differ."""
    projects = index.catalog.read_projects()
    keys = index.columns.read_keys([project.id for project in projects])
    with index.catalog_database.snapshot():
        snapshot = ColumnSnapshot(index.columns, projects)
        ids = snapshot.read_column("id")
        columns: dict[str, list[Any]] = {}
        for key in keys:
            column = snapshot.read_column(key)
            if column is None or ids is None:
                continue
            cells = [(cell_at(ids, row), cell_at(column, row)) for row in range(snapshot.size)]
            columns[key] = sorted((str(run), repr(cell)) for run, cell in cells if cell is not MISSING_CELL)
    return columns
