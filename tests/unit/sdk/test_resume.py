"""What a resume goes on from when the run was taken back before: never from a branch that was discarded."""

import pytest

import everbloom as eb
from everbloom.ingest.closed import pack_closed_runs
from everbloom.testing.recorded import read_recorded


@pytest.fixture(params=[False, True], ids=["journals", "packs"])
def keep(request, store):
    """What may happen to a run between two processes: nothing, or it is packed."""
    return (lambda: pack_closed_runs(store, is_forced=True)) if request.param else (lambda: None)


def log(run, steps, value):
    for step in steps:
        run.log({"x": value}, step=step)


def test_a_checkpoint_that_was_taken_back_is_not_gone_on_from(store, tmp_path, keep):
    weights = tmp_path / "weights"
    with eb.init(name="one") as run:
        for step in (100, 500):
            weights.write_text(f"old {step}")
            run.checkpoint(weights, step)
    keep()
    with eb.init(resume=("one", 100)) as run:
        weights.write_text("new 200")
        run.checkpoint(weights, 200)
    keep()
    with eb.init(resume="one") as run:
        path, step = run.resumed_from
        assert (step, path.read_text()) == (200, "new 200")
        run.log({"x": 3.0})
    assert read_recorded(store).values("x") == [(201, 3.0)]


def test_a_checkpoint_before_the_rewind_counts_on(store, tmp_path, keep):
    weights = tmp_path / "weights"
    with eb.init(name="one") as run:
        for step in (100, 500):
            weights.write_text(f"old {step}")
            run.checkpoint(weights, step)
    keep()
    eb.init(resume=("one", 100)).finish()
    keep()
    with eb.init(resume="one") as run:
        path, step = run.resumed_from
        assert (step, path.read_text()) == (100, "old 100")


def test_steps_that_were_taken_back_are_not_counted_on_from(store, keep):
    with eb.init(name="one") as run:
        log(run, range(501), 1.0)
    keep()
    with eb.init(resume=("one", 100)) as run:
        log(run, range(101, 201), 2.0)
    keep()
    with eb.init(resume="one") as run:
        run.log({"x": 3.0})
    assert (201, 3.0) in read_recorded(store).values("x")


def test_a_rewind_with_nothing_behind_it_is_counted_on_from(store, keep):
    with eb.init(name="one") as run:
        log(run, range(501), 1.0)
    keep()
    eb.init(resume=("one", 100)).finish()
    keep()
    with eb.init(resume="one") as run:
        run.log({"x": 3.0})
    assert (101, 3.0) in read_recorded(store).values("x")


def test_a_fork_without_points_of_its_own_counts_on_from_what_it_shares(store, keep):
    with eb.init(name="source") as run:
        log(run, range(101), 1.0)
    fork = eb.init(fork=("source", 50))
    fork.finish()
    keep()
    with eb.init(resume=fork.id) as run:
        run.log({"x": 4.0})
    assert read_recorded(store, fork.id).values("x") == [(51, 4.0)]


def test_a_fork_that_went_back_behind_its_beginning_counts_on_from_there(store):
    eb.init(name="source").finish()
    fork = eb.init(fork=("source", 50))
    fork.finish()
    eb.init(resume=(fork.id, 20)).finish()
    with eb.init(resume=fork.id) as run:
        run.log({"x": 4.0})
    assert read_recorded(store, fork.id).values("x") == [(21, 4.0)]
