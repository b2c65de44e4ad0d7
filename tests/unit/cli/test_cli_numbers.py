"""Numbers, durations, sizes and times as people read them."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.cli.output.numbers import (
    EXACT,
    format_ago,
    format_apart,
    format_bytes,
    format_change,
    format_count,
    format_duration,
    format_iso,
    format_number,
    format_value,
)
from everbloom.query.language.parser import parse_filter

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0, "0"),
        (-0.5, "-0.5"),
        (3, "3"),
        (512.0, "512"),
        (100_000, "100000"),
        (20_261_124, "20261124"),
        (0.1, "0.1"),
        (0.974368, "0.9744"),
        (0.99996, "1.000"),
        (0.30000000000000004, "0.3000"),
        (12.3456, "12.35"),
        (123_456.7, "123457"),
        (3e-4, "0.0003"),
        (1e-5, "1e-5"),
        (1.23456e-9, "1.235e-9"),
        (2.5e12, "2.5e12"),
        (1e300, "1e300"),
        (math.nan, "NaN"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_a_number_is_short_and_says_when_it_is_rounded(value, shown):
    assert format_number(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_exact_numbers_read_back_as_themselves(value):
    assert float(format_number(value, EXACT)) == value


@given(st.floats(-1e308, 1e308))
def test_short_numbers_are_within_their_last_digit(value):
    assert math.isclose(float(format_number(value)), value, rel_tol=6e-4)


@given(st.floats())
def test_short_numbers_take_few_cells(value):
    assert len(format_number(value)) <= 11


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (True, "true"), (False, "false"), ("adam", "adam"), (["a", "b"], "a b"), (2**60, "1.153e18")],
)
def test_values_that_are_no_numbers_are_spelled_as_the_filter_language_does(value, shown):
    assert format_value(value) == shown


def test_different_values_look_different():
    assert format_apart([0.123456, 0.123457]) == ["0.123456", "0.123457"]


def test_equal_values_stay_short():
    assert format_apart([1 / 3, 1 / 3, None]) == ["0.3333", "0.3333", "null"]


@pytest.mark.parametrize(
    ("value", "reference", "shown"), [(0.95, 0.9, "+0.05"), (0.5, 0.75, "-0.25"), (1.0, 1.0, "0"), (math.nan, 1, "NaN")]
)
def test_a_change_has_its_sign(value, reference, shown):
    assert format_change(value, reference) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (0.0042, "4ms"),
        (3.21, "3.2s"),
        (42.4, "42s"),
        (59.7, "1m00s"),
        (65, "1m05s"),
        (3599.9, "1h00m"),
        (7620, "2h07m"),
        (86_400 * 3 + 3600 * 4, "3d04h"),
    ],
)
def test_a_duration_is_written_in_two_units_at_most(seconds, shown):
    assert format_duration(seconds) == shown


@pytest.mark.parametrize("seconds", [0.2, 3.2, 42, 65, 7620, 300_000])
def test_a_duration_can_be_typed_back_into_a_filter(seconds):
    assert parse_filter(f"duration > {format_duration(seconds)}") is not None


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, ""),
        (0, "0 B"),
        (812, "812 B"),
        (999.4, "999 B"),
        (1000, "1 kB"),
        (3_141_592, "3.14 MB"),
        (2.5e14, "250 TB"),
    ],
)
def test_a_size_has_its_unit(size, shown):
    assert format_bytes(size) == shown


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=1), "now"),
        (timedelta(seconds=42), "42 s ago"),
        (timedelta(minutes=3, seconds=50), "3 min ago"),
        (timedelta(hours=5), "5 h ago"),
        (timedelta(days=12), "12 d ago"),
        (timedelta(days=40), "2026-10-15"),
        (timedelta(hours=-2), "2026-11-24T14:00:00Z"),
    ],
)
def test_ages_are_relative_while_that_says_more_than_a_date(age, shown):
    assert format_ago(NOW - age, NOW) == shown


def test_iso_times_are_utc_to_the_second_or_exact():
    moment = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    assert format_iso(moment) == "2026-01-02T03:04:05Z"
    assert format_iso(moment, is_exact=True) == "2026-01-02T03:04:05.000678Z"
    assert format_iso(None) == ""


def test_counts_agree_with_their_noun():
    assert [format_count(n, "run") for n in (0, 1, 1200)] == ["0 runs", "1 run", "1,200 runs"]
