"""Exact sums: no order, no grouping, no rounding until the mean."""

import math
import struct
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from everbloom.index.exact import UNIT_EXPONENT, exact_mean, exact_sum, exact_sums

FLOATS = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
UNIT = Fraction(1, 2**UNIT_EXPONENT)


def fraction_sum(values) -> Fraction:
    return sum((Fraction(v) for v in values if math.isfinite(v)), Fraction(0))


@given(st.lists(FLOATS, max_size=40))
def test_few_values_are_added_exactly(values):
    assert exact_sum(np.array(values, np.float64)) * UNIT == fraction_sum(values)


@given(st.lists(FLOATS, min_size=1, max_size=40))
def test_many_values_are_added_exactly(values):
    many = values * 60
    assert exact_sum(np.array(many, np.float64)) * UNIT == fraction_sum(values) * 60


@given(st.lists(FLOATS, min_size=2, max_size=200), st.integers(0, 200), st.randoms())
def test_neither_order_nor_grouping_changes_a_sum(values, cut, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    parts = exact_sum(np.array(shuffled[:cut], np.float64)) + exact_sum(np.array(shuffled[cut:], np.float64))
    assert exact_sum(np.array(values, np.float64)) == parts


def test_what_floats_lose_is_kept():
    assert exact_sum(np.array([1e308, 1.0, -1e308] * 100)) * UNIT == 100


def test_the_ends_of_the_range_are_exact():
    smallest, greatest = 5e-324, 1.7976931348623157e308
    values = np.array([smallest, -smallest, greatest, 2.2250738585072014e-308, 2.225073858507201e-308] * 50)
    assert exact_sum(values) * UNIT == fraction_sum(values.tolist())


def test_no_values_sum_to_nothing():
    assert exact_sum(np.empty(0)) == 0
    assert exact_sum(np.full(100, math.nan)) == 0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_a_mean_is_correctly_rounded(values):
    total = exact_sum(np.array(values, np.float64))
    expected = float(fraction_sum(values) / len(values))
    assert struct.pack("<d", exact_mean(total, len(values)) + 0.0) == struct.pack("<d", expected + 0.0)


def test_a_mean_of_huge_values_does_not_overflow():
    greatest = 1.7976931348623157e308
    assert exact_mean(exact_sum(np.full(1000, greatest)), 1000) == greatest


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=20))
def test_short_columns_side_by_side_are_added_exactly(rows):
    columns = np.array(rows, np.float64).T
    assert [total * UNIT for total in exact_sums(columns)] == [fraction_sum(c) for c in columns.tolist()]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300))
def test_columns_of_any_length_are_added_exactly(values):
    columns = np.array([values, [-v for v in values], [0.0] * len(values)])
    assert [total * UNIT for total in exact_sums(columns)] == [fraction_sum(c) for c in columns.tolist()]


def test_the_longest_short_columns_do_not_overflow():
    greatest = float(2**53 - 1)
    columns = np.array([[greatest * 2.0**30] * 63 + [1.0], [-greatest * 2.0**30] * 63 + [-1.0]])
    assert [total * UNIT for total in exact_sums(columns)] == [fraction_sum(c) for c in columns.tolist()]


def test_no_rows_sum_to_nothing():
    assert exact_sums(np.empty((2, 0))) == [0, 0]
