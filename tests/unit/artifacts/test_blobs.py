"""Blobs: once per content, small ones each run's own, large ones shared; whole or not there at all."""

import hashlib
import os
import threading

import pytest

from everbloom.artifacts.local import SMALL_BYTES, store_bytes, store_file
from everbloom.core import layout
from everbloom.core.errors import Unavailable
from everbloom.core.ids import RunId, new_run_id
from everbloom.journal.blobs import open_blob, read_blob

RUN = new_run_id(1_700_000_000_000_000)
OTHER = RunId("0" * 32)
LARGE = b"petal" * 20_000


def files_in(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_bytes_come_back_by_their_sha256(tmp_path):
    sha256, size = store_bytes(tmp_path, b"petals", run=RUN)
    assert (sha256, size) == (hashlib.sha256(b"petals").hexdigest(), 6)
    assert read_blob(tmp_path, RUN, sha256) == b"petals"


@pytest.mark.parametrize("is_synced", [True, False])
@pytest.mark.parametrize("data", [b"twice", LARGE])
def test_the_same_content_of_a_run_is_kept_once(tmp_path, data, is_synced):
    root, file = tmp_path / "store", tmp_path / "file"
    file.write_bytes(data)
    by_bytes = store_bytes(root, data, run=RUN, is_synced=is_synced)
    assert store_file(root, file, run=RUN) == by_bytes
    assert len(files_in(root)) == 1


@pytest.mark.parametrize("size", [0, 1, SMALL_BYTES - 1])
def test_small_content_lies_in_the_folder_of_each_run_that_keeps_it(tmp_path, size):
    source = tmp_path / "source"
    source.write_bytes(b"s" * size)
    root = tmp_path / "store"
    sha256, _ = store_file(root, source, run=RUN)
    assert store_bytes(root, b"s" * size, run=OTHER) == (sha256, size)
    assert files_in(root) == sorted(f"runs/{run}/blobs/{sha256}" for run in (RUN, OTHER))


@pytest.mark.parametrize("size", [SMALL_BYTES, SMALL_BYTES + 1, 3_000_000])
def test_large_content_is_shared_by_the_runs_that_keep_it(tmp_path, size):
    source = tmp_path / "source"
    source.write_bytes(b"l" * size)
    root = tmp_path / "store"
    sha256, _ = store_file(root, source, run=RUN)
    assert store_bytes(root, b"l" * size, run=OTHER) == (sha256, size)
    assert files_in(root) == [f"blobs/{sha256[:2]}/{sha256}"]
    assert read_blob(root, RUN, sha256) == read_blob(root, OTHER, sha256) == b"l" * size


def test_small_content_that_is_no_single_runs_is_shared(tmp_path):
    sha256, _ = store_bytes(tmp_path, b"a logo")
    assert files_in(tmp_path) == [f"blobs/{sha256[:2]}/{sha256}"]
    assert read_blob(tmp_path, RUN, sha256) == b"a logo"


def test_a_stored_file_does_not_change_with_its_source(tmp_path):
    source = tmp_path / "model.pt"
    source.write_bytes(b"before")
    sha256, _ = store_file(tmp_path, source, run=RUN)
    with open(source, "r+b") as handle:
        handle.write(b"after!")
    assert read_blob(tmp_path, RUN, sha256) == b"before"


def test_a_large_file_is_copied_whole(tmp_path):
    source = tmp_path / "large.bin"
    source.write_bytes(bytes(range(256)) * 20_000)
    sha256, size = store_file(tmp_path, source, run=RUN)
    assert size == 5_120_000
    with open_blob(tmp_path, RUN, sha256) as blob:
        assert blob.read() == source.read_bytes()


def test_a_pipe_is_kept_up_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_bytes, args=(LARGE,))
    writing.start()
    sha256, size = store_file(tmp_path, pipe, run=RUN)
    writing.join()
    assert (size, read_blob(tmp_path, RUN, sha256)) == (len(LARGE), LARGE)


def test_a_store_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path):
    (tmp_path / "blobs").write_text("a file where the folder should be")
    (tmp_path / "runs").write_text("another")
    for data in (b"small", LARGE):
        with pytest.raises(Unavailable, match=r"blob\.write"):
            store_bytes(tmp_path, data, run=RUN)
    assert files_in(tmp_path) == ["blobs", "runs"]


def test_a_source_that_cannot_be_read_leaves_nothing_in_the_store(tmp_path):
    with pytest.raises(FileNotFoundError):
        store_file(tmp_path, tmp_path / "absent", run=RUN)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("data", [b"shared" * 50_000, b"own"])
def test_many_threads_storing_the_same_content_leave_one_whole_blob(tmp_path, data):
    threads = [threading.Thread(target=store_bytes, args=(tmp_path, data), kwargs={"run": RUN}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [name.rpartition("/")[2] for name in files_in(tmp_path)] == [hashlib.sha256(data).hexdigest()]


def test_a_folder_that_is_taken_away_again_and_again_keeps_no_content_from_being_stored(tmp_path):
    """More often for each than anybody who packs does it, at whatever moment that falls."""
    folder = layout.run_blobs_dir(tmp_path, RUN)
    is_over = threading.Event()
    kept = []

    def take_away():
        taken = [0] * 301
        while not is_over.is_set():
            number = len(kept)
            if taken[number] == 3:
                continue
            try:
                folder.rmdir()
                taken[number] += 1
                folder.parent.rmdir()
            except OSError:
                continue

    taking = threading.Thread(target=take_away)
    taking.start()
    try:
        for n in range(300):
            kept.append(store_bytes(tmp_path, b"%d" % n, run=RUN, is_synced=False)[0])  # noqa: PERF401 (counted meanwhile)
    finally:
        is_over.set()
        taking.join()
    assert [read_blob(tmp_path, RUN, sha256) for sha256 in kept] == [b"%d" % n for n in range(300)]
