"""One store that is read through two databases: neither hides from the other what it took in."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.settings import Settings
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.ingest.news import has_news
from everbloom.journal.registry import list_databases, measure_taken
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import RunSpec, open_run, record_run

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(postgres_address: str) -> Iterator[str]:
    with fresh_store_database(postgres_address) as address:
        assert address is not None
        yield address


def record(root: Path, name: str) -> None:
    record_run(root, RunSpec(fields={"name": name}, metrics={"loss": [3.0, 2.0, 1.0]}, console=f"of {name}\n"))


def list_runs(root: Path, database: str | None) -> dict[str, float]:
    with open_reader(Settings(root=root, database=database)) as reader:
        page = reader.list_runs(RunQuery())
        assert reader.stale is None
        return {run.name: reader.read_series(run.id, "loss").values[-1] for run in page.runs}


def test_runs_that_one_took_off_the_list_are_found_by_the_other(tmp_path, server):
    record(tmp_path, "one")
    assert list_runs(tmp_path, server) == list_runs(tmp_path, None) == {"one": 1.0}
    record(tmp_path, "two")
    assert set(list_runs(tmp_path, None)) == {"one", "two"}
    record(tmp_path, "three")
    assert set(list_runs(tmp_path, server)) == {"one", "two", "three"}
    assert set(list_runs(tmp_path, None)) == {"one", "two", "three"}


def test_a_run_that_goes_on_is_followed_by_both_to_its_end(tmp_path, server):
    writer = open_run(tmp_path, RunSpec(fields={"name": "live"}, metrics={"loss": [3.0]}, end=None))
    assert list_runs(tmp_path, None) == list_runs(tmp_path, server) == {"live": 3.0}
    writer.append_row(1, None, {"loss": 2.0})
    writer.close()
    assert list_runs(tmp_path, None) == {"live": 2.0}
    assert list_runs(tmp_path, server) == {"live": 2.0}


def test_runs_that_one_packed_before_the_other_looked_are_found(tmp_path, server):
    record(tmp_path, "one")
    assert list_runs(tmp_path, server) == {"one": 1.0}
    record(tmp_path, "two")
    assert len(pack_closed_runs(tmp_path, None, is_forced=True).packed) == 2
    assert list_runs(tmp_path, server) == {"one": 1.0, "two": 1.0}
    with open_reader(Settings(root=tmp_path, database=server)) as reader:
        (two,) = [run for run in reader.list_runs(RunQuery()).runs if run.name == "two"]
        assert "".join(map(str, reader.read_logs(two.id))) == "of two\n"


def test_looking_by_turns_comes_to_rest(tmp_path, server):
    record(tmp_path, "one")
    list_runs(tmp_path, server), list_runs(tmp_path, None)
    record(tmp_path, "two")
    list_runs(tmp_path, server), list_runs(tmp_path, None)
    before = measure_taken(tmp_path)
    assert before > 0
    for _ in range(2):
        for database in (server, None):
            with closing(Indexer(tmp_path, database)) as indexer:
                assert indexer.catch_up().runs == set()
    assert measure_taken(tmp_path) == before


def test_a_rebuilt_index_goes_on_from_the_list_as_it_is(tmp_path, server):
    for name in ("one", "two"):
        record(tmp_path, name)
        list_runs(tmp_path, server), list_runs(tmp_path, None)
    reindex(tmp_path, server)
    record(tmp_path, "three")
    assert set(list_runs(tmp_path, None)) == set(list_runs(tmp_path, server)) == {"one", "two", "three"}
    assert len(list_databases(tmp_path)) == 2


def test_a_store_with_one_database_keeps_no_list(tmp_path):
    for name in ("one", "two"):
        record(tmp_path, name)
        list_runs(tmp_path, None)
    assert measure_taken(tmp_path) == 0
    assert len(list_databases(tmp_path)) == 1


def test_an_end_of_the_list_that_is_torn_hides_nothing_and_is_no_news(tmp_path, server):
    record(tmp_path, "one")
    list_runs(tmp_path, None), list_runs(tmp_path, server)
    record(tmp_path, "two")
    list_runs(tmp_path, None)
    with layout.taken_path(tmp_path).open("a") as file:
        file.write("01a20f")
    for database in (None, server):
        reindex(tmp_path, database)  # begins at the list's end
        assert set(list_runs(tmp_path, database)) == {"one", "two"}
        with closing(Indexer(tmp_path, database)) as indexer:
            assert not has_news(tmp_path, indexer.index)
    record(tmp_path, "three")
    assert set(list_runs(tmp_path, None)) == set(list_runs(tmp_path, server)) == {"one", "two", "three"}


def test_doctor_tells_of_what_the_other_took(tmp_path, server):
    record(tmp_path, "one")
    list_runs(tmp_path, server), list_runs(tmp_path, None)
    record(tmp_path, "two")
    list_runs(tmp_path, None)
    told = run_cli(tmp_path, "doctor", variables={"EVERBLOOM_DATABASE": server}).out
    assert "1 not yet taken in" in told
