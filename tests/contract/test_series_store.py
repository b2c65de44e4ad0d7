"""What the series store promises, on both engines."""

import math
import tracemalloc
from dataclasses import astuple

import numpy as np
import pytest

from everbloom.core.errors import Corrupt, InvalidInput
from everbloom.core.ids import RunId, WriterId
from everbloom.index.database import open_database
from everbloom.index.offsets import Offset
from everbloom.index.series import MetricInfo, SeriesKey, SeriesStore, Window
from everbloom.index.series_schema import AXIS_PLACE
from everbloom.index.series_write import CHUNK_ROWS, PackedChunk, chunk_rows
from everbloom.testing.series import RUN, WRITERS

T0 = 1_700_000_000_000_000
OTHER = RunId("0190a000000070008000000000000002")
A, B, C = WRITERS


@pytest.fixture
def store(database):
    store = SeriesStore(database)
    store.ensure_schema()
    return store


def add(store, values, *, names=("loss",), steps=None, times=None, first=0, writer=A, rank=0, run=RUN):
    table = np.array(values, np.float64).reshape(len(values), len(names))
    ordinals = np.arange(first, first + len(table))
    steps = ordinals if steps is None else np.array(steps, np.int64)
    times = T0 + ordinals * 1000 if times is None else np.array(times, np.int64)
    store.append_rows(run, writer, rank, names, steps, times, ordinals, table)


def window(store, metric="loss", *, cutoffs=None, **asked):
    return store.read_window([SeriesKey(RUN, metric)], Window(**asked), cutoffs or {})


def test_an_empty_store_answers_with_nothing(store):
    assert store.read_summaries([RUN]) == {}
    assert store.list_metrics(RUN) == []
    assert len(store.read_series(RUN, "loss")) == 0
    assert store.read_offset(A) is None
    assert list(store.export_chunks(RUN)) == []


def test_a_window_of_nothing_has_no_buckets(store):
    envelope = window(store, smoothing=0.5)
    assert len(envelope.x) == 0
    assert [len(part) for part in astuple(envelope.series[0])[:9]] == [0] * 9
    assert (envelope.series[0].before, envelope.series[0].after) == (None, None)


def test_a_window_of_no_series_is_empty(store):
    assert store.read_window([], Window()).series == ()


def test_creating_the_schema_twice_keeps_what_is_there(store):
    add(store, [1.0])
    store.ensure_schema()
    assert store.read_series(RUN, "loss").values.tolist() == [1.0]


def test_one_point_is_a_series(store):
    add(store, [2.5], steps=[7], times=[T0])
    summary = store.read_summaries([RUN])[RUN]["loss"][0]
    assert (summary.n, summary.first, summary.last, summary.mean) == (1, (7, T0, 2.5), (7, T0, 2.5), 2.5)
    envelope = window(store, smoothing=0.9)
    assert envelope.x.tolist() == [7.0]
    assert envelope.series[0].smoothed.tolist() == [2.5]


def test_few_points_keep_their_exact_steps(store):
    add(store, [1.0, 2.0, 3.0], steps=[0, 100, 250])
    envelope = window(store, columns=1200)
    assert envelope.x.tolist() == [0.0, 100.0, 250.0]


def test_two_series_share_one_grid(store):
    add(store, [1.0, 2.0, 3.0], steps=[0, 10, 20])
    add(store, [5.0, 6.0], names=("acc",), steps=[10, 30], first=3)
    envelope = store.read_window([SeriesKey(RUN, "loss"), SeriesKey(RUN, "acc")], Window())
    assert envelope.x.tolist() == [0, 10, 20, 30]
    assert [one.count.tolist() for one in envelope.series] == [[1, 1, 1, 0], [0, 1, 0, 1]]
    np.testing.assert_array_equal(envelope.series[1].first, [math.nan, 5, math.nan, 6])


def test_a_single_spike_among_a_hundred_thousand_points_is_seen(store, database):
    values = np.zeros(100_000)
    values[76_543] = 1e6
    with database.transaction():
        add(store, values)
    envelope = window(store, columns=200)
    assert envelope.series[0].max.max() == 1e6
    at = int(np.argmax(envelope.series[0].max))
    assert envelope.starts[at] <= 76_543 <= envelope.ends[at]


def test_the_grid_reaches_from_end_to_end_of_int64(store):
    low, high = -(2**63), 2**63 - 1
    add(store, [1.0, 2.0, 3.0], steps=[high, low, 0])
    for columns in (2, 3):
        envelope = window(store, columns=columns)
        assert (envelope.starts[0], envelope.ends[-1]) == (low, high)
        assert envelope.series[0].count.sum() == 3
    assert store.read_series(RUN, "loss").steps.tolist() == [low, 0, high]


def test_repeated_steps_are_all_kept_in_the_order_of_time(store):
    add(store, [3.0, 1.0, 2.0], steps=[5, 5, 5], times=[T0 + 3, T0 + 1, T0 + 2])
    assert store.read_series(RUN, "loss").values.tolist() == [1.0, 2.0, 3.0]
    series = window(store).series[0]
    assert (series.count[0], series.first[0], series.last[0]) == (3, 1.0, 3.0)


def test_the_last_value_is_that_of_the_highest_step_and_may_be_nan(store):
    add(store, [9.0, math.nan, 1.0], steps=[1, 8, 3])
    summary = store.read_summaries([RUN])[RUN]["loss"][0]
    assert summary.last.step == 8
    assert math.isnan(summary.last.value)
    assert (summary.min, summary.max, summary.nan, summary.mean) == (1.0, 9.0, 1, 5.0)


def test_a_metric_logged_beside_different_others_is_one_series(store):
    add(store, [[1.0], [3.0]], steps=[0, 2])
    add(store, [[2.0, 0.5]], names=("loss", "acc"), steps=[1], first=2)
    assert store.read_series(RUN, "loss").values.tolist() == [1.0, 2.0, 3.0]
    assert store.read_summaries([RUN])[RUN]["loss"][0].n == 3


def test_ranks_are_sources_of_their_own(store):
    add(store, [1.0, 2.0])
    add(store, [5.0], writer=B, rank=3)
    assert store.read_series(RUN, "loss", 3).values.tolist() == [5.0]
    assert store.list_metrics(RUN) == [MetricInfo("loss", (0, 3), 3, 0, 1)]


def test_summaries_can_be_asked_for_some_metrics_only(store):
    add(store, [[1.0, 2.0]], names=("a", "b"))
    add(store, [[3.0]], names=("a",), run=OTHER, writer=B)
    told = store.read_summaries([RUN, OTHER, RunId("f" * 32)], metrics=["a"])
    assert {run: list(metrics) for run, metrics in told.items()} == {RUN: ["a"], OTHER: ["a"]}


@pytest.mark.parametrize("name", ["val/acc", "a b", 'it\'s "quoted" %s ?', "🌱", "x" * 1024, "lone \x1a"])
def test_odd_metric_names_are_names(store, name):
    add(store, [1.5], names=(name,))
    assert store.read_series(RUN, name).values.tolist() == [1.5]
    assert [info.metric for info in store.list_metrics(RUN)] == [name]


def test_rewound_points_stay_greyed_and_out_of_summaries_and_windows(store):
    add(store, np.arange(10.0))
    add(store, [100.0, 101.0], steps=[6, 7], writer=B)
    series = store.read_series(RUN, "loss", cutoffs={A: 5})
    assert series.values[~series.greyed].tolist() == [0, 1, 2, 3, 4, 5, 100, 101]
    assert len(series) == 12
    assert store.read_summaries([RUN], {A: 5})[RUN]["loss"][0].n == 8
    assert window(store, cutoffs={A: 5}).x.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_a_series_rewound_to_before_its_start_is_absent(store):
    add(store, [1.0], steps=[10])
    assert store.read_summaries([RUN], {A: 9}) == {}
    assert store.list_metrics(RUN, {A: 9}) == []
    assert len(window(store, cutoffs={A: 9}).x) == 0


def test_a_rewind_uses_whole_chunks_and_decodes_the_edge(store, database):
    values = np.linspace(0, 1, 3 * CHUNK_ROWS)
    with database.transaction():
        add(store, values)
    cutoff = CHUNK_ROWS + 100
    summary = store.read_summaries([RUN], {A: cutoff})[RUN]["loss"][0]
    assert (summary.n, summary.max) == (cutoff + 1, values[cutoff])
    assert summary.mean == math.fsum(values[: cutoff + 1]) / (cutoff + 1)


def test_rows_of_a_transaction_that_failed_are_not_there(store, database):
    def fail_after_rows():
        with database.transaction():
            add(store, np.zeros(5000))
            store.write_offset(A, Offset(RUN, 0, 640, 5000))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_after_rows()
    assert len(store.read_series(RUN, "loss")) == 0
    assert store.read_offset(A) is None


def test_offsets_are_kept_by_writer_and_told_by_run(store):
    store.write_offset(A, Offset(RUN, 0, 64, 1))
    store.write_offset(A, Offset(RUN, 1, 128, 2))
    store.write_offset(B, Offset(OTHER, 0, 99, 3))
    assert store.read_offset(A) == Offset(RUN, 1, 128, 2)
    assert store.offsets.read_run(OTHER) == {B: Offset(OTHER, 0, 99, 3)}
    assert store.offsets.read_all() == {A: Offset(RUN, 1, 128, 2), B: Offset(OTHER, 0, 99, 3)}


def test_a_deleted_run_leaves_nothing_and_harms_no_other(store, database):
    with database.transaction():
        add(store, np.zeros(5000))
        add(store, [1.0], run=OTHER, writer=B)
        store.write_offset(A, Offset(RUN, 0, 64, 1))
        store.write_offset(B, Offset(OTHER, 0, 64, 1))
        store.delete_run(RUN)
    assert store.list_metrics(RUN) == []
    assert store.read_offset(A) is None
    assert store.read_series(OTHER, "loss").values.tolist() == [1.0]
    left = [
        database.execute(f"SELECT count(*) FROM series_{table}")[0][0]
        for table in ("groups", "pieces", "tails", "chunks", "blocks", "values")
    ]
    assert left == [1, 1, 1, 0, 0, 0]


def test_many_small_appends_leave_few_parts_of_a_tail(store, database):
    with database.transaction():
        for i in range(300):
            add(store, [float(i)], first=i)
    parts = database.execute("SELECT count(*) FROM series_tails")[0][0]
    assert parts <= 10
    assert store.read_series(RUN, "loss").values.tolist() == list(range(300))


def test_ten_thousand_metrics_are_taken_in_with_bounded_memory(store, database):
    names = tuple(f"layer/{i}/norm" for i in range(10_000))
    rows = np.arange(100.0)[:, np.newaxis] + np.arange(10_000.0)
    with database.transaction():
        for start in range(0, 300, 100):
            add(store, rows + start, names=names, first=start)
        tracemalloc.start()  # it makes all else slow; with the last rows a chunk of every metric is full and compacted
        add(store, rows + 300, names=names, first=300)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400e6
    assert chunk_rows(10_000) == 384
    assert store.read_series(RUN, names[-1]).values.tolist() == [9999.0 + i for i in range(400)]


def test_chunks_that_moved_to_a_pack_are_read_from_there(store, database):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(9000, 2))
    with database.transaction():
        add(store, values, names=("loss", "acc"), steps=rng.permutation(9000))
        store.finish_writer(RUN, A)
    before = [store.read_series(RUN, "acc"), window(store, columns=40, low=100, high=8000)]
    pack, packed = bytearray(b"pack"), []

    def put(blob):
        pack.extend(blob)
        return len(pack) - len(blob), len(blob)

    for chunk in store.export_chunks(RUN):
        places = tuple(put(blob) for blob in chunk.values)
        packed.append(PackedChunk(chunk.group.id, chunk.seq, put(chunk.axis), places))
    with database.transaction():
        store.point_to_pack(packed)
    assert list(store.export_chunks(RUN)) == []
    asked = []

    def read_blob(run, offset, length):
        asked.append(run)
        return bytes(pack[offset : offset + length])

    moved = SeriesStore(database, read_blob=read_blob)
    series = moved.read_series(RUN, "acc")
    np.testing.assert_array_equal(series.values, before[0].values)
    np.testing.assert_array_equal(series.times, before[0].times)
    again = window(moved, columns=40, low=100, high=8000)
    for name in ("first", "last", "min", "max", "count"):
        np.testing.assert_array_equal(getattr(again.series[0], name), getattr(before[1].series[0], name))
    assert set(asked) == {RUN}
    with pytest.raises(Corrupt) as caught:
        store.read_series(RUN, "acc")
    assert caught.value.code == "series.no_pack"


@pytest.mark.parametrize("place", [AXIS_PLACE, 0])
def test_damaged_bytes_are_corrupt_not_a_wrong_answer(store, database, place):
    with database.transaction():
        add(store, np.arange(5000.0))
    database.execute("UPDATE series_values SET data = ? WHERE place = ?", (b"\x01torn", place))
    with pytest.raises(Corrupt) as caught:
        store.read_series(RUN, "loss")
    assert caught.value.code == "series.corrupt"


def test_more_rows_may_follow_a_finished_writer(store):
    add(store, [0.0, 1.0])
    store.finish_writer(RUN, A)
    store.finish_writer(RUN, A)
    add(store, [2.0], first=2)
    store.finish_writer(RUN, A)
    assert store.read_series(RUN, "loss").values.tolist() == [0.0, 1.0, 2.0]


def test_no_rows_are_no_group(store, database):
    add(store, np.empty((0, 1)))
    assert database.execute("SELECT count(*) FROM series_groups") == [(0,)]


@pytest.mark.parametrize(
    ("names", "rows", "shape"), [((), 1, (1, 0)), (("a",), 2, (1, 1)), (("a",), 1, (1, 2)), (("a",), 1, (1,))]
)
def test_shapes_that_do_not_fit_are_refused(store, names, rows, shape):
    column = np.zeros(rows, np.int64)
    with pytest.raises(InvalidInput) as caught:
        store.append_rows(RUN, WriterId("a" * 16), 0, names, column, column, column, np.zeros(shape))
    assert caught.value.code == "series.shape"


@pytest.mark.parametrize(
    "asked",
    [{"columns": 0}, {"columns": 100_001}, {"smoothing": 1.0}, {"smoothing": -0.1}, {"low": 5, "high": 4}],
)
def test_windows_that_cannot_be_are_refused(asked):
    with pytest.raises(InvalidInput) as caught:
        Window(**asked)
    assert caught.value.code == "window.invalid"


def test_the_relative_axis_needs_the_start_of_each_run(store):
    add(store, [1.0, 2.0], times=[T0 + 5, T0 + 9])
    with pytest.raises(InvalidInput) as caught:
        window(store, axis="relative")
    assert caught.value.code == "window.started"
    assert window(store, axis="relative", started={RUN: T0}).x.tolist() == [5.0, 9.0]


def test_a_reader_sees_a_whole_append_or_none_of_it(store, database, database_address):
    add(store, np.arange(10.0))
    with database_address.open(read_only=True) as connection:
        reader = SeriesStore(connection)
        with database.transaction():
            add(store, np.arange(5000.0), first=10)
            assert len(reader.read_series(RUN, "loss")) == 10
        assert len(reader.read_series(RUN, "loss")) == 5010


class Meddled:
    """A connection between whose statements something else happens, as it may between two processes."""

    def __init__(self, database, meddle):
        self._database, self._meddle = database, meddle

    def __getattr__(self, name):
        return getattr(self._database, name)

    def execute(self, sql, params=()):
        answer = self._database.execute(sql, params)
        self._meddle(sql)
        return answer


@pytest.mark.parametrize("after", ["series_pieces", "series_chunks"])
def test_a_compaction_between_a_readers_statements_hides_no_points(store, database, database_address, after):
    add(store, np.arange(4000.0))

    def compact(sql):
        if f"FROM {after}" in sql and not database.in_transaction:
            with database.transaction():
                add(store, np.arange(500.0), first=4000)
                store.finish_writer(RUN, A)

    with database_address.open(read_only=True) as connection:
        reader = SeriesStore(Meddled(connection, compact))
        assert len(reader.read_series(RUN, "loss")) == 4000
        window = Window(columns=10, smoothing=0.5)
        told = reader.read_window([SeriesKey(RUN, "loss")], window).series[0]
        assert told.count.sum() == 4500


def test_space_of_deleted_runs_goes_back_to_the_file_system(tmp_path):
    path = tmp_path / "series.db"
    with open_database(path) as database:
        store = SeriesStore(database)
        store.ensure_schema()
        with database.transaction():
            add(store, np.random.default_rng(0).normal(size=(50_000, 4)), names=tuple("abcd"))
        with database.transaction():
            store.delete_run(RUN)
        database.release_space()
    assert path.stat().st_size < 200_000
