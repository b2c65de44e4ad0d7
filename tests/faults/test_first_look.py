"""The first look at a store is right though another process is building its index in that very moment."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.core.errors import NotFound
from everbloom.core.settings import Settings
from everbloom.index.database import indexer_lock
from everbloom.index.store import index_folder, open_index
from everbloom.ingest.indexer import Indexer
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.recorded import run_script, script_environment, wait_until
from everbloom.testing.stores import RunSpec, record_run

_TRAINING = """
import everbloom as eb
with eb.init(project="p", name="first") as run:
    run.log({"loss": 1.0})
"""
_LISTING = "import everbloom as eb; print([run.name for run in eb.runs()])"
_WATCHED = {"EVERBLOOM_TIDY": "1", "EVERBLOOM_CAPTURE": "watcher"}
_COMMAND = "from everbloom.cli.main import main; main()"
_LOOKS = (
    (("-c", _COMMAND, "show", "first"), "first"),
    (("-c", _COMMAND, "tag", "first", "+x"), ""),
    (("-c", _LISTING), "['first']"),
)

pytestmark = pytest.mark.fault


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


@pytest.mark.parametrize("look", range(len(_LOOKS)))
@pytest.mark.parametrize("store", range(4))
def test_right_after_the_first_script_of_a_store_its_run_is_there(tmp_path: Path, store: int, look: int) -> None:
    root = tmp_path / f"store{store}"
    trained = run_script(root, _TRAINING, variables=_WATCHED)
    assert trained.returncode == 0, trained.stderr
    arguments, expected = _LOOKS[look]
    looked = subprocess.run(
        [sys.executable, *arguments], env=script_environment(root), capture_output=True, text=True, check=False
    )
    assert looked.returncode == 0, looked.stderr
    assert expected in looked.stdout
    assert "not shown yet" not in looked.stderr


def _build_behind_a_pipe(root: Path, start: int, ready: int) -> int:
    """Hold the indexer's lock in a child, with empty tables there, until told to build; then build."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        with closing(Indexer(root)) as indexer, indexer_lock(indexer.index.catalog_database, root):
            os.write(ready, b"x")
            os.read(start, 1)
            indexer.build()
        code = 0
    finally:
        os._exit(code)


def test_a_reader_waits_for_the_process_that_builds_the_first_index(tmp_path: Path) -> None:
    record_run(tmp_path, RunSpec(fields={"name": "first"}))
    start, told = os.pipe()
    is_ready, ready = os.pipe()
    child = _build_behind_a_pipe(tmp_path, start, ready)
    os.read(is_ready, 1)
    looking = subprocess.Popen(
        [sys.executable, "-c", _LISTING], env=script_environment(tmp_path), stdout=subprocess.PIPE, text=True
    )
    lock = next(path for path in (tmp_path / "locks").iterdir() if path.name.startswith("indexer"))
    wait_until(lambda: _has_open(looking.pid, lock) or None, "the reader to ask for the lock")
    os.write(told, b"x")
    out, _ = looking.communicate(timeout=60)
    assert out.strip() == "['first']"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for end in (start, told, is_ready, ready):
        os.close(end)


def _has_open(pid: int, path: Path) -> bool:
    folder = Path(f"/proc/{pid}/fd")
    for entry in folder.iterdir():
        try:
            if entry.readlink() == path:
                return True
        except FileNotFoundError:
            continue
    return False


def test_an_index_without_tables_is_no_index_yet(tmp_path: Path) -> None:
    folder = index_folder(tmp_path)
    folder.mkdir(parents=True)
    for name in ("index.db", "series.db"):
        sqlite3.connect(folder / name).close()
        (folder / name).touch()
    with pytest.raises(NotFound) as caught:
        open_index(tmp_path, None, read_only=True)
    assert caught.value.code == "index.missing"
    record_run(tmp_path)
    with open_reader(Settings(root=tmp_path)) as reader:
        assert reader.stale is None
        assert reader.list_runs(RunQuery()).total == 1


def test_an_index_whose_series_are_not_there_yet_is_no_index_yet(tmp_path: Path) -> None:
    open_index(tmp_path, None).close()
    (index_folder(tmp_path) / "series.db").unlink()
    with pytest.raises(NotFound) as caught:
        open_index(tmp_path, None, read_only=True)
    assert caught.value.code == "index.missing"


def test_tables_that_an_earlier_process_left_out_are_made(tmp_path: Path, store_database: str | None) -> None:
    with closing(open_index(tmp_path, store_database)) as index:
        index.catalog_database.execute("DROP TABLE damage")
    with closing(open_index(tmp_path, store_database)) as index:
        assert index.catalog_database.execute("SELECT COUNT(*) FROM damage") == [(0,)]
