"""The processes of a distributed job record one run by themselves; where they cannot, one of them says so."""

import os

import pytest

from everbloom.core.records import Params, Set, Tag
from everbloom.journal.names import read_names
from everbloom.query.reader import open_reader
from everbloom.testing.recorded import list_runs, read_recorded, run_script, start_script
from everbloom.testing.stores import store_settings

pytestmark = pytest.mark.fault

# Slurm 23.11, `srun -n 2`, as far as it matters here.
STEP = {
    "SLURM_CLUSTER_NAME": "north",
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "3",
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_JOB_START_TIME": "1764000000",
}

ONE_RUN = """
    import everbloom as eb
    with eb.init(params={"lr": 1}) as run:
        run.log({"loss": 1.0})
    print(run.id)
"""

# What `torch.distributed` is to us: the four functions, and a store that all its processes share.
TORCH = """
import fcntl, os, sys
from types import SimpleNamespace

class Store:
    def compare_set(self, key, expected, desired):
        path = os.path.join(os.environ["STORE"], key.replace("/", "-"))
        with open(path, "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if not (value := file.read()):
                value = desired
                file.write(value)
        return value.encode()

def is_initialized():
    return True

def get_rank():
    return int(os.environ["PLACE"])

def get_world_size():
    return 2

def _get_default_store():
    if os.environ["STORE"] == "gone":
        raise RuntimeError("the store's host is gone")
    return Store()

distributed_c10d = SimpleNamespace(_get_default_store=_get_default_store)
"""


def run_ranks(root, code, *variables):
    """Run one process per set of variables at once; return what each printed."""
    processes = [start_script(root, code, variables=one) for one in variables]
    outputs = []
    for process in processes:
        out, err = process.communicate()
        assert process.returncode == 0, err
        outputs.append((out, err))
    return outputs


@pytest.fixture
def torch(tmp_path):
    """Return the variables with which a script finds a torch whose store is shared."""
    package = tmp_path / "packages" / "torch"
    (package / "distributed").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "distributed" / "__init__.py").write_text(TORCH)
    (tmp_path / "shared").mkdir()
    return {"PYTHONPATH": str(tmp_path / "packages"), "STORE": str(tmp_path / "shared")}


def test_the_tasks_of_a_slurm_step_record_one_run(tmp_path):
    outputs = run_ranks(tmp_path, ONE_RUN, *({**STEP, "SLURM_PROCID": rank} for rank in "01"))
    (run,) = list_runs(tmp_path)
    assert outputs == [(f"{run}\n", "")] * 2
    assert sorted(journal.start.rank for journal in read_recorded(tmp_path).journals) == [0, 1]


@pytest.mark.parametrize(
    "change",
    [{"SLURM_RESTART_COUNT": "1"}, {"SLURM_STEP_ID": "4"}, {"SLURM_JOB_ID": "4712"}, {"SLURM_CLUSTER_NAME": "south"}],
)
def test_a_restarted_job_and_another_step_are_other_runs(tmp_path, change):
    run_ranks(tmp_path, ONE_RUN, STEP | {"SLURM_PROCID": "0"}, STEP | change | {"SLURM_PROCID": "0"})
    assert len(list_runs(tmp_path)) == 2


def test_torchrun_within_a_slurm_step_counts_ranks_as_torch_does(tmp_path):
    step = STEP | {"SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "WORLD_SIZE": "2"}
    run_ranks(tmp_path, ONE_RUN, *({**step, "RANK": rank} for rank in "01"))
    assert sorted(journal.start.rank for journal in read_recorded(tmp_path).journals) == [0, 1]


def test_the_second_run_of_each_task_is_one_run_too(tmp_path):
    run_ranks(tmp_path, ONE_RUN + ONE_RUN, *({**STEP, "SLURM_PROCID": rank} for rank in "01"))
    runs = list_runs(tmp_path)
    assert [len(read_recorded(tmp_path, run).journals) for run in runs] == [2, 2]


def test_scripts_of_a_batch_job_one_after_the_other_are_runs_of_their_own(tmp_path):
    batch = {name: text for name, text in STEP.items() if name not in ("SLURM_STEP_ID", "SLURM_STEP_NUM_TASKS")}
    for _ in range(2):
        assert run_script(tmp_path, ONE_RUN, variables=batch | {"SLURM_PROCID": "0", "SLURM_NTASKS": "8"}).stderr == ""
    assert len(list_runs(tmp_path)) == 2


def test_an_initialised_torch_agrees_on_one_run_whoever_comes_first(tmp_path, torch):
    code = "import torch.distributed\n" + ONE_RUN.replace("\n    ", "\n") + ONE_RUN.replace("\n    ", "\n")
    outputs = run_ranks(tmp_path / "store", code, *({**torch, "PLACE": place} for place in "10"))
    assert outputs[0] == outputs[1]
    runs = list_runs(tmp_path / "store")
    assert len(runs) == 2
    for run in runs:
        recorded = read_recorded(tmp_path / "store", run)
        assert sorted(journal.start.rank for journal in recorded.journals) == [0, 1]
        assert len(recorded.records(Params)) == 1


def test_without_a_shared_id_each_records_its_own_run_in_one_group_and_one_says_so(tmp_path):
    variables = {"WORLD_SIZE": "3", "MASTER_ADDR": "host", "MASTER_PORT": "29500", "EVERBLOOM_STRICT": "0"}
    outputs = run_ranks(tmp_path, ONE_RUN, *({**variables, "RANK": rank} for rank in "012"))
    assert ["[run.not_shared]" in err for _, err in outputs] == [True, False, False]
    assert "3 processes" in outputs[0][1]
    assert "EVERBLOOM_RUN_ID" in outputs[0][1]
    recorded = [read_recorded(tmp_path, out.strip()) for out, _ in outputs]
    fields = [{k: v for record in one.records(Set) for k, v in record.fields.items()} for one in recorded]
    assert len({one["group"] for one in fields}) == 1
    assert all(one["project"] == "default" for one in fields)
    assert [journal.start.rank for one in recorded for journal in one.journals] == [0, 0, 0]
    assert [record.add for one in recorded for record in one.records(Tag)] == [["rank-0"], ["rank-1"], ["rank-2"]]


def test_tasks_that_want_runs_of_their_own_each_carry_their_rank_though_slurm_tells_no_size_of_the_step(tmp_path):
    slurm = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "EVERBLOOM_RUN_ID": "own"}
    outputs = run_ranks(tmp_path, ONE_RUN, *({**slurm, "SLURM_PROCID": rank} for rank in "01"))
    recorded = [read_recorded(tmp_path, out.strip()) for out, _ in outputs]
    assert [record.add for one in recorded for record in one.records(Tag)] == [["rank-0"], ["rank-1"]]


def test_a_torch_store_that_is_gone_costs_the_shared_run_and_not_training(tmp_path, torch):
    code = "import torch.distributed\n" + ONE_RUN.replace("\n    ", "\n")
    variables = torch | {"STORE": "gone", "EVERBLOOM_STRICT": "0"}
    outputs = run_ranks(tmp_path / "store", code, *({**variables, "PLACE": place} for place in "01"))
    assert "the store's host is gone" in outputs[0][1]
    assert outputs[1][1] == ""
    assert len(list_runs(tmp_path / "store")) == 2


def test_whoever_wants_a_run_for_each_task_gets_it(tmp_path):
    variables = STEP | {"EVERBLOOM_RUN_ID": "own"}
    outputs = run_ranks(tmp_path, ONE_RUN, *({**variables, "SLURM_PROCID": rank} for rank in "01"))
    assert [err for _, err in outputs] == ["", ""]
    assert len(list_runs(tmp_path)) == 2


def test_a_group_that_a_person_gives_wins(tmp_path):
    code = ONE_RUN.replace("init(", "init(group='folds', ")
    variables = {"WORLD_SIZE": "2", "MASTER_ADDR": "host", "RANK": "1"}
    assert run_script(tmp_path, code, variables=variables).returncode == 0
    (told,) = [record.fields for record in read_recorded(tmp_path).records(Set) if "group" in record.fields]
    assert told["group"] == "folds"


def test_ranks_of_one_job_write_one_run(tmp_path):
    run = os.urandom(16).hex()
    code = """
        import everbloom as eb
        with eb.init(params={"lr": 1}) as run:
            run.log({"loss": 1.0}, step=0)
            print(run.id)
    """
    processes = [
        start_script(tmp_path, code, variables={"EVERBLOOM_RUN_ID": run, name: str(rank)})
        for rank, name in enumerate(["EVERBLOOM_RANK", "RANK", "SLURM_PROCID", "EVERBLOOM_RANK"])
    ]
    for process in processes:
        assert process.communicate() == (run + "\n", "")
    recorded = read_recorded(tmp_path, run)
    assert sorted(j.start.rank for j in recorded.of_kind("rank")) == [1, 2, 3]
    assert [j.start.rank for j in recorded.of_kind("process")] == [0]
    assert len(recorded.rows) == 4
    assert len(recorded.records(Params)) == 1


def test_rank_0_tells_what_the_run_is_even_when_it_starts_last(tmp_path):
    run = os.urandom(16).hex()
    code = """
        import everbloom as eb
        with eb.init(name="together") as run:
            run.log({"loss": 1.0})
    """
    for rank in (3, 2, 1, 0, 0):  # the job is started once more at the end, which tells nothing again
        variables = {"EVERBLOOM_RUN_ID": run, "EVERBLOOM_RANK": str(rank)}
        assert run_script(tmp_path, code, variables=variables).returncode == 0
    recorded = read_recorded(tmp_path, run)
    assert [j.start.rank for j in recorded.of_kind("process")] == [0, 0]
    told = [record.fields for record in recorded.records(Set) if "created" in record.fields]
    assert len(told) == 1
    assert told[0].keys() >= {"name", "user", "created", "namespace", "project", "experiment"}
    assert read_names(tmp_path) == {run: "together"}


def test_a_rank_that_fails_says_so_and_one_that_finishes_does_not_end_the_run(tmp_path):
    run = os.urandom(16).hex()
    code = "import everbloom as eb\nwith eb.init():\n    {}\n"
    for rank, body in ((1, "pass"), (2, "raise ValueError('rank two')")):
        variables = {"EVERBLOOM_RUN_ID": run, "EVERBLOOM_RANK": str(rank)}
        start_script(tmp_path, code.format(body), variables=variables).communicate()
    recorded = read_recorded(tmp_path, run)
    ends = [(j.start.rank, record.state) for j in recorded.journals for record in j.records]
    assert ends == [(2, "failed")]


# ── going on ───────────────────────────────────────────────────────────────────────────────────────────────────

TEN_STEPS = """
    import os
    import everbloom as eb
    with eb.init(name="job", group="folds") as run:
        [run.log({"m": float(step)}, step=step) for step in range(10)]
        open("weights", "w").write("after nine steps")
        run.checkpoint("weights", step=9)
    print(run.id)
"""

FIVE_MORE = """
    import os, sys
    import everbloom as eb
    if "PLACE" in os.environ:
        import torch.distributed
    resume = os.environ["RESUME"]
    with eb.init(resume=(resume, 9) if "STEP" in os.environ else resume) as run:
        text = run.resumed_from[0].read_text()
        [run.log({"m": 100.0 * int(sys.argv[1]) + step}, step=step) for step in range(10, 15)]
    print(text, run.resumed_from[1])
"""

LAUNCHERS = [
    {"OMPI_COMM_WORLD_RANK": "{}", "OMPI_COMM_WORLD_SIZE": "2"},
    {"RANK": "{}", "WORLD_SIZE": "2", "MASTER_ADDR": "host", "MASTER_PORT": "29500"},
    {"EVERBLOOM_RANK": "{}"},
    {"PLACE": "{}"},  # torch, which nothing but itself tells the rank
    STEP | {"SLURM_PROCID": "{}"},
]


def resume_as(root, variables, ranks=(0, 1), code=FIVE_MORE):
    """Run the processes of a job that goes on; return what each printed."""
    processes = [
        start_script(
            root,
            code,
            arguments=(str(rank),),
            variables={name: text.format(rank) for name, text in variables.items()} | {"EVERBLOOM_STRICT": "0"},
        )
        for rank in ranks
    ]
    return [process.communicate() for process in processes]


def read_lines(root, run, ranks):
    """Return each rank's (steps, values) that count."""
    with open_reader(store_settings(root)) as reader:
        found = [reader.read_series(reader.find_run(run).run.id, "m", rank) for rank in ranks]
    return [(one.steps[~one.greyed].tolist(), one.values[~one.greyed].tolist()) for one in found]


@pytest.mark.parametrize("by_step", [True, False], ids=["from a step", "from the checkpoint"])
@pytest.mark.parametrize("launcher", LAUNCHERS, ids=["MPI", "torchrun", "EVERBLOOM_RANK alone", "torch", "Slurm"])
def test_processes_that_resume_one_run_take_it_up_together_and_need_no_shared_id(
    tmp_path, torch, monkeypatch, launcher, by_step
):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "store"
    assert run_script(root, TEN_STEPS).returncode == 0
    step = {"STEP": "9"} if by_step else {}
    assert resume_as(root, torch | launcher | step | {"RESUME": "job"}) == [("after nine steps 9\n", "")] * 2
    first, later = [float(step) for step in range(10)], list(range(10, 15))
    assert read_lines(root, "job", (0, 1)) == [
        (list(range(15)), first + [float(step) for step in later]),
        (later, [100.0 + step for step in later]),
    ]
    recorded = read_recorded(root)
    assert recorded.fields["group"] == "folds"
    assert recorded.records(Tag) == []


@pytest.mark.parametrize("own", [{}, {"EVERBLOOM_RUN_ID": "own"}], ids=["no id", "own"])
def test_a_process_that_resumes_the_run_that_it_recorded_for_itself_goes_on_with_it_alone(tmp_path, monkeypatch, own):
    monkeypatch.chdir(tmp_path)
    launcher = {"RANK": "{}", "WORLD_SIZE": "2", "MASTER_PORT": "29500"} | own
    runs = [resume_as(tmp_path, launcher, (rank,), TEN_STEPS)[0][0].strip() for rank in (0, 1)]
    for rank, run in enumerate(runs):
        assert resume_as(tmp_path, launcher | {"RESUME": run}, (rank,)) == [("after nine steps 9\n", "")]
        assert read_lines(tmp_path, run, (0,)) == [
            (list(range(15)), [*map(float, range(10)), *(100.0 * rank + step for step in range(10, 15))])
        ]
        assert {journal.start.rank for journal in read_recorded(tmp_path, run).journals} == {0}


def test_a_given_id_is_shared_by_the_ranks_that_torch_alone_tells_apart(tmp_path, torch):
    code = "import torch.distributed\n" + ONE_RUN.replace("\n    ", "\n")
    given = torch | {"EVERBLOOM_RUN_ID": os.urandom(16).hex()}
    run_ranks(tmp_path / "store", code, *({**given, "PLACE": place} for place in "01"))
    assert sorted(journal.start.rank for journal in read_recorded(tmp_path / "store").journals) == [0, 1]
