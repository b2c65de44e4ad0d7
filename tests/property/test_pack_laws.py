"""decode(pack(segments)) = what the segments held, whatever a run recorded."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everbloom.core import layout
from everbloom.index.series import SeriesStore
from everbloom.ingest.packing import iter_packed_batches, pack_run
from everbloom.journal.pack import PackReader
from everbloom.testing.databases import fresh_database
from everbloom.testing.journals import read_journal, to_reading
from everbloom.testing.packs import feed_journals, list_journals, write_journals


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    writers=st.integers(1, 3),
    rows=st.sampled_from([0, 1, 2, 50, 700, 4500]),
    window=st.sampled_from([1_000_000, 300, 4096]),
)
def test_a_pack_decodes_to_what_the_segments_held(tmp_path, seed, writers, rows, window):
    run = write_journals(tmp_path, seed, writers=writers, rows=rows)
    with fresh_database(tmp_path / "index") as database:
        store = SeriesStore(database)
        store.ensure_schema()
        feed_journals(tmp_path, run, store, database)
        held = {w: read_journal(layout.journal_dir(tmp_path, run, w)) for w in list_journals(tmp_path, run)}
        pack_run(tmp_path, run, store, database)
    with PackReader(layout.pack_path(tmp_path, run)) as pack:
        parts = {part.writer: part for part in pack.contents.journals}
        told = {w: to_reading(list(iter_packed_batches(pack, part, window=window))) for w, part in parts.items()}
    assert told == held
