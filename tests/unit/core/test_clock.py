"""One clock, in microseconds of UTC."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from everbloom.core import clock


def test_now_is_within_what_records_may_hold():
    assert clock.EARLIEST_US < clock.now_us() < clock.now_us() + clock.AHEAD_US
    assert clock.to_datetime(clock.EARLIEST_US) == datetime(2000, 1, 1, tzinfo=UTC)
    assert timedelta(microseconds=clock.AHEAD_US) == timedelta(days=1)


def test_monotonic_and_cpu_time_never_go_back():
    first, second = (clock.monotonic_s(), clock.cpu_s()), (clock.monotonic_s(), clock.cpu_s())
    assert first <= second


@given(time=st.integers(-(10**15), 10**17))
def test_a_time_becomes_a_datetime_and_the_same_time_again(time):
    assert clock.from_datetime(clock.to_datetime(time)) == time


def test_a_naive_datetime_is_utc_and_an_aware_one_is_what_it_says():
    assert clock.from_datetime(datetime(1970, 1, 1, 0, 0, 1)) == 1_000_000  # noqa: DTZ001 - naive is meant
    assert clock.from_datetime(datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))) == 0
