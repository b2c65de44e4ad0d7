"""What training prints arrives where it went before, in order, and in the record; nothing blocks printing."""

import os
import pty
import select
import signal

import pytest

from everbloom.core.records import Console
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

CONSOLE = {"EVERBLOOM_CAPTURE": "watcher,console"}


def spools(root):
    return [path for path in (root / "runs").glob("*/console/*") if path.is_file()]


def test_everything_printed_is_passed_on_and_recorded(tmp_path):
    code = """
        import os, sys
        import everbloom as eb
        print("before")
        with eb.init() as run:
            print("from python")
            os.system("echo from a child")
            os.write(1, b"from C \\xff\\n")
            print("to stderr", file=sys.stderr)
            for n in range(100):
                print(f"\\r{n}%", end="")
            print()
        print("after")
    """
    process = start_script(tmp_path, code, variables=CONSOLE, text=False)
    out, err = process.communicate()
    bar = b"".join(b"\r%d%%" % n for n in range(100))
    assert out == b"before\nfrom python\nfrom a child\nfrom C \xff\n" + bar + b"\nafter\n"
    assert err == b"to stderr\n"
    recorded = wait_for_watchers(tmp_path)
    assert recorded.console("out") == "from python\nfrom a child\nfrom C \ufffd\n99%\n"
    assert recorded.console("err") == "to stderr\n"
    wait_until(lambda: not spools(tmp_path), "the spools to be deleted")


def test_streams_that_go_to_one_place_keep_their_order(tmp_path):
    code = """
        import sys
        import everbloom as eb
        with eb.init():
            for n in range(200):
                print(n, file=[sys.stdout, sys.stderr][n % 2])
    """
    with open(tmp_path / "log", "wb") as log:
        start_script(tmp_path / "store", code, variables=CONSOLE, stdout=log, stderr=log).communicate()
    expected = "".join(f"{n}\n" for n in range(200))
    recorded = wait_for_watchers(tmp_path / "store")
    assert (tmp_path / "log").read_text() == expected
    assert recorded.console("both") == expected


def find_watcher(root):
    """Return the pid of the store's only watcher, as soon as it records."""
    find = lambda: list_runs(root) and read_recorded(root).of_kind("watcher")  # noqa: E731
    (watcher,) = wait_until(find, "the watcher's journal")
    return watcher.start.pid


def test_ten_megabytes_arrive_while_the_watcher_is_stopped_and_are_recorded_when_it_goes_on(tmp_path):
    code = """
        import sys
        import everbloom as eb
        run = eb.init()
        sys.stdin.readline()
        line = "x" * 99 + "\\n"
        for n in range(100_000):
            sys.stdout.write(line)
        sys.stdout.flush()
        run.log({"done": 1.0})
        sys.stdin.readline()
        run.finish()
    """
    with open(tmp_path / "log", "wb") as log:
        process = start_script(
            tmp_path / "store", code, variables=CONSOLE | {"PYTHONUNBUFFERED": ""}, stdin=-1, stdout=log
        )
        watcher = find_watcher(tmp_path / "store")
        os.kill(watcher, signal.SIGSTOP)
        process.stdin.write("\n")
        process.stdin.flush()
        wait_until(lambda: read_recorded(tmp_path / "store").values("done"), "training to go on")
        assert max(path.stat().st_size for path in spools(tmp_path / "store")) == 10_000_000
        wait_until(lambda: (tmp_path / "log").stat().st_size == 10_000_000, "training to pass it on by itself")
        assert read_recorded(tmp_path / "store").console("out") == ""
        os.kill(watcher, signal.SIGCONT)
        process.communicate("\n")
    recorded = wait_for_watchers(tmp_path / "store")
    assert recorded.console("out") == ("x" * 99 + "\n") * 100_000
    assert max(len(record.text) for record in recorded.records(Console)) <= 16_384


def test_a_stopped_watcher_does_not_keep_finish_from_passing_the_output_on(tmp_path):
    code = """
        import sys
        import everbloom as eb
        run = eb.init()
        sys.stdin.readline()
        print("in the run")
        run.finish()
        print("after the run")
    """
    process = start_script(tmp_path, code, variables=CONSOLE, stdin=-1)
    watcher = find_watcher(tmp_path)
    os.kill(watcher, signal.SIGSTOP)
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "in the run\n"
    assert process.stdout.readline() == "after the run\n"
    os.kill(watcher, signal.SIGCONT)
    process.communicate()
    assert wait_for_watchers(tmp_path).console("out") == "in the run\n"


def test_a_killed_watcher_costs_neither_training_nor_its_output(tmp_path):
    code = """
        import sys
        import everbloom as eb
        run = eb.init()
        sys.stdin.readline()
        for n in range(1000):
            print("line", n)
        run.finish()
    """
    process = start_script(tmp_path, code, variables=CONSOLE, stdin=-1)
    kill_and_wait(find_watcher(tmp_path))
    out, err = process.communicate("\n")
    assert out == "".join(f"line {n}\n" for n in range(1000))
    assert err == ""
    assert process.returncode == 0
    assert read_recorded(tmp_path).console("out") == out
    assert read_recorded(tmp_path).end.state == "finished"


TALKATIVE = """
    import os, sys
    import everbloom as eb
    run = eb.init()
    while line := sys.stdin.readline():
        print("heard", line, end="")
        if line == "fork\\n" and os.fork() == 0:
            print("child")
            os._exit(0)
        if line == "die\\n":
            os.kill(os.getpid(), 9)
    run.finish()
"""


def say(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def test_a_watcher_killed_before_it_noted_what_it_recorded_has_no_line_recorded_twice(tmp_path):
    process = start_script(tmp_path, TALKATIVE, variables=CONSOLE, stdin=-1)
    watcher = find_watcher(tmp_path)
    say(process, "one")
    wait_until(lambda: read_recorded(tmp_path).console("out") == "heard one\n", "the line to be recorded")
    kill_and_wait(watcher)
    (noted,) = [path for path in spools(tmp_path) if path.name.endswith(".out.at")]
    with noted.open("r+b") as file:  # as it was a moment before
        file.seek(8)
        file.write(bytes(8))
    say(process, "two")
    process.communicate()
    assert sorted(read_recorded(tmp_path).console("out").splitlines()) == ["heard one", "heard two"]


def test_what_is_printed_arrives_at_once_when_the_watcher_was_killed(tmp_path):
    process = start_script(tmp_path, TALKATIVE, variables=CONSOLE, stdin=-1)
    kill_and_wait(find_watcher(tmp_path))
    say(process, "one")
    assert process.stdout.readline() == "heard one\n"
    say(process, "two")
    assert process.stdout.readline() == "heard two\n"
    out, err = process.communicate()
    assert (out, err, process.returncode) == ("", "", 0)
    assert read_recorded(tmp_path).console("out") == "heard one\nheard two\n"


def test_what_is_printed_arrives_while_the_watcher_is_stopped_and_once_when_it_goes_on(tmp_path):
    process = start_script(tmp_path, TALKATIVE, variables=CONSOLE, stdin=-1)
    watcher = find_watcher(tmp_path)
    os.kill(watcher, signal.SIGSTOP)
    say(process, "one")
    assert process.stdout.readline() == "heard one\n"
    os.kill(watcher, signal.SIGCONT)
    say(process, "two")
    assert process.stdout.readline() == "heard two\n"
    assert process.communicate()[0] == ""
    assert wait_for_watchers(tmp_path).console("out") == "heard one\nheard two\n"


def test_what_had_arrived_when_both_were_killed_is_not_lost_from_the_record(tmp_path):
    process = start_script(tmp_path, TALKATIVE, variables=CONSOLE, stdin=-1)
    kill_and_wait(find_watcher(tmp_path))
    say(process, "one")
    assert process.stdout.readline() == "heard one\n"
    process.stdin.write("die\n")
    process.communicate()
    assert [path.read_bytes() for path in spools(tmp_path) if path.suffix == ".out"] == [b"heard one\nheard die\n"]


def test_a_fork_leaves_the_passing_on_to_the_parent(tmp_path):
    process = start_script(tmp_path, TALKATIVE, variables=CONSOLE, stdin=-1)
    kill_and_wait(find_watcher(tmp_path))
    say(process, "fork")
    assert sorted(process.stdout.readline() for _ in range(2)) == ["child\n", "heard fork\n"]
    say(process, "after")
    assert process.stdout.readline() == "heard after\n"
    out, err = process.communicate()
    assert (out, err, process.returncode) == ("", "", 0)


def test_there_is_no_thread_of_ours_while_the_process_forks(tmp_path):
    code = """
        import os, sys, threading
        import everbloom as eb
        counts = []
        os.register_at_fork(before=lambda: counts.append(threading.active_count()))
        with eb.init():
            counts.append(threading.active_count())
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            counts.append(threading.active_count())
        print(*counts, threading.active_count())
    """
    process = run_script(tmp_path, code, variables=CONSOLE)
    assert process.stderr == ""
    assert process.stdout == "2 1 2 1\n"


def test_what_is_printed_arrives_though_the_store_was_deleted_before_its_watcher_could_look(tmp_path):
    code = """
        import os, shutil, sys
        import everbloom as eb
        run = eb.init()
        while os.path.exists(os.environ["EVERBLOOM_ROOT"]):  # its watcher may just be making a file
            shutil.rmtree(os.environ["EVERBLOOM_ROOT"], ignore_errors=True)
        print("to stdout")
        print("to stderr", file=sys.stderr)
        sys.stdin.readline()
        run.finish()
        print("after")
    """
    variables = CONSOLE | {"EVERBLOOM_STRICT": "0"}
    process = start_script(tmp_path / "store", code, variables=variables, stdin=-1)
    assert process.stdout.readline() == "to stdout\n"
    assert process.stderr.readline() == "to stderr\n"
    out, err = process.communicate("\n")
    assert out == "after\n"
    assert "root.vanished" in err


def test_what_a_killed_process_printed_last_is_passed_on_and_recorded(tmp_path):
    code = """
        import os, signal
        import everbloom as eb
        run = eb.init()
        print("one\\ntwo\\nunfinished", end="", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = start_script(tmp_path, code, variables=CONSOLE)
    out, _ = process.communicate()
    assert out == "one\ntwo\nunfinished"
    assert wait_for_watchers(tmp_path).console() == "one\ntwo\nunfinished"


def test_a_child_that_outlives_training_is_still_passed_on(tmp_path):
    code = """
        import os, subprocess, sys
        import everbloom as eb
        run = eb.init()
        child = subprocess.Popen(["sh", "-c", "read line; echo $line from the child"], stdin=subprocess.PIPE)
        os.set_inheritable(child.stdin.fileno(), True)
        subprocess.Popen(["sh", "-c", "sleep 0.3; echo now"], stdout=child.stdin)
        print("training ends")
        os._exit(0)
    """
    out, _ = start_script(tmp_path, code, variables=CONSOLE).communicate()
    assert out == "training ends\nnow from the child\n"
    assert wait_for_watchers(tmp_path).console("out") == out


def test_a_reader_that_closes_the_pipe_does_not_end_training(tmp_path):
    code = """
        import everbloom as eb
        run = eb.init()
        for n in range(50_000):
            print("line", n)
        run.log({"done": 1.0})
        run.finish()
    """
    process = start_script(tmp_path, code, variables=CONSOLE)
    process.stdout.readline()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(60) == 0
    recorded = wait_for_watchers(tmp_path)
    assert recorded.values("done") == [(0, 1.0)]
    assert recorded.console("out").count("\n") == 50_000


def test_runs_one_in_the_other_both_have_what_was_printed_meanwhile(tmp_path):
    code = """
        import everbloom as eb
        first = eb.init(name="first")
        print("in first")
        second = eb.init(name="second")
        print("in both")
        first.finish()
        print("in second")
        second.finish()
        print("in none")
    """
    process = run_script(tmp_path, code, variables=CONSOLE)
    assert process.stdout == "in first\nin both\nin second\nin none\n"
    recorded = {r.fields["name"]: r for r in (wait_for_watchers(tmp_path, run) for run in list_runs(tmp_path))}
    assert recorded["second"].console("out") == "in both\nin second\n"
    assert recorded["first"].console("out").startswith("in first\nin both\n")


def test_on_a_terminal_the_program_keeps_its_terminal_and_is_recorded(tmp_path):
    code = """
        import logging, sys
        handler = logging.StreamHandler(sys.stdout)
        import everbloom as eb
        with eb.init():
            print(sys.stdout.isatty(), sys.stderr.isatty())
            logging.getLogger("x").addHandler(handler)
            logging.getLogger("x").warning("from a handler")
            print("to stderr 🌸", file=sys.stderr)
        print(hasattr(sys.stdout, "write"), "after")
    """
    master, slave = pty.openpty()
    process = start_script(tmp_path, code, variables=CONSOLE, stdin=slave, stdout=slave, stderr=slave)
    process.wait(60)
    os.close(slave)
    shown = b""
    while select.select([master], [], [], 0.2)[0]:
        try:
            shown += os.read(master, 65_536)
        except OSError:
            break
    os.close(master)
    assert shown.decode().replace("\r", "") == "True True\nfrom a handler\nto stderr 🌸\nTrue after\n"
    assert wait_for_watchers(tmp_path).console() == "True True\nfrom a handler\nto stderr 🌸\n"


def test_a_process_without_stdout_is_recorded_all_the_same(tmp_path):
    code = """
        import os, sys
        os.close(1)
        sys.stdout = None
        import everbloom as eb
        with eb.init() as run:
            print("nowhere")
            run.log({"x": 1.0})
    """
    process = run_script(tmp_path, code, variables=CONSOLE)
    assert (process.returncode, process.stderr) == (0, "")
    assert wait_for_watchers(tmp_path).values("x") == [(0, 1.0)]


def test_a_stream_that_was_diverted_by_others_stays_theirs(tmp_path):
    code = f"""
        import os, sys
        import everbloom as eb
        run = eb.init()
        print("recorded")
        file = os.open({str(tmp_path / "theirs")!r}, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, 1)
        print("theirs")
        run.finish()
        print("theirs still")
    """
    assert run_script(tmp_path / "store", code, variables=CONSOLE).stdout == "recorded\n"
    assert (tmp_path / "theirs").read_text() == "theirs\ntheirs still\n"
