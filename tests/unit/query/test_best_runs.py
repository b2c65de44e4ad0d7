"""The best run per metric: directions, ties, NaN, and how the best got better."""

import math
from pathlib import Path

import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.settings import Settings
from everbloom.query.reader import Reader, RunQuery, open_reader
from everbloom.testing.stores import RunSpec, record_run

START_US = now_us() - 3_600_000_000
NAN = math.nan


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def record(root: Path, name: str, at: int, **more) -> str:
    fields = {"name": name, **more.pop("fields", {})}
    return record_run(root, RunSpec(fields=fields, **more), created_us=START_US + at * 1_000_000)


def reader(root: Path) -> Reader:
    return open_reader(Settings(root=root))


def test_each_metric_with_a_direction_has_its_best_run_and_resources_have_none(root):
    record(root, "low", 0, metrics={"loss": [3.0, 1.0], "acc": [0.2, 0.3], "odd": [1.0], "system/cpu.time": [1.0]})
    record(root, "high", 1, metrics={"loss": [3.0, 2.0], "acc": [0.2, 0.9], "odd": [2.0], "system/cpu.time": [2.0]})
    with reader(root) as opened:
        best = opened.best_runs(RunQuery())
    assert [(b.metric, b.direction, b.run.name, b.value, b.n_runs) for b in best] == [
        ("acc", "max", "high", 0.9, 2),
        ("loss", "min", "low", 1.0, 2),
    ]


def test_a_guessed_direction_is_shown_as_one_and_a_stated_one_goes_first(root):
    record(root, "a", 0, fields={"objectives": {"zeal": "max"}}, metrics={"acc": [0.1], "zeal": [1.0]})
    record(root, "b", 1, fields={"objectives": {"zeal": "max"}}, metrics={"acc": [0.2], "zeal": [0.5]})
    with reader(root) as opened:
        best = opened.best_runs(RunQuery())
    assert [(b.metric, b.is_guessed, b.run.name) for b in best] == [("zeal", False, "a"), ("acc", True, "b")]


def test_the_newest_match_states_the_direction(root):
    record(root, "old", 0, fields={"objectives": {"score": "min"}}, metrics={"score": [1.0, 5.0]})
    record(root, "new", 1, fields={"objectives": {"score": "max"}}, metrics={"score": [2.0, 4.0]})
    with reader(root) as opened:
        (best,) = opened.best_runs(RunQuery())
    assert (best.direction, best.run.name, best.value) == ("max", "old", 5.0)


def test_of_equal_runs_the_first_is_the_best(root):
    record(root, "late", 5, metrics={"loss": [1.0]})
    record(root, "early", 2, metrics={"loss": [1.0]})
    with reader(root) as opened:
        (best,) = opened.best_runs(RunQuery())
    assert best.run.name == "early"
    assert [step.run.name for step in best.staircase] == ["early"]


def test_nan_is_never_the_best_and_infinity_may_be(root):
    record(root, "nan", 0, metrics={"loss": [NAN, NAN], "acc": [NAN]})
    record(root, "some", 1, metrics={"loss": [NAN, 2.0], "acc": [math.inf]})
    with reader(root) as opened:
        best = {b.metric: b for b in opened.best_runs(RunQuery())}
    assert (best["loss"].run.name, best["loss"].value, best["loss"].n_runs) == ("some", 2.0, 1)
    assert best["acc"].value == math.inf


def test_the_staircase_names_the_runs_that_were_the_best_of_their_day(root):
    for at, value in enumerate([5.0, 7.0, 3.0, 3.0, 4.0, 1.0]):
        record(root, f"r{at}", at, metrics={"loss": [value]})
    with reader(root) as opened:
        (best,) = opened.best_runs(RunQuery())
    assert [(step.run.name, step.value) for step in best.staircase] == [("r0", 5.0), ("r2", 3.0), ("r5", 1.0)]


def test_only_matches_count(root):
    record(root, "other", 0, fields={"project": "vision"}, metrics={"loss": [0.1]})
    record(root, "slow", 1, metrics={"loss": [0.2]}, params={"lr": 1})
    record(root, "fine", 2, metrics={"loss": [0.3]}, params={"lr": 2})
    with reader(root) as opened:
        (best,) = opened.best_runs(RunQuery("params.lr = 2", project="default"))
        assert best.run.name == "fine"
        assert opened.best_runs(RunQuery("params.lr = 99")) == []


def test_metrics_that_are_asked_for_come_in_that_order_with_the_given_direction(root):
    record(root, "a", 0, metrics={"x": [1.0], "loss": [9.0]})
    record(root, "b", 1, metrics={"x": [2.0], "loss": [8.0]})
    with reader(root) as opened:
        best = opened.best_runs(RunQuery(), ["x", "loss"], directions={"x": "min", "loss": "max"})
        assert [(b.metric, b.run.name, b.is_guessed) for b in best] == [("x", "a", False), ("loss", "a", False)]


def test_a_metric_without_direction_asks_for_one(root):
    record(root, "a", 0, metrics={"x": [1.0]})
    with reader(root) as opened, pytest.raises(InvalidInput, match="give a direction, min or max") as told:
        opened.best_runs(RunQuery(), ["x"])
    assert told.value.code == "metric.no_direction"


def test_a_metric_that_no_match_has_is_told_with_what_is_close(root):
    record(root, "a", 0, metrics={"val/accuracy": [1.0]})
    with reader(root) as opened, pytest.raises(NotFound, match="Did you mean 'val/accuracy'") as told:
        opened.best_runs(RunQuery(), ["val/acuracy"])
    assert told.value.code == "metric.unknown"
