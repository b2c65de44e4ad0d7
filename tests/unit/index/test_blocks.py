"""Column blocks: what goes in comes out, and patching equals building afresh."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everbloom.index.blocks import BLOCK_RUNS, ColumnBuilder, encode_block, patch_block
from everbloom.index.columns import MISSING_CELL, build_column, cell_at

SCALARS = [1, -1, 2**53, 0, 0.5, -0.0, math.nan, math.inf, -math.inf, True, False, None, "", "a", "3e-4", "ß", "🌱"]


def decode(payload, size, at=0):
    builder = ColumnBuilder(size)
    if payload:
        builder.add_block(payload, at)
    column = builder.build()
    return [MISSING_CELL] * size if column is None else [cell_at(column, row) for row in range(size)]


def look(cells):
    """Compare by eye: NaN equals itself, -0.0 is not 0.0, 1 is neither 1.0 nor True."""
    return [(type(cell).__name__, repr(cell)) for cell in cells]


@pytest.mark.parametrize("size", [1, 16, 17, BLOCK_RUNS])
@pytest.mark.parametrize("cell", SCALARS)
def test_a_block_with_one_filled_place_gives_it_back(size, cell):
    cells = [MISSING_CELL] * size
    cells[size // 2] = cell
    assert look(decode(encode_block(build_column(cells)), size)) == look(cells)


@pytest.mark.parametrize("cell", SCALARS)
def test_a_block_full_of_one_value_gives_it_back(cell):
    cells = [cell] * 100
    assert look(decode(encode_block(build_column(cells)), 100)) == look(cells)


def test_a_block_of_everything_gives_it_back():
    cells = [SCALARS[i % len(SCALARS)] for i in range(BLOCK_RUNS)]
    assert look(decode(encode_block(build_column(cells)), BLOCK_RUNS)) == look(cells)


def test_a_block_without_a_filled_place_takes_no_bytes():
    assert encode_block(build_column([MISSING_CELL] * 9)) == b""


def test_a_sparse_block_is_much_smaller_than_a_dense_one():
    sparse = [MISSING_CELL] * BLOCK_RUNS
    sparse[7] = 0.1
    dense = [i / 7 for i in range(BLOCK_RUNS)]
    assert len(encode_block(build_column(sparse))) < 60
    assert len(encode_block(build_column(dense))) > 8 * BLOCK_RUNS


@pytest.mark.parametrize("filled", [255, 256, 257])
def test_the_places_are_right_on_both_sides_of_sparse_and_dense(filled):
    cells = [i if i % 16 == 3 and i // 16 < filled else MISSING_CELL for i in range(BLOCK_RUNS)]
    cells[0] = 5
    assert look(decode(encode_block(build_column(cells)), BLOCK_RUNS)) == look(cells)


def test_lists_of_texts_come_back():
    cells = [["a", "b"], MISSING_CELL, ["b"], [], ["ß", "🌱", "a"]]
    assert decode(encode_block(build_column(cells)), 5) == [["a", "b"], MISSING_CELL, ["b"], MISSING_CELL, cells[4]]


def test_a_sparse_list_block_comes_back():
    cells = [MISSING_CELL] * 500
    cells[3], cells[400] = ["x"], ["y", "x"]
    assert decode(encode_block(build_column(cells)), 500) == cells


def test_more_distinct_tags_than_16_bits_count_come_back():
    cells = [[f"tag {run} {number}" for number in range(20)] for run in range(BLOCK_RUNS)]
    assert decode(encode_block(build_column(cells)), BLOCK_RUNS) == cells


def test_blocks_stand_one_behind_the_other():
    first, second = list(range(BLOCK_RUNS)), ["x", MISSING_CELL, True]
    builder = ColumnBuilder(BLOCK_RUNS + 3)
    builder.add_block(encode_block(build_column(first)), 0)
    builder.add_block(encode_block(build_column(second)), BLOCK_RUNS)
    column = builder.build()
    assert column is not None
    assert look(cell_at(column, row) for row in range(BLOCK_RUNS + 3)) == look(first + second)


def test_texts_of_several_blocks_share_one_dictionary():
    builder = ColumnBuilder(4)
    builder.add_block(encode_block(build_column(["b", "a"])), 0)
    builder.add_block(encode_block(build_column(["a", "c"])), 2)
    column = builder.build()
    assert column is not None
    assert sorted(column.texts) == ["a", "b", "c"]
    assert [cell_at(column, row) for row in range(4)] == ["b", "a", "a", "c"]


def test_a_column_of_nothing_is_none():
    assert ColumnBuilder(10).build() is None


def test_an_overlaid_cell_replaces_what_a_block_says():
    builder = ColumnBuilder(3)
    builder.add_block(encode_block(build_column(["a", 2, True])), 0)
    builder.set_cells([0, 2], [5, MISSING_CELL])
    column = builder.build()
    assert column is not None
    assert [cell_at(column, row) for row in range(3)] == [5, 2, MISSING_CELL]
    assert column.codes is not None
    assert column.codes.tolist() == [-1, -1, -1]


def test_patching_drops_texts_that_nobody_uses():
    payload = encode_block(build_column(["a long text that goes", "b", "c"]))
    patched = patch_block(payload, 3, [0], ["c"])
    assert b"a long text" not in patched
    assert decode(patched, 3) == ["c", "b", "c"]


def test_patching_drops_list_texts_that_nobody_uses():
    payload = encode_block(build_column([["gone", "kept"], ["kept"]]))
    patched = patch_block(payload, 2, [0], [["kept"]])
    assert b"gone" not in patched
    assert decode(patched, 2) == [["kept"], ["kept"]]


def test_a_block_that_loses_its_last_cell_is_gone():
    payload = encode_block(build_column(["a", MISSING_CELL]))
    assert patch_block(payload, 2, [0], [MISSING_CELL]) == b""


def test_patching_makes_room_for_more_places():
    payload = encode_block(build_column([1, 2]))
    assert decode(patch_block(payload, 5, [4], ["x"]), 5) == [1, 2, MISSING_CELL, MISSING_CELL, "x"]


def test_patching_with_what_is_there_changes_no_byte():
    cells = [SCALARS[i % len(SCALARS)] for i in range(64)]
    payload = encode_block(build_column(cells))
    assert patch_block(payload, 64, [3, 40], [cells[3], cells[40]]) == payload


SCALAR = st.one_of(
    st.just(MISSING_CELL),
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(["a", "b", "3e-4"]),
)
TAGS = st.one_of(st.just(MISSING_CELL), st.lists(st.sampled_from("abcdß🌱"), max_size=4, unique=True))


def _patch_all(cell):
    patch = st.dictionaries(st.integers(0, 39), cell, min_size=1, max_size=12)
    return st.lists(patch, max_size=6)


def _check_patches(patches):
    payload, cells, size = b"", [MISSING_CELL] * 40, 40
    for patch in patches:
        for place, cell in patch.items():
            cells[place] = cell
        payload = patch_block(payload, size, list(patch), list(patch.values()))
    wanted = [MISSING_CELL if cell == [] else cell for cell in cells]
    assert look(decode(payload, size)) == look(wanted)
    fresh = encode_block(build_column(cells))
    assert len(payload) == len(fresh)  # the order of the dictionary may differ, nothing else
    assert (payload == b"") == (fresh == b"")


@settings(max_examples=200, deadline=None)
@given(_patch_all(SCALAR))
def test_any_sequence_of_patches_equals_building_afresh(patches):
    _check_patches(patches)


@settings(max_examples=200, deadline=None)
@given(_patch_all(TAGS))
def test_any_sequence_of_patches_of_tags_equals_building_afresh(patches):
    _check_patches(patches)


def test_numbers_come_back_bit_by_bit():
    bits = np.array([0x7FF8000000000001, 0x8000000000000000, 1, 0x7FEFFFFFFFFFFFFF], np.uint64)
    numbers = bits.view(np.float64).tolist()
    column = build_column(numbers)
    builder = ColumnBuilder(4)
    builder.add_block(encode_block(column), 0)
    built = builder.build()
    assert built is not None
    assert built.numbers[1:].tobytes() == column.numbers[1:].tobytes()
    assert math.isnan(cell_at(built, 0))
