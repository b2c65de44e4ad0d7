"""Ten thousand generated filters give equal rows on SQLite, PostgreSQL and a plain Python oracle.

The runs go the whole way: recorded in journals and edits, indexed, half of them folded into column blocks and half
still in the row overlay. What each run holds is written down here from what was recorded, not read from the index.
"""

import math
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from everbloom.core.clock import now_us
from everbloom.core.ids import RunId
from everbloom.core.records import Like, Set, Tag
from everbloom.core.settings import Settings
from everbloom.core.values import guess_direction
from everbloom.index.columns import Cell
from everbloom.journal.edits import append_edit
from everbloom.query.evaluate import evaluate
from everbloom.query.language.printer import print_filter
from everbloom.query.order import order_rows
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.filters import NOW_US, generate_filter, generate_order, generate_runs, haystack_of, print_order
from everbloom.testing.oracle import matching_rows, sorted_rows
from everbloom.testing.stores import RunSpec, record_run

FILTERS = 10_000
RUNS = 48
# Journals refuse times beyond tomorrow, so a clock that is behind moves the runs, not the filters.
NOW = min(NOW_US, now_us())
_METRICS = ("loss", "val/acc", "my metric", "a.max", "system/memory.bytes")


def recorded_run(rng: random.Random, generated: dict[str, Cell]) -> tuple[RunSpec, int, dict[str, Cell]]:
    """Return what to record, when it starts, and the cells that an index must then hold."""
    created = NOW - (NOW_US - int(generated["created"])) // 1000 * 1000
    fields = {key: generated[key] for key in ("name", "project", "why") if generated.get(key) is not None}
    params = {key.removeprefix("params."): cell for key, cell in generated.items() if key.startswith("params.")}
    metrics = {name: logged_values(rng) for name in _METRICS if rng.random() < 0.7}
    tags = list(generated.get("tag") or [])
    end = rng.choice(("finished", "failed", "killed", "cancelled"))
    spec = RunSpec(
        fields=fields,
        params=params,
        tags=tags,
        note=str(generated.get("note") or ""),
        metrics=metrics,
        console=str(generated.get("console") or ""),
        end=end,
    )
    steps = max(map(len, metrics.values()), default=0)
    ended = created + (steps + 1) * 1_000_000
    cells: dict[str, Cell] = {
        **fields,
        "name": "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(fields["name"])),
        "namespace": "local",
        "experiment": "default",
        "state": end,
        "end.cause": "exit" if end == "finished" else "user",
        "created": created,
        "ended": ended,
        "duration": (ended - created) / 1e6,
        "archived": False,
        **{f"params.{name}": value for name, value in params.items()},
    }
    if tags:
        cells["tag"] = sorted(set(tags))
    for key in ("note", "console"):
        if generated.get(key):
            cells[key] = generated[key]
    for name, values in metrics.items():
        cells.update(summary_cells(name, values))
    return spec, created, cells


def logged_values(rng: random.Random) -> list[float]:
    pool = (0.0, -0.0, 1.0, 3.0, 0.001, -2.5, 1e300, math.inf, -math.inf, math.nan, rng.gauss(0, 1))
    return [rng.choice(pool) for _ in range(rng.randrange(1, 5))]


def summary_cells(name: str, values: list[float]) -> dict[str, Cell]:
    numbers = [value for value in values if not math.isnan(value)]
    summary: dict[str, Cell] = {
        "n": len(values),
        "first": values[0],
        "last": values[-1],
        "min": min(numbers, default=math.nan),
        "max": max(numbers, default=math.nan),
        "mean": mean_of(numbers),
    }
    direction = guess_direction(name)
    if direction is not None and numbers:
        summary["best"] = summary[direction]
    return {f"metrics.{name}.{word}": value for word, value in summary.items()}


def mean_of(numbers: list[float]) -> float:
    if not numbers or {math.inf, -math.inf} <= set(numbers):
        return math.nan
    return math.fsum(numbers) / len(numbers)


def edit_run(root: Path, rng: random.Random, run: RunId, cells: dict[str, Cell]) -> None:
    """Edit some runs as people do, and write down what that changes."""
    kind = rng.randrange(4)
    if kind == 0:
        append_edit(root, run, "ann", Set(fields={"archived": True}))
        cells["archived"] = True
    elif kind == 1:
        append_edit(root, run, "ann", Tag(add=["prod"], remove=["baseline"]))
        cells["tag"] = sorted((set(cells.get("tag") or []) - {"baseline"}) | {"prod"})  # type: ignore[arg-type]
    elif kind == 2:
        append_edit(root, run, "ann", Like(user="ann"))
        cells["likes"] = 1


def build_store(settings: Settings) -> list[dict[str, Cell]]:
    """Record runs, have one half folded and the other pending; returns every run's cells."""
    rng = random.Random(7)
    expected = []
    for number, generated in enumerate(generate_runs(5, RUNS)):
        spec, created, cells = recorded_run(rng, generated)
        run = RunId(f"{generated['id']}"[:12] + f"7{number:03x}" + f"{generated['id']}"[16:])
        record_run(settings.root, spec, run=run, created_us=created)
        cells["id"] = run
        edit_run(settings.root, rng, run, cells)
        cells["haystack"] = haystack(cells)
        expected.append(cells)
        if number == RUNS // 2:
            with open_reader(settings):
                pass  # the first catch-up of a store folds all that it finds
    return expected


def haystack(cells: dict[str, Cell]) -> str:
    return haystack_of({key: shown(cell) if key.startswith("params.") else cell for key, cell in cells.items()})


def shown(cell: Cell) -> Cell:
    """Return a parameter as it is searched for: 3.0 as 3, true and null in lower case."""
    if cell is None:
        return "null"
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return cell


@cache
def filters() -> tuple[list, list]:
    return [generate_filter(seed) for seed in range(FILTERS)], [generate_order(seed) for seed in range(FILTERS)]


@pytest.fixture
def settings(database_place: Path | str, tmp_path: Path) -> Iterator[Settings]:
    with fresh_store_database(database_place) as database:
        yield Settings(root=tmp_path / "store", database=database)


def test_ten_thousand_filters_find_and_order_what_the_oracle_does(settings):
    expected = build_store(settings)
    trees, orders = filters()
    with open_reader(settings) as reader:
        projects = reader.readable.read_projects()
        pending = reader.readable.index.catalog.read_pending([project.id for project in projects])
        assert 10 < len(pending) < RUNS  # else one of the two ways to a cell would go untested
        with reader.readable.open_columns(projects, now=NOW) as runs:
            rows = runs_by_row(runs, expected)
            telling = 0
            for seed, (tree, order) in enumerate(zip(trees, orders, strict=True)):
                found = evaluate(tree, runs) & runs.present
                wanted = matching_rows(tree, rows, now_us=NOW)
                assert np.flatnonzero(found).tolist() == wanted, (seed, print_filter(tree))
                ordered = order_rows(found, order, runs, limit=7).tolist()
                assert ordered == sorted_rows(wanted, rows, order)[:7], (seed, print_filter(tree), print_order(order))
                telling += 0 < len(wanted) < len(rows)
    assert telling > FILTERS // 3  # filters that find all or nothing would prove little


def runs_by_row(runs, expected: list[dict[str, Cell]]) -> list[dict[str, Cell]]:
    by_id = {str(cells["id"]): cells for cells in expected}
    ids = runs.column("id")
    assert runs.present.all()
    return [by_id[ids.texts[code]] for code in ids.codes]


def test_filters_in_words_list_the_oracles_runs_page_by_page(settings):
    expected = build_store(settings)
    with open_reader(settings) as reader:
        checked = 0
        for seed in range(300):
            tree, order = generate_filter(seed), generate_order(seed)
            if "-" in print_filter(tree):
                continue  # relative times count from now here, a moving one
            query = RunQuery(print_filter(tree), sort=print_order(order), archived=None, offset=seed % 5, limit=9)
            page = reader.list_runs(query)
            wanted = sorted_rows(matching_rows(tree, expected, now_us=NOW), expected, order)
            assert [run.id for run in page.runs] == [expected[row]["id"] for row in wanted][seed % 5 : seed % 5 + 9]
            assert page.total == len(wanted)
            checked += 1
    assert checked > 100
