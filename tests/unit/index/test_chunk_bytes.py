"""Chunks and summaries as bytes: lossless to the bit, and damage is told."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.core.errors import Corrupt, UnsupportedVersion
from everbloom.index.chunks import Axis, decode_axis, decode_values, encode_axis, encode_values
from everbloom.index.summary import Point, Summary, combine, decode_summary, encode_summary, order_of, summarise

INT64 = st.integers(-(2**63), 2**63 - 1)
BITS = st.integers(0, 2**64 - 1)


def axis_of(steps, times=None, ordinals=None) -> Axis:
    counted = np.arange(len(steps))
    columns = (steps, counted if times is None else times, counted if ordinals is None else ordinals)
    return Axis(*(np.array(column, np.int64) for column in columns))


@given(st.lists(BITS, min_size=1, max_size=300))
def test_values_come_back_bit_by_bit(bits):
    values = np.array(bits, np.uint64).view(np.float64)
    assert decode_values(encode_values(values), len(values)).view(np.uint64).tolist() == bits


@pytest.mark.parametrize("bits", [0x7FF8000000000001, 0x7FF0000000000123, 0xFFF8DEADBEEF0001, 1 << 63, 1, 0xFFF << 52])
def test_nan_keeps_its_payload_and_zero_its_sign_among_ordinary_values(bits):
    values = np.round(np.random.default_rng(1).normal(size=4096), 3)
    values.view(np.uint64)[1000] = bits
    assert decode_values(encode_values(values), 4096).view(np.uint64).tolist() == values.view(np.uint64).tolist()


@given(st.lists(st.tuples(INT64, INT64, INT64), min_size=1, max_size=300))
def test_an_axis_comes_back_as_it_was(rows):
    axis = axis_of(*zip(*rows, strict=True))
    back = decode_axis(encode_axis(axis))
    for name in ("steps", "times", "ordinals"):
        np.testing.assert_array_equal(getattr(back, name), getattr(axis, name))


@given(start=INT64, difference=INT64, n=st.integers(1, 200))
def test_an_arithmetic_sequence_costs_nothing_even_where_it_wraps(start, difference, n):
    column = [(start + difference * i + 2**63) % 2**64 - 2**63 for i in range(n)]
    axis = axis_of(column, column, column)
    assert len(encode_axis(axis)) == 5 + 3 * 17
    assert decode_axis(encode_axis(axis)).steps.tolist() == column


def test_a_newer_axis_is_refused_by_version():
    blob = encode_axis(axis_of([1, 2, 3]))
    with pytest.raises(UnsupportedVersion) as caught:
        decode_axis(b"\x02" + blob[1:])
    assert caught.value.code == "series.newer"


def test_an_axis_cut_anywhere_is_corrupt():
    blob = encode_axis(axis_of([5, 1, 9, 2], [3, 3, 1, 8]))
    for size in range(len(blob)):
        with pytest.raises(Corrupt):
            decode_axis(blob[:size])
    with pytest.raises(Corrupt):
        decode_axis(blob + b"\0")


def test_values_cut_anywhere_are_corrupt():
    blob = encode_values(np.random.default_rng(0).normal(size=50))
    for size in range(len(blob)):
        with pytest.raises(Corrupt):
            decode_values(blob[:size], 50)


def test_another_count_of_values_is_corrupt():
    blob = encode_values(np.zeros(10))
    with pytest.raises(Corrupt):
        decode_values(blob, 11)


@pytest.mark.parametrize(
    ("steps", "times", "ordinals", "answer"),
    [
        ([1], None, None, True),
        ([1, 2, 3], [9, 1, 5], [3, 2, 1], True),
        ([1, 1, 3], [1, 2, 0], [9, 1, 0], True),
        ([1, 1], [2, 1], [0, 1], False),
        ([1, 1], [1, 1], [1, 0], False),
        ([2, 1], None, None, False),
    ],
)
def test_an_axis_knows_whether_it_is_sorted(steps, times, ordinals, answer):
    axis = axis_of(steps, times, ordinals)
    assert axis.is_sorted() is answer
    assert axis.take(axis.sort_order()).is_sorted()


@given(
    st.integers(1, 2**40),
    st.tuples(INT64, INT64, st.floats(allow_nan=False)),
    st.floats(allow_nan=False),
    st.integers(-(2**2100), 2**2100),
)
def test_a_summary_comes_back_as_it_was(n, point, low, total):
    summary = Summary(n, Point(*point), Point(*point), low, low, 1, 2, 3, total)
    assert decode_summary(encode_summary(summary)) == summary


def test_a_short_summary_is_corrupt():
    with pytest.raises(Corrupt):
        decode_summary(b"\0" * 20)


@given(st.lists(st.tuples(INT64, INT64, BITS), min_size=1, max_size=60), st.randoms())
def test_a_summary_is_the_same_however_it_was_put_together(rows, random):
    def summary_of(some):
        steps, times, bits = zip(*some, strict=True)
        values = np.array(bits, np.uint64).view(np.float64)
        return summarise(np.array(steps, np.int64), np.array(times, np.int64), values[np.newaxis])[0]

    shuffled = list(rows)
    random.shuffle(shuffled)
    parts = [summary_of([row]) for row in shuffled]
    whole = combine(parts)
    assert whole is not None
    assert encode_summary(whole) == encode_summary(summary_of(rows))


def test_combining_nothing_is_nothing():
    assert combine([]) is None


@given(BITS, BITS)
def test_the_order_of_floats_tells_every_bit_pattern_apart(a, b):
    first, second = (struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in (a, b))
    if first < second:
        assert order_of(first) < order_of(second)
    assert (order_of(first) == order_of(second)) == (a == b)
