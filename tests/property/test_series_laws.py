"""Laws of the series store: how rows came in never shows in an answer, and a reduction loses no extreme."""

import bisect
import itertools
import math
import struct
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everbloom.index.series import SeriesKey, SeriesStore, Window
from everbloom.testing.databases import fresh_database
from everbloom.testing.series import (
    RUN,
    WRITERS,
    LoggedRow,
    append_logged,
    expected_bucket,
    expected_smoothing,
    expected_summary,
    points_of,
)

BASE_TIME = 1_700_000_000_000_000
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ENDS = (-(2**63), 2**63 - 1)
KEY_SETS = (("loss",), ("loss", "acc"), ("acc", "lr", "loss"))


def make_journals(seed: int) -> list[list[LoggedRow]]:
    """Return one to three writers' journals of a kind that the seed decides: odd values, repeats, disorder."""
    rng = np.random.default_rng(seed)
    journals = []
    for writer in WRITERS[: int(rng.integers(1, 4))]:
        n = int(rng.choice([1, 7, 130, 700, 4096, 5000, 9000], p=[0.1, 0.1, 0.2, 0.2, 0.1, 0.2, 0.1]))
        steps = make_steps(rng, n)
        times = make_times(rng, n)
        values = make_values(rng, n)
        sets = [KEY_SETS[i] for i in rng.choice(3, size=n, p=[0.8, 0.15, 0.05])]
        journals.append(
            [
                LoggedRow(writer, i, steps[i], times[i], {name: values[i] * (j + 1) for j, name in enumerate(sets[i])})
                for i in range(n)
            ]
        )
    return journals


def make_steps(rng, n):
    kind = rng.integers(0, 6)
    steps = np.arange(n) * (1 if kind == 0 else 10)
    if kind == 2:
        steps = np.sort(rng.integers(0, max(2, n // 5), n))  # repeats
    elif kind == 3:
        steps = rng.permutation(n)  # disorder
    elif kind == 4:
        steps = np.full(n, 5)
    answer = steps.tolist()
    if kind == 5:
        for at in rng.integers(0, n, 3).tolist():
            answer[at] = ENDS[at % 2]
    return answer


def make_times(rng, n):
    kind = rng.integers(0, 4)
    times = np.cumsum(rng.integers(0, 50, n))
    if kind == 1:
        times = rng.integers(0, 1000, n)  # a clock that jumps
    elif kind == 2:
        times = np.zeros(n, np.int64)
    return (times + BASE_TIME).tolist()


def make_values(rng, n):
    values = rng.normal(0, 1, n)
    if rng.random() < 0.5:
        values[rng.integers(0, n, max(1, n // 20))] = math.nan
        values[rng.integers(0, n, max(1, n // 50))] = math.inf
        values[rng.integers(0, n, max(1, n // 50))] = -math.inf
        values[rng.integers(0, n, max(1, n // 50))] = -0.0
    if rng.random() < 0.1:
        values[:] = math.nan
    return values.tolist()


def feed(database, journals, seed, *, finish=False) -> SeriesStore:
    """Append the journals in a random split and order of writers."""
    rng = np.random.default_rng(seed)
    store = SeriesStore(database)
    store.ensure_schema()
    parts = []
    for journal in journals:
        cuts = sorted({0, len(journal), *rng.integers(0, len(journal) + 1, int(rng.integers(0, 9))).tolist()})
        parts.append([journal[a:b] for a, b in itertools.pairwise(cuts)])
    while parts := [part for part in parts if part]:
        with database.transaction():
            append_logged(store, parts[int(rng.integers(0, len(parts)))].pop(0))
    if finish:
        with database.transaction():
            for journal in journals:
                store.finish_writer(RUN, journal[0].writer)
    return store


def bits(value):
    """Turn floats inside of an answer into bytes, so that NaN equals NaN and -0.0 differs from 0.0."""
    if isinstance(value, float):
        return struct.pack("<d", value)
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return {key: bits(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(v) for v in value]
    return value


def answers(store, cutoffs):
    summaries = store.read_summaries([RUN], cutoffs)
    told = [bits(asdict(s)) for m in sorted(summaries.get(RUN, {})) for s in summaries[RUN][m].values()]
    told += [bits(asdict(store.read_series(RUN, metric, 0, cutoffs))) for metric in ("loss", "acc", "lr")]
    for axis, columns in (("step", 50), ("time", 7), ("step", 6000)):
        keys = [SeriesKey(RUN, "loss"), SeriesKey(RUN, "acc")]
        envelope = store.read_window(keys, Window(axis=axis, columns=columns, smoothing=0.9), cutoffs)
        told += [bits(envelope.x), *(bits(asdict(one)) for one in envelope.series)]
    return told


def cutoffs_of(journals, seed):
    rng = np.random.default_rng(seed)
    writers = [journal[0].writer for journal in journals]
    return {w: int(rng.integers(0, 5000)) for w in writers if rng.random() < 0.4}


@FEW
@given(seed=st.integers(0, 2**32), split=st.integers(0, 2**32))
def test_how_rows_were_split_and_interleaved_never_shows(database_place, seed, split):
    journals = make_journals(seed)
    with fresh_database(database_place) as one, fresh_database(database_place) as other:
        cutoffs = cutoffs_of(journals, seed)
        first, second = feed(one, journals, split), feed(other, journals, split + 1)
        assert answers(first, cutoffs) == answers(second, cutoffs)


@FEW
@given(seed=st.integers(0, 2**32))
def test_compacting_what_is_left_changes_no_answer(tmp_path, seed):
    journals = make_journals(seed)
    with fresh_database(tmp_path) as one, fresh_database(tmp_path) as other:
        cutoffs = cutoffs_of(journals, seed)
        assert answers(feed(one, journals, 1), cutoffs) == answers(feed(other, journals, 1, finish=True), cutoffs)


@FEW
@given(seed=st.integers(0, 2**32))
def test_summaries_and_series_are_what_was_logged(database_place, seed):
    journals = make_journals(seed)
    rows = list(itertools.chain(*journals))
    cutoffs = cutoffs_of(journals, seed)
    with fresh_database(database_place) as database:
        store = feed(database, journals, seed)
        summaries = store.read_summaries([RUN], cutoffs).get(RUN, {})
        for metric in ("loss", "acc", "lr"):
            counted = points_of(rows, metric, cutoffs)
            assert (metric in summaries) == bool(counted)
            if counted:
                told = asdict(summaries[metric][0]) | {"mean": summaries[metric][0].mean}
                for name, value in expected_summary(counted).items():
                    np.testing.assert_equal(told[name], value, err_msg=name)
            series, points = store.read_series(RUN, metric, 0, cutoffs), points_of(rows, metric)
            assert series.steps.tolist() == [p.step for p in points]
            assert series.times.tolist() == [p.time for p in points]
            assert bits(series.values) == bits(np.array([p.value for p in points], np.float64))
            assert series.greyed.tolist() == [p.step > cutoffs.get(p.writer, p.step) for p in points]


def x_of(point, axis, started):
    return point.step if axis == "step" else point.time - (started if axis == "relative" else 0)


@FEW
@given(
    seed=st.integers(0, 2**32),
    axis=st.sampled_from(["step", "time", "relative"]),
    columns=st.sampled_from([1, 2, 13, 100, 1200, 20_000]),
    zoom=st.booleans(),
    finish=st.booleans(),
)
def test_every_bucket_keeps_first_last_min_max_and_counts(tmp_path, seed, axis, columns, zoom, finish):
    journals = make_journals(seed)
    rows = list(itertools.chain(*journals))
    cutoffs = cutoffs_of(journals, seed)
    low, high = (100, 2000) if zoom else (None, None)
    if axis == "time" and zoom:
        low, high = low + BASE_TIME, high + BASE_TIME
    window = Window(axis=axis, low=low, high=high, columns=columns, started={RUN: BASE_TIME})
    with fresh_database(tmp_path) as database:
        store = feed(database, journals, seed, finish=finish)
        envelope = store.read_window([SeriesKey(RUN, "loss"), SeriesKey(RUN, "acc")], window, cutoffs)
    assert len(envelope.x) <= columns
    starts, ends = envelope.starts.tolist(), envelope.ends.tolist()
    assert all(a <= b for a, b in zip(starts, ends, strict=True))
    assert all(end < start for end, start in zip(ends, starts[1:], strict=False))
    for metric, one in zip(("loss", "acc"), envelope.series, strict=True):
        points = points_of(rows, metric, cutoffs)
        buckets = [[] for _ in starts]
        for point in points:
            x = x_of(point, axis, BASE_TIME)
            at = np.searchsorted(envelope.starts, x, side="right") - 1
            if at >= 0 and x <= ends[at]:
                buckets[at].append(point)
            else:
                assert zoom
                assert not low <= x <= high
        expected = [expected_bucket(bucket, axis) for bucket in buckets]
        for name in ("first", "last", "min", "max", "count", "nan", "pinf", "ninf"):
            np.testing.assert_array_equal(getattr(one, name), [e[name] for e in expected], err_msg=name)


@FEW
@given(seed=st.integers(0, 2**32), weight=st.sampled_from([0.0, 0.5, 0.9, 0.99]), zoom=st.booleans())
def test_smoothing_in_a_window_is_that_of_the_whole_series(tmp_path, seed, weight, zoom):
    journals = make_journals(seed)
    points = points_of(list(itertools.chain(*journals)), "loss")
    if not points:
        return
    middle = points[len(points) // 2].step
    window = Window(low=middle if zoom else None, columns=100_000, smoothing=weight)
    with fresh_database(tmp_path) as database:
        store = feed(database, journals, seed)
        envelope = store.read_window([SeriesKey(RUN, "loss")], window)
    x = [p.step for p in points]
    spacing = (x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 0.0
    plain = expected_smoothing(x, [p.value for p in points], weight, spacing)
    by_bucket = np.full(len(envelope.x), math.nan)
    for point, value in zip(points, plain, strict=True):
        at = int(np.searchsorted(envelope.starts, point.step, side="right")) - 1
        if at >= 0 and point.step <= envelope.ends[at] and math.isfinite(point.value):
            by_bucket[at] = value
    np.testing.assert_allclose(envelope.series[0].smoothed, by_bucket, rtol=1e-9, atol=1e-9)


@FEW
@given(
    seed=st.integers(0, 2**32),
    axis=st.sampled_from(["step", "time", "relative"]),
    columns=st.sampled_from([1, 13, 1200]),
    low=st.integers(-100, 100_000),
    span=st.integers(0, 3000),
    smoothing=st.sampled_from([None, 0.9]),
    finish=st.booleans(),
)
def test_a_window_knows_the_points_its_lines_come_from_and_go_to(
    tmp_path, seed, axis, columns, low, span, smoothing, finish
):
    journals = make_journals(seed)
    cutoffs = cutoffs_of(journals, seed)
    low += BASE_TIME if axis == "time" else 0
    high = low + span
    window = Window(axis, low, high, columns, started={RUN: BASE_TIME}, smoothing=smoothing)
    with fresh_database(tmp_path) as database:
        store = feed(database, journals, seed, finish=finish)
        (series,) = store.read_window([SeriesKey(RUN, "loss")], window, cutoffs).series
    points = points_of(itertools.chain(*journals), "loss", cutoffs)
    if axis != "step":
        points.sort(key=lambda p: (p.time, p.step, p.writer, p.ordinal))
    xs = [x_of(point, axis, BASE_TIME) for point in points]
    inside = [x for x in xs if low <= x <= high]
    spacing = (xs[-1] - xs[0]) / (len(xs) - 1) if len(xs) > 1 else 0.0
    plain = expected_smoothing(xs, [p.value for p in points], smoothing or 0.0, spacing)
    width = span / columns
    sides = (
        (series.before, bisect.bisect_left(xs, low) - 1, min(inside, default=math.inf) - low),
        (series.after, bisect.bisect_right(xs, high), high - max(inside, default=-math.inf)),
    )
    for told, at, gap in sides:
        has_point = 0 <= at < len(points) and math.isfinite(points[at].value)
        if told is None:
            assert not has_point or gap <= 1.125 * width + 1  # it lies within a column, whose border may have moved
            continue
        assert (told.x, told.value) == (float(xs[at]), points[at].value)
        assert (told.smoothed is None) == (smoothing is None)
        if told.smoothed is not None:
            assert told.smoothed == pytest.approx(plain[at], rel=1e-9, abs=1e-9)


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(4))
def test_two_engines_give_the_same_bits(tmp_path, postgres_address, seed):
    journals = make_journals(seed)
    with fresh_database(tmp_path) as one, fresh_database(postgres_address) as other:
        assert answers(feed(one, journals, 1), {}) == answers(feed(other, journals, 2), {})
