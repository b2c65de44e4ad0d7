"""A PostgreSQL database belongs to one store: another's runs are never shown, whatever was copied, moved or deleted."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.errors import Conflict, Corrupt
from everbloom.core.settings import Settings
from everbloom.index.database import open_database
from everbloom.index.identity import ensure_store_id, read_store_id
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.stores import RunSpec, record_run

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres_address: str) -> Iterator[str]:
    with fresh_store_database(postgres_address) as address:
        assert address is not None
        yield address


def record(root: Path, name: str) -> None:
    record_run(root, RunSpec(fields={"name": name}))


def list_names(root: Path, database: str | None) -> list[str]:
    with open_reader(Settings(root=root, database=database)) as reader:
        return sorted(run.name for run in reader.list_runs(RunQuery()).runs)


def test_a_second_store_at_the_same_address_is_refused_and_both_are_named(tmp_path, database):
    one, two = tmp_path / "one", tmp_path / "two"
    record(one, "amber")
    assert list_names(one, database) == ["amber"]
    for _ in range(2):  # also where nothing was recorded yet
        with pytest.raises(Conflict, match="belongs to the store") as refused:
            list_names(two, database)
        assert refused.value.code == "index.other_store"
        assert (refused.value.fields["root"], refused.value.fields["other"]) == (str(two), str(one))
        record(two, "birch")
    assert list_names(one, database) == ["amber"]
    shown = run_cli(two, "ls", variables={"EVERBLOOM_DATABASE": database})
    assert (shown.code, "index.other_store" in shown.err) == (4, True)
    assert list_names(two, None) == ["birch", "birch"]


def test_reindexing_takes_the_database_over_and_the_other_store_is_refused_then(tmp_path, database):
    one, two = tmp_path / "one", tmp_path / "two"
    record(one, "amber")
    record(two, "birch")
    with closing(Indexer(one, database)) as indexer:
        indexer.catch_up()
        reindex(two, database)
        assert list_names(two, database) == ["birch"]
        record(one, "coral")
        with pytest.raises(Conflict, match="belongs to the store"):  # one that had it open, too
            indexer.catch_up()
    with pytest.raises(Conflict):
        list_names(one, database)
    assert list_names(two, database) == ["birch"]


def test_a_store_that_was_moved_keeps_its_database(tmp_path, database):
    one, two = tmp_path / "one", tmp_path / "two"
    record(one, "amber")
    list_names(one, database)
    one.rename(two)
    record(two, "birch")
    assert list_names(two, database) == ["amber", "birch"]
    record(one, "coral")  # something else is made at the old place
    with pytest.raises(Conflict) as refused:
        list_names(one, database)
    assert refused.value.fields["other"] == str(two)


def test_a_store_under_two_paths_is_one_store(tmp_path, database):
    record(tmp_path / "one", "amber")
    (tmp_path / "link").symlink_to(tmp_path / "one")
    for root in (tmp_path / "one", tmp_path / "link", tmp_path / "one"):
        assert list_names(root, database) == ["amber"]


def test_a_copy_is_refused_until_it_is_a_store_of_its_own(tmp_path, database, postgres_address):
    one, two = tmp_path / "one", tmp_path / "two"
    record(one, "amber")
    list_names(one, database)
    shutil.copytree(one, two)
    record(two, "birch")
    with pytest.raises(Conflict, match="is a copy of") as refused:
        list_names(two, database)
    assert refused.value.code == "index.copied_store"
    layout.store_id_path(two).unlink()
    with fresh_store_database(postgres_address) as other:
        assert list_names(two, other) == ["amber", "birch"]
    assert list_names(one, database) == ["amber"]


def test_a_root_that_was_deleted_and_made_anew_is_another_store_until_it_is_reindexed(tmp_path, database):
    record(tmp_path / "one", "amber")
    list_names(tmp_path / "one", database)
    shutil.rmtree(tmp_path / "one")
    record(tmp_path / "one", "birch")
    with pytest.raises(Conflict):
        list_names(tmp_path / "one", database)
    reindex(tmp_path / "one", database)
    assert list_names(tmp_path / "one", database) == ["birch"]


def test_an_index_from_before_there_were_ids_gets_one_at_the_next_catch_up(tmp_path, database):
    record(tmp_path, "amber")
    list_names(tmp_path, database)
    with open_database(database, schema="public") as server:
        server.execute("DROP SCHEMA store CASCADE")
    layout.store_id_path(tmp_path).unlink()
    record(tmp_path, "birch")
    assert list_names(tmp_path, database) == ["amber", "birch"]
    assert read_store_id(tmp_path) is not None
    with pytest.raises(Conflict):
        list_names(tmp_path / "other", database)


def test_a_rebuild_that_fails_leaves_the_database_with_its_store(tmp_path, database):
    one, two = tmp_path / "one", tmp_path / "two"
    record(one, "amber")
    list_names(one, database)
    layout.store_id_path(two).parent.mkdir()
    layout.store_id_path(two).write_text("no id")
    record(two, "birch")
    with pytest.raises(Corrupt, match="32 hex digits"):
        reindex(two, database)
    assert list_names(one, database) == ["amber"]


def test_a_store_on_sqlite_has_no_id_and_an_id_stays_the_same(tmp_path):
    record(tmp_path, "amber")
    assert list_names(tmp_path, None) == ["amber"]
    assert read_store_id(tmp_path) is None
    assert ensure_store_id(tmp_path) == ensure_store_id(tmp_path) == read_store_id(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
