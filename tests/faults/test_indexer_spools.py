"""What a run printed and its watcher, killed with it, had not recorded: it is recorded once, whatever happens."""

import os
import signal
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from everbloom.capture.order import SpoolOrder
from everbloom.capture.spool import Spool, create_spool, spool_name
from everbloom.core import layout
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, new_run_id
from everbloom.core.records import Console, Start
from everbloom.ingest.indexer import Indexer, reindex
from everbloom.ingest.news import has_news
from everbloom.ingest.spools import has_spools, recover_spools
from everbloom.journal.registry import iter_active
from everbloom.journal.writer import JournalWriter
from everbloom.testing.recorded import kill_and_wait, list_runs, read_recorded, start_script, wait_until
from everbloom.watcher.streams import Stream

pytestmark = pytest.mark.fault


class DeadRun:
    """A run whose process and watcher are gone and left a spool."""

    def __init__(self, root: Path, printed: bytes, *, recorded: int = 0, told: int | None = None, stream: str = "out"):
        """Leave a spool behind.

        Args:
            root: The store.
            printed: What stands in the spool.
            recorded: How many bytes of it stand in the watcher's journal.
            told: How many of them the watcher noted in the spool's offsets.
            stream: Which stream it is.
        """
        self.root = root
        self.run = new_run_id(now_us())
        process = JournalWriter.open(root, self.run, Start(kind="process"))
        watcher = JournalWriter.open(root, self.run, Start(kind="watcher"))
        self.name = spool_name(process.writer_id, stream)
        self.path = layout.spool_dir(root, self.run) / self.name
        self.file = create_spool(self.path)
        os.write(self.file, printed)
        if recorded:
            watcher.append(Console(text=printed[:recorded].decode(), stream=stream, offset=recorded))
        with closing(Spool(self.path, None)) as spool:
            spool.set_recorded(recorded if told is None else told)
        process.append_row(0, None, {"x": 1.0})
        watcher.close()
        process.close()

    def leave(self) -> RunId:
        """Let the last process that printed go."""
        os.close(self.file)
        return self.run


def read_console(root: Path, run: RunId, *, catch_up: bool = True) -> str:
    indexer = Indexer(root)
    try:
        if catch_up:
            report = indexer.catch_up()
            assert not report.refused
        return "".join(indexer.index.console.iter_text(run))
    finally:
        indexer.close()


def test_the_rest_of_a_console_is_recorded_in_the_next_look(tmp_path):
    run = DeadRun(tmp_path, b"one\ntwo\nlast words", recorded=4).leave()
    assert read_console(tmp_path, run) == "one\ntwo\nlast words"
    assert not layout.spool_dir(tmp_path, run).exists()
    assert list(iter_active(tmp_path)) == []


def test_what_was_recorded_and_not_noted_is_not_recorded_again(tmp_path):
    run = DeadRun(tmp_path, b"one\ntwo\nthree\n", recorded=8, told=0).leave()
    assert read_console(tmp_path, run) == "one\ntwo\nthree\n"


def test_a_spool_that_was_recorded_to_its_end_is_removed(tmp_path):
    run = DeadRun(tmp_path, b"one\n", recorded=4).leave()
    assert read_console(tmp_path, run) == "one\n"
    assert not has_spools(tmp_path, run)


def test_looking_twice_records_once(tmp_path):
    run = DeadRun(tmp_path, b"one\ntwo\n").leave()
    first = read_console(tmp_path, run)
    assert read_console(tmp_path, run) == first == "one\ntwo\n"
    reindex(tmp_path)
    assert read_console(tmp_path, run) == first


def test_megabytes_of_odd_bytes_are_recorded(tmp_path):
    printed = b"".join(b"line %d \xff\xfe\r%s\n" % (i, b"progress" * 30) for i in range(9000)) + b"x" * 300_000
    run = DeadRun(tmp_path, printed).leave()
    text = read_console(tmp_path, run)
    assert text.count("\n") == 9000
    assert text.endswith("progress\n" + "x" * 300_000)


def test_two_streams_of_two_processes_are_told_apart(tmp_path):
    first = DeadRun(tmp_path, b"out one\nout two\n", recorded=8, told=0)
    folder = first.path.parent
    err = folder / f"{first.name.partition('.')[0]}.err"
    file = create_spool(err)
    os.write(file, b"err one\n")
    os.close(file)
    text = read_console(tmp_path, first.leave())
    assert sorted(text.splitlines()) == ["err one", "out one", "out two"]


def test_while_a_child_of_training_prints_nothing_is_taken(tmp_path):
    dead = DeadRun(tmp_path, b"one\n")
    assert recover_spools(tmp_path, dead.run) is None
    assert read_console(tmp_path, dead.run) == ""
    os.write(dead.file, b"two\n")
    indexer = Indexer(tmp_path)
    try:
        assert has_news(tmp_path, indexer.index)
    finally:
        indexer.close()
    assert read_console(tmp_path, dead.leave()) == "one\ntwo\n"


def test_a_run_that_still_has_a_writer_keeps_its_spool(tmp_path):
    dead = DeadRun(tmp_path, b"one\n")
    living = JournalWriter.open(tmp_path, dead.run, Start(kind="rank", rank=1))
    run = dead.leave()
    assert read_console(tmp_path, run) == ""
    assert has_spools(tmp_path, run)
    living.close()
    assert read_console(tmp_path, run) == "one\n"


def test_an_index_that_is_built_aside_leaves_spools_alone(tmp_path):
    run = DeadRun(tmp_path, b"one\n").leave()
    reindex(tmp_path)
    assert has_spools(tmp_path, run)
    assert read_console(tmp_path, run) == "one\n"


def test_a_spool_without_its_offsets_is_passed_over(tmp_path):
    run = DeadRun(tmp_path, b"one\n").leave()
    for path in layout.spool_dir(tmp_path, run).glob("*.at"):
        path.unlink()
    assert not has_spools(tmp_path, run)
    assert read_console(tmp_path, run) == ""


def _kill_at_call(number: int, root: Path, run: RunId) -> int:
    """Recover in a child that is killed at its `number`-th file-system call; returns how it ended."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    import sys

    calls = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree", "os.listdir"}
    left = [number]

    def count(event: str, _: object) -> None:
        if event in calls:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        sys.addaudithook(count)
        recover_spools(root, run)
    finally:
        os._exit(0)


def test_a_recovery_that_is_killed_anywhere_records_everything_once(tmp_path):
    kills = 0
    for number in range(1, 60):
        root = tmp_path / str(number)
        run = DeadRun(root, b"one\ntwo\nthree\n", recorded=4, told=0).leave()
        ended = _kill_at_call(number, root, run)
        assert read_console(root, run) == "one\ntwo\nthree\n"
        assert not has_spools(root, run)
        kills += ended == -signal.SIGKILL
        if ended == 0:
            break
    assert kills >= 10


def test_a_script_that_is_killed_together_with_its_watcher_loses_no_line(tmp_path):
    """The watcher is stopped first, so that it cannot record what comes; then both are killed."""
    code = """
        import sys
        import everbloom as eb
        run = eb.init()
        print("recorded by the watcher", flush=True)
        run.log({"x": 1.0})
        sys.stdin.readline()
        for n in range(20_000):
            print(f"line {n} that nobody has recorded")
        print("the last words", flush=True)
        run.log({"x": 2.0})
        sys.stdin.readline()
    """
    variables = {"EVERBLOOM_CAPTURE": "watcher,console"}
    nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # a stopped watcher keeps pipes open
    process = start_script(tmp_path, code, variables=variables, stdin=subprocess.PIPE, **nowhere)
    assert process.stdin is not None
    (watcher,) = wait_until(lambda: find_started(tmp_path, "watcher"), "the watcher to begin")
    wait_until(lambda: "recorded" in read_recorded(tmp_path).console(), "the first line to be recorded")
    os.kill(watcher.pid, signal.SIGSTOP)
    process.stdin.write("go on\n")
    process.stdin.flush()
    wait_until(lambda: len(read_recorded(tmp_path).rows) == 2, "all to be printed")
    process.kill()
    process.wait()
    process.stdin.close()
    kill_and_wait(watcher.pid)
    (run,) = list_runs(tmp_path)
    lines = read_console(tmp_path, run).splitlines()
    expected = [f"line {n} that nobody has recorded" for n in range(20_000)]
    assert lines == ["recorded by the watcher", *expected, "the last words"]
    assert not layout.spool_dir(tmp_path, run).exists()


def find_started(root: Path, kind: str) -> list[Start]:
    if not list_runs(root):
        return []
    return [journal.start for journal in read_recorded(root).of_kind(kind) if journal.start is not None]


def test_a_watcher_that_comes_while_a_console_is_recovered_records_nothing_twice(tmp_path):
    dead = DeadRun(
        tmp_path,
        b"a line that is a hundred characters long, so that writing all of them down takes a while\n" * 200_000,
    )
    run = dead.leave()
    scratch = dead.path.parent / "recovering"
    records: list[object] = []

    def come_late() -> None:
        wait_until(lambda: scratch.exists() or not dead.path.exists() or None, "the recovery to begin")
        stream = Stream(Spool(dead.path, None), SpoolOrder(dead.name, "out", is_copied=False))
        while dead.path.exists():
            stream.turn(records.append, is_end=True)
        stream.turn(records.append, is_end=True)

    late = threading.Thread(target=come_late)
    late.start()
    assert recover_spools(tmp_path, run) is not None
    late.join()
    assert records == []
