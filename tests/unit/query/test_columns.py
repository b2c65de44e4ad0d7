"""Cells become columns and come back."""

import math

import numpy as np
import pytest

from everbloom.index.columns import (
    HAS_NUMBER,
    HAS_TEXT,
    IS_BOOL,
    IS_INT,
    IS_NAN,
    IS_NULL,
    MISSING,
    MISSING_CELL,
    build_column,
    cell_at,
    parse_number,
)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (MISSING_CELL, MISSING),
        (None, IS_NULL),
        (True, IS_BOOL | HAS_NUMBER),
        (3, IS_INT | HAS_NUMBER),
        (0.5, HAS_NUMBER),
        (math.inf, HAS_NUMBER),
        (math.nan, IS_NAN),
        ("adam", HAS_TEXT),
        ("", HAS_TEXT),
        ("missing", HAS_TEXT),
        ("3e-4", HAS_TEXT | HAS_NUMBER),
        ("-inf", HAS_TEXT | HAS_NUMBER),
        ("NaN", HAS_TEXT | IS_NAN),
    ],
)
def test_a_cell_keeps_its_kind_and_comes_back_with_its_type(cell, kind):
    column = build_column([cell, "other"])
    assert column.kinds[0] == kind
    back = cell_at(column, 0)
    assert type(back) is type(cell)
    assert back == cell or (back != back and cell != cell)


def test_equal_texts_share_a_code_in_the_order_of_first_appearance():
    column = build_column(["b", "a", MISSING_CELL, "b"])
    assert column.texts == ("b", "a")
    assert column.codes.tolist() == [0, 1, -1, 0]


def test_a_column_without_text_has_no_codes():
    assert build_column([1, 2.0, None]).codes is None
    assert len(build_column([])) == 0


def test_a_list_column_keeps_the_order_of_its_texts_and_empty_is_missing():
    column = build_column([["b", "a"], [], MISSING_CELL, ["a"]])
    assert [cell_at(column, row) for row in range(4)] == [["b", "a"], MISSING_CELL, MISSING_CELL, ["a"]]
    assert column.list_starts.tolist() == [0, 2, 2, 2, 3]


def test_texts_rank_by_folded_then_exact():
    column = build_column(["b", "a", "B", "A"])
    assert column.folded == ("b", "a", "b", "a")
    assert np.argsort(column.text_ranks).tolist() == [3, 1, 2, 0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3.0),
        ("1e-3", 0.001),
        ("-inf", -math.inf),
        ("1e999", math.inf),
        ("", None),
        ("1_000", None),
        ("0x10", None),
        ("abc", None),
        ("9" * 65, None),
    ],
)
def test_a_text_is_a_number_where_python_reads_one_without_underscores(text, number):
    assert parse_number(text) == number
