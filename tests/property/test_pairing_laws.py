"""Laws of a metric as x: every point whose step has an x is counted in the bucket of that x, and no extreme is lost."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from everbloom.query.pairing import MetricWindow, pair_by_step, reduce_paired

VALUES = st.one_of(st.floats(-100, 100), st.sampled_from([math.nan, math.inf, -math.inf]))
LOGGED = st.lists(st.tuples(st.integers(0, 12), VALUES), max_size=40).map(lambda rows: sorted(rows, key=lambda r: r[0]))
EXTREME = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30)


def columns_of(rows):
    return np.array([step for step, _ in rows], np.int64), np.array([value for _, value in rows], np.float64)


def expected_pairs(x_rows, rows):
    """Pair by a plain loop: the last x of a step, points without a finite one left out, ordered by x."""
    last = dict(x_rows)
    paired = [(last[step], value) for step, value in rows if step in last and math.isfinite(last[step])]
    return sorted(paired, key=lambda pair: pair[0])


@given(LOGGED, LOGGED)
def test_points_stand_where_the_other_metric_stood_at_their_step(x_rows, rows):
    paired = pair_by_step(*columns_of(x_rows), *columns_of(rows))
    expected = expected_pairs(x_rows, rows)
    assert paired.x.tolist() == [x for x, _ in expected]
    assert np.array_equal(paired.values, np.array([value for _, value in expected]), equal_nan=True)


@given(LOGGED, LOGGED, st.integers(1, 20))
def test_no_point_and_no_extreme_is_lost_at_any_width(x_rows, rows, columns):
    paired = pair_by_step(*columns_of(x_rows), *columns_of(rows))
    envelope = reduce_paired([paired], MetricWindow("x", columns=columns))
    (series,) = envelope.series
    assert len(envelope.x) <= columns
    assert np.all(np.diff(envelope.x) > 0)
    assert series.count.sum() == len(paired.x)
    assert series.nan.sum() == np.isnan(paired.values).sum()
    known = paired.values[~np.isnan(paired.values)]
    if len(known):
        assert (np.nanmin(series.min), np.nanmax(series.max)) == (known.min(), known.max())


@given(EXTREME, st.integers(1, 8), st.floats(0, 0.99))
def test_any_finite_x_finds_its_bucket_and_a_smoothed_value(xs, columns, weight):
    paired = pair_by_step(np.arange(len(xs)), np.array(xs), np.arange(len(xs)), np.ones(len(xs)))
    envelope = reduce_paired([paired], MetricWindow("x", columns=columns, smoothing=weight))
    (series,) = envelope.series
    assert series.count.sum() == len(xs)
    assert series.smoothed is not None
    assert np.allclose(series.smoothed[series.count > 0], 1.0)


@given(LOGGED, LOGGED, st.floats(-50, 50), st.floats(0, 50))
def test_a_part_of_x_holds_exactly_the_points_in_it_and_smooths_them_as_the_whole_does(x_rows, rows, low, span):
    paired = pair_by_step(*columns_of(x_rows), *columns_of(rows))
    (part,) = reduce_paired([paired], MetricWindow("x", low, low + span, columns=500, smoothing=0.5)).series
    whole = reduce_paired([paired], MetricWindow("x", columns=500, smoothing=0.5))
    inside = (whole.x >= low) & (whole.x <= low + span)
    assert part.count.tolist() == whole.series[0].count[inside].tolist()
    assert np.array_equal(part.smoothed, whole.series[0].smoothed[inside], equal_nan=True)
