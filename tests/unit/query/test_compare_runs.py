"""Runs side by side."""

import math
from pathlib import Path

import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import NotFound
from everbloom.core.settings import Settings
from everbloom.query.cells import to_comparable
from everbloom.query.compare import Comparison
from everbloom.query.reader import open_reader
from everbloom.testing.stores import RunSpec, record_run

START_US = now_us() - 3_600_000_000


def compare(root: Path, *specs: RunSpec) -> Comparison:
    ids = [record_run(root, spec, created_us=START_US + at) for at, spec in enumerate(specs)]
    with open_reader(Settings(root=root)) as reader:
        return reader.compare(ids)


def test_parameters_that_are_the_same_are_folded_away(tmp_path):
    same = {"depth": 3, "flag": True, "none": None, "rate": math.nan}
    found = compare(tmp_path, RunSpec(params={**same, "lr": 0.1}), RunSpec(params={**same, "lr": 0.2}))
    assert [(row.key, row.values) for row in found.params] == [("lr", (0.1, 0.2))]
    assert list(found.constant) == ["depth", "flag", "none", "rate"]


def test_an_integer_equals_the_same_float_but_not_true_nor_its_text(tmp_path):
    found = compare(
        tmp_path,
        RunSpec(params={"a": 1, "b": 1, "c": 1}),
        RunSpec(params={"a": 1.0, "b": True, "c": "1"}),
    )
    assert [row.key for row in found.params] == ["b", "c"]


def test_a_missing_parameter_differs_from_a_null_one(tmp_path):
    found = compare(tmp_path, RunSpec(params={"a": None}), RunSpec(params={}))
    (row,) = found.params
    assert (row.key, row.values, row.present) == ("a", (None, None), (True, False))


def test_the_best_of_each_metric_is_marked_and_equals_share_the_mark(tmp_path):
    found = compare(
        tmp_path,
        RunSpec(metrics={"acc": [0.9, 0.1], "loss": [2.0], "odd": [1.0, 4.0]}),
        RunSpec(metrics={"acc": [0.2, 0.9], "loss": [math.nan], "odd": [5.0]}),
        RunSpec(metrics={"acc": [0.5]}),
    )
    rows = {row.metric: row for row in found.metrics}
    assert rows["acc"].best == {0, 1}
    assert (rows["acc"].word, rows["acc"].values, rows["acc"].is_guessed) == ("max", (0.9, 0.9, 0.5), True)
    assert rows["loss"].best == {0}
    assert rows["loss"].values[2] is None
    assert (rows["odd"].word, rows["odd"].values, rows["odd"].best) == ("last", (4.0, 5.0, None), frozenset())


def test_objectives_come_first_then_what_has_a_direction_by_its_name_and_resources_stand_apart(tmp_path):
    spec = RunSpec(
        fields={"objectives": {"zeal": "min"}},
        metrics={"aaa": [1.0], "acc": [1.0], "zeal": [1.0], "system/cpu.percent": [1.0]},
    )
    found = compare(tmp_path, spec, spec)
    assert [row.metric for row in found.metrics] == ["zeal", "acc", "aaa"]
    assert (found.metrics[0].direction, found.metrics[0].is_guessed) == ("min", False)
    assert [row.metric for row in found.system] == ["system/cpu.percent"]


def test_tags_are_shared_or_own_and_other_differences_are_listed(tmp_path):
    found = compare(
        tmp_path,
        RunSpec(tags=["base", "x"], fields={"experiment": "one"}),
        RunSpec(tags=["base"], fields={"experiment": "two"}, end="failed"),
    )
    assert (found.shared_tags, found.own_tags) == (("base",), (("x",), ()))
    assert {row.key: row.values for row in found.attributes} == {
        "experiment": ("one", "two"),
        "state": ("finished", "failed"),
        "end.cause": ("exit", "user"),
    }


def test_a_run_that_is_named_twice_counts_once_and_one_alone_has_no_differences(tmp_path):
    run = record_run(tmp_path, RunSpec(params={"a": 1}, metrics={"acc": [1.0]}))
    with open_reader(Settings(root=tmp_path)) as reader:
        found = reader.compare([run, run])
        assert [one.id for one in found.runs] == [run]
        assert found.params == ()
        assert reader.compare([]).runs == ()


def test_a_run_that_is_not_there_is_named(tmp_path):
    with open_reader(Settings(root=tmp_path)) as reader, pytest.raises(NotFound, match=r"run 0{32} is not among"):
        reader.compare(["0" * 32])


def test_any_number_of_runs_is_compared(tmp_path):
    specs = [RunSpec(params={"n": number, "same": "x"}) for number in range(40)]
    found = compare(tmp_path, *specs)
    assert found.params[0].values == tuple(range(40))
    assert found.constant == {"same": "x"}


def test_cells_compare_as_people_read_them():
    assert to_comparable(math.nan) == to_comparable(math.nan)
    assert to_comparable(2) == to_comparable(2.0)
    assert to_comparable(True) != to_comparable(1)
    assert to_comparable(None) != to_comparable(None, is_present=False)
    assert to_comparable(["a"]) == to_comparable(["a"])
