"""What a call returned from survives SIGKILL, at whatever moment it comes."""

import random
import signal

import pytest

from everbloom.core.records import Params
from everbloom.testing.recorded import kill_while_logging, read_recorded, start_script

pytestmark = pytest.mark.fault


@pytest.mark.parametrize("seed", range(50))
def test_no_call_that_returned_is_lost_to_sigkill(tmp_path, seed):
    returned = kill_while_logging(tmp_path / "store", tmp_path / "counter", random.Random(seed).uniform(0.0, 0.04))
    recorded = read_recorded(tmp_path / "store")
    steps = [step for step, _ in recorded.rows]
    assert returned <= len(steps) <= returned + 1
    assert steps == list(range(len(steps)))
    assert all(row == {"a": step * 0.5, "b": float(step)} for step, row in recorded.rows)
    assert recorded.params == {"lr": 0.1}
    assert sum(journal.damage for journal in recorded.journals) == 0


def test_what_was_recorded_before_a_kill_is_whole(tmp_path):
    code = """
        import os, signal
        import everbloom as eb
        run = eb.init(params={"x": "y" * 1000}, tags=["one"], why="because")
        run.params["late"] = 1
        run.log({"t": eb.Text("z" * 20_000)}, step=1)
        run.note("before")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    process = start_script(tmp_path, code)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    recorded = read_recorded(tmp_path)
    assert recorded.params == {"x": "y" * 1000, "late": 1}
    assert recorded.fields["why"] == "because"
    assert len(recorded.records(Params)) == 2


def test_signal_handlers_that_log_in_the_middle_of_a_log_lose_nothing(tmp_path):
    code = """
        import itertools, signal
        import everbloom as eb
        run = eb.init()
        handled = itertools.count()  # a handler may be interrupted by the next one
        def log_too(number, frame):
            run.log({"handler": (n := next(handled))}, step=n)
        signal.signal(signal.SIGALRM, log_too)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
        for step in range(60_000):
            run.log({"loop": step}, step=step)
        signal.setitimer(signal.ITIMER_REAL, 0)
        run.finish()
        print(next(handled))
    """
    process = start_script(tmp_path, code)
    out, err = process.communicate()
    assert err == ""
    recorded = read_recorded(tmp_path)
    assert [value for _, value in recorded.values("loop")] == list(range(60_000))
    assert sorted(value for _, value in recorded.values("handler")) == list(range(int(out)))
    assert int(out) > 10


def test_a_hundred_forked_children_each_record_their_own_rows(tmp_path):
    code = """
        import os
        import everbloom as eb
        run = eb.init()
        run.log({"parent": 0.0}, step=0)
        children = []
        for n in range(100):
            pid = os.fork()
            if pid == 0:
                for step in range(20):
                    run.log({f"child": n + step / 100}, step=step)
                os._exit(0)
            children.append(pid)
            run.log({"parent": n + 1.0}, step=n + 1)
        for pid in children:
            os.waitpid(pid, 0)
        run.finish()
    """
    process = start_script(tmp_path, code)
    assert process.communicate() == ("", "")
    recorded = read_recorded(tmp_path)
    assert [value for _, value in recorded.values("parent")] == list(range(101))
    forks = recorded.of_kind("fork")
    assert len(forks) == 100
    assert sorted(row["child"] for j in forks for _, row in j.rows) == sorted(
        n + step / 100 for n in range(100) for step in range(20)
    )
    assert all(journal.damage == 0 for journal in recorded.journals)


def test_children_of_multiprocessing_and_children_that_exit_record_and_end_nothing(tmp_path):
    code = """
        import multiprocessing, os, sys
        import everbloom as eb
        def work(n):
            eb.log({"worker": n}, step=n)
        if __name__ == "__main__":
            run = eb.init()
            context = multiprocessing.get_context("fork")
            with context.Pool(3) as pool:
                pool.map(work, range(30))
                pool.close()
                pool.join()
            if os.fork() == 0:
                run.log({"exits": 1.0})
                sys.exit(3)
            os.wait()
            if os.fork() == 0:
                with run:
                    raise ValueError("in the child only")
            os.wait()
            run.finish()
    """
    process = start_script(tmp_path, code)
    _, err = process.communicate()
    assert "in the child only" in err
    recorded = read_recorded(tmp_path)
    assert sorted(value for _, value in recorded.values("worker")) == list(range(30))
    assert recorded.values("exits") != []
    assert recorded.end is not None
    assert (recorded.end.state, recorded.end.explicit) == ("finished", True)
    assert sum(type(record).__name__ == "End" for j in recorded.journals for record in j.records) == 1


def test_a_fork_while_other_threads_log_neither_hangs_nor_loses(tmp_path):
    code = """
        import os, threading
        import everbloom as eb
        run = eb.init()
        stop = threading.Event()
        counts = [0] * 4
        def work(n):
            while not stop.is_set():
                run.log({f"t{n}": counts[n]}, step=counts[n])
                counts[n] += 1
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for n in range(30):
            pid = os.fork()
            if pid == 0:
                run.log({"child": n}, step=n)
                run.tag(f"child {n}")
                os._exit(0)
            os.waitpid(pid, 0)
        stop.set()
        for thread in threads:
            thread.join()
        run.finish()
        print(*counts)
    """
    process = start_script(tmp_path, code)
    out, err = process.communicate(timeout=60)
    assert err == ""
    recorded = read_recorded(tmp_path)
    for n, count in enumerate(map(int, out.split())):
        assert [value for _, value in recorded.values(f"t{n}")] == list(range(count))
    assert sorted(value for _, value in recorded.values("child")) == list(range(30))


def test_a_million_calls_take_bounded_memory(tmp_path):
    code = """
        import resource
        import everbloom as eb
        run = eb.init()
        run.log({"warm": 1.0})
        def used():
            with open("/proc/self/status") as status:
                return next(int(l.split()[1]) for l in status if l.startswith("RssAnon"))
        before = used()
        for step in range(1_000_000):
            run.log({"x": step}, step=step)
        print(used() - before)
        run.finish()
    """
    process = start_script(tmp_path, code)
    out, err = process.communicate()
    assert err == ""
    assert int(out) < 4_000  # KiB of the process's own; the segment's pages are the file's
    recorded = read_recorded(tmp_path)
    assert len(recorded.values("x")) == 1_000_000
