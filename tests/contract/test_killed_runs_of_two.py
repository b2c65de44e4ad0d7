"""A run that is killed while two databases take its store in: both say so, whichever finds it out and packs it."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId
from everbloom.core.records import Heartbeat, Start
from everbloom.core.settings import Settings
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import reindex
from everbloom.journal.format import HEADER_BYTES, pack_header, parse_header
from everbloom.journal.writer import JournalWriter
from everbloom.query.reader import RunQuery, open_reader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.indexing import answers_of
from everbloom.testing.stores import RunSpec, open_run

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(postgres_address: str) -> Iterator[str]:
    with fresh_store_database(postgres_address) as address:
        assert address is not None
        yield address


@contextlib.contextmanager
def recording(root: Path, *, is_watched: bool) -> Iterator[None]:
    """Have a process record a run, and its watcher's journal, while the block runs; it is killed at the end."""
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        writer = open_run(root, RunSpec(fields={"name": "x"}, metrics={"loss": [3.0, 2.0]}, end=None))
        if is_watched:
            watcher = JournalWriter.open(root, writer.run, Start(kind="watcher"))
            watcher.append(Heartbeat(number=1), time_us=now_us())
        os.write(told, b"!")
        signal.pause()
    assert os.read(ready, 1) == b"!"
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(told)


def read_state(root: Path, database: str | None) -> str:
    with open_reader(Settings(root=root, database=database)) as reader:
        (run,) = reader.list_runs(RunQuery()).runs
        return run.state


@pytest.mark.parametrize("is_watched", [False, True])
@pytest.mark.parametrize("is_packed_by_server", [False, True])
def test_who_did_not_pack_a_killed_run_says_that_it_was_killed(tmp_path, server, is_packed_by_server, is_watched):
    packer, other = (server, None) if is_packed_by_server else (None, server)
    with recording(tmp_path, is_watched=is_watched):
        assert read_state(tmp_path, other) == read_state(tmp_path, packer) == "running"
    assert read_state(tmp_path, packer) == "killed"
    assert len(pack_closed_runs(tmp_path, packer, is_forced=True).packed) == 1
    assert read_state(tmp_path, other) == "killed"
    assert answers_of(tmp_path, other) == answers_of(tmp_path, packer)
    reindex(tmp_path, other)
    assert answers_of(tmp_path, other) == answers_of(tmp_path, packer)


def as_of_another_host(root: Path, run: RunId) -> None:
    for path in (layout.run_dir(root, run) / "journal").glob("*/0.seg"):
        with path.open("r+b") as file:
            header = parse_header(file.read(HEADER_BYTES), path=path)
            assert header is not None
            file.seek(0)
            file.write(pack_header(header._replace(host=12345)))


def test_a_death_that_one_host_proved_is_known_to_a_database_of_another_host(tmp_path, server):
    with recording(tmp_path, is_watched=False):
        assert read_state(tmp_path, server) == read_state(tmp_path, None) == "running"
    assert read_state(tmp_path, None) == "killed"
    (run,) = (RunId(path.name) for path in (tmp_path / "runs").iterdir())
    as_of_another_host(tmp_path, run)  # as the server's indexer, which runs elsewhere, sees it
    assert read_state(tmp_path, server) == "killed"
