"""What each clause of the filter language means, on a handful of runs; the oracle is held to the same."""

import math

import numpy as np
import pytest

from everbloom.query.evaluate import evaluate, like_test
from everbloom.query.language.parser import parse_filter
from everbloom.testing.filters import NOW_US, RunsInMemory
from everbloom.testing.oracle import matching_rows

MISSING = object()
DAY_US = 86_400_000_000


def find(text, cells, key):
    """Return the cells, one per run under one key, whose runs meet the filter."""
    runs = [{} if cell is MISSING else {key: cell} for cell in cells]
    parsed = parse_filter(text)
    rows = np.flatnonzero(evaluate(parsed, RunsInMemory(runs))).tolist()
    assert rows == matching_rows(parsed, runs, now_us=NOW_US)
    return [cells[row] for row in rows]


PRESENT = [3, 3.0, "3", "3e0", "three", True, False, 1]
ABSENT = [MISSING, None]
NANS = [math.nan, "nan"]


def test_a_number_meets_numbers_booleans_and_texts_that_write_it():
    assert find("params.x = 3", PRESENT + ABSENT + NANS, "params.x") == [3, 3.0, "3", "3e0"]
    assert find("params.x = 1", PRESENT, "params.x") == [True, 1]
    assert find("params.x < 1", PRESENT, "params.x") == [False]


def test_unequal_to_a_number_wants_a_value_that_is_not_nan():
    found = find("params.x != 3", PRESENT + ABSENT + NANS, "params.x")
    assert found == ["three", True, False, 1]


def test_a_missing_value_and_null_make_every_comparison_false_and_not_turns_it_round():
    for operator in ("= 3", "!= 3", "< 3", "in (3)", "not in (3)", "~ x", "not ~ x", 'like "x"', "not like x", "= t"):
        assert find(f"params.x {operator}", ABSENT, "params.x") == []
        assert find(f"not params.x {operator}", ABSENT, "params.x") == ABSENT


def test_nan_compares_false_with_everything_and_is_found_by_its_name():
    cells = [math.nan, 1.0, math.inf, -math.inf, MISSING]
    for operator in ("= 1", "!= 2", "< inf", "<= inf", ">= -inf", "not in (2)"):
        assert cells[0] not in find(f"metrics.m {operator}", cells, "metrics.m.last")
    assert find("metrics.m is nan", cells, "metrics.m.last") == cells[:1]
    assert find("metrics.m is not nan", cells, "metrics.m.last") == cells[1:4]
    assert find("metrics.m is null", cells, "metrics.m.last") == [MISSING]
    assert find("metrics.m is not null", cells, "metrics.m.last") == cells[:4]
    assert find("metrics.m = inf", cells, "metrics.m.last") == [math.inf]


def test_a_quoted_text_equals_exactly_and_reaches_bare_numbers_by_what_it_writes():
    assert find('params.x = "3"', PRESENT, "params.x") == [3, 3.0, "3"]
    assert find('params.x != "3"', PRESENT + NANS, "params.x") == ["3e0", "three", True, False, 1, "nan"]
    assert find('params.x = "TRUE"', [True, "TRUE", "true", 1, False], "params.x") == [True, "TRUE"]
    assert find('params.x = "nan"', [math.nan, "nan", 3], "params.x") == ["nan"]
    assert find('params.x > "2"', [3, True, "3", "2", "a"], "params.x") == [3, "3", "a"]
    assert find('params.x > "b"', ["B", "C", "c", "ç", 3], "params.x") == ["C", "c", "ç"]


def test_true_and_false_meet_booleans_and_their_words_only():
    cells = [True, False, "true", "True", "FALSE", 1, "1", math.nan, MISSING]
    assert find("params.x = true", cells, "params.x") == [True, "true", "True"]
    assert find("params.x != true", cells, "params.x") == [False, "FALSE", 1, "1"]


def test_a_list_is_met_by_any_of_its_values_and_its_negation_by_none():
    cells = ["adam", "sgd", 3, "3", True, MISSING, math.nan]
    assert find("params.x in (adam, 3)", cells, "params.x") == ["adam", 3, "3"]
    assert find("params.x not in (adam, 3)", cells, "params.x") == ["sgd", True]
    texts = ["a", "b", "c", MISSING]
    assert find("name in (a, b, z)", texts, "name") == ["a", "b"]
    assert find("name not in (a, b, z)", texts, "name") == ["c"]


def test_a_tag_is_compared_as_a_set_that_may_be_empty():
    cells = [["a", "b"], ["B"], ["ab"], [], MISSING]
    assert find("tag = a", cells, "tag") == [["a", "b"]]
    assert find("tag != a", cells, "tag") == cells[1:]
    assert find("tag in (a, B)", cells, "tag") == cells[:2]
    assert find("tag not in (a, B)", cells, "tag") == cells[2:]
    assert find("tag ~ A", cells, "tag") == [cells[0], cells[2]]
    assert find("tag not ~ A", cells, "tag") == [cells[1], *cells[3:]]
    assert find('tag like "_b"', cells, "tag") == [["ab"]]
    assert find("tag is null", cells, "tag") == cells[3:]
    assert find("tag is not null", cells, "tag") == cells[:3]


def test_tags_that_no_run_has_are_empty_sets_everywhere():
    runs = [{}, {}]
    for text, expected in (("tag = a", 0), ("tag != a", 2), ("tag not in (a)", 2), ("tag not ~ a", 2), ("tag ~ a", 0)):
        assert evaluate(parse_filter(text), RunsInMemory(runs)).sum() == expected


@pytest.mark.parametrize(
    ("needle", "hay"),
    [("ADAM", "adamW"), ("straße", "STRASSE"), ("STRASSE", "Hauptstraße"), ("σας", "ΣΑΣ"), ("i̇", "İ"), ("🌱", "a🌱b")],
)
def test_tilde_folds_case_as_unicode_does(needle, hay):
    assert find(f'name ~ "{needle}"', [hay, "other"], "name") == [hay]


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("adam", "adam", True),
        ("adam", "Adam", False),
        ("adam", "adamw", False),
        ("ad%", "adamw", True),
        ("%w", "adamw", True),
        ("%da%", "adamw", True),
        ("a%a%w", "adamw", True),
        ("a%x%w", "adamw", False),
        ("%", "", True),
        ("", "", True),
        ("", "a", False),
        ("_", "", False),
        ("_", "🌱", True),
        ("__%", "a", False),
        ("a%a", "a", False),
        ("ab%ba", "aba", False),
        ("100\\%", "100%", True),
        ("100\\%", "1000", False),
        ("a\\_b", "a_b", True),
        ("a\\_b", "axb", False),
        ("back\\\\slash", "back\\slash", True),
        ("end\\", "end\\", True),
        ("a.c", "abc", False),
        ("a_c", "a\nc", True),
        ("%\n%", "a\nb", True),
        ("%ab%ab%", "abab", True),
        ("%ab%ab%", "aab", False),
        ("%a_%_b", "xaccb", True),
    ],
)
def test_like_fits_the_whole_text_exactly(pattern, text, fits):
    assert like_test(pattern)(text) is fits
    assert (find(f'name like "{pattern}"', [text], "name") == [text]) is fits


def test_like_with_many_wildcards_ends_soon_on_a_text_that_almost_fits():
    assert not like_test("%a" * 500 + "%b")("a" * 100_000)


def test_versions_order_as_pep_440_and_other_texts_as_texts():
    cells = ["2.9", "2.10", "2.10.0+cu126", "2.10rc1", "1!0.1", "Linux", MISSING]
    assert find("env.torch > 2.9", cells, "env.torch") == [*cells[1:5], "Linux"]
    assert find("env.torch = 2.10", cells, "env.torch") == ["2.10", "2.10.0+cu126"]
    assert find("env.torch = 2.10+cu126", cells, "env.torch") == ["2.10.0+cu126"]
    assert find("env.torch < 2.10", cells, "env.torch") == ["2.9", "2.10rc1"]
    assert find("env.torch = Linux", cells, "env.torch") == ["Linux"]


def test_relative_times_count_from_the_sources_now():
    cells = [NOW_US, NOW_US - DAY_US, NOW_US - 7 * DAY_US, NOW_US - 8 * DAY_US, MISSING]
    assert find("created > -7d", cells, "created") == cells[:2]
    assert find("created >= -7d", cells, "created") == cells[:3]
    assert find("created < -36h", cells, "created") == cells[2:4]


def test_a_day_is_an_interval():
    day = 1_795_478_400_000_000
    cells = [day - 1, day, day + DAY_US - 1, day + DAY_US, MISSING]
    expected = {"=": [1, 2], "!=": [0, 3], "<": [0], "<=": [0, 1, 2], ">": [3], ">=": [1, 2, 3]}
    for sign, rows in expected.items():
        assert find(f"created {sign} 2026-11-24", cells, "created") == [cells[row] for row in rows]
    assert find("created in (2026-11-24, 2026-11-25)", cells, "created") == cells[1:4]


def test_durations_are_seconds():
    assert find("duration > 2h", [7199.0, 7201.0, MISSING], "duration") == [7201.0]
    assert find("duration <= 90", [90.0, 90.5], "duration") == [90.0]


def test_the_console_is_asked_of_the_source():
    cells = ["CUDA out of Memory", "", None, MISSING]
    assert find('console ~ "OUT OF"', cells, "console") == cells[:1]
    assert find('console not ~ "OUT OF"', cells, "console") == cells[1:]


def test_a_filter_leaves_what_the_source_gave_it_untouched():
    class Remembering(RunsInMemory):
        printed = np.array([True, True])

        def console_matches(self, text):
            return self.printed

    source = Remembering([{"name": "a"}, {"name": "b"}])
    assert evaluate(parse_filter("console ~ x and name = a"), source).tolist() == [True, False]
    assert source.printed.all()


def test_bare_words_search_the_folded_haystack_and_nothing_without_one():
    runs = [{"haystack": "amber heron strasse"}, {"haystack": "adam"}, {}]
    assert evaluate(parse_filter("STRAßE amber"), RunsInMemory(runs)).tolist() == [True, False, False]
    assert evaluate(parse_filter("not adam"), RunsInMemory(runs)).tolist() == [True, False, True]
    assert not evaluate(parse_filter("x"), RunsInMemory([{}])).any()


def test_a_key_that_no_run_has_is_missing_everywhere():
    source = RunsInMemory([{"name": "a"}])
    for text, expected in (("params.x = 1", 0), ("params.x != 1", 0), ("params.x is null", 1), ("params.x is nan", 0)):
        assert evaluate(parse_filter(text), source).sum() == expected


def test_no_filter_is_met_by_all_and_no_runs_by_none():
    assert evaluate(None, RunsInMemory([{}, {}])).tolist() == [True, True]
    for text in ("", "a", "params.x = 1", "tag != x", "not a"):
        assert evaluate(parse_filter(text), RunsInMemory([])).shape == (0,)


def test_columns_are_asked_for_only_where_the_answer_still_depends_on_them():
    class Counting(RunsInMemory):
        def column(self, key):
            asked.append(key)
            return super().column(key)

    asked = []
    evaluate(parse_filter("name = z and params.x = 1"), Counting([{"name": "a", "params.x": 1}]))
    assert asked == ["name"]
