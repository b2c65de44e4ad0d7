"""decode(pack(segments)) = what the segments held, and every content that was kept comes back, whatever it was."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everbloom.core import layout
from everbloom.index.series import SeriesStore
from everbloom.ingest.packing import iter_packed_batches, pack_run
from everbloom.journal.blobs import list_own_blobs, read_blob
from everbloom.journal.pack import PackReader
from everbloom.testing.databases import fresh_database
from everbloom.testing.journals import read_journal, to_reading
from everbloom.testing.minimal_pack_reader import read_files
from everbloom.testing.packs import feed_journals, list_journals, write_journals


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    writers=st.integers(1, 3),
    rows=st.sampled_from([0, 1, 2, 50, 700, 4500]),
    blobs=st.sampled_from([0, 1, 2, 40]),
    window=st.sampled_from([1_000_000, 300, 4096]),
)
def test_a_pack_decodes_to_what_the_segments_and_the_small_files_held(tmp_path, seed, writers, rows, blobs, window):
    run = write_journals(tmp_path, seed, writers=writers, rows=rows, blobs=blobs)
    kept = {name: read_blob(tmp_path, run, name) for name in list_own_blobs(tmp_path, run)}
    with fresh_database(tmp_path / "index") as database:
        store = SeriesStore(database)
        store.ensure_schema()
        feed_journals(tmp_path, run, store, database)
        held = {w: read_journal(layout.journal_dir(tmp_path, run, w)) for w in list_journals(tmp_path, run)}
        report = pack_run(tmp_path, run, store, database)
    with PackReader(layout.pack_path(tmp_path, run)) as pack:
        parts = {part.writer: part for part in pack.contents.journals}
        told = {w: to_reading(list(iter_packed_batches(pack, part, window=window))) for w, part in parts.items()}
    assert told == held
    assert report.blobs == len(kept)
    assert list_own_blobs(tmp_path, run) == []
    assert {name: read_blob(tmp_path, run, name) for name in kept} == kept
    assert read_files(layout.pack_path(tmp_path, run).read_bytes()) == kept


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeds=st.lists(st.integers(0, 2**32), min_size=2, max_size=4), blobs=st.integers(0, 12))
def test_what_is_added_to_a_pack_takes_nothing_from_it(tmp_path, seeds, blobs):
    kept, run = {}, None
    with fresh_database(tmp_path / "index") as database:
        store = SeriesStore(database)
        store.ensure_schema()
        for seed in seeds:
            run = write_journals(tmp_path, seed, writers=1, rows=20, blobs=blobs, run=run)
            kept |= {name: read_blob(tmp_path, run, name) for name in list_own_blobs(tmp_path, run)}
            feed_journals(tmp_path, run, store, database)
            pack_run(tmp_path, run, store, database)
    assert read_files(layout.pack_path(tmp_path, run).read_bytes()) == kept
    assert {name: read_blob(tmp_path, run, name) for name in kept} == kept
