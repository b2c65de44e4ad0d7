"""However training ends, the record says how, and by whose witness."""

import contextlib
import os
import signal
import textwrap
from pathlib import Path

import pytest

from everbloom.capture.limits import find_group
from everbloom.core.records import End, Heartbeat, Limits
from everbloom.testing.command_line import run_cli
from everbloom.testing.recorded import (
    list_runs,
    read_recorded,
    run_script,
    start_script,
    wait_for_watchers,
    wait_until,
)

pytestmark = pytest.mark.fault

WATCHED = {"EVERBLOOM_CAPTURE": "watcher"}


def end_of(root, code):
    process = run_script(root, code, variables=WATCHED)
    return wait_for_watchers(root), process


def summary(end):
    return (end.state, end.cause, end.witness, end.explicit)


def test_a_block_that_runs_through_is_finished(tmp_path):
    recorded, _ = end_of(tmp_path, "import everbloom as eb\nwith eb.init() as run: run.log({'x': 1})")
    assert [summary(end) for end in recorded.records(End)] == [("finished", "exit", "process", True)]


def test_an_exception_in_a_block_is_kept_with_its_traceback(tmp_path):
    code = """
        import everbloom as eb
        def train():
            raise ValueError("loss is nan 🌸")
        with eb.init():
            train()
    """
    recorded, process = end_of(tmp_path, code)
    assert process.returncode == 1
    assert "loss is nan" in process.stderr
    (end,) = recorded.records(End)
    assert summary(end) == ("failed", "exception", "process", True)
    assert (end.exception.type, end.exception.message) == ("ValueError", "loss is nan 🌸")
    assert "in train" in end.exception.traceback


def test_an_uncaught_exception_without_a_block_is_kept_and_the_persons_own_hook_runs(tmp_path):
    code = """
        import sys
        import everbloom as eb
        sys.excepthook = lambda *error: print("my hook", error[0].__name__)
        run = eb.init()
        class Strange(Exception):
            def __str__(self):
                raise RuntimeError
        raise Strange
    """
    recorded, process = end_of(tmp_path, code)
    assert process.stdout == "my hook Strange\n"
    (end,) = recorded.records(End)
    assert summary(end) == ("failed", "exception", "process", True)
    assert end.exception.type == "__main__.Strange"


@pytest.mark.parametrize("is_block", [True, False])
def test_ctrl_c_is_a_cancel(tmp_path, is_block):
    body = "with eb.init():" if is_block else "run = eb.init()\nif True:"
    code = f"import signal, time\nimport everbloom as eb\n{body}\n    print('ready')\n    time.sleep(60)\n"
    process = start_script(tmp_path, code, variables=WATCHED)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate()
    (end,) = wait_for_watchers(tmp_path).records(End)
    assert summary(end) == ("cancelled", "user", "process", True)


@pytest.mark.parametrize(
    ("code", "state", "exit_code"),
    [("0", "finished", 0), ("None", "finished", 0), ("3", "failed", 3), ("'no'", "failed", 1)],
)
def test_sys_exit_in_a_block_ends_by_its_code(tmp_path, code, state, exit_code):
    recorded, _ = end_of(tmp_path, f"import sys\nimport everbloom as eb\nwith eb.init():\n    sys.exit({code})")
    (end,) = recorded.records(End)
    assert (end.state, end.cause, end.exit_code) == (state, "exit", exit_code)


@pytest.mark.parametrize(("code", "state"), [(0, "finished"), (5, "failed")])
def test_without_a_block_the_watcher_tells_the_exit_code(tmp_path, code, state):
    recorded, _ = end_of(tmp_path, f"import sys\nimport everbloom as eb\neb.init()\nsys.exit({code})")
    first, last = recorded.records(End)
    assert summary(first) == ("finished", "exit", "process", False)
    assert (*summary(last), last.exit_code) == (state, "exit", "watcher", False, code)


def test_os_exit_passes_by_everything_but_the_watcher(tmp_path):
    recorded, _ = end_of(tmp_path, "import os\nimport everbloom as eb\neb.init()\nos._exit(9)")
    (end,) = recorded.records(End)
    assert (*summary(end), end.exit_code) == ("failed", "exit", "watcher", False, 9)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_the_watcher_outlives_training_and_names_the_signal(tmp_path, number):
    code = "import os, sys\nimport everbloom as eb\neb.init()\nprint('ready')\nsys.stdin.read()"
    process = start_script(tmp_path, code, variables=WATCHED, stdin=-1)
    process.stdout.readline()
    process.send_signal(number)
    process.communicate()
    (end,) = wait_for_watchers(tmp_path).records(End)
    assert (*summary(end), end.signal) == ("killed", "signal", "watcher", False, number)


def test_signals_to_the_whole_process_group_do_not_reach_the_watcher(tmp_path):
    code = "import os, sys\nimport everbloom as eb\neb.init()\nprint('ready')\nsys.stdin.read()"
    process = start_script(tmp_path, code, variables=WATCHED, stdin=-1, start_new_session=True)
    process.stdout.readline()
    wait_until(lambda: read_recorded(tmp_path).of_kind("watcher"), "the watcher's journal")
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert wait_for_watchers(tmp_path).end.state in ("killed", "cancelled")


def test_resources_and_limits_are_recorded_while_training_runs(tmp_path):
    code = """
        import sys
        import everbloom as eb
        eb.init()
        print("ready")
        data = bytearray(50_000_000)
        sys.stdin.read()
    """
    variables = {"EVERBLOOM_CAPTURE": "watcher,resources"}
    process = start_script(tmp_path, code, variables=variables, stdin=-1)
    process.stdout.readline()
    wait_until(lambda: read_recorded(tmp_path).values("system/cpu.percent"), "a reading of resources")
    process.communicate("")
    recorded = wait_for_watchers(tmp_path)
    assert max(value for _, value in recorded.values("system/memory.bytes")) > 50_000_000
    (limits,) = recorded.records(Limits)
    assert limits.values["system/memory.bytes"] > 0
    assert all(0 <= step < 60 for step, _ in recorded.values("system/memory.bytes"))


def test_a_heartbeat_says_that_training_lives(tmp_path):
    process = start_script(
        tmp_path, "import sys\nimport everbloom as eb\neb.init()\nsys.stdin.read()", variables=WATCHED, stdin=-1
    )
    wait_until(lambda: list_runs(tmp_path) and read_recorded(tmp_path).records(Heartbeat), "a heartbeat")
    process.communicate("")
    assert next(beat.number for beat in wait_for_watchers(tmp_path).records(Heartbeat)) == 1


def test_the_watcher_is_no_child_of_training_and_holds_none_of_its_files(tmp_path):
    code = """
        import os, sys
        import everbloom as eb
        extra = os.open("/proc/uptime", os.O_RDONLY)
        os.set_inheritable(extra, True)
        eb.init()
        try:
            os.wait()
        except ChildProcessError:
            print("no children")
        sys.stdin.read()
    """
    process = start_script(tmp_path, code, variables=WATCHED, stdin=-1)
    assert process.stdout.readline() == "no children\n"
    (watcher,) = wait_until(lambda: read_recorded(tmp_path).of_kind("watcher"), "the watcher's journal")
    assert watcher.start.pid != process.pid
    files = {str(path.readlink()) for path in Path(f"/proc/{watcher.start.pid}/fd").iterdir()}
    assert sorted(name for name in files if not name.startswith((str(tmp_path), "pipe:", "anon_inode:"))) == [
        "/dev/null"
    ]
    assert os.getsid(watcher.start.pid) != os.getsid(process.pid)
    process.communicate("")
    wait_for_watchers(tmp_path)


def test_two_runs_of_one_process_have_a_watcher_each(tmp_path):
    code = """
        import everbloom as eb
        first = eb.init(name="first")
        second = eb.init(name="second")
        eb.log({"x": 2.0})
        second.finish()
        eb.log({"x": 1.0})
        first.finish()
    """
    run_script(tmp_path, code, variables=WATCHED)
    recorded = {r.fields["name"]: r for r in (wait_for_watchers(tmp_path, run) for run in list_runs(tmp_path))}
    assert recorded["first"].values("x") == [(0, 1.0)]
    assert recorded["second"].values("x") == [(0, 2.0)]
    assert all(r.end.state == "finished" for r in recorded.values())


@pytest.fixture
def small_group():
    """A control group of 200 MB below our own, where this machine lets us make one; its folder."""
    own = find_group(os.getpid(), "memory")
    folder = Path(str(own)) / f"everbloom-test-{os.getpid()}"
    try:
        folder.mkdir()
        limit = "memory.limit_in_bytes" if (folder / "memory.limit_in_bytes").exists() else "memory.max"
        (folder / limit).write_text("200000000")
    except OSError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        pytest.xfail("limiting memory needs a control group that we may write")
    yield folder

    def is_gone():
        with contextlib.suppress(OSError):  # busy while the last of its processes leave
            folder.rmdir()
        return not folder.exists()

    wait_until(is_gone, "the group to be empty")


def test_a_run_that_the_kernel_kills_for_memory_is_told_as_that(tmp_path, small_group):
    code = """
        import everbloom as eb
        run = eb.init()
        run.log({"x": 1.0})
        pages = bytearray(1_000_000_000)
    """
    enter = f"import os, pathlib\npathlib.Path({str(small_group / 'cgroup.procs')!r}).write_text(str(os.getpid()))\n"
    process = start_script(tmp_path, enter + textwrap.dedent(code), variables=WATCHED)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    recorded = wait_for_watchers(tmp_path)
    assert summary(recorded.end) == ("killed", "oom", "watcher", False)
    assert recorded.end.signal == signal.SIGKILL
    assert recorded.values("x") == [(0, 1.0)]


def test_the_limit_of_its_control_group_is_a_runs_limit(tmp_path, small_group):
    code = """
        import os, pathlib
        pathlib.Path({!r}).write_text(str(os.getpid()))
        import everbloom as eb
        run = eb.init()
        input()
    """
    procs = str(small_group / "cgroup.procs")
    variables = {"EVERBLOOM_CAPTURE": "watcher,resources"}
    process = start_script(tmp_path, code.format(procs), variables=variables, stdin=-1)
    wait_until(lambda: list_runs(tmp_path) and read_recorded(tmp_path).records(Limits), "the limits")
    process.communicate("\n")
    (limits,) = wait_for_watchers(tmp_path).records(Limits)
    assert 0 < limits.values["system/memory.bytes"] <= 200_000_000


def test_a_death_that_nobody_watched_is_said_to_be_seen_by_nobody(tmp_path):
    code = """
        import os
        import everbloom as eb
        eb.init(name="alone").log({"x": 1.0})
        os.kill(os.getpid(), 9)
    """
    run_script(tmp_path, code)
    shown = run_cli(tmp_path, "show", "alone").out
    assert "an unknown cause, seen by nobody" in shown
    assert run_cli(tmp_path, "show", "alone", "--json").data["end"]["witness"] == "nobody"
