"""A run forked from another shares its points up to a step: recorded by scripts, read back, and nothing copied."""

import json

import pytest

from everbloom.core.errors import NotFound
from everbloom.core.records import Reference, Rewind
from everbloom.core.settings import Settings
from everbloom.query.reader import SeriesKey, Window, open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.recorded import list_runs, run_script
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.fault

FIRST = """
    import everbloom as eb
    with eb.init("vision", experiment="depth", params={"lr": 1.0, "depth": 3}, name="first") as run:
        for step in range(10):
            run.log({"loss": float(step), "early": 1.0} if step < 3 else {"loss": float(step)})
"""
SECOND = """
    import everbloom as eb
    with eb.init(fork=("first", 5), params={"lr": 2.0}, name="second") as run:
        for _ in range(3):
            run.log({"loss": 100.0, "own": 1.0})
"""
THIRD = """
    import everbloom as eb
    with eb.init(fork=("second", 7), name="third") as run:
        run.log({"loss": 1000.0})
"""


@pytest.fixture
def root(tmp_path):
    for code in (FIRST, SECOND, THIRD):
        done = run_script(tmp_path, code)
        assert done.returncode == 0, done.stderr
    return tmp_path


def read_points(reader, reference, metric="loss"):
    series = reader.read_series(reader.find_run(reference).run.id, metric)
    assert not series.greyed.any()
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


SHARED = [(step, float(step)) for step in range(6)]
SECOND_POINTS = [*SHARED, (6, 100.0), (7, 100.0), (8, 100.0)]
THIRD_POINTS = [*SHARED, (6, 100.0), (7, 100.0), (8, 1000.0)]


def test_the_series_of_a_fork_begins_with_the_points_that_it_shares(root):
    with open_reader(Settings(root=root)) as reader:
        assert read_points(reader, "first") == [(step, float(step)) for step in range(10)]
        assert read_points(reader, "second") == SECOND_POINTS
        assert read_points(reader, "third") == THIRD_POINTS
        assert read_points(reader, "third", "early") == [(0, 1.0), (1, 1.0), (2, 1.0)]
        second = reader.find_run("second").run
        assert (second.project, second.experiment, second.params) == ("vision", "depth", {"lr": 2.0, "depth": 3})
        loss = second.summary["loss"]
        assert (loss.n, loss.first, loss.last, loss.min, loss.max, loss.last_step) == (9, 0.0, 100.0, 0.0, 100.0, 8)


def test_a_chart_of_forks_and_their_origin_shows_each_its_own_part(root):
    with open_reader(Settings(root=root)) as reader:
        keys = [SeriesKey(reader.find_run(name).run.id, "loss") for name in ("first", "second", "third")]
        envelope = reader.read_window(keys, Window(columns=100))
        drawn = [
            [(int(x), y) for x, y, n in zip(envelope.x, series.last.tolist(), series.count, strict=True) if n]
            for series in envelope.series
        ]
    assert drawn == [[(step, float(step)) for step in range(10)], SECOND_POINTS, THIRD_POINTS]


def test_the_metrics_of_a_fork_are_those_shared_and_its_own(root):
    with open_reader(Settings(root=root)) as reader:
        found = {
            info.metric: (info.n, info.first_step, info.last_step)
            for info in reader.list_metrics(reader.find_run("second").run.id)
        }
        assert found == {"loss": (9, 0, 8), "early": (3, 0, 2), "own": (3, 6, 8)}
        with pytest.raises(NotFound, match="early"):
            reader.read_series(reader.find_run("second").run.id, "earl")


def test_a_fork_is_told_in_words_and_is_no_file(root):
    shown = run_cli(root, "show", "third").out
    assert "forked from second at step 7" in " ".join(shown.split())
    assert "Files" not in shown
    assert json.loads(run_cli(root, "files", "third", "--json").out) == {"artifacts": [], "media": []}
    second = list_runs(root)[1]
    told = json.loads(run_cli(root, "show", "third", "--json").out)["forked_from"]
    assert told == {"run": second, "name": "second", "step": 7, "is_shared": True}


def forked(run, step):
    return Reference(uri=f"everbloom:{run}", kind="fork", checksum=f"step {step}")


def test_what_either_side_took_back_is_not_shared(tmp_path):
    first = record_run(tmp_path, RunSpec(fields={"name": "first"}, metrics={"x": [0, 1, 2, 3, 4, 5]}))
    record_run(tmp_path, RunSpec(records=[Rewind(step=4)]), run=first)
    whole = record_run(tmp_path, RunSpec(fields={"name": "whole"}, records=[forked(first, 5)]))
    record_run(tmp_path, RunSpec(fields={"name": "back"}, records=[forked(first, 5)]), run=(back := "b" * 32))
    record_run(tmp_path, RunSpec(records=[Rewind(step=2)]), run=back)
    with open_reader(Settings(root=tmp_path)) as reader:
        assert read_points(reader, whole, "x") == [(step, float(step)) for step in range(5)]
        assert read_points(reader, back, "x") == [(step, float(step)) for step in range(3)]


def test_forks_in_a_circle_and_from_runs_that_are_gone_are_read_all_the_same(tmp_path):
    one, other, gone = "1" * 32, "2" * 32, "3" * 32
    record_run(tmp_path, RunSpec(metrics={"x": [1, 2]}, records=[forked(other, 0)]), run=one)
    record_run(tmp_path, RunSpec(metrics={"x": [3, 4]}, records=[forked(one, 0)]), run=other)
    lonely = record_run(tmp_path, RunSpec(metrics={"x": [5]}, records=[forked(gone, 9)]))
    with open_reader(Settings(root=tmp_path)) as reader:
        assert sorted(read_points(reader, one, "x")) == [(0, 1.0), (0, 3.0), (1, 2.0)]
        assert read_points(reader, lonely, "x") == [(0, 5.0)]
    shown = " ".join(run_cli(tmp_path, "show", lonely).out.split())
    assert f"forked from {gone} at step 9 (that run cannot be read here: its points are not shared)" in shown
