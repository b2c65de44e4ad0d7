"""A disk that is full, or nearly: printing goes on, what can be recorded is, and what cannot is counted by the byte."""

import os
import signal
import subprocess

import pytest

from everbloom.capture.dropped import DROPPED
from everbloom.core.records import Console, Problem
from everbloom.sdk.names import resolve_reference
from everbloom.testing.disks import fill_disk, mounted_disk
from everbloom.testing.recorded import (
    kill_and_wait,
    list_runs,
    read_recorded,
    run_script,
    start_script,
    wait_for_watchers,
    wait_until,
)

pytestmark = pytest.mark.fault

LENIENT = {"EVERBLOOM_STRICT": "0", "EVERBLOOM_CAPTURE": "watcher,console", "PYTHONUNBUFFERED": ""}

# Prints as many lines as it is told, says so in a file that lies elsewhere, and waits for the next word.
PRINTS = """
    import sys
    from pathlib import Path
    import everbloom as eb
    run = eb.init(name="full")
    turns = 0
    while words := sys.stdin.readline().split():
        for n in range(int(words[0])):
            print("line", n, "x" * 200)
        sys.stdout.flush()
        turns += 1
        Path(sys.argv[1]).write_text(str(turns))
    run.finish()
"""


def line(n):
    return f"line {n} {'x' * 200}\n"


def count_dropped(recorded):
    return sum(problem.count for problem in recorded.records(Problem) if problem.code == DROPPED)


def find_watcher(root):
    find = lambda: list_runs(root) and read_recorded(root).of_kind("watcher")  # noqa: E731
    (watcher,) = wait_until(find, "the watcher's journal")
    return watcher.start.pid


class Printing:
    """A script that prints on demand into a file outside of the small disk."""

    def __init__(self, root, folder):
        self.root, self.path, self.told, self.turns = root, folder / "printed", folder / "turns", 0
        self.told.write_text("0")
        with self.path.open("wb") as out:
            options = {"stdin": subprocess.PIPE, "stdout": out, "stderr": subprocess.DEVNULL}
            self.process = start_script(root, PRINTS, arguments=(str(self.told),), variables=LENIENT, **options)

    def print(self, lines):
        self.process.stdin.write(f"{lines}\n")
        self.process.stdin.flush()
        self.turns += 1
        wait_until(lambda: self.told.read_text() == str(self.turns), "the lines to be printed")

    def finish(self):
        """End training; returns (exit code, what arrived, the run as recorded when its watcher is done)."""
        self.process.communicate("\n")
        return self.process.returncode, self.path.read_text(), wait_for_watchers(self.root)


def test_on_a_small_disk_that_is_never_full_every_line_is_recorded(tmp_path):
    with mounted_disk(tmp_path / "disk", "8M") as is_mounted:
        if not is_mounted:
            return
        printing = Printing(tmp_path / "disk" / "store", tmp_path)
        printing.print(10_000)
        code, arrived, recorded = printing.finish()
        assert (code, arrived) == (0, "".join(map(line, range(10_000))))
        assert recorded.console("out") == arrived
        told = [problem.code for problem in recorded.records(Problem)]
        assert told == ["console.teed"]


def test_a_disk_on_which_little_is_left_costs_no_line_of_a_diverted_console(tmp_path):
    disk = tmp_path / "disk"
    with mounted_disk(disk, "48M") as is_mounted:
        if not is_mounted:
            return
        printing = Printing(disk / "store", tmp_path)
        for _ in range(25):
            printing.print(1_000)
        # Then its journal has room for what follows, and the reserve of the spool is all that lacks some.
        is_recorded = lambda: len(read_recorded(disk / "store").console("out")) == printing.path.stat().st_size > 5e6  # noqa: E731
        wait_until(is_recorded, "five megabytes to be recorded")
        filler = fill_disk(disk, but_bytes=5_000_000)
        for _ in range(24):
            printing.print(1_000)
        filler.unlink()
        code, arrived, recorded = printing.finish()
        assert (code, arrived) == (0, "".join(map(line, range(1_000))) * 49)
        assert recorded.console("out") == arrived
        assert recorded.records(Problem) == []


def test_doubled_text_that_finds_no_room_is_counted_once_and_recording_goes_on(tmp_path):
    disk = tmp_path / "disk"
    with mounted_disk(disk, "8M") as is_mounted:
        if not is_mounted:
            return
        printing = Printing(disk / "store", tmp_path)
        printing.print(10)
        wait_until(lambda: line(9) in read_recorded(disk / "store").console("out"), "the first lines")
        for _ in range(2):
            filler = fill_disk(disk)
            printing.print(3_000)
            filler.unlink()
            printing.print(5)
            wait_until(lambda: read_recorded(disk / "store").console("out").endswith(line(4)), "the lines after")
        code, arrived, recorded = printing.finish()
        text = recorded.console("out")
        assert (code, arrived.count("\n")) == (0, 6_020)
        assert 0 < len(text) < len(arrived)
        assert len(text) + count_dropped(recorded) == len(arrived)
        assert text.startswith("".join(map(line, range(10))))


def test_a_disk_full_from_the_start_is_recorded_from_when_there_is_room_and_the_run_is_found_by_its_name(tmp_path):
    disk = tmp_path / "disk"
    with mounted_disk(disk, "8M") as is_mounted:
        if not is_mounted:
            return
        filler = fill_disk(disk)
        code = """
            import os, sys, time
            import everbloom as eb
            run = eb.init(name="late", params={"lr": 1})
            print("lost")
            os.unlink(sys.argv[1])
            while not os.path.isdir(sys.argv[2]):
                run.log({"x": 1.0})
            time.sleep(0.1)
            print("kept")
            run.finish()
        """
        arguments = (str(filler), str(disk / "store" / "runs"))
        process = run_script(disk / "store", code, arguments=arguments, variables=LENIENT)
        assert (process.stdout, process.returncode) == ("lost\nkept\n", 0)
        recorded = wait_for_watchers(disk / "store")
        assert recorded.console("out") == "kept\n"
        assert count_dropped(recorded) >= len("lost\n")
        (run,) = list_runs(disk / "store")
        assert resolve_reference(disk / "store", "late") == resolve_reference(disk / "store", run[-8:]) == run


def test_a_disk_that_fills_up_at_once_does_not_reach_print(tmp_path):
    disk = tmp_path / "disk"
    with mounted_disk(disk, "40M") as is_mounted:
        if not is_mounted:
            return
        code = """
            import sys
            from pathlib import Path
            import everbloom as eb
            from everbloom.testing.disks import fill_disk
            run = eb.init()
            fill_disk(Path(sys.argv[1]))
            for n in range(3_000):
                print("line", n, "x" * 200)
            run.finish()
        """
        process = run_script(disk / "store", code, arguments=(str(disk),), variables=LENIENT)
        assert process.returncode == 0
        assert process.stdout == "".join(map(line, range(3_000)))


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_a_full_disk_and_a_watcher_that_is_gone_do_not_reach_print_together(tmp_path, fault):
    disk = tmp_path / "disk"
    with mounted_disk(disk, "40M") as is_mounted:
        if not is_mounted:
            return
        printing = Printing(disk / "store", tmp_path)
        printing.print(1)
        wait_until(lambda: read_recorded(disk / "store").records(Console), "the first line")
        (spool,) = (disk / "store" / "runs").glob("*/console/*.out")
        is_noted = lambda: int.from_bytes(spool.with_name(f"{spool.name}.at").read_bytes()[:8], "little")  # noqa: E731
        wait_until(is_noted, "its copying to be noted")  # who is stopped before keeps others from copying
        watcher = find_watcher(disk / "store")
        if fault == signal.SIGKILL:
            kill_and_wait(watcher)
        else:
            os.kill(watcher, fault)
        filler = fill_disk(disk)
        for _ in range(80):  # 16 MB, twice what was reserved; a burst of more than is left of that would reach print
            printing.print(1_000)
            wait_until(lambda: printing.path.read_bytes().endswith(line(999).encode()), "it to arrive")
        filler.unlink()
        printing.print(5)
        if fault == signal.SIGSTOP:
            os.kill(watcher, signal.SIGCONT)
        printing.process.communicate("\n")
        assert printing.process.returncode == 0
        arrived = printing.path.read_text()
        assert arrived == line(0) + "".join(map(line, range(1_000))) * 80 + "".join(map(line, range(5)))

        def is_accounted_for():
            recorded = read_recorded(disk / "store")
            return len(recorded.console("out")) + count_dropped(recorded) == len(arrived)

        wait_until(is_accounted_for, "all to be recorded or counted")
        assert count_dropped(read_recorded(disk / "store")) > 0


def test_rows_that_a_full_disk_cost_are_counted_though_the_process_is_killed(tmp_path):
    disk = tmp_path / "disk"
    with mounted_disk(disk, "40M") as is_mounted:
        if not is_mounted:
            return
        filler = fill_disk(disk, but_bytes=5_000_000)
        code = """
            import os, sys, time
            import everbloom as eb
            run = eb.init(name="full")
            for step in range(1_000_000):
                run.log({"x": step})
            os.unlink(sys.argv[1])
            for step in range(10):
                run.log({"x": step})
            print("done", flush=True)
            time.sleep(600)
        """
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        process = start_script(disk / "store", code, arguments=(str(filler),), variables=LENIENT, **options)
        assert process.stdout.readline() == "done\n"

        def is_told():
            recorded = read_recorded(disk / "store")
            counts = [problem.count for problem in recorded.records(Problem) if problem.code == "disk.full"]
            return (len(recorded.rows) + sum(counts) == 1_000_010 and len(counts) > 1) or None

        try:
            wait_until(is_told, "all lost rows to be told")
        finally:
            process.kill()
            process.communicate()
