"""The byte format's pure functions."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.core.errors import Corrupt, UnsupportedVersion
from everbloom.core.ids import WriterId
from everbloom.journal import format as journal_format
from everbloom.journal.format import (
    BLOCK_BYTES,
    BY_FILE_SIZE,
    HEADER_BYTES,
    RECORD_MAX_BYTES,
    Header,
    TornItem,
    block_end,
    block_start,
    find_item_end,
    pack_header,
    parse_header,
)

HEADERS = st.builds(
    Header,
    committed=st.integers(1, 2**64 - 1),
    number=st.integers(0, 2**32 - 1),
    writer=st.binary(min_size=8, max_size=8).map(lambda raw: WriterId(raw.hex())),
    host=st.integers(0, 2**64 - 1),
    boot=st.integers(0, 2**64 - 1),
    process_start=st.integers(0, 2**64 - 1),
    pid=st.integers(0, 2**32 - 1),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
    max_leaves=40,
)


@given(header=HEADERS)
def test_a_header_parses_back_to_what_was_packed(header):
    packed = pack_header(header)
    assert len(packed) == HEADER_BYTES
    assert parse_header(packed, path="x") == header


@pytest.mark.parametrize("size", [0, 1, 63])
def test_a_short_header_is_one_not_written_yet(size):
    assert parse_header(pack_header(Header(64, 0, WriterId("0" * 16), 1, 2, 3, 4))[:size], path="x") is None


def test_a_header_of_another_program_and_of_a_newer_version_are_told_apart():
    packed = pack_header(Header(BY_FILE_SIZE, 0, WriterId("0" * 16), 1, 2, 3, 4))
    with pytest.raises(Corrupt, match=r"journal\.magic"):
        parse_header(packed[:8] + b"SQLite f" + packed[16:], path="x")
    with pytest.raises(UnsupportedVersion, match=r"journal\.version"):
        parse_header(packed[:16] + b"\x02" + packed[17:], path="x")
    with pytest.raises(Corrupt, match=r"journal\.header"):
        parse_header(packed[:-1] + bytes([packed[-1] ^ 1]), path="x")


def test_a_newer_minor_version_is_read():
    body = bytearray(pack_header(Header(64, 0, WriterId("0" * 16), 1, 2, 3, 4)))
    body[18] = 5
    check = journal_format.xxhash.xxh3_64_intdigest(bytes(body[8:60])) & 0xFFFF_FFFF
    body[60:] = check.to_bytes(4, "little")
    assert parse_header(bytes(body), path="x") is not None


@given(value=VALUES, before=st.binary(max_size=9), behind=st.binary(max_size=9))
def test_an_items_end_is_found_whatever_it_holds(value, before, behind):
    item = msgspec.msgpack.encode(value)
    data = before + item + behind
    assert find_item_end(data, len(before), len(data)) == len(before) + len(item)


@given(value=VALUES, data=st.data())
def test_an_item_that_is_cut_off_is_incomplete(value, data):
    item = msgspec.msgpack.encode(value)
    limit = data.draw(st.integers(0, len(item) - 1))
    with pytest.raises(TornItem) as raised:
        find_item_end(item, 0, limit)
    assert raised.value.is_incomplete


def test_extension_items_are_walked_over():
    for size in (0, 1, 2, 4, 5, 8, 16, 17, 300, 70_000):
        item = msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"x" * size))
        assert find_item_end(item + b"\0", 0, len(item) + 1) == len(item)


def test_the_byte_that_messagepack_never_uses_is_no_item():
    with pytest.raises(TornItem) as raised:
        find_item_end(b"\x91\xc1", 0, 2)
    assert (raised.value.position, raised.value.is_incomplete) == (1, False)


@given(junk=st.binary(max_size=200))
def test_any_bytes_end_the_walk_within_the_limit(junk):
    try:
        end = find_item_end(junk, 0, len(junk))
    except TornItem as torn:
        end = torn.position
    assert 0 <= end <= len(junk)


@pytest.mark.parametrize(
    ("position", "start", "end"),
    [
        (64, 64, BLOCK_BYTES),
        (BLOCK_BYTES - 1, 64, BLOCK_BYTES),
        (BLOCK_BYTES, BLOCK_BYTES, 2 * BLOCK_BYTES),
        (2 * BLOCK_BYTES + 5, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES),
    ],
)
def test_a_blocks_content_begins_behind_the_header_or_at_its_edge(position, start, end):
    assert (block_start(position), block_end(position)) == (start, end)


def test_the_largest_record_fits_into_the_first_block():
    assert HEADER_BYTES + RECORD_MAX_BYTES + 8 == BLOCK_BYTES
