"""Whether journals hold anything new is told without reading them, and looked at before every local read."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.errors import Unavailable
from everbloom.core.records import Console, Start, Tag
from everbloom.core.settings import Settings
from everbloom.index.database import indexer_lock
from everbloom.index.store import open_index
from everbloom.ingest.indexer import Indexer
from everbloom.ingest.news import has_news, has_records
from everbloom.journal.edits import append_edit
from everbloom.journal.identity import boot_id
from everbloom.journal.writer import JournalWriter
from everbloom.query.reader import Patience, RunQuery, open_reader
from everbloom.testing.stores import RunSpec, open_run, record_run


def catch_up(root: Path) -> None:
    indexer = Indexer(root)
    indexer.catch_up()
    indexer.close()


def asks(root: Path) -> bool:
    with open_index(root, None, read_only=True) as index:
        return has_news(root, index)


@contextlib.contextmanager
def busy_indexer(root: Path) -> Iterator[None]:
    with open_index(root, None) as index, indexer_lock(index.catalog_database, root):
        yield


def test_an_empty_or_missing_store_has_no_records(tmp_path):
    assert not has_records(tmp_path)
    assert not has_records(tmp_path / "missing")
    record_run(tmp_path)
    assert has_records(tmp_path)


def test_an_index_that_has_never_been_whole_has_news_where_there_are_records(tmp_path):
    open_index(tmp_path, None).close()
    assert not asks(tmp_path)
    record_run(tmp_path)
    layout.active_dir(tmp_path).rename(tmp_path / "elsewhere")  # what a full scan alone would find
    assert asks(tmp_path)
    catch_up(tmp_path)
    assert not asks(tmp_path)


@pytest.mark.parametrize("is_mapped", [True, False])
def test_a_live_journal_is_news_when_it_has_grown(tmp_path, is_mapped):
    catch_up(tmp_path)
    writer = JournalWriter.open(tmp_path, record_run(tmp_path), Start(kind="process"), is_mapped=is_mapped)
    assert asks(tmp_path)
    catch_up(tmp_path)
    assert not asks(tmp_path)
    writer.append_row(0, None, {"loss": 1.0})
    assert asks(tmp_path)
    catch_up(tmp_path)
    assert not asks(tmp_path)
    writer.close()


def test_a_journal_that_went_on_in_its_next_segment_is_news(tmp_path):
    writer = open_run(tmp_path, RunSpec(end=None))
    catch_up(tmp_path)
    journal = layout.journal_dir(tmp_path, writer.run, writer.writer_id)
    while not layout.segment_path(journal, 1).exists():
        writer.append(Console(text="x" * 40_000))
    assert asks(tmp_path)
    catch_up(tmp_path)
    assert not asks(tmp_path)
    writer.append_row(0, None, {"loss": 1.0})
    assert asks(tmp_path)
    writer.close()


def test_an_edit_is_news_once(tmp_path):
    run = record_run(tmp_path)
    catch_up(tmp_path)
    assert not asks(tmp_path)
    for tag in ("a", "b"):
        append_edit(tmp_path, run, "ann", Tag(add=[tag]))
        assert asks(tmp_path)
        catch_up(tmp_path)
        assert not asks(tmp_path)


def test_a_writer_that_died_without_a_word_is_news_once(tmp_path):
    script = (
        "import os, sys, pathlib; from everbloom.testing.stores import *; "
        "w = open_run(pathlib.Path(sys.argv[1]), RunSpec(end=None)); print(w.run, flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    run = child.stdout.readline().strip()
    with open_reader(Settings(root=tmp_path)) as reader:
        assert reader.find_run(run).run.state == "running"
        assert not reader.refresh()
        child.kill()
        child.wait()
        assert reader.refresh()
        assert reader.find_run(run).run.state == "killed"
        assert not reader.refresh()
    child.stdin.close()
    child.stdout.close()


def test_a_writer_on_another_host_is_news_when_it_has_been_silent_and_then_no_more(tmp_path):
    writer = open_run(tmp_path, RunSpec(end=None))
    segment = layout.segment_path(layout.journal_dir(tmp_path, writer.run, writer.writer_id), 0)
    rewrite_host(segment)
    catch_up(tmp_path)
    assert not asks(tmp_path)
    with open_index(tmp_path, None) as index:
        (row,) = index.catalog.read_writers(writer.run)
        assert row.seen_boot == f"{boot_id():016x}"
        index.catalog.write_writers([row._replace(seen_at=row.seen_at - 301)])
    assert asks(tmp_path)
    catch_up(tmp_path)
    with open_reader(Settings(root=tmp_path)) as reader:
        assert reader.find_run(writer.run).run.state == "lost"
        assert not reader.refresh()
    writer.close()


def rewrite_host(segment: Path) -> None:
    """Make a segment look like one that another host writes."""
    from everbloom.journal.format import HEADER_BYTES, pack_header, parse_header

    with segment.open("r+b") as file:
        header = parse_header(file.read(HEADER_BYTES), path=segment)
        assert header is not None
        file.seek(0)
        file.write(pack_header(header._replace(host=header.host ^ 1)))


def test_a_journal_that_nobody_here_can_read_is_no_news(tmp_path):
    writer = open_run(tmp_path, RunSpec(end=None))
    catch_up(tmp_path)
    segment = layout.segment_path(layout.journal_dir(tmp_path, writer.run, writer.writer_id), 0)
    with segment.open("r+b") as file:
        file.seek(8)
        file.write(b"not ours")
    assert not asks(tmp_path)
    writer.close()


def test_a_look_without_news_loads_neither_the_indexer_nor_sqlalchemy(tmp_path):
    record_run(tmp_path)
    catch_up(tmp_path)
    script = (
        "import sys, pathlib; from everbloom.core.settings import Settings; "
        "from everbloom.query.reader import open_reader, RunQuery\n"
        "with open_reader(Settings(root=pathlib.Path(sys.argv[1]))) as reader:\n"
        "    assert reader.list_runs(RunQuery()).total == 1\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'pandas', 'polars', 'pyarrow', 'packaging'}\n"
        "print(sorted(heavy & set(sys.modules)), 'everbloom.ingest.indexer' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    answer = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, env=environment
    )
    assert answer.stdout.strip() == "[] False"


IMPATIENT = Patience(whole_s=0.0, first_s=0.0)


def test_while_another_indexer_is_at_work_for_too_long_what_it_has_committed_is_read_and_the_reason_told(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "a"}))
    catch_up(tmp_path)
    record_run(tmp_path, RunSpec(fields={"name": "b"}))
    with busy_indexer(tmp_path), open_reader(Settings(root=tmp_path), patience=IMPATIENT) as reader:
        assert [run.name for run in reader.list_runs(RunQuery()).runs] == ["a"]
        assert reader.stale is not None
        assert reader.stale.code == "index.busy"
    with open_reader(Settings(root=tmp_path)) as reader:
        assert reader.stale is None
        assert reader.list_runs(RunQuery()).total == 2


def test_while_another_process_builds_the_first_index_for_too_long_the_reason_is_told(tmp_path):
    record_run(tmp_path)
    with busy_indexer(tmp_path), open_reader(Settings(root=tmp_path), patience=IMPATIENT) as reader:
        assert reader.list_runs(RunQuery()).total == 0
        assert reader.stale is not None
        assert reader.stale.code == "index.busy"


def test_where_the_index_cannot_be_written_the_old_one_is_read_and_the_reason_told(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "a"}))
    catch_up(tmp_path)
    record_run(tmp_path, RunSpec(fields={"name": "b"}))
    lock = layout.lock_path(tmp_path, "indexer")
    lock.unlink(missing_ok=True)
    lock.mkdir(parents=True)  # a folder where the lock file should be: nobody can take the lock, not even root
    with open_reader(Settings(root=tmp_path)) as reader:
        assert [run.name for run in reader.list_runs(RunQuery()).runs] == ["a"]
        assert isinstance(reader.stale, Unavailable)
        assert reader.stale.code == "index.readonly"
        lock.rmdir()
        assert reader.refresh()
        assert reader.stale is None
        assert reader.list_runs(RunQuery()).total == 2


def test_where_no_index_can_be_built_the_error_says_so(tmp_path):
    record_run(tmp_path, created_us=now_us() - 1_000_000_000)
    (tmp_path / "index").write_text("in the way")
    with pytest.raises(Unavailable):
        open_reader(Settings(root=tmp_path))
