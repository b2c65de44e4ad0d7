"""A metric's value at a step, as a column: the same on both engines, over chunks, forks, rewinds and ranks."""

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core.errors import InvalidInput
from everbloom.core.records import Reference, Rewind, Set
from everbloom.core.settings import Settings
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.served import get_json, open_client
from everbloom.testing.stores import SECOND_US, RunSpec, open_run, record_run

START_US = 1_790_000_000_000_000
LONG = 10_000  # three chunks of 4,096


@pytest.fixture
def settings(database_place: Path | str, tmp_path: Path) -> Iterator[Settings]:
    with fresh_store_database(database_place) as database:
        yield Settings(root=tmp_path / "store", database=database)


def log_run(root, name, rows, *, at_s=0, said=(), run=None, rank=0):
    """Record (step, loss) pairs, one a second."""
    start_us = START_US + at_s * SECOND_US
    spec = RunSpec(end=None, records=[Set(fields={"name": name, "project": "p"}), *said], rank=rank)
    writer = open_run(root, spec, run=run, created_us=start_us)
    for second, (step, value) in enumerate(rows):
        writer.append_row(step, start_us + (second + 1) * SECOND_US, {"loss": value})
    writer.close()
    return writer.run


def read_at(settings, run, *steps):
    with open_reader(settings) as reader:
        found = reader.read_runs([run])[0]
        return [found.value_at("loss", step) for step in steps]


def test_it_is_the_last_value_at_the_step_or_before_it(settings):
    run = log_run(settings.root, "a", [(0, 4.0), (10, 3.0), (20, 2.0)])
    assert read_at(settings, run, -1, 0, 9, 10, 19, 20, 10**18) == [None, 4.0, 4.0, 3.0, 3.0, 2.0, 2.0]


def test_it_is_read_anywhere_in_a_long_curve(settings):
    run = log_run(settings.root, "long", [(step, float(step)) for step in range(LONG)])
    asked = [0, 127, 128, 4095, 4096, 5000, 8191, 8192, LONG - 1, LONG]
    assert read_at(settings, run, *asked) == [min(float(step), LONG - 1) for step in asked]


def test_of_a_step_that_was_logged_again_the_later_value_counts_and_nan_is_a_value(settings):
    run = log_run(settings.root, "again", [(0, 1.0), (5, 9.0), (5, 7.0), (6, math.nan), (8, 2.0)])
    before, at, after = read_at(settings, run, 4, 5, 6)
    assert (before, at) == (1.0, 7.0)
    assert math.isnan(after)


def test_points_that_a_rewind_took_back_take_no_part(settings):
    run = log_run(settings.root, "back", [(step, 100.0 + step) for step in range(10)])
    log_run(settings.root, "back", [(5, 5.0), (9, 9.0), (12, 12.0)], at_s=60, said=[Rewind(step=4)], run=run)
    assert read_at(settings, run, 4, 5, 8, 9, 11) == [104.0, 5.0, 5.0, 9.0, 9.0]


def test_a_fork_has_the_values_that_it_shares(settings):
    source = log_run(settings.root, "source", [(step, float(step)) for step in range(10)])
    shared = Reference(uri=f"everbloom:{source}", kind="fork", checksum="step 4")
    fork = log_run(settings.root, "fork", [(5, 50.0), (6, 60.0)], at_s=60, said=[shared])
    assert read_at(settings, fork, 3, 4, 5, 6) == [3.0, 4.0, 50.0, 60.0]
    assert read_at(settings, source, 5) == [5.0]


def test_it_is_of_the_rank_that_the_summary_is_of(settings):
    run = log_run(settings.root, "ranks", [(0, 1.0), (10, 2.0)], rank=1)
    log_run(settings.root, "ranks", [(0, 8.0), (5, 9.0), (10, 10.0)], run=run, rank=2)
    assert read_at(settings, run, 7) == [1.0]


def test_what_a_row_at_rest_says_needs_no_curve_and_a_missing_metric_is_empty(settings):
    run = log_run(settings.root, "a", [(0, 4.0), (3, 3.0)])
    with open_reader(settings) as reader:
        found = reader.read_runs([run])[0]
        assert found.value_at("acc", 3) is None
        assert reader.read_values_at([found, found], "loss", 3) == [3.0, 3.0]


@pytest.mark.parametrize("asked", [{"filter": "metrics.loss.@5 < 1"}, {"sort": "-metrics.loss.@5"}])
def test_runs_are_neither_searched_nor_sorted_by_it_and_the_error_says_what_can_be(settings, asked):
    with open_reader(settings) as reader, pytest.raises(InvalidInput, match="value at a step") as caught:
        reader.list_runs(RunQuery(**asked))
    assert caught.value.code in ("filter.at_step", "sort.at_step")
    assert [offer.lstrip("-") for offer in caught.value.fields["suggestions"]] == [
        "metrics.loss",
        "metrics.loss.best",
        "metrics.loss.min",
        "metrics.loss.max",
    ]


@pytest.fixture
def served(tmp_path, database_place):
    root = tmp_path / "served"
    losses = {"a": [4.0, 3.0, 2.0, 1.0], "b": [8.0, 6.0], "c": []}
    for number, (name, values) in enumerate(losses.items()):
        spec = RunSpec(fields={"name": name, "project": "news"}, params={"lr": 0.1}, metrics={"val/loss": values})
        record_run(root, spec, created_us=START_US + number * SECOND_US)
    with fresh_store_database(database_place) as database, open_client(root, database=database) as opened:
        yield opened


def test_rows_bring_it_under_the_name_it_was_asked_by(served):
    page = get_json(served, "/runs", cols="metrics.val/loss.@1,metrics.val/loss", sort="name")
    assert [row["cells"] for row in page["rows"]] == [
        {"metrics.val/loss.@1": 3.0, "metrics.val/loss": 1.0},
        {"metrics.val/loss.@1": 6.0, "metrics.val/loss": 6.0},
        {},
    ]


def test_a_file_has_it_too(served):
    answer = served.get("/api/v1/runs/csv", params={"cols": "metrics.val/loss.@2,params.lr", "sort": "name"})
    lines = list(csv.reader(io.StringIO(answer.content.decode(), newline="")))
    assert [line[1:] for line in lines] == [
        ["name", "metrics.val/loss.@2", "params.lr"],
        ["a", "2.0", "0.1"],
        ["b", "6.0", "0.1"],
        ["c", "", "0.1"],
    ]


def test_groups_leave_it_out_and_cannot_be_made_by_it(served):
    page = get_json(served, "/runs/groups", by="params.lr", cols="metrics.val/loss.@1,metrics.val/loss.last")
    assert list(page["groups"][0]["cells"]) == ["metrics.val/loss.last"]
    refused = served.get("/api/v1/runs/groups", params={"by": "metrics.val/loss.@1"})
    assert refused.json()["error"]["code"] == "group.at_step"
