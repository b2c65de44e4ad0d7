"""Runs in order: which comes first, ties, pages."""

import math

import numpy as np
import pytest

from everbloom.query.language.sorting import parse_order
from everbloom.query.order import order_rows
from everbloom.testing.filters import RunsInMemory
from everbloom.testing.oracle import sorted_rows

MISSING = object()


def sort(text, cells, key):
    """Return the cells, one per run under one key, in order; runs are created one after the other."""
    runs = [{"created": n, "id": f"{n:04}"} | ({} if cell is MISSING else {key: cell}) for n, cell in enumerate(cells)]
    rows = order_rows(None, parse_order(text), RunsInMemory(runs)).tolist()
    assert rows == sorted_rows(range(len(runs)), runs, parse_order(text))
    return [cells[row] for row in rows]


def test_numbers_come_before_texts_and_descending_is_the_reverse():
    cells = ["b", "10", 9, True, "A", False, -math.inf, math.inf, "1e1"]
    ascending = [-math.inf, False, True, 9, "10", "1e1", math.inf, "A", "b"]
    assert sort("params.x", cells, "params.x") == ascending
    descending = ["b", "A", math.inf, "10", "1e1", 9, True, False, -math.inf]
    assert sort("-params.x", cells, "params.x") == descending


@pytest.mark.parametrize("text", ["params.x", "-params.x"])
def test_nan_then_missing_come_last_both_ways(text):
    nan = math.nan
    found = sort(text, [MISSING, nan, 1, None, "nan", 1], "params.x")
    assert found == [1, 1, nan, "nan", MISSING, None]
    assert sort(text, [MISSING, nan, 1.0], "params.x") == [1.0, nan, MISSING]


def test_texts_sort_without_case_first():
    assert sort("name", ["b", "a", "B", "A", "10", "9"], "name") == ["10", "9", "A", "a", "B", "b"]


def test_versions_sort_by_pep_440_before_other_texts():
    cells = ["2.10", "Linux", "2.9", 8, "2.9.0", MISSING, "3.11"]
    assert sort("env.x", cells, "env.x") == [8, "2.9", "2.9.0", "2.10", "3.11", "Linux", MISSING]
    assert sort("-env.x", cells, "env.x") == ["Linux", "3.11", "2.10", "2.9", "2.9.0", 8, MISSING]


def test_tags_sort_one_by_one_and_none_last():
    cells = [["b"], [], ["a", "c"], MISSING, ["A"], ["a"]]
    assert sort("tag", cells, "tag") == [["A"], ["a"], ["a", "c"], ["b"], [], MISSING]
    assert sort("-tag", cells, "tag") == [["b"], ["a", "c"], ["a"], ["A"], [], MISSING]


def test_ties_fall_to_created_then_id_then_row_ascending_whatever_the_direction():
    runs = [
        {"name": "x", "created": 2, "id": "b"},
        {"name": "x", "created": 2, "id": "a"},
        {"name": "x", "created": 1, "id": "z"},
        {"name": "x", "id": "c"},
        {"name": "x", "id": "c"},
    ]
    for text in ("name", "-name", "", "params.absent"):
        assert order_rows(None, parse_order(text), RunsInMemory(runs)).tolist() == [2, 1, 0, 3, 4]
    assert order_rows(None, parse_order("-id"), RunsInMemory(runs)).tolist() == [2, 3, 4, 0, 1]


def test_later_keys_decide_where_earlier_ones_tie():
    runs = [{"state": s, "params.lr": lr} for s, lr in (("b", 1), ("a", 1), ("a", 2), ("b", 3), ("a", math.nan))]
    assert order_rows(None, parse_order("state,-params.lr"), RunsInMemory(runs)).tolist() == [2, 1, 4, 3, 0]


def test_pages_put_together_are_the_whole_order():
    runs = [{"params.x": n % 7 if n % 5 else None, "created": n % 3, "id": f"{n * 37 % 100:02}"} for n in range(100)]
    source = RunsInMemory(runs)
    mask = np.arange(100) % 4 != 0
    order = parse_order("-params.x")
    whole = order_rows(mask, order, source).tolist()
    assert sorted(whole) == np.flatnonzero(mask).tolist()
    for size in (1, 7, 25, 200):
        pages = [order_rows(mask, order, source, offset=at, limit=size).tolist() for at in range(0, 100, size)]
        assert [row for page in pages for row in page] == whole


def test_pages_outside_of_the_rows_are_empty():
    source = RunsInMemory([{"id": "a"}, {"id": "b"}])
    assert order_rows(None, (), source, offset=2).tolist() == []
    assert order_rows(None, (), source, offset=5, limit=5).tolist() == []
    assert order_rows(None, (), source, limit=0).tolist() == []
    assert order_rows(np.zeros(2, np.bool_), (), source).tolist() == []
    assert order_rows(None, parse_order("name"), RunsInMemory([])).tolist() == []
