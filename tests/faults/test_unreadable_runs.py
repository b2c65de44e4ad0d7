"""A run whose main journal cannot be read keeps its name, is not guessed to be killed, and says what is wrong."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.ids import RunId
from everbloom.core.records import End, Set, Start
from everbloom.core.settings import Settings
from everbloom.ingest.closed import pack_closed_runs
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.ingest.news import has_news
from everbloom.journal.format import HEADER_BYTES
from everbloom.journal.writer import JournalWriter
from everbloom.query.reader import RunQuery, open_reader
from everbloom.query.views import RunDetail
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.indexing import catch_up
from everbloom.testing.journals import raise_version
from everbloom.testing.stores import RunSpec, open_run

pytestmark = pytest.mark.fault

Spoil = Callable[[bytearray], None]


@pytest.fixture
def store_database(database_place: Path | str) -> Iterator[str | None]:
    with fresh_store_database(database_place) as address:
        yield address


def _damage_block(data: bytearray) -> None:
    data[HEADER_BYTES + 3] ^= 0xFF


def _damage_magic(data: bytearray) -> None:
    data[8:16] = b"not ours"


def _raise_version(data: bytearray) -> None:
    data[:] = raise_version(bytes(data))


SPOILS = {"first block": _damage_block, "magic": _damage_magic, "newer version": _raise_version}


def _record(root: Path, *, end: End | None = None) -> tuple[RunId, Path]:
    """Record a run by its process and another writer; returns it and the process's first segment."""
    main = open_run(root, RunSpec(fields={"name": "amber"}, metrics={"loss": [1.0, 2.0]}))
    main.close()
    watcher = JournalWriter.open(root, main.run, Start(kind="watcher"))
    if end is not None:
        watcher.append(end)
    watcher.close()
    names = layout.names_path(root)
    names.parent.mkdir(exist_ok=True)
    names.write_text(f"{main.run} amber\n")
    return main.run, layout.segment_path(layout.journal_dir(root, main.run, main.writer_id), 0)


def _spoil(segment: Path, spoil: Spoil) -> bytes:
    before = segment.read_bytes()
    data = bytearray(before)
    spoil(data)
    segment.write_bytes(data)
    return before


def _look(root: Path, run: str, database: str | None) -> RunDetail:
    with open_reader(Settings(root=root, database=database)) as reader:
        return reader.read_detail(run)


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_its_name_comes_from_the_list_and_its_state_is_lost(
    tmp_path: Path, store_database: str | None, spoil: Spoil
) -> None:
    run, segment = _record(tmp_path)
    _spoil(segment, spoil)
    for _ in range(2):
        detail = _look(tmp_path, run, store_database)
        assert detail.run.name == "amber"
        assert detail.run.state == "lost"
        assert len(detail.damage) == 1
        reindex(tmp_path, store_database)


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_an_end_that_another_writer_saw_counts(tmp_path: Path, store_database: str | None, spoil: Spoil) -> None:
    run, segment = _record(tmp_path, end=End(state="failed", cause="signal", signal=9, witness="watcher"))
    _spoil(segment, spoil)
    assert _look(tmp_path, run, store_database).run.state == "failed"


def test_a_journal_of_a_newer_version_is_named_with_the_reason_until_it_can_be_read(
    tmp_path: Path, store_database: str | None
) -> None:
    run, segment = _record(tmp_path)
    before = _spoil(segment, _raise_version)
    (place,) = _look(tmp_path, run, store_database).damage
    assert place.reason.startswith(f"not read: {segment} has journal format")
    segment.write_bytes(before)
    detail = _look(tmp_path, run, store_database)
    assert not detail.damage
    assert detail.run.state == "finished"
    assert detail.writers


def test_a_run_that_only_a_newer_version_can_read_is_listed_and_says_so(
    tmp_path: Path, store_database: str | None
) -> None:
    main = open_run(tmp_path, RunSpec(fields={"name": "amber"}))
    main.close()
    _spoil(layout.segment_path(layout.journal_dir(tmp_path, main.run, main.writer_id), 0), _raise_version)
    reindex(tmp_path, store_database)
    detail = _look(tmp_path, main.run, store_database)
    assert detail.run.state == "lost"
    assert "journal format" in detail.damage[0].reason


def _foreign(data: bytearray) -> None:
    data[:] = b"PK\x03\x04" + bytes(range(256)) * 200


def _empty(data: bytearray) -> None:
    data.clear()


def _cut_in_header(data: bytearray) -> None:
    del data[40:]


def _blank(data: bytearray) -> None:
    data[:] = bytes(len(data))


ALONE = {
    "newer version": _raise_version,
    "foreign bytes": _foreign,
    "empty": _empty,
    "cut in its header": _cut_in_header,
    "blank": _blank,
}


def _record_alone(root: Path, name: str, spoil: Spoil | None = None) -> tuple[RunId, Path]:
    """Record a run that only its process wrote, and that nobody has looked at; returns it and its segment."""
    main = open_run(root, RunSpec(fields={"name": name}, metrics={"loss": [1.0, 2.0]}))
    main.close()
    names = layout.names_path(root)
    names.parent.mkdir(exist_ok=True)
    with names.open("a") as file:
        file.write(f"{main.run} {name}\n")
    segment = layout.segment_path(layout.journal_dir(root, main.run, main.writer_id), 0)
    if spoil is not None:
        _spoil(segment, spoil)
    return main.run, segment


def _list(root: Path, database: str | None) -> dict[str, tuple[str, bool]]:
    """Return the listed runs' names with their state, and whether the list says that they are damaged."""
    with open_reader(Settings(root=root, database=database)) as reader:
        page = reader.list_runs(RunQuery())
        return {run.name: (run.state, run in page.damaged) for run in page.runs}


@pytest.mark.parametrize("spoil", ALONE.values(), ids=ALONE.keys())
def test_a_run_of_which_nothing_can_be_read_is_listed_as_lost_and_why_is_said(
    tmp_path: Path, store_database: str | None, spoil: Spoil
) -> None:
    _record_alone(tmp_path, "good")
    assert _list(tmp_path, store_database) == {"good": ("finished", False)}
    run, segment = _record_alone(tmp_path, "amber", spoil)
    expected = {"good": ("finished", False), "amber": ("lost", True)}
    assert _list(tmp_path, store_database) == expected
    (place,) = _look(tmp_path, run, store_database).damage
    assert str(segment) in place.reason
    before = _look(tmp_path, run, store_database)
    reindex(tmp_path, store_database)
    assert _list(tmp_path, store_database) == expected
    after = _look(tmp_path, run, store_database)
    assert (after.run.attributes, after.damage) == (before.run.attributes, before.damage)


@pytest.mark.parametrize("spoil", ALONE.values(), ids=ALONE.keys())
def test_an_unreadable_journal_is_news_once_and_again_when_it_can_be_read(
    tmp_path: Path, store_database: str | None, spoil: Spoil
) -> None:
    _record_alone(tmp_path, "good")
    catch_up(tmp_path, store_database)
    run, segment = _record_alone(tmp_path, "amber")
    whole = _spoil(segment, spoil)
    with closing(Indexer(tmp_path, store_database)) as indexer:
        assert has_news(tmp_path, indexer.index)
        assert indexer.catch_up().runs == {run}
        assert not has_news(tmp_path, indexer.index)
        assert indexer.catch_up().runs == set()
        segment.write_bytes(whole)
        assert has_news(tmp_path, indexer.index)
        indexer.catch_up()
        assert not has_news(tmp_path, indexer.index)
    assert _list(tmp_path, store_database)["amber"] == ("finished", False)
    assert not _look(tmp_path, run, store_database).damage


@pytest.mark.parametrize("spoil", ALONE.values(), ids=ALONE.keys())
def test_a_journal_that_cannot_be_read_is_never_packed_away(tmp_path: Path, spoil: Spoil) -> None:
    run, segment = _record_alone(tmp_path, "amber", spoil)
    for path in layout.active_dir(tmp_path).iterdir():
        path.unlink()  # as in a store that was copied without it
    spoiled = segment.read_bytes()
    packing = pack_closed_runs(tmp_path, is_forced=True)
    assert str(segment) in packing.refused[run]
    assert segment.read_bytes() == spoiled
    assert _list(tmp_path, None) == {"amber": ("lost", True)}


@pytest.mark.parametrize("is_old", [False, True])
def test_an_announced_journal_without_a_header_is_no_run_until_it_is_old(
    tmp_path: Path, store_database: str | None, *, is_old: bool
) -> None:
    _record_alone(tmp_path, "good")
    catch_up(tmp_path, store_database)
    _, segment = _record_alone(tmp_path, "amber", _blank)
    layout.names_path(tmp_path).unlink()
    if is_old:
        os.utime(segment, (1_700_000_000, 1_700_000_000))
    listed = _list(tmp_path, store_database)
    assert sorted(listed.values()) == [("finished", False), *([("lost", True)] if is_old else [])]
    reindex(tmp_path, store_database)
    assert _list(tmp_path, store_database) == listed


def test_a_new_name_stands_over_the_list(tmp_path: Path, store_database: str | None) -> None:
    run, segment = _record(tmp_path)
    _spoil(segment, _damage_block)
    writer = JournalWriter.open(tmp_path, run, Start(kind="process"))
    writer.append(Set(fields={"name": "birch"}))
    writer.close()
    with closing(Indexer(tmp_path, store_database)) as indexer:
        indexer.catch_up()
        assert indexer.index.catalog.read_run(run).name == "birch"
