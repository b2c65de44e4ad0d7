"""Blobs: once per content, found by it, checked on the way out."""

import hashlib
import threading

import pytest

from everbloom.artifacts.local import open_blob, read_blob, store_bytes, store_file, verify_blob
from everbloom.core import layout
from everbloom.core.errors import Corrupt, NotFound, Unavailable


def blobs_in(root):
    return sorted(path.name for path in (root / "blobs").rglob("*") if path.is_file())


def test_bytes_come_back_by_their_sha256(tmp_path):
    sha256, size = store_bytes(tmp_path, b"petals")
    assert (sha256, size) == (hashlib.sha256(b"petals").hexdigest(), 6)
    assert read_blob(tmp_path, sha256) == b"petals"


@pytest.mark.parametrize("is_synced", [True, False])
def test_the_same_content_is_kept_once(tmp_path, is_synced):
    (tmp_path / "file").write_bytes(b"twice")
    by_bytes = store_bytes(tmp_path, b"twice", is_synced=is_synced)
    assert store_file(tmp_path, tmp_path / "file") == by_bytes
    assert blobs_in(tmp_path) == [by_bytes[0]]


def test_a_stored_file_does_not_change_with_its_source(tmp_path):
    source = tmp_path / "model.pt"
    source.write_bytes(b"before")
    sha256, _ = store_file(tmp_path, source)
    with open(source, "r+b") as handle:
        handle.write(b"after!")
    assert read_blob(tmp_path, sha256) == b"before"


def test_a_large_file_is_copied_whole(tmp_path):
    source = tmp_path / "large.bin"
    source.write_bytes(bytes(range(256)) * 20_000)
    sha256, size = store_file(tmp_path, source)
    assert size == 5_120_000
    verify_blob(tmp_path, sha256, size)
    with open_blob(tmp_path, sha256) as blob:
        assert blob.read() == source.read_bytes()


def test_an_empty_file_is_a_blob_too(tmp_path):
    (tmp_path / "empty").touch()
    sha256, size = store_file(tmp_path, tmp_path / "empty")
    assert size == 0
    assert read_blob(tmp_path, sha256) == b""


def test_a_changed_blob_is_found_out(tmp_path):
    sha256, size = store_bytes(tmp_path, b"whole")
    layout.blob_path(tmp_path, sha256).write_bytes(b"wh0le")
    with pytest.raises(Corrupt, match=r"blob\.damaged"):
        read_blob(tmp_path, sha256)
    with pytest.raises(Corrupt):
        verify_blob(tmp_path, sha256, size)


def test_a_missing_blob_is_named(tmp_path):
    with pytest.raises(NotFound, match="f" * 64):
        read_blob(tmp_path, "f" * 64)


def test_a_store_that_cannot_be_written_says_so_and_leaves_nothing(tmp_path):
    (tmp_path / "blobs").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=r"blob\.write"):
        store_bytes(tmp_path, b"x")
    assert (tmp_path / "blobs").read_text() == "a file where the folder should be"


def test_a_source_that_cannot_be_read_leaves_nothing_in_the_store(tmp_path):
    with pytest.raises(FileNotFoundError):
        store_file(tmp_path, tmp_path / "absent")
    assert not (tmp_path / "blobs").exists()


def test_many_threads_storing_the_same_content_leave_one_whole_blob(tmp_path):
    data = b"shared" * 50_000
    threads = [threading.Thread(target=store_bytes, args=(tmp_path, data)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blobs_in(tmp_path) == [hashlib.sha256(data).hexdigest()]
