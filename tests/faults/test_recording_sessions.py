"""Real processes on hosts whose clocks disagree, elastic jobs, late ranks: a run goes on from where it was left."""

import os
import signal

import pytest

from everbloom.core.records import Params
from everbloom.query.reader import open_reader
from everbloom.testing.recorded import read_recorded, run_script, start_script, wait_for_watchers, wait_until
from everbloom.testing.stores import store_settings

pytestmark = pytest.mark.fault

# A host's clock that is off by the seconds in `OFF`: what the system tells this process, before anything is loaded.
CLOCK = """
import os, time
true_ns, off_ns = time.time_ns, int(float(os.environ.get("OFF", "0")) * 1e9)
time.time_ns = lambda: true_ns() + off_ns
import everbloom as eb
"""

BEFORE = (
    CLOCK + "with eb.init(name='run', params={'lr': 1}) as run:\n    [run.log({'x': 1.0}, step=i) for i in range(10)]"
)

AFTER = CLOCK + (
    "with eb.init(resume=('run', 5), params={'lr': 2}) as run:\n    [run.log({'x': 2.0}, step=i) for i in range(6, 9)]"
)


def run_rank(root, code, run, rank, **variables):
    done = run_script(root, code, variables={"EVERBLOOM_RUN_ID": run, "EVERBLOOM_RANK": str(rank), **variables})
    assert done.returncode == 0, done.stderr


def read_line(reader, run, rank=None):
    """Return (step, value) of the points that count."""
    series = reader.read_series(run, "x", rank)
    points = zip(series.steps.tolist(), series.values.tolist(), series.greyed.tolist(), strict=True)
    return [(step, value) for step, value, is_greyed in points if not is_greyed]


@pytest.mark.parametrize("off_s", ["-300", "-40000", "300", "0"])
def test_a_resume_on_a_host_with_another_clock_takes_back_what_it_should_and_stands_for_the_run(tmp_path, off_s):
    assert run_script(tmp_path, BEFORE + "\nraise SystemExit(3)").returncode == 3
    assert run_script(tmp_path, AFTER, variables={"OFF": off_s}).returncode == 0
    with open_reader(store_settings(tmp_path)) as reader:
        run = reader.find_run("run").run
        assert read_line(reader, run.id) == [*((i, 1.0) for i in range(6)), *((i, 2.0) for i in range(6, 9))]
        assert (run.summary["x"].n, run.summary["x"].last) == (9, 2.0)
        assert (run.params["lr"], run.state) == (2, "finished")


def test_a_run_that_goes_on_with_a_clock_behind_is_running_while_it_does(tmp_path):
    assert run_script(tmp_path, BEFORE.replace("with", "run = None\nwith") + "\n    raise ValueError").returncode == 1
    waiting = AFTER.replace("range(6, 9)]", "range(6, 9)]\n    print('on', flush=True)\n    input()")
    process = start_script(tmp_path, waiting, variables={"OFF": "-60"}, stdin=-1)
    assert process.stdout.readline() == "on\n"
    with open_reader(store_settings(tmp_path)) as reader:
        assert reader.find_run("run").run.state == "running"
    process.communicate("\n")
    with open_reader(store_settings(tmp_path)) as reader:
        assert reader.find_run("run").run.state == "finished"


def test_a_kill_in_a_session_with_a_clock_behind_is_told_as_this_sessions(tmp_path):
    assert run_script(tmp_path, BEFORE).returncode == 0
    killing = AFTER + "\n    import signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = run_script(tmp_path, killing, variables={"OFF": "-60", "EVERBLOOM_CAPTURE": "watcher"})
    assert done.returncode == -signal.SIGKILL
    assert {journal.start.session for journal in wait_for_watchers(tmp_path).of_kind("watcher")} == {1}
    with open_reader(store_settings(tmp_path)) as reader:
        run = reader.find_run("run").run
        assert (run.state, run.end.cause, run.end.signal) == ("killed", "signal", signal.SIGKILL)


def test_of_an_elastic_job_a_rank_that_is_new_and_comes_first_keeps_its_points(tmp_path):
    run = os.urandom(16).hex()
    for rank in (0, 1):
        run_rank(tmp_path, BEFORE, run, rank)
    for rank, off_s in ((2, 60), (1, -60), (0, -300)):
        run_rank(tmp_path, AFTER, run, rank, OFF=str(off_s))
    with open_reader(store_settings(tmp_path)) as reader:
        new = [(step, 2.0) for step in range(6, 9)]
        shared = [(step, 1.0) for step in range(6)]
        assert [read_line(reader, run, rank) for rank in (0, 1, 2)] == [shared + new, shared + new, new]


def test_ranks_of_a_resumed_job_count_on_from_one_step_though_one_is_late(tmp_path):
    run = os.urandom(16).hex()
    code = CLOCK + (
        "run = eb.init(resume=os.environ.get('RESUME'))\n"
        "[run.log({'x': 1.0}) for i in range(5)]\nprint('logged', flush=True)\ninput()\nrun.finish()"
    )
    for resumed in ({}, {"RESUME": run}):
        ranks = []
        for rank, off_s in ((0, 0), (1, -200), (2, 200)):  # each begins when the one before has logged, and lives on
            variables = {"EVERBLOOM_RUN_ID": run, "EVERBLOOM_RANK": str(rank), "OFF": str(off_s), **resumed}
            ranks.append(start_script(tmp_path, code, variables=variables, stdin=-1))
            assert ranks[-1].stdout.readline() == "logged\n"
        for process in ranks:
            assert process.communicate("\n")[1] == ""
    journals = read_recorded(tmp_path, run).journals
    steps = sorted((j.start.session, j.start.rank, [step for step, _ in j.rows]) for j in journals)
    assert steps == [(s, rank, list(range(5 * s, 5 * s + 5))) for s in (0, 1) for rank in (0, 1, 2)]


ENDS = {
    "exception": "raise ValueError('no memory')",
    "exit code": "raise SystemExit(3)",
    "cancelled": "raise KeyboardInterrupt",
    "kill": "os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("capture", ["none", "watcher"])
@pytest.mark.parametrize("end", ENDS)
def test_a_rank_that_comes_first_after_a_start_that_failed_before_it_was_there_keeps_its_points(tmp_path, end, capture):
    run = os.urandom(16).hex()
    for rank in (0, 1):
        run_rank(tmp_path, BEFORE, run, rank)
    failing = f"{CLOCK}with eb.init(resume=('run', 5)) as run:\n    {ENDS[end]}"
    variables = {"EVERBLOOM_RUN_ID": run, "EVERBLOOM_CAPTURE": capture}
    assert run_script(tmp_path, failing, variables=variables | {"EVERBLOOM_RANK": "0"}).returncode != 0
    waiting = AFTER.replace("range(6, 9)]", "range(6, 9)]\n    print('on', flush=True)\n    input()")
    ranks = []
    for rank in (1, 0):  # each begins when the one before has logged, and lives on
        ranks.append(start_script(tmp_path, waiting, variables=variables | {"EVERBLOOM_RANK": str(rank)}, stdin=-1))
        assert ranks[-1].stdout.readline() == "on\n"
    assert [process.communicate("\n")[1] for process in ranks] == ["", ""]
    with open_reader(store_settings(tmp_path)) as reader:
        line = [*((step, 1.0) for step in range(6)), *((step, 2.0) for step in range(6, 9))]
        assert [read_line(reader, run, rank) for rank in (0, 1)] == [line, line]


def test_a_late_rank_belongs_to_a_start_that_lives_though_one_of_its_peers_has_failed(tmp_path):
    run = os.urandom(16).hex()
    for rank in (0, 1, 2):
        run_rank(tmp_path, BEFORE, run, rank)
    variables = {"EVERBLOOM_RUN_ID": run, "EVERBLOOM_RANK": "1"}
    waiting = AFTER + "\n    print('on', flush=True)\n    input()"
    living = start_script(tmp_path, waiting, variables=variables, stdin=-1)
    assert living.stdout.readline() == "on\n"
    failing = f"{AFTER}\n    raise ValueError"
    assert run_script(tmp_path, failing, variables=variables | {"EVERBLOOM_RANK": "2"}).returncode == 1
    run_rank(tmp_path, AFTER, run, 0)
    assert living.communicate("\n")[1] == ""
    resumed = [j.start for j in read_recorded(tmp_path, run).journals if j.start.session]
    assert sorted((start.session, start.rank) for start in resumed) == [(1, 0), (1, 1), (1, 2)]


def test_a_job_that_is_started_again_under_its_run_id_is_the_next_session_of_every_rank(tmp_path):
    run = os.urandom(16).hex()
    for _ in range(2):
        for rank in (1, 0):
            run_rank(tmp_path, BEFORE, run, rank)
    journals = read_recorded(tmp_path, run).journals
    assert sorted((j.start.session, j.start.rank) for j in journals) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_forked_children_and_watchers_are_of_their_processs_session(tmp_path):
    code = CLOCK + (
        "with eb.init(resume=os.environ.get('RESUME'), name=None if 'RESUME' in os.environ else 'run') as run:\n"
        "    child = os.fork()\n"
        "    if not child:\n        run.log({'x': 1.0})\n        os._exit(0)\n"
        "    os.waitpid(child, 0)"
    )
    for variables in ({}, {"RESUME": "run"}):
        run_script(tmp_path, code, variables={"EVERBLOOM_CAPTURE": "watcher", **variables})
    wait_until(lambda: len(read_recorded(tmp_path).of_kind("watcher")) == 2, "both watchers")
    recorded = wait_for_watchers(tmp_path)
    for kind in ("process", "fork", "watcher"):
        assert sorted(journal.start.session for journal in recorded.of_kind(kind)) == [0, 1]


def test_processes_that_restore_one_checkpoint_at_once_each_find_it_whole(tmp_path):
    weights = tmp_path / "weights"
    weights.write_bytes(os.urandom(4 << 20))
    keep = f"with eb.init(name='run') as run:\n    run.checkpoint({str(weights)!r}, 1)"
    assert run_script(tmp_path / "store", CLOCK + keep).returncode == 0
    restore = (
        "input()\nrun = eb.init(resume='run')\n"
        f"assert run.resumed_from[0].read_bytes() == open({str(weights)!r}, 'rb').read()"
    )
    processes = [start_script(tmp_path / "store", CLOCK + restore, stdin=-1) for _ in range(6)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(process.wait(), process.communicate()[1]) for process in processes] == [(0, "")] * 6


def test_of_two_processes_that_resume_at_once_the_later_stands(tmp_path):
    assert run_script(tmp_path, BEFORE).returncode == 0
    code = AFTER.replace("'lr': 2", "'lr': os.getpid()")
    both = [start_script(tmp_path, code) for _ in range(2)]
    assert [process.communicate()[1] for process in both] == ["", ""]
    told = [record.values["lr"] for record in read_recorded(tmp_path).records(Params)]
    with open_reader(store_settings(tmp_path)) as reader:
        run = reader.find_run("run").run
        assert run.params["lr"] in set(told) - {1}
        assert [step for step, _ in read_line(reader, run.id)] == [*range(6), *range(6, 9)]
