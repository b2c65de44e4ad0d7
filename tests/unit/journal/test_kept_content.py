"""Content by its SHA-256: found in the run's folder, the store or the run's pack, and checked on the way out."""

import hashlib

import pytest

from everbloom.artifacts.local import store_bytes
from everbloom.core import layout
from everbloom.core.errors import Corrupt, NotFound, UnsupportedVersion
from everbloom.core.ids import RunId, new_run_id
from everbloom.journal.blobs import list_own_blobs, open_blob, read_blob
from everbloom.journal.pack import Contents, PackReader, PackWriter

RUN = new_run_id(1_700_000_000_000_000)
OTHER = RunId("0" * 32)


def write_pack(root, *contents, base=None):
    path = layout.pack_path(root, RUN)
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".part")
    known = []
    if base is not None:
        with PackReader(base) as pack:
            known = list(pack.iter_files())
    with PackWriter(written, RUN, base=base) as pack:
        pack.finish(Contents(RUN, [], pack.add_files([(name_of(data), data) for data in contents], known)))
    written.replace(path)
    return path


def name_of(data):
    return hashlib.sha256(data).hexdigest()


def test_every_content_of_a_pack_is_found_and_nothing_else(tmp_path):
    contents = [b"%d" % number * number for number in range(200)]
    write_pack(tmp_path, *contents)
    assert [read_blob(tmp_path, RUN, name_of(data)) for data in contents] == contents
    for absent in (name_of(b"absent"), "0" * 64, "f" * 64):
        with pytest.raises(NotFound):
            read_blob(tmp_path, RUN, absent)


def test_a_pack_that_is_added_to_keeps_what_it_held_where_it_was(tmp_path):
    path = write_pack(tmp_path, b"one", b"two")
    with PackReader(path) as pack:
        before = dict(pack.iter_files())
    write_pack(tmp_path, b"two", b"three", base=path)
    with PackReader(path) as pack:
        after = dict(pack.iter_files())
    assert before.items() <= after.items()
    assert after.keys() == {name_of(data) for data in (b"one", b"two", b"three")}
    assert len(set(after.values())) == 3


def test_a_pack_without_files_holds_none(tmp_path):
    with PackReader(write_pack(tmp_path)) as pack:
        assert pack.contents.files is None
        assert list(pack.iter_files()) == []
        assert pack.find_file(name_of(b"")) is None


def test_a_packed_blob_is_read_by_ranges(tmp_path):
    data = bytes(range(250))
    write_pack(tmp_path, data)
    with open_blob(tmp_path, RUN, name_of(data)) as blob:
        blob.seek(100)
        assert blob.read(20) == data[100:120]


def test_another_runs_own_content_is_not_found(tmp_path):
    sha256, _ = store_bytes(tmp_path, b"mine", run=RUN)
    with pytest.raises(NotFound, match=r"blob\.missing"):
        open_blob(tmp_path, OTHER, sha256)


def test_a_missing_blob_is_named(tmp_path):
    with pytest.raises(NotFound, match="f" * 64):
        read_blob(tmp_path, RUN, "f" * 64)


@pytest.mark.parametrize("name", ["", "../../../secret", "/etc/passwd", "F" * 64, "a" * 63, "é" * 64])
def test_a_record_that_names_no_sha256_opens_nothing(tmp_path, name):
    (tmp_path / "secret").write_text("s")
    layout.run_blobs_dir(tmp_path, RUN).mkdir(parents=True)
    write_pack(tmp_path, b"x")
    with pytest.raises(NotFound, match=r"blob\.missing"):
        open_blob(tmp_path, RUN, name)


def test_a_changed_blob_is_found_out(tmp_path):
    sha256, _ = store_bytes(tmp_path, b"whole", run=RUN)
    (layout.run_blobs_dir(tmp_path, RUN) / sha256).write_bytes(b"wh0le")
    with pytest.raises(Corrupt, match=r"blob\.damaged"):
        read_blob(tmp_path, RUN, sha256)


def test_a_changed_byte_of_a_packed_blob_or_of_where_it_stands_is_found_out(tmp_path):
    path = write_pack(tmp_path, b"whole")
    sound = path.read_bytes()
    for part in (b"whole", bytes.fromhex(name_of(b"whole"))):
        at = sound.index(part)
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        with pytest.raises(Corrupt, match=r"pack\.check"):
            read_blob(tmp_path, RUN, name_of(b"whole"))


def test_a_pack_of_a_later_minor_version_is_read_and_not_added_to(tmp_path):
    path = write_pack(tmp_path, b"whole")
    data = bytearray(path.read_bytes())
    data[10] = 1  # the minor version; the check of the body is only asked for on adding
    path.write_bytes(data)
    assert read_blob(tmp_path, RUN, name_of(b"whole")) == b"whole"
    with pytest.raises(UnsupportedVersion, match=r"pack format 1\.1"):
        write_pack(tmp_path, b"more", base=path)
    assert path.read_bytes() == data


def test_only_blobs_are_listed_of_a_runs_folder(tmp_path):
    sha256, _ = store_bytes(tmp_path, b"one", run=RUN)
    (layout.run_blobs_dir(tmp_path, RUN) / ".1-abc.part").touch()
    assert list_own_blobs(tmp_path, RUN) == [sha256]
    assert list_own_blobs(tmp_path, OTHER) == []
