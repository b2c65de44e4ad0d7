"""What a run printed, its files and its media."""

from pathlib import Path

import pytest

from everbloom.artifacts.local import store_bytes
from everbloom.core.clock import now_us
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.layout import blob_path
from everbloom.core.records import File, Media, Reference
from everbloom.core.settings import Settings
from everbloom.query.reader import Reader, open_reader
from everbloom.testing.stores import RunSpec, record_run

LINES = [f"line {at} {'x' * 90}\n" for at in range(1, 9001)]  # some 900 kB: three sealed chunks and an open one


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def reader(root: Path) -> Reader:
    return open_reader(Settings(root=root))


def test_the_whole_console_comes_back_in_pieces(root):
    run = record_run(root, RunSpec(console="".join(LINES)))
    with reader(root) as opened:
        pieces = list(opened.read_logs(run))
        assert len(pieces) > 3
        assert "".join(pieces) == "".join(LINES)
        assert opened.find_run(run).run.logs() == "".join(LINES)


@pytest.mark.parametrize("count", [0, 1, 3, 8999, 9000, 20_000])
def test_the_last_lines_are_read_over_sealed_chunks(root, count):
    run = record_run(root, RunSpec(console="".join(LINES)))
    with reader(root) as opened:
        assert "".join(opened.read_logs(run, tail=count)) == "".join(LINES[max(0, 9000 - count) :] if count else [])


def test_lines_are_found_with_their_numbers_over_sealed_chunks(root):
    lines = [
        *LINES[:10],
        "Needle Ünder hay\n",
        *LINES[10:8000],
        "another needle\n",
        *LINES[8000:],
        "no line end, needle",
    ]
    run = record_run(root, RunSpec(console="".join(lines)))
    with reader(root) as opened:
        matches = [(match.line, match.text) for match in opened.read_logs(run, grep="NEEDLE")]
        assert matches == [
            (11, "Needle Ünder hay"),
            (8002, "another needle"),
            (9003, "no line end, needle"),
        ]
        assert [match.line for match in opened.read_logs(run, grep="needle", tail=1)] == [9003]
        assert [match.line for match in opened.read_logs(run, grep="üNDER")] == [11]
        assert list(opened.read_logs(run, grep="nowhere to be found")) == []


def test_a_run_that_printed_nothing_has_an_empty_console(root):
    run = record_run(root)
    with reader(root) as opened:
        assert "".join(opened.read_logs(run)) == ""
        assert "".join(opened.read_logs(run, tail=5)) == ""
        assert list(opened.read_logs(run, grep="x")) == []
        with pytest.raises(NotFound):
            opened.read_logs("0" * 32)
        with pytest.raises(InvalidInput, match="at least 0"):
            opened.read_logs(run, tail=-1)


def file_of(root: Path, path: str, content: bytes, *, step: int | None = None) -> File:
    sha256, size = store_bytes(root, content)
    return File(path=path, sha256=sha256, size=size, kind="model", step=step)


def test_files_are_listed_once_each_and_read_from_the_store(root):
    run = record_run(
        root,
        RunSpec(
            records=[
                file_of(root, "b/model.pt", b"old"),
                file_of(root, "b/model.pt", b"new"),
                file_of(root, "a file.txt", b""),
                file_of(root, "ck.pt", b"at 10", step=10),
                file_of(root, "ck.pt", b"at 9", step=9),
                Reference(uri="s3://bucket/data.parquet", size=7, checksum="v3"),
            ]
        ),
    )
    with reader(root) as opened:
        artifacts = opened.find_run(run).run.artifacts()
        assert [(one.path, one.step, one.size, one.uri) for one in artifacts] == [
            ("a file.txt", None, 0, None),
            ("b/model.pt", None, 3, None),
            ("ck.pt", 9, 4, None),
            ("ck.pt", 10, 5, None),
            ("data.parquet", None, 7, "s3://bucket/data.parquet"),
        ]
        with opened.open_artifact(run, "b/model.pt") as file:
            assert file.read() == b"new"
        with opened.open_artifact(run, "ck.pt") as newest, opened.open_artifact(run, "ck.pt", step=9) as older:
            assert (newest.read(), older.read()) == (b"at 10", b"at 9")


def test_a_file_that_is_not_there_is_told_with_what_is(root):
    kept = file_of(root, "model.pt", b"content")
    run = record_run(root, RunSpec(records=[kept, Reference(uri="s3://x/y.bin")]))
    with reader(root) as opened:
        with pytest.raises(NotFound, match=r"It has 'model\.pt'") as told:
            opened.open_artifact(run, "modl.pt")
        assert told.value.code == "artifact.unknown"
        with pytest.raises(NotFound, match=r"no file 'modl\.pt'\. "):
            opened.open_artifact(run, "modl.pt")
        with pytest.raises(NotFound, match=r"no file 'model\.pt' at step 3\. It has it without a step\."):
            opened.open_artifact(run, "model.pt", step=3)
        with pytest.raises(NotFound):
            opened.open_artifact(run, "../model.pt")
        with pytest.raises(InvalidInput, match=r"a reference to s3://x/y\.bin"):
            opened.open_artifact(run, "y.bin")
        blob_path(root, kept.sha256).unlink()
        with pytest.raises(NotFound) as gone:
            opened.open_artifact(run, "model.pt")
        assert gone.value.code == "blob.missing"


def test_media_are_listed_by_name_and_step_and_read_wherever_they_are_kept(root):
    sha256, size = store_bytes(root, b"a large image")
    small = Media(name="note", kind="text", step=3, media_type="text/plain", size=2, data=b"hi", caption="a word")
    large = Media(name="img", kind="image", step=1, media_type="image/png", size=size, sha256=sha256, meta={"width": 4})
    run = record_run(root, RunSpec(records=[small, large]), created_us=now_us() - 1_000_000_000)
    with reader(root) as opened:
        items = opened.list_media(run)
        assert [(item.name, item.step, item.caption, dict(item.meta)) for item in items] == [
            ("img", 1, "", {"width": 4}),
            ("note", 3, "a word", {}),
        ]
        assert [opened.open_media(item).read() for item in items] == [b"a large image", b"hi"]
        assert [item.name for item in opened.list_media(run, "note")] == ["note"]
        assert opened.list_media(run, "none") == []
