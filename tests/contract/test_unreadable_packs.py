"""A closed run whose pack cannot be read stays on the list, and everything that shows it says so."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import reindex
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.scenarios import write_scenario
from everbloom.testing.stores import RunSpec, record_run, store_settings


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


def test_a_closed_run_that_cannot_be_read_is_listed_and_says_why(tmp_path: Path, store_database: str | None) -> None:
    runs = sorted(write_scenario(tmp_path, 6, runs=2).runs)
    pack_closed_runs(tmp_path, store_database, is_forced=True)
    pack = layout.pack_path(tmp_path, runs[0])
    whole = pack.read_bytes()
    pack.write_bytes(whole[: len(whole) // 2])
    assert reindex(tmp_path, store_database).refused.keys() == {runs[0]}
    with open_reader(store_settings(tmp_path, database=store_database)) as reader:
        page = reader.list_runs(RunQuery(archived=None, everywhere=True))
        assert [run.id for run in page.damaged] == [runs[0]]
        assert {run.id for run in page.runs} == set(runs)
        (damage,) = reader.read_detail(runs[0]).damage
        assert damage.reason.startswith("not read: ")
    pack.write_bytes(whole)
    reindex(tmp_path, store_database)
    with open_reader(store_settings(tmp_path, database=store_database)) as reader:
        assert reader.list_runs(RunQuery(archived=None, everywhere=True)).damaged == ()


def test_the_command_line_names_runs_of_which_something_could_not_be_read(tmp_path: Path) -> None:
    run = record_run(tmp_path, RunSpec(fields={"name": "amber"}, metrics={"loss": [1.0]}))
    record_run(tmp_path, RunSpec(fields={"name": "birch"}))
    run_cli(tmp_path, "storage", "--pack")
    layout.pack_path(tmp_path, run).write_bytes(b"nothing of the kind")
    run_cli(tmp_path, "reindex")
    # By its name: whoever indexed it first has put it on the store's list of names.
    assert "not all could be read of 1 run: amber" in run_cli(tmp_path, "ls").out
    assert "not all could be read of 1 run" in run_cli(tmp_path, "ls", "--json").err
    shown = run_cli(tmp_path, "show", run).out
    assert "not read: " in shown
    assert "(writer pack)" in shown


def test_a_store_of_closed_runs_alone_is_read_into_a_new_index(tmp_path: Path) -> None:
    record_run(tmp_path, RunSpec(fields={"name": "amber"}, metrics={"loss": [1.0]}))
    run_cli(tmp_path, "storage", "--pack")
    shutil.rmtree(tmp_path / "index")
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    with open_reader(store_settings(tmp_path)) as reader:
        assert [found.name for found in reader.list_runs(RunQuery()).runs] == ["amber"]
