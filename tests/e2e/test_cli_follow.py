"""`--follow` while scripts run: rows and console change as the script goes on, on a terminal and in a pipe."""

import re
import signal
import subprocess
from contextlib import closing

import msgspec
import pytest

from everbloom.index.database import indexer_lock
from everbloom.ingest.indexer import Indexer
from everbloom.testing.command_line import SCRIPT, cli_environment, cli_on_terminal, read_terminal
from everbloom.testing.recorded import start_script
from everbloom.testing.stores import RunSpec, record_run

# Goes on by a line each time it is told to, so that a test decides what has happened when.
TRAINING = """
import sys
import everbloom as eb

with eb.init(project="news", name="live", total_steps=4) as run:
    print("ready", flush=True)
    for step, _ in enumerate(sys.stdin):
        run.log({"loss": 8.0 / 2**step}, step=step)
        print(f"step {step}", flush=True)
"""


@pytest.fixture
def training(tmp_path):
    process = start_script(tmp_path, TRAINING, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


def go_on(training):
    training.stdin.write("\n")
    training.stdin.flush()
    assert training.stdout.readline().startswith("step")


def finish(training):
    training.stdin.close()
    assert training.wait(60) == 0


def follow(root, *arguments):
    return subprocess.Popen(
        [SCRIPT, *arguments], env=cli_environment(root), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def read_until(process, *words):
    """Return the first line that holds all words; the test's own time limit ends it."""
    for line in process.stdout:
        if all(word in line for word in words):
            return line
    raise AssertionError(f"ended without a line with {words}")


def test_ls_in_a_pipe_writes_a_line_for_each_change(tmp_path, training):
    process = follow(tmp_path, "ls", "--follow")
    assert read_until(process, "name").startswith("name")
    assert "running" in read_until(process, "live")
    go_on(training)
    read_until(process, "live", "running 25%", "8")
    go_on(training)
    read_until(process, "live", "running 50%", "4")
    finish(training)
    read_until(process, "live", "finished")
    end(process)


def test_ls_json_follows_with_an_object_a_line(tmp_path, training):
    process = follow(tmp_path, "ls", "--follow", "--json")
    assert msgspec.json.decode(process.stdout.readline())["state"] == "running"
    go_on(training)
    assert msgspec.json.decode(process.stdout.readline())["metrics"]["loss"]["last"] == 8.0
    end(process)


def test_ls_on_a_terminal_redraws_the_table_in_place(tmp_path, training):
    with cli_on_terminal(tmp_path, "ls", "--follow") as (process, master):
        screen = Terminal(master)
        screen.read_until(lambda lines: any("live" in line and "running" in line for line in lines))
        go_on(training)
        screen.read_until(lambda lines: any("running 25%" in line for line in lines))
        finish(training)
        screen.read_until(lambda lines: any("finished" in line for line in lines))
        assert sum("live" in line for line in screen.lines) == 1
        assert sum(line.startswith("name") for line in screen.lines) == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_ls_follow_shows_a_run_that_starts_later(tmp_path):
    process = follow(tmp_path, "ls", "--follow", "--json")
    script = start_script(tmp_path, "import everbloom as eb\neb.init(name='late').finish()")
    assert script.wait(60) == 0
    script.communicate()
    assert msgspec.json.decode(process.stdout.readline())["name"] == "late"
    end(process)


def test_logs_follow_prints_what_comes_and_ends_with_the_run(tmp_path):
    code = """
        import sys
        import everbloom as eb
        with eb.init(name="talks"):
            print("first", flush=True)
            sys.stdin.readline()
            print("second", flush=True)
    """
    script = start_script(tmp_path, code, stdin=subprocess.PIPE, variables={"EVERBLOOM_CAPTURE": "console,watcher"})
    assert script.stdout.readline() == "first\n"
    wait_for_run(tmp_path)
    process = follow(tmp_path, "logs", "talks", "--follow")
    assert process.stdout.readline() == "first\n"
    script.stdin.write("\n")
    script.stdin.flush()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "second\n", "")
    script.communicate(timeout=60)


def wait_for_run(root):
    from everbloom.testing.recorded import list_runs, wait_until

    wait_until(lambda: list_runs(root), "the run's folder")


class Terminal:
    """Just enough of a terminal to know what stands on it: text, line feeds, up, erase; lines are written whole."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.lines: list[str] = []
        self._row = 0
        self._text = ""

    def read_until(self, holds) -> None:
        while not holds(self.lines):
            chunk = read_terminal(self._master)
            assert chunk, "the command ended early"
            self._text += chunk.decode("utf-8", "ignore")
            whole, _, self._text = self._text.rpartition("\n")
            for line in whole.split("\n") if whole else []:
                self._take(line)

    def _take(self, line: str) -> None:
        if up := re.search(r"\x1b\[(\d+)A", line):
            self._row -= int(up[1])
        if "\x1b[J" in line:
            del self.lines[self._row :]
        text = re.sub(r"\x1b\[[\d;]*[A-Za-z]|\r", "", line)
        self.lines[self._row : self._row + 1] = [text]
        self._row += 1


def test_rows_that_cannot_be_taken_in_are_told_and_come_when_they_can(tmp_path):
    record_run(tmp_path, RunSpec(fields={"name": "first"}))
    following = follow(tmp_path, "ls", "--follow")
    try:
        read_until(following, "first")
        with closing(Indexer(tmp_path)) as other:
            with indexer_lock(other.index.catalog_database, tmp_path, wait_s=20.0):
                record_run(tmp_path, RunSpec(fields={"name": "second"}))
                assert "newer records are not shown yet: another process is indexing" in following.stderr.readline()
            read_until(following, "second")
    finally:
        end(following)
