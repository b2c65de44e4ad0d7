"""Which session of a run a process records: its own start's, however its peers begin, and the next one otherwise."""

import os
from contextlib import suppress
from itertools import permutations

import pytest

import everbloom as eb
from everbloom.core import layout
from everbloom.core.records import File, Reference, Rewind
from everbloom.ingest.closed import pack_closed_runs
from everbloom.journal.format import HEADER_BYTES, pack_header, parse_header
from everbloom.sdk.past import record_past
from everbloom.testing.recorded import list_runs, read_recorded, run_script, wait_for_watchers

HOUR_S = 3600


@pytest.fixture
def job(store, monkeypatch):
    """Begin a rank of a job whose processes share a run: `job(rank, **options of init)`."""
    monkeypatch.setenv("EVERBLOOM_RUN_ID", os.urandom(16).hex())

    def begin(rank, **options):
        monkeypatch.setenv("EVERBLOOM_RANK", str(rank))
        return eb.init(**options)

    return begin


def resume(run, rank, monkeypatch, step=None):
    monkeypatch.setenv("EVERBLOOM_RANK", str(rank))
    return eb.init(resume=run if step is None else (run, step))


def starts_of(store, run=None):
    """Return (session, rank) of every training process that recorded the run."""
    recorded = read_recorded(store, run)
    return sorted((j.start.session, j.start.rank) for j in recorded.of_kind("process") + recorded.of_kind("rank"))


def age(store, run, seconds):
    """Make a run's files as old as if nobody had written them for a while."""
    for path in (layout.run_dir(store, run) / "journal").rglob("*"):
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))


def test_a_run_begins_with_session_0_and_each_resume_is_the_next(store, monkeypatch):
    with eb.init(name="one"):
        pass
    for _ in range(2):
        resume("one", 0, monkeypatch).finish()
    assert starts_of(store) == [(0, 0), (1, 0), (2, 0)]


def test_the_start_of_a_runs_first_session_has_the_bytes_that_it_always_had(store):
    with eb.init() as run:
        pass
    (segment,) = (layout.run_dir(store, run.id) / "journal").rglob("0.seg")
    assert b"session" not in segment.read_bytes()


def test_ranks_of_a_start_are_of_one_session_in_whatever_order_they_begin(store, job, monkeypatch):
    for rank in (2, 0, 1):
        run = job(rank)
        run.finish()
    for rank in (1, 2, 0):
        resume(run.id, rank, monkeypatch).finish()
    assert starts_of(store) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_a_rank_that_was_never_there_before_is_of_the_session_that_resumes(store, job, monkeypatch):
    for rank in (0, 1):
        run = job(rank)
        run.finish()
    for rank in (2, 1, 0):
        resume(run.id, rank, monkeypatch, step=5).finish()
    assert starts_of(store) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]


def test_a_new_rank_begins_the_next_session_where_the_newest_is_long_over(store, job, monkeypatch):
    run = job(0)
    run.finish()
    resume(run.id, 0, monkeypatch).finish()
    age(store, run.id, HOUR_S)
    resume(run.id, 1, monkeypatch).finish()
    assert starts_of(store) == [(0, 0), (1, 0), (2, 1)]


def test_a_new_rank_begins_the_next_session_where_the_newest_has_ended_after_a_while(store, job, monkeypatch):
    run = job(0)
    run.finish()
    resumed = resume(run.id, 0, monkeypatch)
    age(store, run.id, HOUR_S)
    resumed.finish()  # just now
    resume(run.id, 1, monkeypatch).finish()
    assert starts_of(store) == [(0, 0), (1, 0), (2, 1)]


def test_a_late_rank_joins_a_session_of_other_hosts_as_long_as_it_writes(store, job, monkeypatch):
    run = job(0)
    run.finish()
    living = resume(run.id, 0, monkeypatch)
    for path in (layout.run_dir(store, run.id) / "journal").rglob("0.seg"):
        move_to_another_host(path)
    resume(run.id, 1, monkeypatch).finish()
    age(store, run.id, HOUR_S)
    resume(run.id, 2, monkeypatch).finish()
    living.finish()
    assert starts_of(store) == [(0, 0), (1, 0), (1, 1), (2, 2)]


def move_to_another_host(segment):
    """Make a segment look as if a process of another machine wrote it."""
    with segment.open("r+b") as file:
        header = parse_header(file.read(HEADER_BYTES), path=segment)
        file.seek(0)
        file.write(pack_header(header._replace(host=header.host ^ 1)))


def test_a_kill_on_another_host_that_a_watcher_saw_ends_the_session_at_once(store, job, monkeypatch):
    run = job(0)
    run.finish()
    code = f"import os, everbloom as eb\neb.init(resume={run.id!r})\nos.kill(os.getpid(), 9)"
    run_script(store, code, variables={"EVERBLOOM_CAPTURE": "watcher"})
    wait_for_watchers(store)
    for path in (layout.run_dir(store, run.id) / "journal").rglob("0.seg"):
        move_to_another_host(path)
    resume(run.id, 1, monkeypatch).finish()
    assert starts_of(store) == [(0, 0), (1, 0), (2, 1)]


@pytest.mark.parametrize("others", [ValueError("too"), None], ids=["all fail", "one fails"])
def test_after_a_start_that_failed_the_next_is_one_session_of_its_own_whoever_came_to_either_in_any_order(
    store, monkeypatch, others
):
    """Every order of every set of three ranks that the first start had, by every order of the second."""

    def end(run, error):
        with suppress(ValueError), run:
            if error is not None:
                raise error

    for came in [order for count in (1, 2, 3) for order in permutations(range(3), count)]:
        for comes in permutations(range(3)):
            monkeypatch.setenv("EVERBLOOM_RUN_ID", run := os.urandom(16).hex())
            monkeypatch.setenv("EVERBLOOM_RANK", "0")
            eb.init().finish()
            failing = [resume(run, rank, monkeypatch) for rank in came]
            for one in failing:
                end(one, ValueError("first") if one is failing[0] else others)
            for one in [resume(run, rank, monkeypatch) for rank in comes]:
                one.finish()
            expected = [(0, 0), *((1, rank) for rank in sorted(came)), (2, 0), (2, 1), (2, 2)]
            assert starts_of(store, run) == expected, f"{came}, then {comes}"


def test_a_late_rank_joins_a_session_that_lives_however_long_it_has_written_nothing(store, job, monkeypatch):
    run = job(0)
    run.finish()
    living = resume(run.id, 0, monkeypatch)
    age(store, run.id, HOUR_S)
    resume(run.id, 1, monkeypatch).finish()
    living.finish()
    assert starts_of(store) == [(0, 0), (1, 0), (1, 1)]


def test_a_run_that_still_lives_is_resumed_in_a_session_of_its_own(store, monkeypatch):
    living = eb.init(name="one")
    resume("one", 0, monkeypatch, step=3).finish()
    living.finish()
    assert starts_of(store) == [(0, 0), (1, 0)]


def test_a_packed_run_is_resumed_in_the_next_session(store, monkeypatch):
    with eb.init(name="one") as run:
        run.log({"x": 1.0})
    resume("one", 0, monkeypatch).finish()
    assert pack_closed_runs(store, is_forced=True).packed
    with resume("one", 0, monkeypatch) as again:
        again.log({"x": 2.0})
    recorded = read_recorded(store)  # what stands beside the pack
    assert [journal.start.session for journal in recorded.journals] == [2]
    assert recorded.values("x") == [(1, 2.0)]


def test_an_imported_run_is_resumed_in_the_next_session(store, monkeypatch):
    run = os.urandom(16).hex()
    record_past(run, 1_700_000_000_000_000, ended_at_us=1_700_000_100_000_000, root=store).finish()
    resume(run, 0, monkeypatch).finish()
    assert sorted(journal.start.session for journal in read_recorded(store).journals) == [0, 1]


def test_a_fork_says_which_session_of_the_other_was_the_newest(store, monkeypatch):
    with eb.init(name="one"):
        pass
    resume("one", 0, monkeypatch).finish()
    with eb.init(fork=("one", 3)) as run:
        pass
    (told,) = read_recorded(store, run.id).records(Reference)
    assert (told.checksum, told.session) == ("step 3", 1)


# ── what a rank goes on from ───────────────────────────────────────────────────────────────────────────────────


def test_a_late_rank_counts_on_from_the_sessions_before_and_not_from_its_peers(store, job, monkeypatch):
    for rank in (0, 1):
        with job(rank) as run:
            for step in range(10):
                run.log({"x": 1.0}, step=step)
    for rank in (0, 1):
        with resume(run.id, rank, monkeypatch) as again:
            for _ in range(5):
                again.log({"x": 2.0})
    later = [journal.rows for journal in read_recorded(store).journals if journal.start.session]
    assert [[step for step, _ in rows] for rows in later] == [[10, 11, 12, 13, 14]] * 2


def test_a_late_rank_goes_on_from_its_peers_checkpoint_and_not_from_one_that_a_peer_has_just_written(
    store, job, monkeypatch, tmp_path
):
    weights = tmp_path / "weights"
    for rank in (0, 1):
        with job(rank) as run:
            if not rank:
                weights.write_text("before")
                run.checkpoint(weights, 7)
    resumed = []
    for rank in (0, 1):
        with resume(run.id, rank, monkeypatch) as again:
            path, step = again.resumed_from
            resumed.append((path.read_text(), step))
            weights.write_text("after")
            again.checkpoint(weights, 9)
    assert resumed == [("before", 7)] * 2
    recorded = read_recorded(store)
    assert [record.step for record in recorded.records(Rewind)] == [7]  # rank 0 says it for all
    assert sorted(record.step for record in recorded.records(File)) == [7, 9, 9]


# ── several runs of one process ────────────────────────────────────────────────────────────────────────────────


def test_a_process_that_begins_several_runs_under_a_run_id_begins_several_and_its_peers_the_same(store, job):
    given = os.environ["EVERBLOOM_RUN_ID"]
    began = []
    for rank in (0, 1):
        for _ in range(3):
            with job(rank) as run:
                began.append(run.id)
    assert began[:3] == began[3:]
    assert began[0] == given
    assert sorted(list_runs(store)) == sorted(set(began))
    assert len(set(began)) == 3
    for run in set(began):
        assert starts_of(store, run) == [(0, 0), (0, 1)]


def test_a_run_that_is_resumed_by_name_leaves_the_given_id_to_the_next(store, monkeypatch):
    with eb.init(name="earlier"):
        pass
    monkeypatch.setenv("EVERBLOOM_RUN_ID", given := os.urandom(16).hex())
    resume("earlier", 0, monkeypatch).finish()
    with eb.init() as run:
        assert run.id == given
