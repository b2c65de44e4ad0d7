"""A run of several ranks reads as rank 0's, as any other's, or as all of them reduced: everywhere alike."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.records import Rewind
from everbloom.core.settings import Settings
from everbloom.index.series import MetricInfo
from everbloom.index.window import SeriesKey, Window
from everbloom.query.reader import Reader, RunQuery, open_reader
from everbloom.query.views import Run
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import SECOND_US, RunSpec, open_run, record_run

NAN = math.nan
START_US = now_us() - 360_000 * SECOND_US
LOSS = ([4.0, 3.0, 2.0, 1.0], [8.0, NAN, 4.0], [6.0, 9.0])


@pytest.fixture
def settings(database_place: Path | str, tmp_path: Path) -> Iterator[Settings]:
    with fresh_store_database(database_place) as database:
        yield Settings(root=tmp_path / "store", database=database)


@pytest.fixture
def reader(settings: Settings) -> Iterator[Reader]:
    """Three ranks of unequal lengths, NaN in one, one metric of rank 2 alone, one of the last two."""
    only = [{}, {"late": [5.0, 7.0]}, {"late": [1.0], "gpu/2": [0.5, 0.75]}]
    run = None
    for rank, values in enumerate(LOSS):
        metrics = {"loss": values, **only[rank]}
        spec = RunSpec(fields={"name": "ranks"} if not rank else {}, metrics=metrics, rank=rank)
        run = record_run(settings.root, spec, run=run, created_us=START_US + rank)
    with open_reader(settings) as reader:
        yield reader


@pytest.fixture
def run(reader: Reader) -> Run:
    return reader.find_run("ranks").run


def test_a_series_is_rank_0s_unless_another_is_asked_for(run):
    assert run.series("loss").values.tolist() == [4.0, 3.0, 2.0, 1.0]
    assert (run.series("loss").source, run.series("loss").low) == (0, None)
    assert run.series("loss", rank=2).values.tolist() == [6.0, 9.0]
    with pytest.raises(NotFound, match="from ranks 1, 2, not from 0"):
        run.series("late", rank=0)


@pytest.mark.parametrize(
    ("how", "line"), [("mean", [6.0, 6.0, 3.0, 1.0]), ("min", [4.0, 3.0, 2.0, 1.0]), ("max", [8.0, 9.0, 4.0, 1.0])]
)
def test_a_reduced_series_pairs_ranks_by_step_and_passes_over_nan(run, how, line):
    series = run.series("loss", reduce=how)
    assert (series.steps.tolist(), series.values.tolist()) == ([0, 1, 2, 3], line)
    assert (series.low.tolist(), series.high.tolist()) == ([4.0, 3.0, 2.0, 1.0], [8.0, 9.0, 4.0, 1.0])
    assert (series.source, series.reduce, series.ranks) == (None, how, (0, 1, 2))
    assert list(series.to_columns()) == ["step", "value", "low", "high", "time"]


def test_what_rank_0_never_logged_is_of_the_lowest_rank_that_did_everywhere(reader, run):
    assert (run.summary["gpu/2"].last, run.summary["gpu/2"].rank) == (0.75, 2)
    assert (run.summary["late"].last, run.summary["late"].rank) == (7.0, 1)
    assert run.series("late").values.tolist() == [5.0, 7.0]
    assert run.series("late").source == 1
    window = reader.read_window([SeriesKey(run.id, "late"), SeriesKey(run.id, "gpu/2")], Window())
    assert [series.last.tolist() for series in window.series] == [[5.0, 7.0], [0.5, 0.75]]
    assert window.ranks == ((1,), (2,))
    assert reader.list_runs(RunQuery("metrics.late.last = 7 and metrics.'gpu/2'.n = 2")).total == 1
    assert reader.read_sparks([run], "gpu/2") != [None]
    assert reader.list_metrics(run.id)[0] == MetricInfo("gpu/2", (2,), 2, 0, 1)


def test_summaries_are_rank_0s_another_ranks_or_each_word_reduced(run):
    assert run.summary["loss"].mean == run.summaries()["loss"].mean == 2.5
    second = run.summaries(rank=1)
    assert (sorted(second), second["loss"].max, second["loss"].rank) == (["late", "loss"], 8.0, 1)
    mean = run.summaries(reduce="mean")
    assert sorted(mean) == ["gpu/2", "late", "loss"]
    loss = mean["loss"]
    assert (loss.n, loss.first, loss.last, loss.min, loss.max, loss.mean) == (9, 6.0, 14 / 3, 11 / 3, 7.0, 16 / 3)
    assert (loss.best, loss.direction, loss.last_step, loss.rank) == (11 / 3, "min", 3, None)
    assert run.summaries(reduce="max")["late"].last == 7.0
    assert run.summaries(reduce="min")["late"].last == 1.0
    assert run.summaries(rank=7) == {}


def test_a_chart_of_reduced_ranks_is_a_line_with_a_band_on_the_common_grid(reader, run):
    keys = [SeriesKey(run.id, "loss", reduce="mean"), SeriesKey(run.id, "loss")]
    window = reader.read_window(keys, Window())
    mean, own = window.series
    assert window.x.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert (mean.last.tolist(), own.last.tolist()) == ([6.0, 6.0, 3.0, 1.0], [4.0, 3.0, 2.0, 1.0])
    assert (mean.min.tolist(), mean.max.tolist()) == ([4.0, 3.0, 2.0, 1.0], [8.0, 9.0, 4.0, 1.0])
    assert (mean.count.tolist(), mean.nan.tolist()) == ([3, 3, 2, 1], [0, 1, 0, 0])
    assert window.ranks == ((0, 1, 2), (0,))


def test_on_an_axis_of_time_ranks_count_with_their_latest_value_while_they_last(reader, run):
    window = reader.read_window([SeriesKey(run.id, "loss", reduce="mean")], Window("relative"))
    (mean,) = window.series
    assert len(window.x) == 9  # no two ranks logged at one moment
    assert mean.last.tolist()[:4] == [4.0, 6.0, 6.0, (3 + 8 + 6) / 3]
    assert mean.last.tolist()[-1] == 1.0


def test_between_two_steps_a_reduced_line_crosses_from_the_mean_at_one_to_the_mean_at_the_other(settings):
    run = None
    for rank, values in enumerate(([1.0, 3.0], [5.0, 9.0], [100.0])):
        spec = RunSpec(metrics={"loss": values}, rank=rank)
        run = record_run(settings.root, spec, run=run, created_us=START_US + rank)
    with open_reader(settings) as reader:
        key, second = SeriesKey(run, "loss", reduce="mean"), SECOND_US
        own = reader.read_series(run, "loss", 0)
        gap = Window("time", int(own.times[0]) + second // 4, int(own.times[0]) + second // 2)
        (by_time,) = reader.read_window([key], gap).series
        (whole,) = reader.read_window([key], Window("step", 0, 1)).series
        (behind,) = reader.read_window([key], Window("step", 1, 9)).series
    assert (by_time.before.value, by_time.after.value) == ((1 + 5 + 100) / 3, (3 + 5) / 2)
    assert (whole.before, whole.after) == (None, None)
    assert (behind.before, behind.after) == (None, None)  # a point stands at its very edge


def test_no_spike_of_any_rank_is_lost_in_the_band_however_narrow(settings):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(3, 9000))
    values[1, 4321], values[2, 77] = 1e6, -1e6
    run = None
    for rank in range(3):
        spec = RunSpec(metrics={"loss": values[rank, : 9000 - 1500 * rank].tolist()}, rank=rank)
        run = record_run(settings.root, spec, run=run, created_us=START_US)
    with open_reader(settings) as reader:
        window = reader.read_window([SeriesKey(run, "loss", reduce="mean")], Window(columns=50, smoothing=0.9))
        (mean,) = window.series
        full = reader.read_series(run, "loss", reduce="mean")
    assert len(window.x) == 50
    assert (mean.max.max(), mean.min.min(), int(mean.count.sum())) == (1e6, -1e6, 22_500)
    ends = np.searchsorted(full.steps, window.ends)
    whole = window.ends < 6000  # where all ranks go on, the line is the mean at each bucket's last step
    assert np.array_equal(mean.last[whole], full.values[ends][whole])
    assert np.isfinite(mean.smoothed).all()


def test_points_that_a_rewind_took_back_count_for_no_rank(settings):
    run = record_run(settings.root, RunSpec(metrics={"loss": [1.0, 900.0]}), created_us=START_US)
    record_run(
        settings.root, RunSpec(metrics={"loss": [3.0, 700.0], "own": [1.0]}, rank=1), run=run, created_us=START_US
    )
    resumed = open_run(
        settings.root, RunSpec(end=None, records=[Rewind(step=0)]), run=run, created_us=START_US + 10 * SECOND_US
    )
    resumed.append_row(1, START_US + 11 * SECOND_US, {"loss": 2.0})
    resumed.close()
    with open_reader(settings) as reader:
        series = reader.read_series(run, "loss", reduce="mean")
        assert (series.values.tolist(), series.high.tolist()) == ([2.0, 2.0], [3.0, 2.0])
        window = reader.read_window([SeriesKey(run, "loss", reduce="mean")], Window())
        assert window.series[0].last.tolist() == [2.0, 2.0]


def test_a_metric_whose_lower_ranks_were_taken_back_is_of_the_rank_that_still_has_points(settings):
    run = record_run(settings.root, RunSpec(metrics={"loss": [1.0]}), created_us=START_US)
    start = START_US + 10 * SECOND_US
    record_run(settings.root, RunSpec(records=[Rewind(step=-1)]), run=run, created_us=start)
    record_run(settings.root, RunSpec(metrics={"loss": [5.0]}, rank=1), run=run, created_us=start + SECOND_US)
    with open_reader(settings) as reader:
        (found,) = reader.read_runs([run])
        assert (found.summary["loss"].last, found.summary["loss"].rank) == (5.0, 1)
        assert found.series("loss").values.tolist() == [5.0]
        assert reader.read_window([SeriesKey(run, "loss")], Window()).series[0].last.tolist() == [5.0]


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"reduce": "median"}, "series.reduce"), ({"rank": 1, "reduce": "mean"}, "series.rank_and_reduce")],
)
def test_what_cannot_be_asked_of_ranks_is_refused(run, asked, code):
    for read in (lambda: run.series("loss", **asked), lambda: run.summaries(**asked)):
        with pytest.raises(InvalidInput) as refused:
            read()
        assert refused.value.code == code


def test_a_metric_that_no_rank_has_is_an_empty_line_and_unknown_in_full(reader, run):
    window = reader.read_window([SeriesKey(run.id, "lost", reduce="mean")], Window(smoothing=0.5))
    assert (len(window.series[0].last), window.ranks) == (0, ((),))
    with pytest.raises(NotFound, match="has no metric 'lost'"):
        run.series("lost", reduce="mean")


def test_many_ranks_of_the_greatest_numbers_have_a_mean(settings):
    run = None
    for rank in range(3):
        run = record_run(settings.root, RunSpec(metrics={"loss": [1.5e308, math.inf]}, rank=rank), run=run)
    record_run(settings.root, RunSpec(metrics={"loss": [1.5e308, -math.inf]}, rank=3), run=run)
    with open_reader(settings) as reader:
        values = reader.read_series(run, "loss", reduce="mean").values.tolist()
    assert values[0] == 1.5e308
    assert math.isnan(values[1])  # as many ways up as down
