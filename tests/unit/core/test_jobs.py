"""What launchers say about a job, read from an environment."""

import pytest

from everbloom.core.errors import InvalidInput
from everbloom.core.ids import is_run_id
from everbloom.core.jobs import Job, parse_job

RUN = "0" * 32
STEP = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}


def test_a_process_that_nobody_launched_is_alone():
    assert parse_job({}) == Job()


def test_ranks_share_a_run_by_its_id():
    job = parse_job({"EVERBLOOM_RUN_ID": RUN, "RANK": "3", "WORLD_SIZE": "4"})
    assert (job.run, job.rank, job.size) == (RUN, 3, 4)


@pytest.mark.parametrize(
    ("environ", "rank", "size"),
    [
        ({"EVERBLOOM_RANK": "1", "RANK": "3", "SLURM_PROCID": "5"}, 1, 1),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "8"}, 5, 8),
        ({"RANK": "9", "WORLD_SIZE": "16", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"}, 9, 16),
        ({"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "4"}, 2, 4),
        ({"PMI_RANK": "0", "PMI_SIZE": "2"}, 0, 2),
        ({"RANK": "0", "WORLD_SIZE": "many"}, 0, 1),
        ({"WORLD_SIZE": "4"}, 0, 1),
        ({"SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "4"}, 0, 4),
        ({"SLURM_PROCID": "3", "SLURM_STEP_ID": "0", "SLURM_NPROCS": "4"}, 3, 4),
        ({"SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1"}, 0, 1),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, 0, 1),
    ],
)
def test_the_launcher_nearest_to_the_process_says_its_rank(environ, rank, size):
    job = parse_job(environ)
    assert (job.rank, job.size) == (rank, size)


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"EVERBLOOM_RUN_ID": "mine"}, "settings.run_id"),
        ({"RANK": "-1"}, "settings.rank"),
        ({"EVERBLOOM_RANK": "١"}, "settings.rank"),
        ({"SLURM_PROCID": "two"}, "settings.rank"),
    ],
)
def test_a_rank_or_shared_run_that_is_none_is_refused(environ, code):
    with pytest.raises(InvalidInput) as raised:
        parse_job(environ)
    assert raised.value.code == code


def test_the_run_of_a_slurm_step_follows_from_what_all_its_tasks_know():
    ids = [parse_job(STEP | {"SLURM_PROCID": rank}).step_run_id(0) for rank in "01"]
    assert ids[0] == ids[1]
    assert is_run_id(ids[0])
    assert parse_job(STEP).step_run_id(1) != ids[0]
    assert parse_job(STEP | {"SLURM_RESTART_COUNT": "2"}).step_run_id(0) != ids[0]


def test_the_run_of_a_slurm_step_sorts_by_the_start_of_its_job():
    early, late = (parse_job(STEP | {"SLURM_JOB_START_TIME": at}).step_run_id(0) for at in ("1700000000", "1764000000"))
    assert early < late
    assert int(late[:12], 16) == 1764000000_000


def test_a_task_that_is_alone_in_its_step_has_no_run_to_share():
    assert parse_job(STEP | {"SLURM_STEP_NUM_TASKS": "1"}).step_run_id(0) is None


def test_the_processes_of_a_job_have_one_group_and_another_job_has_another():
    def group(rank, port):
        return parse_job({"RANK": rank, "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": port}).group

    assert group("0", "1") == group("1", "1")
    assert group("0", "1") != group("0", "2")
