"""Packing a closed run: nothing is lost, answers stay the same, every step can be repeated after a crash."""

import itertools
import os
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from everbloom.artifacts.local import store_bytes
from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.errors import Conflict, Corrupt, Unavailable
from everbloom.core.records import Start
from everbloom.index.series import SeriesKey, SeriesStore, Window
from everbloom.ingest.packing import PackBlobs, adopt_pack, fingerprint, iter_packed_batches, pack_run
from everbloom.journal.blobs import list_own_blobs, read_blob
from everbloom.journal.pack import PackReader
from everbloom.journal.reader import iter_batches
from everbloom.journal.writer import JournalWriter
from everbloom.testing.databases import fresh_database
from everbloom.testing.journals import read_journal, to_reading
from everbloom.testing.minimal_pack_reader import read_files
from everbloom.testing.packs import feed_journals, list_journals, write_journals


@pytest.fixture
def blobs(tmp_path):
    blobs = PackBlobs(tmp_path)
    yield blobs
    blobs.close()


@pytest.fixture
def store(database, blobs):
    store = SeriesStore(database, read_blob=blobs.read_blob)
    store.ensure_schema()
    return store


def answers(store, run):
    keys = [SeriesKey(run, "loss"), SeriesKey(run, "acc", 0)]
    told = [asdict(store.read_series(run, key.metric, key.rank)) for key in keys]
    told.append(asdict(store.read_window(keys, Window(columns=30, low=20, high=3000)).series[0]))
    summaries = store.read_summaries([run])[run]
    return told, {name: asdict(by_rank[0]) for name, by_rank in sorted(summaries.items())}


def read_segments(root, run):
    return {writer: read_journal(layout.journal_dir(root, run, writer)) for writer in list_journals(root, run)}


def read_pack(root, run):
    with PackReader(layout.pack_path(root, run)) as pack:
        pack.verify()
        return {part.writer: to_reading(list(iter_packed_batches(pack, part))) for part in pack.contents.journals}


@pytest.mark.parametrize("seed", range(3))
def test_a_pack_holds_what_the_segments_held_and_answers_stay(tmp_path, store, database, seed):
    run = write_journals(tmp_path, seed, writers=1 + seed, rows=5000 if seed == 0 else 300)
    feed_journals(tmp_path, run, store, database)
    before, segments = answers(store, run), read_segments(tmp_path, run)
    report = pack_run(tmp_path, run, store, database)
    assert report.journals == 1 + seed
    assert not (tmp_path / "runs" / run).exists()
    assert read_pack(tmp_path, run) == segments
    np.testing.assert_equal(answers(store, run), before)
    assert list(store.export_chunks(run)) == []


def test_a_pack_is_smaller_than_its_segments(tmp_path, store, database):
    run = write_journals(tmp_path, 1, rows=5000)
    feed_journals(tmp_path, run, store, database)
    report = pack_run(tmp_path, run, store, database)
    assert report.pack_bytes < report.segment_bytes / 2
    assert report.pack_bytes == layout.pack_path(tmp_path, run).stat().st_size


def test_packing_twice_changes_nothing(tmp_path, store, database):
    run = write_journals(tmp_path, 2)
    feed_journals(tmp_path, run, store, database)
    pack_run(tmp_path, run, store, database)
    before = layout.pack_path(tmp_path, run).read_bytes()
    assert pack_run(tmp_path, run, store, database).journals == 0
    assert layout.pack_path(tmp_path, run).read_bytes() == before


def test_a_resumed_run_adds_to_its_pack(tmp_path, store, database):
    run = write_journals(tmp_path, 3, writers=1)
    feed_journals(tmp_path, run, store, database)
    pack_run(tmp_path, run, store, database)
    first = read_pack(tmp_path, run)
    answers(store, run)  # the pack is open now, and is replaced below
    write_journals(tmp_path, 4, writers=1, run=run)
    feed_journals(tmp_path, run, store, database)
    second, before = read_segments(tmp_path, run), answers(store, run)
    pack_run(tmp_path, run, store, database)
    assert read_pack(tmp_path, run) == first | second
    np.testing.assert_equal(answers(store, run), before)


def test_a_crash_before_the_segments_went_is_made_good(tmp_path, store, database):
    run = write_journals(tmp_path, 5)
    feed_journals(tmp_path, run, store, database)
    before = answers(store, run)
    shutil.copytree(tmp_path / "runs", tmp_path / "kept")
    pack_run(tmp_path, run, store, database)
    (tmp_path / "kept").rename(tmp_path / "runs-again")
    shutil.copytree(tmp_path / "runs-again", tmp_path / "runs", dirs_exist_ok=True)
    assert pack_run(tmp_path, run, store, database).journals == 2
    assert not (tmp_path / "runs" / run).exists()
    np.testing.assert_equal(answers(store, run), before)


def test_a_crash_before_the_series_referred_to_the_pack_is_made_good(tmp_path, store, database, blobs):
    run = write_journals(tmp_path, 6, rows=5000)
    feed_journals(tmp_path, run, store, database)
    before = answers(store, run)
    with fresh_database(tmp_path / "other") as other:
        elsewhere = SeriesStore(other)
        elsewhere.ensure_schema()
        feed_journals(tmp_path, run, elsewhere, other)
        pack_run(tmp_path, run, elsewhere, other)
    pack_run(tmp_path, run, store, database)
    assert list(store.export_chunks(run)) == []
    np.testing.assert_equal(answers(store, run), before)


def test_an_index_built_from_a_pack_answers_the_same_and_refers_to_it(tmp_path, store, database, blobs):
    run = write_journals(tmp_path, 7, rows=9000, writers=2)
    feed_journals(tmp_path, run, store, database)
    before = answers(store, run)
    pack_run(tmp_path, run, store, database)
    with fresh_database(tmp_path / "built") as other, PackReader(layout.pack_path(tmp_path, run)) as pack:
        built = SeriesStore(other, read_blob=blobs.read_blob)
        built.ensure_schema()
        with other.transaction():
            for part in pack.contents.journals:
                for batch in iter_packed_batches(pack, part):
                    for rows in batch.rows:
                        columns = (rows.steps, rows.times, rows.ordinals, rows.values)
                        built.append_rows(run, part.writer, 0, rows.names, *columns)
                built.finish_writer(run, part.writer)
            chunks = sum(len(group.chunks) for part in pack.contents.journals for group in part.groups)
            assert adopt_pack(built, pack) == chunks
        np.testing.assert_equal(answers(built, run), before)


def test_batches_of_a_pack_rise_and_never_jump_over_a_record(tmp_path, store, database):
    run = write_journals(tmp_path, 8, rows=9000, writers=1)
    feed_journals(tmp_path, run, store, database)
    pack_run(tmp_path, run, store, database)
    with PackReader(layout.pack_path(tmp_path, run)) as pack:
        (part,) = pack.contents.journals
        batches = list(iter_packed_batches(pack, part, window=700))
    ends = [(batch.end.segment, batch.end.byte) for batch in batches]
    assert len(batches) == 13
    assert ends == sorted(set(ends))
    for batch, following in itertools.pairwise(batches):
        assert batch.has_more
        assert all(c.position < batch.end.segment << 32 | batch.end.byte for c in batch.controls)
        assert all(c.position >= batch.end.segment << 32 | batch.end.byte for c in following.controls)
        assert all(rows.ordinals.max() < batch.end.rows for rows in batch.rows)
        assert all(rows.ordinals.min() >= batch.end.rows for rows in following.rows)


def test_a_run_with_a_journal_in_use_is_not_packed(tmp_path, store, database):
    run = write_journals(tmp_path, 9, writers=1)
    writer = JournalWriter.open(tmp_path, run, Start(kind="process"))
    with pytest.raises(Conflict) as caught:
        pack_run(tmp_path, run, store, database)
    writer.close()
    assert caught.value.code == "pack.active"
    assert len(list_journals(tmp_path, run)) == 2


def test_series_behind_the_journal_are_not_packed(tmp_path, store, database):
    run = write_journals(tmp_path, 10)
    feed_journals(tmp_path, run, store, database)
    with database.transaction():
        store.delete_run(run)
    with pytest.raises(Unavailable) as caught:
        pack_run(tmp_path, run, store, database)
    assert caught.value.code == "pack.behind"
    assert len(list_journals(tmp_path, run)) == 2
    assert list(layout.pack_path(tmp_path, run).parent.iterdir()) == []


def test_series_that_differ_from_the_journal_are_not_packed(tmp_path, store, database):
    run = write_journals(tmp_path, 11, writers=1)
    feed_journals(tmp_path, run, store, database)
    with database.transaction():
        (writer,) = list_journals(tmp_path, run)
        journal = layout.journal_dir(tmp_path, run, writer)
        store.delete_run(run)
        for batch in iter_batches(journal, now_us=now_us()):
            for rows in batch.rows:
                wrong = rows.values + 1e-9
                store.append_rows(run, writer, 0, rows.names, rows.steps, rows.times, rows.ordinals, wrong)
    with pytest.raises(Corrupt) as caught:
        pack_run(tmp_path, run, store, database)
    assert caught.value.code == "pack.mismatch"
    assert list_journals(tmp_path, run) == [writer]
    assert list(layout.pack_path(tmp_path, run).parent.iterdir()) == []


def test_damage_and_open_ends_are_carried_into_the_pack(tmp_path, store, database):
    run = write_journals(tmp_path, 12, writers=1, rows=3000)
    (writer,) = list_journals(tmp_path, run)
    segment = layout.segment_path(layout.journal_dir(tmp_path, run, writer), 0)
    content = bytearray(segment.read_bytes())
    content[70_000] ^= 0xFF
    segment.write_bytes(content[:-20])
    feed_journals(tmp_path, run, store, database)
    segments = read_segments(tmp_path, run)
    assert segments[writer].damage
    pack_run(tmp_path, run, store, database)
    assert read_pack(tmp_path, run) == segments


def test_fingerprints_do_not_depend_on_batches(tmp_path):
    run = write_journals(tmp_path, 13, writers=1, rows=4000)
    (writer,) = list_journals(tmp_path, run)
    journal = layout.journal_dir(tmp_path, run, writer)
    whole = list(iter_batches(journal, now_us=now_us()))
    cut = read_in_small_batches(journal)
    assert len(cut) > len(whole)
    assert fingerprint(whole) == fingerprint(cut)


def read_in_small_batches(journal):
    from everbloom.journal.reader import Position, read_batch

    batches = [read_batch(journal, Position(), now_us=now_us(), max_bytes=1)]
    while batches[-1].has_more:
        batches.append(read_batch(journal, batches[-1].end, now_us=now_us(), max_bytes=1))
    return batches


def test_a_missing_pack_is_told_by_name(tmp_path, store, database):
    run = write_journals(tmp_path, 14, rows=300)
    feed_journals(tmp_path, run, store, database)
    pack_run(tmp_path, run, store, database)
    layout.pack_path(tmp_path, run).unlink()
    with pytest.raises(Corrupt) as caught:
        store.read_series(run, "loss")
    assert caught.value.code == "pack.missing"


# ── small files and media ─────────────────────────────────────────────────────────────────────────────────────────


def keep(root, run):
    return {name: read_blob(root, run, name) for name in list_own_blobs(root, run)}


def packed_files(root, run):
    return read_files(layout.pack_path(root, run).read_bytes())


def test_small_files_go_into_the_pack_and_large_ones_stay_shared(tmp_path, store, database):
    run = write_journals(tmp_path, 15, rows=20, blobs=5)
    large, _ = store_bytes(tmp_path, b"l" * 65_536, run=run)
    small = keep(tmp_path, run)
    feed_journals(tmp_path, run, store, database)
    report = pack_run(tmp_path, run, store, database)
    assert (report.blobs, report.damaged) == (len(small), ())
    assert packed_files(tmp_path, run) == small
    assert not layout.run_dir(tmp_path, run).exists()
    assert {name: read_blob(tmp_path, run, name) for name in small} == small
    assert layout.blob_path(tmp_path, large).exists()


def test_another_run_keeps_its_file_of_the_same_content(tmp_path, store, database):
    first, second = write_journals(tmp_path, 16, rows=5, blobs=9), write_journals(tmp_path, 16, rows=5, blobs=9)
    kept = keep(tmp_path, second)
    assert keep(tmp_path, first) == kept
    feed_journals(tmp_path, first, store, database)
    pack_run(tmp_path, first, store, database)
    assert keep(tmp_path, second) == kept
    assert packed_files(tmp_path, first) == kept


def test_a_content_that_a_resumed_run_keeps_again_is_packed_once(tmp_path, store, database):
    run = write_journals(tmp_path, 17, writers=1, rows=5, blobs=9)
    first = keep(tmp_path, run)
    feed_journals(tmp_path, run, store, database)
    pack_run(tmp_path, run, store, database)
    size = layout.pack_path(tmp_path, run).stat().st_size
    write_journals(tmp_path, 17, writers=1, rows=5, blobs=9, run=run)
    assert keep(tmp_path, run) == first
    feed_journals(tmp_path, run, store, database)
    assert pack_run(tmp_path, run, store, database).blobs == 0
    assert packed_files(tmp_path, run) == first
    assert layout.pack_path(tmp_path, run).stat().st_size - size < 10_000 < sum(map(len, first.values()))


def test_a_damaged_file_stays_where_it_is_and_keeps_nothing_else_from_being_packed(tmp_path, store, database):
    run = write_journals(tmp_path, 18, rows=5, blobs=9)
    kept = keep(tmp_path, run)
    bad = next(name for name, data in kept.items() if data)
    path = layout.run_blobs_dir(tmp_path, run) / bad
    path.write_bytes(b"something else")
    feed_journals(tmp_path, run, store, database)
    report = pack_run(tmp_path, run, store, database)
    assert (report.blobs, report.damaged) == (len(kept) - 1, (bad,))
    assert packed_files(tmp_path, run) == {name: data for name, data in kept.items() if name != bad}
    assert path.read_bytes() == b"something else"
    assert list_journals(tmp_path, run) == []
    with pytest.raises(Corrupt, match=r"blob\.damaged"):
        read_blob(tmp_path, run, bad)


def test_what_a_killed_process_left_half_written_goes_when_it_is_old(tmp_path, store, database):
    run = write_journals(tmp_path, 19, rows=5, blobs=3)
    folder = layout.run_blobs_dir(tmp_path, run)
    old, fresh = folder / ".1-old.part", folder / ".2-fresh.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    feed_journals(tmp_path, run, store, database)
    pack_run(tmp_path, run, store, database)
    assert list(folder.iterdir()) == [fresh]


def test_a_journal_whose_removal_had_begun_is_removed_to_its_end(tmp_path, store, database):
    run = write_journals(tmp_path, 20, writers=1, rows=9000)
    (writer,) = list_journals(tmp_path, run)
    feed_journals(tmp_path, run, store, database)
    journal = layout.journal_dir(tmp_path, run, writer)
    going = journal.with_name(f".{writer}.packed")
    shutil.copytree(journal, tmp_path / "kept")
    pack_run(tmp_path, run, store, database)
    going.mkdir(parents=True)
    shutil.copy(tmp_path / "kept" / "1.seg", going)
    assert pack_run(tmp_path, run, store, database).journals == 0
    assert not layout.run_dir(tmp_path, run).exists()


def test_a_journal_that_is_not_what_the_pack_holds_of_it_is_not_removed(tmp_path, store, database):
    run = write_journals(tmp_path, 21, writers=1, rows=9000)
    (writer,) = list_journals(tmp_path, run)
    feed_journals(tmp_path, run, store, database)
    journal = layout.journal_dir(tmp_path, run, writer)
    shutil.copytree(journal, tmp_path / "kept")
    pack_run(tmp_path, run, store, database)
    journal.mkdir(parents=True)
    shutil.copy(tmp_path / "kept" / "1.seg", journal)
    with pytest.raises(Corrupt, match=r"pack\.mismatch"):
        pack_run(tmp_path, run, store, database)
    assert [path.name for path in journal.iterdir()] == ["1.seg"]
