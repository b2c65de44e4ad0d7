"""How a process ended, as the kernel tells it."""

import os
import signal
import subprocess
import sys

import pytest

from everbloom.capture.death import describe_end, is_dead, open_process, read_oom_kills, read_status
from everbloom.journal.identity import process_start


def start(code):
    # The process is a grandchild of this one, as training is none of the watcher's children.
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import subprocess, sys\nc = subprocess.Popen([sys.executable, '-c', {code!r}])\n"
            "print(c.pid, flush=True)\nc.wait()\ninput()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return parent, int(parent.stdout.readline())


def stop(parent):
    parent.communicate("\n")


WAIT = "import os, select\nselect.select([], [], [], 30)"


def await_status(handle, pid):
    assert is_dead(handle, timeout_s=20)
    for _ in range(2_000):
        if (status := read_status(handle, pid)) is not None:
            return status
        is_dead(handle, timeout_s=0.01)
    raise AssertionError("the kernel did not tell")


def test_the_signal_of_somebody_elses_child_is_known():
    parent, pid = start(WAIT)
    handle = open_process(pid, process_start(pid))
    assert not is_dead(handle)
    os.kill(pid, signal.SIGKILL)
    assert await_status(handle, pid) & 0x7F == signal.SIGKILL
    os.close(handle)
    stop(parent)


def test_the_exit_code_of_somebody_elses_child_is_known():
    parent, pid = start(
        "import os, sys\nos.read(os.open('/proc/self/stat', 0), 1)\nimport select\n"
        "select.select([], [], [], 0.3)\nos._exit(7)"
    )
    handle = open_process(pid, 0)
    assert await_status(handle, pid) >> 8 == 7
    os.close(handle)
    stop(parent)


def test_another_process_of_the_same_id_is_not_taken_for_it():
    assert open_process(os.getpid(), 1) is None


def test_a_process_that_is_gone_has_no_handle():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert open_process(child.pid, 0) is None


@pytest.mark.parametrize(
    ("status", "is_oom", "expected"),
    [
        (0, False, ("finished", "exit", 0, None)),
        (3 << 8, False, ("failed", "exit", 3, None)),
        (9, False, ("killed", "signal", None, 9)),
        (9, True, ("killed", "oom", None, 9)),
        (15, True, ("killed", "signal", None, 15)),
        (2, False, ("cancelled", "user", None, 2)),
        (11 | 0x80, False, ("killed", "signal", None, 11)),
        (None, True, ("killed", "unknown", None, None)),
    ],
)
def test_a_wait_status_becomes_an_end_that_guesses_nothing(status, is_oom, expected):
    end = describe_end(status, is_oom=is_oom)
    assert (end.state, end.cause, end.exit_code, end.signal) == expected
    assert end.witness == "watcher"
    assert not end.explicit


@pytest.mark.parametrize("name", ["memory.events", "memory.oom_control"])
def test_kills_for_memory_are_read_from_either_version_of_control_groups(tmp_path, name):
    (tmp_path / name).write_text("low 0\noom 5\noom_kill 3\n")
    assert read_oom_kills(tmp_path) == 3


def test_where_no_group_tells_no_kill_is_assumed(tmp_path):
    assert read_oom_kills(tmp_path) == 0
    assert read_oom_kills(None) == 0
