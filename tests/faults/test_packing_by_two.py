"""Two databases whose indexers pack one store at the same moment: one packs, and every content is there."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.errors import Unavailable
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import reindex
from everbloom.journal.blobs import list_own_blobs, read_blob
from everbloom.journal.pack import PackReader
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.indexing import answers_of
from everbloom.testing.packs import write_journals
from everbloom.testing.stores import RunSpec, open_run, record_run

pytestmark = [pytest.mark.fault, pytest.mark.postgres]


@pytest.fixture
def server(postgres_address: str) -> Iterator[str]:
    with fresh_store_database(postgres_address) as address:
        assert address is not None
        yield address


def pack_in_child(root: Path, *, opening: str = ".part", times: int = 1) -> int:
    """Pack through SQLite in a process that stops itself before it opens a file for the so many-th time.

    Args:
        root: The store.
        opening: How the file's name ends; a pack that is being made unless said otherwise.
        times: When to stop.

    Returns:
        The process's id.
    """
    child = os.fork()
    if child == 0:
        left = times

        def stop(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event == "open" and str(arguments[0]).endswith(opening):
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGSTOP)

        sys.addaudithook(stop)
        refused = True
        try:
            refused = bool(pack_closed_runs(root, is_forced=True).refused)
        finally:
            os._exit(2 if refused else 0)
    _, status = os.waitpid(child, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    return child


def go_on(child: int) -> int:
    """Let a stopped process come to its end; returns its exit status."""
    os.kill(child, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_while_one_packs_the_other_is_refused_and_packs_when_it_is_done(tmp_path, server):
    run = record_run(tmp_path, RunSpec(fields={"name": "without rows", "why": "w" * 2000}, console="printed\n"))
    before = answers_of(tmp_path)
    assert answers_of(tmp_path, server) == before
    child = pack_in_child(tmp_path)
    try:
        with pytest.raises(Unavailable, match=r"index\.busy"):
            pack_closed_runs(tmp_path, server, is_forced=True, wait_s=0.0)
    finally:
        assert go_on(child) == 0
    assert pack_closed_runs(tmp_path, server, is_forced=True).refused == {}
    with PackReader(layout.pack_path(tmp_path, run)) as pack:
        pack.verify()
    reindex(tmp_path), reindex(tmp_path, server)
    assert answers_of(tmp_path) == answers_of(tmp_path, server) == before


@pytest.mark.parametrize("is_added_to", [False, True])
def test_where_locks_do_not_reach_the_other_host_the_pack_that_came_first_stays(tmp_path, server, is_added_to):
    run = write_journals(tmp_path, 1, rows=0, blobs=6 if is_added_to else 0)
    names = list_own_blobs(tmp_path, run)
    if is_added_to:
        pack_closed_runs(tmp_path, is_forced=True)
        write_journals(tmp_path, 2, rows=0, run=run)
    kept = {name: read_blob(tmp_path, run, name) for name in names}
    before = answers_of(tmp_path)
    assert answers_of(tmp_path, server) == before
    child = pack_in_child(tmp_path)
    shutil.rmtree(tmp_path / "locks")  # so that the other holds a lock of its own
    try:
        assert set(pack_closed_runs(tmp_path, server, is_forced=True).packed) == {run}
    finally:
        assert go_on(child) == 2
    assert {name: read_blob(tmp_path, run, name) for name in names} == kept
    reindex(tmp_path), reindex(tmp_path, server)
    assert answers_of(tmp_path) == answers_of(tmp_path, server) == before


def test_a_run_that_ended_behind_a_packers_back_is_packed_when_it_is_taken_in(tmp_path, server):
    writer = open_run(tmp_path, RunSpec(metrics={"loss": [0.5 * step for step in range(300)]}, end=None))
    answers_of(tmp_path), answers_of(tmp_path, server)
    child = pack_in_child(tmp_path, opening="indexer.lock", times=2)  # between catching up and packing
    try:
        for step in range(300, 6000):
            writer.append_row(step, now_us(), {"loss": 0.5 * step})
        writer.close()
        answers_of(tmp_path, server)
    finally:
        assert go_on(child) == 0
    assert not layout.pack_path(tmp_path, writer.run).exists()
    assert set(pack_closed_runs(tmp_path, is_forced=True).packed) == {writer.run}
    before = answers_of(tmp_path)
    assert answers_of(tmp_path, server) == before
    reindex(tmp_path)
    assert answers_of(tmp_path) == before


def test_who_still_writes_to_what_an_earlier_packer_left_changes_no_pack(tmp_path):
    run = write_journals(tmp_path, 3, blobs=2)
    path = layout.pack_path(tmp_path, run)
    path.parent.mkdir(parents=True)
    with path.with_suffix(".part").open("wb", buffering=0) as left:
        left.write(b"begun")
        assert set(pack_closed_runs(tmp_path, is_forced=True).packed) == {run}
        left.write(b"and gone on with" * 100)
    with PackReader(path) as pack:
        pack.verify()
    assert [found.name for found in path.parent.iterdir()] == [path.name]
