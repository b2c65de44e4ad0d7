"""A store on a disk that is full, read through a database elsewhere: it answers, says why, and hides nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.core.settings import Settings
from everbloom.ingest.indexer import Indexer
from everbloom.journal.registry import iter_active
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.command_line import run_cli
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.disks import fill_disk, mounted_disk
from everbloom.testing.stores import RunSpec, record_run

pytestmark = [pytest.mark.fault, pytest.mark.postgres]


@pytest.fixture
def server(postgres_address: str) -> Iterator[str]:
    with fresh_store_database(postgres_address) as address:
        assert address is not None
        yield address


def record(root: Path, name: str) -> None:
    record_run(root, RunSpec(fields={"name": name}, metrics={"loss": [3.0, 2.0, 1.0]}))


def list_names(root: Path, database: str | None) -> tuple[set[str], str | None]:
    """Return the names of all runs, and the code of what keeps the index behind."""
    with open_reader(Settings(root=root, database=database)) as reader:
        names = {run.name for run in reader.list_runs(RunQuery()).runs}
        return names, None if reader.stale is None else reader.stale.code


def test_runs_on_a_full_disk_are_listed_and_the_other_database_is_told_of_them_later(tmp_path, server):
    with mounted_disk(tmp_path / "disk", "16M") as is_mounted:
        if not is_mounted:
            return
        root = tmp_path / "disk" / "store"
        record(root, "one")
        assert list_names(root, server) == list_names(root, None) == ({"one"}, None)
        record(root, "two")
        record(root, "three")
        filler = fill_disk(tmp_path / "disk")
        assert list_names(root, server) == ({"one", "two", "three"}, "disk.full")
        shown = run_cli(root, "ls", variables={"EVERBLOOM_DATABASE": server})
        assert (shown.code, "three" in shown.out, "the disk is full; free some space" in shown.err) == (0, True, True)
        with closing(Indexer(root, server)) as indexer:
            assert indexer.catch_up().kept is not None
        assert len(list(iter_active(root))) == 2
        filler.unlink()
        record(root, "four")
        assert list_names(root, server) == ({"one", "two", "three", "four"}, None)
        assert list(iter_active(root)) == []
        assert list_names(root, None) == ({"one", "two", "three", "four"}, None)
