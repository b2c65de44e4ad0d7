"""From journals to what a reader sees of a run, on both engines: progress, stalled, life, moves, texts."""

from contextlib import closing

import pytest

from everbloom.core import layout, records
from everbloom.core.clock import now_us
from everbloom.ingest.indexer import Indexer
from everbloom.journal.edits import append_edit
from everbloom.journal.registry import register_writer
from everbloom.journal.writer import JournalWriter
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import SECOND_US, RunSpec, open_run, record_run

MINUTE_US = 60 * SECOND_US


@pytest.fixture
def database(database_place):
    with fresh_store_database(database_place) as address:
        yield address


@pytest.fixture
def look(tmp_path, database):
    """Catch up and return a run's attributes."""
    with closing(Indexer(tmp_path, database)) as indexer:

        def look_at(run):
            indexer.catch_up()
            return indexer.index.catalog.read_run(run).document.attributes

        yield look_at


def test_the_step_is_the_highest_of_rank_0s_own_metrics(tmp_path, look):
    writer = open_run(tmp_path, RunSpec(metrics={"loss": [3.0, 2.0, 1.0]}, end=None))
    writer.append_row(999, None, {"system/cpu.percent": 50.0})
    other = open_run(tmp_path, RunSpec(metrics={"loss": range(9)}, end=None, rank=1), run=writer.run)
    attributes = look(writer.run)
    assert attributes["step"] == 2
    assert "progress" not in attributes
    writer.close()
    other.close()


@pytest.mark.parametrize(("total", "progress"), [(4, 0.5), (2, 1.0), (1, 1.0), (0, None), ("many", None)])
def test_progress_is_the_share_of_the_steps_that_are_meant_to_come(tmp_path, look, total, progress):
    run = record_run(tmp_path, RunSpec(fields={"total_steps": total}, metrics={"loss": [3.0, 2.0, 1.0]}))
    assert look(run).get("progress") == progress


def test_a_run_that_logged_nothing_has_no_step(tmp_path, look):
    assert "step" not in look(record_run(tmp_path))


def _write_watched(root, *, quiet_us):
    """A run that logged once a second, and its watcher that still hears its heart."""
    start = now_us() - 3_600 * SECOND_US
    process = open_run(root, RunSpec(metrics={"x": range(30)}, end=None), created_us=start)
    watcher = JournalWriter(root, process.run)
    layout.journal_dir(root, watcher.run, watcher.writer_id).mkdir()
    register_writer(root, watcher.run, watcher.writer_id)
    last = start + 30 * SECOND_US
    watcher.append(records.Start(kind="watcher"), time_us=start + 1)
    watcher.append(records.Heartbeat(number=1), time_us=last + quiet_us)
    watcher.append_row(1, last + quiet_us, {"system/cpu.percent": 0.0})
    return process, watcher, last + quiet_us


def test_a_run_that_only_its_watcher_hears_is_stalled_until_it_goes_on(tmp_path, look):
    process, watcher, at = _write_watched(tmp_path, quiet_us=11 * MINUTE_US)
    attributes = look(process.run)
    assert (attributes["state"], attributes["stalled"]) == ("running", True)
    watcher.append(records.Console(text="still here\n"), time_us=at + 1)
    assert "stalled" not in look(process.run)
    process.close()
    watcher.close()


def test_a_run_that_was_quiet_for_a_moment_is_not_stalled(tmp_path, look):
    process, watcher, _ = _write_watched(tmp_path, quiet_us=9 * MINUTE_US)
    assert "stalled" not in look(process.run)
    process.close()
    watcher.close()


def test_a_stalled_run_that_ends_is_not_stalled_any_more(tmp_path, look):
    process, watcher, at = _write_watched(tmp_path, quiet_us=11 * MINUTE_US)
    look(process.run)
    end = records.End(state="failed", cause="signal", witness="watcher", signal=9)
    watcher.append(end, time_us=at + 1)
    attributes = look(process.run)
    assert attributes["state"] == "failed"
    assert "stalled" not in attributes
    process.close()
    watcher.close()


def test_a_run_can_be_moved_to_another_project_and_experiment(tmp_path, look, database):
    from everbloom.workspace.registry import list_experiments

    run = record_run(tmp_path, RunSpec(fields={"project": "p", "experiment": "e"}))
    look(run)
    append_edit(tmp_path, run, "ann", records.Set(fields={"project": "q", "experiment": "f"}))
    attributes = look(run)
    assert (attributes["project"], attributes["experiment"]) == ("q", "f")
    assert {path[1:] for path in list_experiments(tmp_path, database)} == {("p", "e"), ("q", "f")}


def test_a_run_is_found_by_everything_that_it_says(tmp_path, database):
    spec = RunSpec(
        fields={"name": "findme-name", "why": "findme-why", "group": "findme-group", "domain": "findme-domain"},
        params={"findme-key": "findme-value"},
        tags=["findme-tag"],
        note="findme-note",
        console="".join(f"line-{i}-x\n" for i in range(300)) + "findme-console\n",
        end="failed",
        exception=records.ExceptionInfo("FindmeError", "findme-message", "findme-traceback"),
        records=[records.Link(url="https://findme-url", title="findme-title")],
    )
    run = record_run(tmp_path, spec)
    append_edit(tmp_path, run, "ann", records.Set(fields={"conclusion": "findme-conclusion"}))
    words = "name why group domain key value tag note console message traceback url title conclusion".split()
    with closing(Indexer(tmp_path, database)) as indexer:
        indexer.catch_up()
        projects = [project.id for project in indexer.index.catalog.read_projects()]
        for word in (*(f"findme-{word}" for word in words), "FindmeError", "line-250-x"):
            assert [match.run for match in indexer.index.text.find_runs(word, projects)] == [run]
        assert indexer.index.text.find_runs("line-42-x", projects) == []  # only the last lines are full text


def test_the_lowest_rank_stands_for_a_metric_and_others_keep_theirs(tmp_path, database):
    run = record_run(tmp_path, RunSpec(metrics={"loss": [1.0, 2.0]}))
    record_run(tmp_path, RunSpec(metrics={"loss": [9.0], "only/here": [5.0]}, rank=1), run=run)
    with closing(Indexer(tmp_path, database)) as indexer:
        indexer.catch_up()
        metrics = indexer.index.catalog.read_run(run).document.metrics
    assert (metrics["loss"].max, metrics["only/here"].last) == (2.0, 5.0)


def test_stated_objectives_stand_over_what_a_name_suggests(tmp_path, database):
    spec = RunSpec(
        fields={"objectives": {"loss": "max", "odd": "min"}},
        metrics={"loss": [1.0, 3.0], "odd": [4.0, 2.0], "acc": [0.5, 0.25], "plain": [1.0]},
    )
    run = record_run(tmp_path, spec)
    with closing(Indexer(tmp_path, database)) as indexer:
        indexer.catch_up()
        metrics = indexer.index.catalog.read_run(run).document.metrics
    bests = {name: (m.best, m.direction, m.is_guessed) for name, m in metrics.items()}
    assert bests == {
        "loss": (3.0, "max", False),
        "odd": (2.0, "min", False),
        "acc": (0.5, "max", True),
        "plain": (None, None, False),
    }


def test_a_metric_of_nothing_but_nan_has_no_best(tmp_path, database):
    run = record_run(tmp_path, RunSpec(metrics={"loss": [float("nan")] * 3}))
    with closing(Indexer(tmp_path, database)) as indexer:
        indexer.catch_up()
        summary = indexer.index.catalog.read_run(run).document.metrics["loss"]
    assert (summary.best, summary.n) == (None, 3)
