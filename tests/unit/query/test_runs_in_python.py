"""`eb.runs` and `eb.run`: reading from Python."""

import importlib.util
import math
import threading
from datetime import UTC
from pathlib import Path

import pytest

from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, NotFound, Unavailable
from everbloom.core.extras import import_optional
from everbloom.query import api
from everbloom.testing.stores import RunSpec, record_run

START_US = now_us() - 3_600_000_000


def record(root: Path, name: str, at: int = 0, **more) -> str:
    fields = {"name": name, **more.pop("fields", {})}
    return record_run(root, RunSpec(fields=fields, **more), created_us=START_US + at * 1_000_000)


def test_runs_are_a_sequence_in_the_order_asked_for(tmp_path):
    for at in range(3):
        record(tmp_path, f"r{at}", at, params={"x": at})
    found = api.runs("params.x > 0", sort="params.x", root=tmp_path)
    assert [run.name for run in found] == ["r1", "r2"]
    assert (len(found), found.total, found[0].name, [run.name for run in found[1:]]) == (2, 2, "r1", ["r2"])
    assert repr(found) == "<Runs 2 of 2: r1, r2>"
    assert api.runs(root=tmp_path, limit=1).total == 3
    assert len(api.runs("x", root=tmp_path)) == 3  # a bare word: the parameter's name


def test_what_was_recorded_since_is_seen_at_the_next_call(tmp_path):
    record(tmp_path, "a")
    assert len(api.runs(root=tmp_path)) == 1
    record(tmp_path, "b")
    assert len(api.runs(root=tmp_path)) == 2


def test_another_root_is_another_store(tmp_path):
    record(tmp_path / "one", "a")
    record(tmp_path / "two", "b")
    first = api.runs(root=tmp_path / "one")
    assert [run.name for run in api.runs(root=tmp_path / "two")] == ["b"]
    assert [run.name for run in first] == ["a"]


def test_runs_of_other_projects_are_counted(tmp_path):
    record(tmp_path, "a", fields={"project": "news"})
    record(tmp_path, "b", fields={"project": "vision"})
    found = api.runs(project="news", root=tmp_path)
    assert ([run.name for run in found], found.elsewhere) == (["a"], {"local/vision": 1})


def test_a_run_reads_its_series_console_and_files(tmp_path):
    record(tmp_path, "a", metrics={"val/acc": [0.1, math.nan]}, console="hello\n")
    run = api.run("a", root=tmp_path)
    series = run.series("val/acc")
    assert (series.steps.tolist(), series.values[0]) == ([0, 1], 0.1)
    assert run.logs() == "hello\n"
    assert run.artifacts() == []
    with pytest.raises(NotFound, match="has no metric 'val/ac'"):
        run.series("val/ac")
    with pytest.raises(NotFound):
        api.run("nobody", root=tmp_path)


def test_the_best_run_goes_by_what_runs_state_then_by_the_name(tmp_path):
    record(
        tmp_path, "a", 0, metrics={"acc": [0.9], "zeal": [1.0], "odd": [1.0]}, fields={"objectives": {"zeal": "min"}}
    )
    record(tmp_path, "b", 1, metrics={"acc": [0.9], "zeal": [2.0], "odd": [2.0]})
    record(tmp_path, "c", 2, metrics={"acc": [math.nan]})
    found = api.runs(root=tmp_path)
    assert found.best("acc").name == "a"  # of equals the first
    assert found.best("zeal").name == "a"
    assert found.best("zeal", "max").name == "b"
    assert found.best("odd", direction="max").name == "b"
    with pytest.raises(InvalidInput, match="give direction='min' or 'max'"):
        found.best("odd")
    with pytest.raises(InvalidInput):
        found.best("acc", direction="up")
    with pytest.raises(NotFound, match="none of the 3 runs"):
        found.best("loss")


TABLES = [("pandas", "to_pandas"), ("polars", "to_polars"), ("pyarrow", "to_arrow")]


@pytest.mark.parametrize(("package", "method"), TABLES)
def test_runs_and_series_become_tables_or_name_the_package_to_install(tmp_path, package, method):
    record(tmp_path, "a", 0, params={"lr": 0.1, "mixed": 1, "n": 1}, metrics={"loss": [3.0, 1.0]}, tags=["x"])
    record(tmp_path, "b", 1, params={"mixed": "text", "n": 2.5})
    found = api.runs(root=tmp_path)
    if importlib.util.find_spec(package) is None:
        with pytest.raises(Unavailable, match=f"pip install ({package}|'everbloom)"):
            getattr(found, method)()
        with pytest.raises(Unavailable, match=f"pip install ({package}|'everbloom)"):
            getattr(found[1].series("loss"), method)()
        return
    table = getattr(found, method)()
    columns = list(table.column_names if package == "pyarrow" else table.columns)
    assert len(table) == 2
    assert {"id", "name", "params.lr", "metrics.loss.min", "tag", "created"} <= set(columns)
    assert len(getattr(found[1].series("loss"), method)()) == 2


def test_a_table_has_one_row_a_run_and_one_column_a_key(tmp_path):
    record(tmp_path, "a", 0, params={"lr": 0.1}, metrics={"loss": [3.0, 1.0]})
    record(tmp_path, "b", 1, tags=["x"])
    columns = api.runs(root=tmp_path).to_columns()
    assert columns["name"] == ["b", "a"]
    assert columns["params.lr"] == [None, 0.1]
    assert columns["metrics.loss.min"] == [None, 1.0]
    assert columns["tag"] == [["x"], None]
    assert columns["created"][0].tzinfo is UTC
    assert "haystack" not in columns


def test_a_package_that_is_missing_is_named():
    with pytest.raises(Unavailable, match="pip install no_such_package_anywhere"):
        import_optional("no_such_package_anywhere", purpose="this test")


def test_each_thread_reads_through_its_own_reader(tmp_path):
    record(tmp_path, "a", metrics={"loss": [1.0]})
    mine = api.run("a", root=tmp_path)
    theirs = []
    thread = threading.Thread(target=lambda: theirs.append(api.run("a", root=tmp_path)))
    thread.start()
    thread.join()
    assert theirs[0] == mine
    assert theirs[0].source is not mine.source
