"""What an indexer meets in journals: damage, newer formats, dead writers, clocks that jump, much, long and odd."""

import os
import random
import shutil
import subprocess
import sys
from contextlib import closing

import msgspec
import pytest

from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import new_run_id
from everbloom.core.records import Console, End, Heartbeat, Note, Params, Record, Set, Start, Unknown
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.ingest.lives import Clock
from everbloom.ingest.news import has_news
from everbloom.journal.edits import append_edit
from everbloom.journal.format import HEADER_BYTES, MAGIC, MAJOR, pack_header, parse_header
from everbloom.journal.registry import iter_active
from everbloom.journal.writer import JournalWriter
from everbloom.testing.databases import fresh_store_database
from everbloom.testing.indexing import attributes_of, catch_up
from everbloom.testing.stores import RunSpec, open_run, record_run

pytestmark = pytest.mark.fault


@pytest.fixture
def store_database(database_place):
    with fresh_store_database(database_place) as address:
        yield address


# ── damage and death ──────────────────────────────────────────────────────────────────────────────────────────────


def _break_block(root, run):
    """Flip bits in the first, sealed block of a run's journal."""
    (path,) = layout.run_dir(root, run).rglob("0.seg")
    with path.open("r+b") as file:
        file.seek(30_000)
        file.write(b"\xff" * 64)


def test_damage_is_counted_once_however_often_it_is_met(tmp_path, store_database):
    run = record_run(tmp_path, RunSpec(metrics={"x": range(9000)}))
    _break_block(tmp_path, run)
    assert catch_up(tmp_path, store_database).damaged == 1
    assert catch_up(tmp_path, store_database).damaged == 0
    with closing(Indexer(tmp_path, store_database)) as indexer:
        assert len(indexer.index.catalog.read_damage(run)) == 1
    assert reindex(tmp_path, store_database).damaged == 1
    with closing(Indexer(tmp_path, store_database)) as indexer:
        assert len(indexer.index.catalog.read_damage(run)) == 1


def test_damage_is_counted_once_after_a_death_between_the_commits(tmp_path):
    run = record_run(tmp_path, RunSpec(metrics={"x": range(9000)}))
    _break_block(tmp_path, run)

    class Death(Exception):
        pass

    def die():
        raise Death

    with closing(Indexer(tmp_path, between_commits=die)) as indexer, pytest.raises(Death):
        indexer.catch_up()
    assert catch_up(tmp_path).damaged == 1
    with closing(Indexer(tmp_path)) as indexer:
        points = indexer.index.series.read_series(run, "x")
        assert len(points) == len(set(points.steps.tolist())) < 9000


def test_a_journal_of_a_newer_format_is_reported_and_the_others_are_indexed(tmp_path, store_database):
    newer, other = record_run(tmp_path), record_run(tmp_path)
    (path,) = layout.run_dir(tmp_path, newer).rglob("0.seg")
    with path.open("r+b") as file:
        file.seek(8 + len(MAGIC))
        file.write(bytes([MAJOR + 1]))
    report = catch_up(tmp_path, store_database)
    assert report.runs == {newer, other}  # what it holds is not known, that it is there is
    assert len(report.refused) == 1


def _write_and_die(root):
    run = new_run_id(now_us())
    child = os.fork()
    if child == 0:
        JournalWriter.open(root, run, Start(kind="process")).append_row(0, None, {"x": 1.0})
        os._exit(0)
    os.waitpid(child, 0)
    return run


def test_a_segment_whose_writers_death_cannot_be_proved_is_not_cut(tmp_path):
    run = _write_and_die(tmp_path)
    (path,) = layout.run_dir(tmp_path, run).rglob("0.seg")
    _of_another_host(path)
    size = path.stat().st_size
    assert attributes_of(tmp_path, run)["state"] == "running"
    assert path.stat().st_size == size
    assert len(list(iter_active(tmp_path))) == 1


def test_a_segment_of_a_writer_that_is_proved_dead_is_cut(tmp_path):
    run = _write_and_die(tmp_path)
    (path,) = layout.run_dir(tmp_path, run).rglob("0.seg")
    full = path.stat().st_size
    attributes = attributes_of(tmp_path, run)
    assert (attributes["state"], attributes["end.cause"]) == ("killed", "unknown")
    assert path.stat().st_size < full
    assert list(iter_active(tmp_path)) == []


def test_a_segment_of_a_living_writer_is_never_cut(tmp_path):
    writer = open_run(tmp_path, RunSpec(metrics={"x": [1.0]}, end=None))
    (path,) = layout.run_dir(tmp_path, writer.run).rglob("0.seg")
    size = path.stat().st_size
    assert attributes_of(tmp_path, writer.run)["state"] == "running"
    assert path.stat().st_size == size
    assert len(list(iter_active(tmp_path))) == 1
    writer.close()


# ── clocks ─────────────────────────────────────────────────────────────────────────────────────────────────────


class FakeClock:
    """A host's clocks, in the hands of a test."""

    def __init__(self):
        self.monotonic = 1000.0
        self.boot_id = "this boot"
        self.clock = Clock(now_us=now_us, monotonic_s=lambda: self.monotonic, boot=lambda: self.boot_id)


def _of_another_host(path):
    """Make a segment look as if another host had written it."""
    data = path.read_bytes()
    header = parse_header(data[:HEADER_BYTES], path=path)
    assert header is not None
    changed = header._replace(host=12345)
    with path.open("r+b") as file:
        file.write(pack_header(changed))


@pytest.fixture
def foreign(tmp_path):
    """A run that another host records; its segment is written, not mapped, so that this process may go on."""
    writer = open_run(tmp_path, RunSpec(metrics={"x": [1.0, 2.0]}, end=None))
    (path,) = layout.run_dir(tmp_path, writer.run).rglob("0.seg")
    _of_another_host(path)
    yield writer
    writer.close()


def test_a_run_of_another_host_is_lost_after_five_silent_minutes_and_comes_back(tmp_path, foreign):
    host = FakeClock()
    assert attributes_of(tmp_path, foreign.run, clock=host.clock)["state"] == "running"
    host.monotonic += 299
    assert attributes_of(tmp_path, foreign.run, clock=host.clock)["state"] == "running"
    host.monotonic += 2
    attributes = attributes_of(tmp_path, foreign.run, clock=host.clock)
    assert attributes["state"] == "lost"
    assert "ended" in attributes
    foreign.append(Heartbeat(number=1))
    attributes = attributes_of(tmp_path, foreign.run, clock=host.clock)
    assert attributes["state"] == "running"
    assert "ended" not in attributes


def test_after_a_reboot_of_this_host_a_silent_run_gets_five_more_minutes(tmp_path, foreign):
    host = FakeClock()
    attributes_of(tmp_path, foreign.run, clock=host.clock)
    host.boot_id, host.monotonic = "the next boot", 5.0
    assert attributes_of(tmp_path, foreign.run, clock=host.clock)["state"] == "running"
    host.monotonic += 301
    assert attributes_of(tmp_path, foreign.run, clock=host.clock)["state"] == "lost"


def test_a_run_of_another_host_that_ended_is_not_lost(tmp_path, foreign):
    host = FakeClock()
    foreign.append(End(state="finished", cause="exit", witness="process", explicit=True))
    attributes_of(tmp_path, foreign.run, clock=host.clock)
    host.monotonic += 10_000
    assert attributes_of(tmp_path, foreign.run, clock=host.clock)["state"] == "finished"


def _watched_by_this_process(root):
    """A run whose process is dead and whose watcher, this process, lives."""
    run = _write_and_die(root)
    return run, JournalWriter.open(root, run, Start(kind="watcher"))


def test_a_dead_process_is_not_called_killed_while_its_watcher_may_tell_more(tmp_path):
    host = FakeClock()
    run, watcher = _watched_by_this_process(tmp_path)
    assert attributes_of(tmp_path, run, clock=host.clock)["state"] == "running"
    watcher.append(End(state="failed", cause="exit", witness="watcher", exit_code=3))
    watcher.close()
    attributes = attributes_of(tmp_path, run, clock=host.clock)
    assert (attributes["state"], attributes["end.cause"]) == ("failed", "exit")
    assert list(iter_active(tmp_path)) == []


def test_a_watcher_that_says_nothing_is_not_waited_for_for_ever(tmp_path):
    host = FakeClock()
    run, watcher = _watched_by_this_process(tmp_path)
    attributes_of(tmp_path, run, clock=host.clock)
    host.monotonic += 61
    with closing(Indexer(tmp_path, clock=host.clock)) as indexer:
        assert has_news(tmp_path, indexer.index)
    assert attributes_of(tmp_path, run, clock=host.clock)["state"] == "killed"
    watcher.append(End(state="killed", cause="oom", witness="watcher", signal=9))
    assert attributes_of(tmp_path, run, clock=host.clock)["end.cause"] == "oom"
    watcher.close()


@pytest.mark.parametrize("jumps", [(0, -3600, 10), (0, 3600, -7200), (0, -86_400 * 365, 86_400 * 365)])
def test_a_wall_clock_that_jumps_between_records_breaks_nothing(tmp_path, store_database, jumps):
    base = now_us() - 86_400_000_000 * 2
    writer = open_run(tmp_path, RunSpec(end=None), created_us=base)
    at = base
    for step, jump_s in enumerate(jumps):
        at += jump_s * 1_000_000
        writer.append(Params(values={"p": step}), time_us=at)
        writer.append_row(step, at, {"x": float(step)})
        writer.append(Console(text=f"line {step}\n"), time_us=at)
    writer.append(End(state="finished", cause="exit", witness="process", explicit=True), time_us=at)
    writer.close()
    attributes = attributes_of(tmp_path, writer.run, store_database)
    assert attributes["state"] == "finished"
    assert attributes.get("duration", 0) >= 0
    with closing(Indexer(tmp_path, store_database)) as indexer:
        assert indexer.index.series.read_series(writer.run, "x").values.tolist() == [0.0, 1.0, 2.0]
        assert "".join(indexer.index.console.iter_text(writer.run)) == "line 0\nline 1\nline 2\n"


# ── much, long and odd ─────────────────────────────────────────────────────────────────────────────────────────


def test_ten_thousand_metrics_of_one_run_are_indexed(tmp_path):
    metrics = {f"layer {i}/grad/norm": [float(i), float(-i)] for i in range(10_000)}
    run = record_run(tmp_path, RunSpec(metrics=metrics))
    with closing(Indexer(tmp_path)) as indexer:
        assert indexer.catch_up().points == 20_000
        document = indexer.index.catalog.read_run(run).document
        assert len(document.metrics) == 10_000
        assert document.metrics["layer 9999/grad/norm"].min == -9999.0
        project = indexer.index.catalog.read_projects()[0]
        assert "metrics.layer 77/grad/norm.max" in indexer.index.columns.read_keys([project.id])


def test_long_and_odd_texts_are_indexed_on_both_engines(tmp_path, store_database):
    rng = random.Random(1)
    odd = "".join(chr(rng.randrange(0x4E00, 0x9FFF)) for _ in range(1000))
    long = "".join(chr(rng.randrange(33, 0x2FFF)) for _ in range(20_000))
    name = "a/b 'c' \"d\" 🌱 % _ \\"
    fields = {"name": name, "project": name, "experiment": name, "why": long, "domain": "nul \0 in it"}
    params = {odd: long, name: "x", "nul": "a\0b"}
    run = record_run(
        tmp_path, RunSpec(fields=fields, params=params, metrics={odd: [1.0], name: [2.0]}, tags=[name], note=long)
    )
    append_edit(tmp_path, run, "ann", Note(text="more\0", append=True))
    with closing(Indexer(tmp_path, store_database)) as indexer:
        report = indexer.catch_up()
        indexer.fold_all()
        assert not report.refused
        document = indexer.index.catalog.read_run(run).document
        assert document.attributes["name"] == name
        assert document.attributes[f"params.{odd}"] == long
        assert document.metrics[odd].last == 1.0
        assert indexer.index.series.read_series(run, odd).values.tolist() == [1.0]
        (project,) = indexer.index.catalog.read_projects()
        assert [match.run for match in indexer.index.text.find_runs(long[:50], [project.id])] == [run]
        assert f"params.{odd}" in indexer.index.columns.read_keys([project.id])


class RichNote(Record, frozen=True):
    """A note as a newer version may write it."""

    tag_name = "note"
    text: dict[str, str]


def test_a_record_that_only_a_newer_version_understands_is_carried_along(tmp_path, store_database):
    def raw(value):
        return msgspec.Raw(msgspec.msgpack.encode(value))

    writer = open_run(tmp_path, RunSpec(end=None))
    writer.append(Unknown(tag="end", body=raw({"state": "paused", "cause": "whim", "witness": "process"})))
    writer.append(Unknown(tag="mood", body=raw({"is": "good"})))
    writer.append(Set(fields={"why": "still here"}))
    writer.close()
    append_edit(tmp_path, writer.run, "ann", RichNote(text={"html": "<p>"}))
    append_edit(tmp_path, writer.run, "ann", Note(text="plain"))
    attributes = attributes_of(tmp_path, writer.run, store_database)
    assert (attributes["why"], attributes["note"]) == ("still here", "plain")
    with closing(Indexer(tmp_path, store_database)) as indexer:
        tags = [row.tag for row in indexer.index.catalog.read_controls(writer.run)]
    assert {"?end", "?mood", "?note"} <= set(tags)


def test_a_journal_without_a_beginning_is_shown_all_the_same(tmp_path):
    writer = JournalWriter(tmp_path, record_run(tmp_path / "other"))
    layout.journal_dir(tmp_path, writer.run, writer.writer_id).mkdir(parents=True)
    writer.append_row(3, None, {"x": 1.0})
    writer.close()
    attributes = attributes_of(tmp_path, writer.run)
    assert (attributes["step"], attributes["project"]) == (3, "default")
    assert attributes["created"] > 1_700_000_000_000_000


def test_an_announced_journal_that_never_began_is_no_run(tmp_path):
    record_run(tmp_path)
    catch_up(tmp_path)
    writer = JournalWriter(tmp_path, record_run(tmp_path / "other"))
    layout.journal_dir(tmp_path, writer.run, writer.writer_id).mkdir(parents=True)
    layout.active_path(tmp_path, writer.run, writer.writer_id).touch()
    assert catch_up(tmp_path).runs == set()
    writer.append(Start(kind="process"))
    writer.close()
    assert catch_up(tmp_path).runs == {writer.run}


def test_an_edit_of_a_run_that_is_not_here_waits_for_it(tmp_path):
    run = record_run(tmp_path / "other")
    append_edit(tmp_path, run, "ann", Set(fields={"name": "named before"}))
    assert catch_up(tmp_path).runs == set()
    shutil.copytree(layout.run_dir(tmp_path / "other", run), layout.run_dir(tmp_path, run))
    shutil.copytree(tmp_path / "other" / "active", tmp_path / "active")
    assert attributes_of(tmp_path, run)["name"] == "named before"


def test_memory_stays_bounded_while_much_is_indexed(tmp_path):
    """In a process of its own: 300 small runs and one of a million points, in less than 300 MB."""
    program = """
import re, sys
from pathlib import Path
from everbloom.ingest.indexer import Indexer
indexer = Indexer(Path(sys.argv[1]))
report = indexer.catch_up()
indexer.close()
# Not ru_maxrss: a process inherits that of the one that started it.
peak_kb = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(len(report.runs), report.points, int(peak_kb) // 1024)
"""
    for number in range(300):
        record_run(tmp_path, RunSpec(params={"lr": number}, metrics={"x": [1.0, 2.0]}, console="hello\n"))
    writer = open_run(tmp_path, RunSpec(end=None))
    row = {f"m{i}": 0.1 * i for i in range(10)}
    for step in range(100_000):
        writer.append_row(step, None, row)
    writer.close()
    answer = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=True)
    runs, points, peak_mb = map(int, answer.stdout.split())
    assert (runs, points) == (301, 1_000_600)
    assert peak_mb < 300
