"""Ranges, types and names of content; windows of text; rows of tables; values: pure parts of the API."""

import io
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.api.content import CHUNK_BYTES, choose_type, iter_bytes, parse_range
from everbloom.api.preview.tables import RowIndex, iter_records
from everbloom.api.preview.texts import is_text, read_text
from everbloom.api.values import to_micros, to_number, to_plain, to_value
from everbloom.query.sparks import EMPTY, POINTS, quantise


@given(st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_the_standard_says(size, first, last):
    data = bytes(range(size))
    part = parse_range(f"bytes={first}-{last}", size)
    if last < first:  # no range at all
        assert part == (0, size)
        return
    assert (part is None) == (first >= size)
    if part is not None:
        assert data[part[0] : part[1]] == data[first : last + 1]


@given(st.integers(0, 50), st.integers(0, 60))
def test_a_suffix_is_the_end(size, length):
    data = bytes(range(size))
    part = parse_range(f"bytes=-{length}", size)
    assert (part is None) == (not length or not size)
    if part is not None:
        assert data[part[0] : part[1]] == data[-length:]


def test_content_is_sent_in_pieces_and_closed():
    file = io.BytesIO(bytes(CHUNK_BYTES * 2 + 10))
    pieces = list(iter_bytes(lambda: file, 5, CHUNK_BYTES * 2 + 3))
    assert [len(piece) for piece in pieces] == [CHUNK_BYTES, CHUNK_BYTES - 2]
    assert file.closed


@pytest.mark.parametrize(
    ("recorded", "sent"),
    [
        ("image/png", ("image/png", True)),
        ("IMAGE/PNG; x=y", ("image/png", True)),
        ("text/html", ("text/plain", True)),
        ("application/xhtml+xml", ("application/octet-stream", False)),
        ("application/javascript", ("text/plain", True)),
        ("application/x-shockwave-flash", ("application/octet-stream", False)),
        ("", ("application/octet-stream", False)),
        ("multipart/related", ("application/octet-stream", False)),
    ],
)
def test_types_that_a_browser_would_run_are_sent_as_something_else(recorded, sent):
    assert choose_type(recorded) == sent


@given(st.text(max_size=200), st.integers(4, 40))
def test_windows_of_a_text_put_together_are_the_text(text, limit):
    data = text.encode()
    found, offset = "", 0
    while offset is not None:
        part = read_text(io.BytesIO(data), len(data), "text/plain", offset=offset, limit=limit)
        found += part.text
        assert part.next_offset is None or part.next_offset > offset
        offset = part.next_offset
    assert found == text


@given(st.binary(max_size=100), st.integers(1, 8))
def test_windows_of_any_bytes_come_to_an_end(data, limit):
    offset, windows = 0, 0
    while offset is not None:
        offset = read_text(io.BytesIO(data), len(data), "", offset=offset, limit=limit).next_offset
        windows += 1
        assert windows <= len(data) + 1


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"import os\n", True),
        (b"", True),
        (b"a\0b", False),
        (b"\xff\xfe", False),
        ("é".encode()[:1], True),
        (b"\x01" * 9, False),
    ],
)
def test_text_is_told_from_bytes(head, answer):
    assert is_text(head) is answer


FIELDS = st.text(st.sampled_from('ab,"\n é'), max_size=6)


@given(st.lists(st.lists(FIELDS, min_size=1, max_size=3), max_size=20))
def test_records_of_a_table_are_found_whatever_stands_in_them(rows):
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows]
    found = list(iter_records(io.BytesIO("".join(quoted).encode())))
    assert [record.decode() for record in found] == quoted


def test_a_row_index_looks_no_further_than_it_is_asked():
    file = io.BytesIO(b"1\n" * 5000)
    index = RowIndex(0)
    index.look_further(file, 10)
    assert (index.rows, index.end, index.is_whole) == (11, 22, False)
    index.look_further(file, 9_999)
    assert (index.rows, index.is_whole, index.marks) == (5000, True, [0, 2000, 4000, 6000, 8000, 10_000])


def test_values_that_json_lacks_are_spelled():
    assert [to_number(value) for value in (math.nan, math.inf, -math.inf, 1.5)] == ["NaN", "Infinity", "-Infinity", 1.5]
    assert (to_value(2**53), to_value(2**53 + 1), to_value(-(2**60))) == (2**53, str(2**53 + 1), str(-(2**60)))
    assert (to_value(True), to_value(None), to_value(["a"]), to_value("abc", chars=2)) == (True, None, ["a"], "ab…")
    assert to_plain({"a": [math.nan, {"b": b"\x01"}], 1: (2,)}) == {"a": ["NaN", {"b": "01"}], "1": [2]}
    assert to_micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=POINTS))
def test_a_sparkline_is_32_bytes_whose_order_is_that_of_the_values(values):
    import numpy as np

    drawn = quantise(np.array(values))
    assert len(drawn) == POINTS
    assert all(0 <= byte <= EMPTY for byte in drawn)
    finite = [value for value in values if math.isfinite(value)]
    assert (EMPTY in drawn) == (len(finite) < len(values))
    if len(values) == POINTS:
        pairs = [(value, byte) for value, byte in zip(values, drawn, strict=True) if math.isfinite(value)]
        assert all(a[1] <= b[1] for a, b in zip(sorted(pairs), sorted(pairs)[1:], strict=False))
