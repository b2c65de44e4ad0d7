"""Curves in a line of text."""

import math

import pytest

from everbloom.cli.output.sparkline import draw_sparkline


def test_a_rising_curve_rises():
    assert draw_sparkline(range(8), 8) == "▁▂▃▄▅▆▇█"


def test_many_points_are_drawn_in_the_width_given():
    assert len(draw_sparkline([i % 7 for i in range(10_000)], 24)) == 24


def test_a_single_spike_among_many_points_is_not_lost():
    values = [0.0] * 10_000
    values[4321] = 1.0
    assert draw_sparkline(values, 24).count("█") == 1


def test_a_single_dip_among_many_points_is_not_lost():
    values = [1.0] * 10_000
    values[4321] = 0.0
    assert draw_sparkline(values, 24).count("▁") == 1


def test_nan_is_a_gap_and_infinities_stand_at_the_edges():
    assert draw_sparkline([0.0, math.nan, math.inf, -math.inf, 1.0], 5) == "▁ █▁█"


def test_a_constant_curve_lies_in_the_middle():
    assert draw_sparkline([3.0, 3.0, 3.0], 3) == "▄▄▄"


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf], [1e308, -1e308], [5e-324, 0.0]])
def test_odd_curves_are_drawn_all_the_same(values):
    assert len(draw_sparkline(values, 10)) == len(values)


def test_curves_on_one_scale_can_be_compared():
    assert draw_sparkline([1.0, 1.0], 2, scale=[0.0, 1.0]) == "██"
    assert draw_sparkline([0.0, 0.0], 2, scale=[0.0, 1.0]) == "▁▁"


def test_ascii_is_drawn_where_blocks_cannot_be():
    assert draw_sparkline(range(8), 8, has_unicode=False).isascii()
