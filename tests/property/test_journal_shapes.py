"""Decoding rows of one shape at once gives what decoding them one by one gives."""

import struct

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from everbloom.journal.format import find_item_end
from everbloom.journal.shapes import find_shape

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
INT_FORMS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
BOUNDS = {
    0xCC: (0, 2**8 - 1),
    0xCD: (0, 2**16 - 1),
    0xCE: (0, 2**32 - 1),
    0xCF: (0, 2**64 - 1),
    0xD0: (-(2**7), 2**7 - 1),
    0xD1: (-(2**15), 2**15 - 1),
    0xD2: (-(2**31), 2**31 - 1),
    0xD3: (-(2**63), 2**63 - 1),
}


@st.composite
def integers(draw) -> bytes:
    """Any MessagePack integer, not only the shortest form of a number."""
    code = draw(st.sampled_from([0, *BOUNDS]))
    if not code:
        return struct.pack(">b", draw(st.integers(-32, 127)))
    return bytes([code]) + struct.pack(INT_FORMS[code], draw(st.integers(*BOUNDS[code])))


FLOATS = st.floats(width=32).map(lambda x: b"\xca" + struct.pack(">f", x)) | st.floats().map(
    lambda x: b"\xcb" + struct.pack(">d", x)
)


@st.composite
def rows(draw) -> bytes:
    names = draw(st.lists(NAMES, min_size=1, max_size=20))
    head = b"\x93" + draw(integers()) + draw(integers())
    size = bytes([0x80 + len(names)]) if len(names) < 16 else b"\xde" + len(names).to_bytes(2, "big")
    return head + size + b"".join(msgspec.msgpack.encode(name) + draw(integers() | FLOATS) for name in names)


def decode_slowly(data: bytes, position: int) -> tuple[int, int, dict[str, float], int]:
    end = find_item_end(data, position, len(data))
    step, time, values = msgspec.msgpack.decode(data[position:end])
    return step, time, {name: float(value) for name, value in values.items()}, end


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.tuples(rows(), st.integers(1, 40)), min_size=1, max_size=6), tail=st.binary(max_size=30))
def test_shapes_agree_with_decoding_row_by_row(parts, tail):
    whole = b"".join(row * count for row, count in parts)
    data, end, position, known = whole + tail, len(whole), 0, []
    while position < end:
        step, time, values, after = decode_slowly(data, position)
        shape = find_shape(data, position, end, known)
        if shape is None:  # left to the loop: a name twice, or a step or time that int64 cannot hold
            position = after
            continue
        count = shape.count_rows(data, position, end)
        matrix = shape.matrix(data, position, count)
        assert shape.size == after - position
        columns = shape.decode_values(matrix)[0]
        for i in range(count):
            step, time, values, position = decode_slowly(data, position)
            assert (int(shape.decode_steps(matrix)[i]), int(shape.decode_times(matrix)[i])) == (step, time)
            expected = np.array([values[name] for name in shape.names])
            assert columns[i].tobytes() == expected.tobytes() or np.array_equal(columns[i], expected, equal_nan=True)


@settings(max_examples=200, deadline=None)
@given(row=rows(), count=st.integers(1, 300), cut=st.integers(0, 10**6))
def test_a_run_of_rows_ends_at_the_last_whole_one(row, count, cut):
    data = row * count
    end = len(data) - cut % (len(row) + 1)
    shape = find_shape(data, 0, len(data), [])
    if shape is not None and end >= len(row):
        assert shape.count_rows(data, 0, end) == end // len(row)


@settings(max_examples=300, deadline=None)
@given(row=rows(), data=st.data())
def test_a_cut_row_has_no_shape(row, data):
    end = data.draw(st.integers(0, len(row) - 1))
    assert find_shape(row, 0, end, []) is None


@settings(max_examples=300, deadline=None)
@given(junk=st.binary(max_size=200))
def test_any_bytes_are_walked_without_an_error(junk):
    find_shape(junk + b"\x93", 0, len(junk), [])


def test_integers_beyond_53_bits_are_counted_as_rounded():
    row = msgspec.msgpack.encode((1, 2, {"a": 2**53, "b": 2**53 + 1, "c": -(2**60), "d": 1.0}))
    shape = find_shape(row * 3, 0, len(row) * 3, [])
    assert shape is not None
    assert shape.decode_values(shape.matrix(row * 3, 0, 3))[1] == 6
