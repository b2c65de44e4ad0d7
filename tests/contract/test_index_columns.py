"""Attribute columns on both engines: what is folded and what is pending give the same columns."""

import pytest

from everbloom.core.ids import RunId
from everbloom.index.attribute_columns import FOLD_AFTER_US, FOLD_AT_RUNS, AttributeColumns, ColumnSnapshot
from everbloom.index.blocks import BLOCK_RUNS
from everbloom.index.catalog import Catalog
from everbloom.index.columns import MISSING_CELL, cell_at
from everbloom.index.documents import Document, MetricSummary

MINUTE_US = 60_000_000


class Store:
    """A catalog with its columns on one connection."""

    def __init__(self, database):
        self.database = database
        self.catalog = Catalog(database)
        self.columns = AttributeColumns(database)
        self.catalog.ensure_schema()
        self.columns.ensure_schema()

    def write(self, number, now_us=0, project="p", metrics=None, **attributes):
        base = {"id": run_id(number), "name": f"run-{number}", "namespace": "local", "project": project}
        document = Document(base | {"created": number + 1} | attributes, metrics or {})
        with self.database.transaction():
            return self.catalog.write_run(run_id(number), document, is_open=False, now_us=now_us)

    def fold(self, now_us=0, *, is_forced=True):
        folded = []
        for project in self.columns.find_due(now_us, is_forced=is_forced):
            while True:
                with self.database.transaction():
                    part = self.columns.fold_block(project)
                if part is None:
                    break
                folded += part
        return folded

    def read(self, key):
        """Return the key's cells by run id, whatever place they stand in."""
        with self.database.snapshot():
            snapshot = ColumnSnapshot(self.columns, self.catalog.read_projects())
            return read_cells(snapshot, key)


def read_cells(snapshot, key):
    ids, column = snapshot.read_column("id"), snapshot.read_column(key)
    if column is None or ids is None:
        return {}
    cells = {cell_at(ids, row): cell_at(column, row) for row in range(snapshot.size)}
    return {run: cell for run, cell in cells.items() if cell is not MISSING_CELL and run is not MISSING_CELL}


def run_id(number):
    return RunId(f"{number:032x}")


@pytest.fixture
def store(database):
    return Store(database)


KEYS = ("id", "name", "params.a", "params.b", "tag", "state", "metrics.acc.max", "metrics.acc.best", "haystack")


def _write_some(store, numbers):
    for number in numbers:
        metrics = {"acc": MetricSummary(1, 0.5, 0.5, 0.1, number / 10, 0.5, None)} if number % 3 else {}
        attributes = {"state": "finished", "params.a": number if number % 2 else str(number)}
        if number % 4 == 0:
            attributes |= {"tag": ["x", f"t{number % 3}"], "params.b": None}
        store.write(number, metrics=metrics, **attributes)


def test_what_is_pending_and_what_is_folded_read_the_same(store):
    _write_some(store, range(40))
    pending = {key: store.read(key) for key in KEYS}
    assert len(store.fold()) == 40
    assert {key: store.read(key) for key in KEYS} == pending
    assert store.columns.read_overlay(1) == []


def test_a_mixture_of_both_reads_the_same(store):
    _write_some(store, range(20))
    store.fold()
    _write_some(store, range(10, 40))
    for number in (3, 8, 12):
        store.write(number, state="failed")
    mixed = {key: store.read(key) for key in KEYS}
    store.fold()
    assert {key: store.read(key) for key in KEYS} == mixed
    assert mixed["state"][run_id(8)] == "failed"
    assert run_id(8) not in mixed["params.a"]


def test_a_key_that_a_run_lost_is_cleared(store):
    store.write(1, **{"params.a": 1, "params.b": 2})
    store.fold()
    store.write(1, **{"params.a": 1})
    assert store.read("params.b") == {}
    store.fold()
    assert store.read("params.b") == {}
    assert "params.b" not in store.columns.read_keys([1])


def test_a_run_that_moves_leaves_nothing_behind(store):
    store.write(1, project="p", **{"params.a": 1})
    store.write(2, project="p", **{"params.a": 2})
    store.fold()
    store.write(1, project="q", **{"params.a": 1})
    assert store.read("params.a") == {run_id(1): 1, run_id(2): 2}
    store.fold()
    assert store.read("params.a") == {run_id(1): 1, run_id(2): 2}
    assert set(store.catalog.read_runs([run_id(1), run_id(2)])) == {run_id(1), run_id(2)}
    assert store.database.execute("SELECT COUNT(*) FROM run") == [(2,)]
    p, q = store.catalog.read_projects()
    with store.database.snapshot():
        assert list(read_cells(ColumnSnapshot(store.columns, [p]), "params.a")) == [run_id(2)]
        assert list(read_cells(ColumnSnapshot(store.columns, [q]), "params.a")) == [run_id(1)]


def test_a_run_that_moves_to_and_fro_before_it_is_folded_stands_once(store):
    for project in ("p", "q", "p", "r", "p"):
        store.write(1, project=project, **{"params.a": project})
    assert store.read("params.a") == {run_id(1): "p"}
    store.fold()
    assert store.read("params.a") == {run_id(1): "p"}
    assert store.catalog.read_run(run_id(1)).name == "run-1"
    assert store.database.execute("SELECT COUNT(*) FROM run") == [(1,)]


def test_an_empty_place_is_no_run_for_anybody(store):
    store.write(1, project="p")
    store.write(1, project="q")
    assert [run.project for run in store.catalog.find_runs("")] == [2]
    assert [run.id for run in store.catalog.find_runs("run-1")] == [run_id(1)]
    assert store.catalog.find_names("") == [("run-1", 2)]


def test_more_runs_than_a_block_cross_into_the_next(store):
    numbers = range(BLOCK_RUNS + 5)
    with store.database.transaction():
        for number in numbers:
            base = {"id": run_id(number), "name": "n", "namespace": "local", "project": "p", "created": 1}
            document = Document(base | {"params.a": number, "params.odd": "x"} if number % 2 else base)
            store.catalog.write_run(run_id(number), document, is_open=False, now_us=0)
    pending = store.read("params.a")
    assert len(store.fold()) == len(numbers)
    assert store.read("params.a") == pending == {run_id(n): n for n in numbers if n % 2}
    blocks = store.database.execute("SELECT block FROM column_block WHERE key = 'params.a' ORDER BY block")
    assert blocks == [(0,), (1,)]
    store.write(BLOCK_RUNS + 4, **{"params.a": "last"})
    store.write(0, **{"params.a": "first"})
    store.fold()
    changed = store.read("params.a")
    assert (changed[run_id(0)], changed[run_id(BLOCK_RUNS + 4)]) == ("first", "last")


def test_blocks_are_folded_one_at_a_time(store):
    with store.database.transaction():
        for number in range(BLOCK_RUNS + 3):
            document = Document({"id": run_id(number), "name": "n", "namespace": "l", "project": "p", "created": 1})
            store.catalog.write_run(run_id(number), document, is_open=False, now_us=0)
    sizes = []
    with store.database.transaction():
        while (part := store.columns.fold_block(1)) is not None:
            sizes.append(len(part))
    assert sizes == [BLOCK_RUNS, 3]


def test_pending_runs_are_due_when_many_or_when_one_has_waited(store):
    store.write(1, now_us=1_000)
    assert store.columns.find_due(1_000) == []
    assert store.columns.find_due(1_000 + FOLD_AFTER_US) == [1]
    assert store.columns.find_due(1_000, is_forced=True) == [1]
    for number in range(2, FOLD_AT_RUNS + 1):
        store.write(number, now_us=1_000)
    assert store.columns.find_due(1_000) == [1]


def test_a_clock_that_went_back_does_not_keep_runs_pending(store):
    store.write(1, now_us=10 * FOLD_AFTER_US)
    assert store.columns.find_due(5) == [1]


def test_writing_what_is_there_already_leaves_nothing_pending(store):
    assert store.write(1, state="finished")
    store.fold()
    assert not store.write(1, state="finished")
    assert store.columns.find_due(10**15, is_forced=True) == []


def test_a_reader_sees_one_moment_while_another_connection_folds(store, database_address):
    _write_some(store, range(30))
    store.fold()
    store.write(5, state="failed")
    with database_address.open(read_only=True) as reading, reading.snapshot():
        other = Store.__new__(Store)
        other.catalog, other.columns = Catalog(reading), AttributeColumns(reading)
        snapshot = ColumnSnapshot(other.columns, other.catalog.read_projects())
        before = read_cells(snapshot, "state")
        store.write(6, state="killed")
        store.write(5, project="q", state="moved")
        store.fold()
        assert read_cells(snapshot, "params.a").keys() == before.keys() - {run_id(5)}
        assert before[run_id(5)] == "failed"
        again = ColumnSnapshot(other.columns, other.catalog.read_projects())
        assert read_cells(again, "state") == before
    assert store.read("state")[run_id(6)] == "killed"


def test_places_lead_back_to_runs(store):
    for number in range(6):
        store.write(number, project="pq"[number % 2])
    with store.database.snapshot():
        snapshot = ColumnSnapshot(store.columns, store.catalog.read_projects())
        ids = snapshot.read_column("id")
        assert ids is not None
        for row in range(snapshot.size):
            place = snapshot.to_place(row)
            assert [run.id for run in store.catalog.read_places([place])] == [cell_at(ids, row)]
    with pytest.raises(IndexError):
        ColumnSnapshot(store.columns, []).to_place(0)


def test_keys_are_those_of_folded_and_of_pending_runs(store):
    store.write(1, **{"params.old": 1})
    store.fold()
    store.write(2, **{"params.new": 1})
    assert {"params.old", "params.new", "haystack"} <= set(store.columns.read_keys([1]))
    assert store.columns.read_keys([]) == []


@pytest.mark.parametrize("length", [100, 1000])
def test_long_keys_and_values_are_kept(store, length):
    import random

    rng = random.Random(3)
    key = "params." + "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(length))
    text = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(100_000))
    store.write(1, **{key: text})
    store.fold()
    assert store.read(key) == {run_id(1): text}
    assert key in store.columns.read_keys([1])
