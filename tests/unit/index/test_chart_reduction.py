"""Grids and smoothing by themselves; what they do within a window is held by tests/property/test_series_laws.py."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.index.grid import exact_grid, uniform_grid
from everbloom.index.smooth import lookback, smooth
from everbloom.testing.series import expected_smoothing

INT64 = st.integers(-(2**63), 2**63 - 1)
NONE = np.empty(0, np.int64)


@given(INT64, INT64, st.integers(1, 500), st.lists(INT64, max_size=50))
def test_buckets_cover_the_range_without_gap_or_overlap(a, b, columns, snaps):
    low, high = min(a, b), max(a, b)
    inner = sorted({snap for snap in snaps if low < snap <= high})
    grid = uniform_grid(low, high, columns, np.array(inner, np.int64))
    assert (int(grid.starts[0]), int(grid.ends[-1])) == (low, high)
    assert grid.starts[1:].tolist() == [int(end) + 1 for end in grid.ends[:-1].tolist()]
    assert all(start <= end for start, end in zip(grid.starts.tolist(), grid.ends.tolist(), strict=True))
    assert len(grid) == min(columns, high - low + 1)


@given(st.integers(-1000, 1000), st.integers(0, 5000), st.integers(1, 300))
def test_every_x_falls_into_the_bucket_that_holds_it(low, span, columns):
    grid = uniform_grid(low, low + span, columns, NONE)
    x = np.arange(low - 2, low + span + 3)
    column = grid.column_of(x)
    inside = (x >= low) & (x <= low + span)
    assert column[x < low].tolist() == [-1, -1]
    assert column[x > low + span].tolist() == [len(grid)] * 2
    assert bool(np.all(grid.starts[column[inside]] <= x[inside]))
    assert bool(np.all(grid.ends[column[inside]] >= x[inside]))


def test_borders_move_to_a_near_block_and_not_to_a_far_one():
    grid = uniform_grid(0, 999, 10, np.array([95, 250, 408], np.int64))
    assert grid.starts.tolist() == [0, 95, 200, 300, 408, 500, 600, 700, 800, 900]


def test_a_bucket_of_one_x_is_at_that_x():
    grid = exact_grid(np.array([-5, 0, 7], np.int64))
    assert grid.x.tolist() == [-5.0, 0.0, 7.0]


def test_a_grid_of_nothing_has_no_columns():
    assert exact_grid(NONE).column_of(np.array([1, 2])).tolist() == [-1, -1]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf])), max_size=700),
    st.sampled_from([0.0, 0.3, 0.9, 0.999]),
    st.sampled_from([0.0, 1.0, 4.5]),
)
def test_smoothing_equals_a_plain_loop(points, weight, spacing):
    x = np.cumsum([distance for distance, _ in points]).astype(np.int64)
    values = [value for _, value in points]
    plain = expected_smoothing(x.tolist(), values, weight, spacing)
    told = smooth(x, np.array(values, np.float64), weight=weight, spacing=spacing)
    np.testing.assert_allclose(told, plain, rtol=1e-9, atol=1e-6)


@given(st.floats(-1e300, 1e300), st.integers(1, 600), st.floats(0, 0.999), st.integers(1, 9))
def test_a_constant_stays_itself_to_the_last_bit(value, points, weight, spacing):
    x = np.arange(points, dtype=np.int64) * spacing
    smoothed = smooth(x, np.full(points, value), weight=weight, spacing=spacing)
    assert smoothed.tolist() == [value] * points


def test_on_regular_steps_it_is_the_debiased_average_that_tensorboard_draws():
    values, weight = [1.0, 3.0, -2.0, 5.0], 0.6
    drawn, last = [], 0.0
    for i, value in enumerate(values, 1):
        last = last * weight + (1 - weight) * value
        drawn.append(last / (1 - weight**i))
    told = smooth(np.arange(4), np.array(values), weight=weight, spacing=1.0)
    np.testing.assert_allclose(told, drawn, rtol=1e-12)


def test_points_at_one_x_count_alike():
    told = smooth(np.zeros(3, np.int64), np.array([1.0, 2.0, 6.0]), weight=0.5, spacing=1.0)
    np.testing.assert_allclose(told, [1.0, 1.5, 3.0])


@pytest.mark.parametrize("weight", [0.1, 0.9, 0.999])
def test_what_lies_before_the_lookback_weighs_nothing(weight):
    assert weight ** lookback(weight, 1.0) == pytest.approx(2.0**-64, rel=1e-6)
    assert lookback(0.0, 1.0) == 0.0
