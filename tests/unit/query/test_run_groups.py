"""Runs in groups: who belongs where, and what all members come to."""

import math
import statistics

import pytest

from everbloom.core.errors import InvalidInput
from everbloom.query.catalogue import parse_columns
from everbloom.query.groups import group_runs
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.stores import RunSpec, record_run, store_settings

STARTED_US = 1_790_000_000_000_000
MIXED = [
    0.1,
    "0.1",
    1,
    1.0,
    "1",
    True,
    "True",
    "false",
    math.nan,
    "nan",
    math.inf,
    None,
    "x",
    "X",
    "",
    "= 'a\" b",
    -0.0,
    2**60 + 1,
]


def record_all(root, specs):
    return [record_run(root, spec, created_us=STARTED_US + at * 1_000_000) for at, spec in enumerate(specs)]


def group(root, by, *, columns="", **query):
    keys = [key for _, key in parse_columns(columns)] if columns else []
    with open_reader(store_settings(root)) as reader:
        return group_runs(reader.readable, RunQuery(**query), by, keys)


def count_matches(root, text):
    with open_reader(store_settings(root)) as reader:
        return reader.list_runs(RunQuery(text, limit=0)).total


def test_each_run_is_in_one_group_whose_clause_finds_its_members_and_no_other(tmp_path):
    record_all(tmp_path, [RunSpec(params={"mixed": value}) for value in MIXED] + [RunSpec(), RunSpec()])
    page = group(tmp_path, "params.mixed", limit=None)
    assert sum(found.count for found in page.groups) == page.runs == len(MIXED) + 2
    assert {found.clause: found.count for found in page.groups} == {
        found.clause: count_matches(tmp_path, found.clause) for found in page.groups
    }


@pytest.mark.parametrize(
    "by", ["name", "state", "experiment", "created", "duration", "metrics.loss", "archived", "end.cause"]
)
def test_clauses_find_the_members_whatever_is_grouped_by(tmp_path, by):
    record_all(tmp_path, [RunSpec(fields={"name": f"run, {at % 3}"}, metrics={"loss": [at % 2]}) for at in range(6)])
    page = group(tmp_path, by)
    assert sum(found.count for found in page.groups) == 6
    assert [found.count for found in page.groups] == [count_matches(tmp_path, found.clause) for found in page.groups]


def test_a_run_is_in_the_group_of_each_of_its_tags_and_one_without_in_that_of_none(tmp_path):
    record_all(tmp_path, [RunSpec(tags=["a", "b"]), RunSpec(tags=["b"]), RunSpec()])
    counts = {found.value: found.count for found in group(tmp_path, "tag").groups}
    assert counts == {"a": 1, "b": 2, None: 1}


def test_statistics_are_over_all_members_and_leave_out_what_is_no_finite_number(tmp_path):
    losses = [0.5, 0.25, 1.0, math.nan, math.inf]
    specs = [RunSpec(params={"arch": "vit", "lr": 0.1}, metrics={"loss": [loss]}) for loss in losses]
    record_all(tmp_path, [*specs, RunSpec(params={"arch": "vit"})])
    (found,) = group(tmp_path, "params.arch", columns="metrics.loss,params.lr,params.none").groups
    cell = found.cells["metrics.loss.last"]
    finite = losses[:3]
    assert (cell.n, cell.odd, cell.min, cell.max) == (5, 2, 0.25, 1.0)
    assert cell.mean == pytest.approx(statistics.mean(finite))
    assert cell.std == pytest.approx(statistics.stdev(finite))
    assert (found.count, found.cells["params.lr"].value, found.cells["params.lr"].n) == (6, 0.1, 5)
    assert "params.none" not in found.cells


def test_one_number_has_no_deviation(tmp_path):
    record_all(tmp_path, [RunSpec(metrics={"loss": [2.0]})])
    (found,) = group(tmp_path, "state", columns="metrics.loss").groups
    assert (found.cells["metrics.loss.last"].mean, found.cells["metrics.loss.last"].std) == (2.0, None)


def test_texts_are_counted_and_shown_where_all_share_one(tmp_path):
    record_all(tmp_path, [RunSpec(params={"opt": opt, "arch": "vit"}) for opt in ("adam", "sgd", "adam")])
    (found,) = group(tmp_path, "params.arch", columns="params.opt,params.arch").groups
    assert (found.cells["params.opt"].distinct, found.cells["params.opt"].value) == (2, None)
    assert found.cells["params.arch"].value == "vit"


def test_a_group_stands_where_its_first_member_would(tmp_path):
    accuracies = {"a": [0.1, 0.9], "b": [0.5, 0.6]}
    specs = [RunSpec(params={"g": name}, metrics={"acc": [v]}) for name, values in accuracies.items() for v in values]
    record_all(tmp_path, specs)
    orders = {
        sort: [found.value for found in group(tmp_path, "params.g", sort=sort).groups]
        for sort in ("-created", "-metrics.acc", "metrics.acc", "params.g", "-params.g")
    }
    assert orders == {
        "-created": ["b", "a"],
        "-metrics.acc": ["a", "b"],
        "metrics.acc": ["a", "b"],
        "params.g": ["a", "b"],
        "-params.g": ["b", "a"],
    }


def test_windows_of_groups_put_together_are_all_groups(tmp_path):
    record_all(tmp_path, [RunSpec(params={"seed": at}) for at in range(7)])
    whole = group(tmp_path, "params.seed", limit=None)
    parts = [group(tmp_path, "params.seed", offset=at, limit=3) for at in (0, 3, 6)]
    assert [found for part in parts for found in part.groups] == whole.groups
    assert {part.total for part in parts} == {7}


def test_how_members_stand_is_counted(tmp_path):
    record_all(tmp_path, [RunSpec(params={"g": 1}, end=end) for end in ("finished", "failed", "finished", None)])
    (found,) = group(tmp_path, "params.g").groups
    assert found.states["finished"] == 2
    assert found.states["failed"] == 1
    assert sum(found.states.values()) == 4


def test_no_match_is_no_group(tmp_path):
    record_all(tmp_path, [RunSpec()])
    assert group(tmp_path, "state", filter='name = "nobody"').groups == []


@pytest.mark.parametrize(
    ("by", "code"),
    [
        ("params.a,params.b", "group.key"),
        ("-state", "group.key"),
        ("stat", "group.unknown_key"),
        ("console", "group.unknown_key"),
        ("", "group.key"),
    ],
)
def test_what_cannot_be_grouped_by_is_refused(tmp_path, by, code):
    with pytest.raises(InvalidInput) as refused:
        group(tmp_path, by)
    assert refused.value.code == code
