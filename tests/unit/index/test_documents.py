"""A run's document: the row truth, and what cells become of it."""

import math

import pytest

from everbloom.index.documents import (
    HAYSTACK,
    Document,
    MetricSummary,
    build_haystack,
    decode_document,
    encode_document,
    format_value,
    get_cell,
    has_cell,
    to_cells,
)

LOSS = MetricSummary(3, 2.0, math.nan, 0.5, 2.0, 1.25, 0.5, "min", True, 9)
PLAIN = MetricSummary(1, 1.0, 1.0, 1.0, 1.0, 1.0)
DOCUMENT = Document(
    {"name": "Ünder", "note": "a\nb", "tag": ["X", "y"], "state": "running", "params.lr": 1e-4, "params.none": None},
    {"val/loss.x": LOSS, "n": PLAIN},
)


def test_a_document_comes_back_from_its_bytes():
    assert repr(decode_document(encode_document(DOCUMENT))) == repr(DOCUMENT)


def test_every_summary_has_a_cell_and_a_missing_best_has_none():
    cells = to_cells(DOCUMENT)
    assert cells["metrics.val/loss.x.min"] == 0.5
    assert math.isnan(cells["metrics.val/loss.x.last"])
    assert cells["metrics.n.mean"] == 1.0
    assert "metrics.n.best" not in cells


def test_each_cell_can_be_asked_for_alone():
    cells = to_cells(DOCUMENT)
    for key, cell in cells.items():
        assert repr(get_cell(DOCUMENT, key)) == repr(cell)
        assert has_cell(DOCUMENT, key)


@pytest.mark.parametrize(
    "key", ["metrics.n.best", "metrics.n", "metrics.n.odd", "metrics.other.min", "params.x", "", "metrics.", "metrics"]
)
def test_a_key_that_the_run_lacks_has_no_cell(key):
    assert get_cell(DOCUMENT, key) is None
    assert not has_cell(DOCUMENT, key)


def test_an_explicit_null_is_had():
    assert get_cell(DOCUMENT, "params.none") is None
    assert has_cell(DOCUMENT, "params.none")


def test_the_haystack_folds_case_and_keeps_parts_apart():
    assert build_haystack(DOCUMENT) == "ünder\na\nb\nx\ny\nlr\n0.0001\nnone\nnull"
    assert to_cells(DOCUMENT)[HAYSTACK] == get_cell(DOCUMENT, HAYSTACK)


def test_the_haystack_of_an_empty_document_is_empty():
    assert build_haystack(Document()).strip() == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (1e20, "1e+20"),
        (0.1, "0.1"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        ("x", "x"),
    ],
)
def test_a_value_is_shown_as_a_person_writes_it(value, text):
    assert format_value(value) == text
