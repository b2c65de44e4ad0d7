"""The order of sessions is a fact of the run and no clock's: any clocks of its hosts give what the true order gives."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from everbloom.core.branches import Item, find_beginnings, find_cutoffs, is_older, leave_later, sort_items
from everbloom.core.records import End, Params, Record, Rewind, Set, Start, Tag
from everbloom.ingest.fold import Sighting, fold_items

HOUR_US = 3_600_000_000
SESSION_US = 60_000_000
ENDS = (
    End(state="finished", cause="exit", witness="process", explicit=True),
    End(state="failed", cause="exception", witness="process", explicit=True),
    End(state="finished", cause="exit", witness="process"),
    None,  # killed: it says nothing
)


@dataclass(frozen=True)
class Session:
    """What one start of a job does; `order` is the one that its ranks begin in, 0 among them."""

    order: tuple[int, ...]
    rewinds: tuple[tuple[int, int], ...]  # (rank, step)
    forking: tuple[int, ...]
    end: End | None


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    others = draw(st.lists(st.integers(1, 4), max_size=3, unique=True))
    order = tuple(draw(st.permutations([0, *others])))
    rewinds = draw(st.lists(st.tuples(st.sampled_from(order), st.integers(-5, 50)), max_size=2))
    forking = draw(st.lists(st.sampled_from(order), max_size=2, unique=True))
    return Session(order, tuple(rewinds), tuple(forking), draw(st.sampled_from(ENDS)))


HISTORIES = st.lists(sessions(), min_size=1, max_size=5)
CLOCKS = st.lists(st.integers(-10 * HOUR_US, 10 * HOUR_US), min_size=5, max_size=5)


def record_history(history: list[Session], clocks: list[int]) -> list[Item]:
    """Write down what the processes of each session record, on a host whose clock is off by as much as is given."""
    items: list[Item] = []

    def say(writer: str, time_us: int, *records: Record) -> None:
        items.extend(Item(0, time_us + i, writer, i, record) for i, record in enumerate(records))

    for number, session in enumerate(history):
        began_us = 100 * HOUR_US + number * SESSION_US + clocks[number]
        for place, rank in enumerate(session.order):
            kind = "rank" if rank else "process"
            told: list[Record] = [Start(kind=kind, rank=rank, session=number)]
            told += [Rewind(step=step) for whose, step in session.rewinds if whose == rank]
            if not rank:
                told += [Params(values={"lr": number, f"of {number}": True}), Set(fields={"why": f"why {number}"})]
                told += [Tag(add=[f"t{number}"], remove=[f"t{number - 1}"])]
                told += [session.end] if session.end else []
            say(f"{number}-{rank}", began_us + place * 1000, *told)
            say(f"{number}-{rank}-w", began_us + place * 1000 + 500, Start(kind="watcher", rank=rank, session=number))
            if rank in session.forking:
                say(f"{number}-{rank}-f", began_us + place * 1000 + 200, Start(kind="fork", rank=rank, session=number))
    return items


@given(HISTORIES, CLOCKS, st.randoms(use_true_random=False))
def test_whatever_the_clocks_say_a_run_is_what_it_is_by_its_true_order(history, clocks, rng):
    skewed = record_history(history, clocks)
    rng.shuffle(skewed)
    true, found = fold_items(record_history(history, [0] * 5), Sighting()), fold_items(skewed, Sighting())
    for name in ("cutoffs", "params", "fields", "tags", "main_writer", "state", "end"):
        assert getattr(found, name) == getattr(true, name)
    assert [change[2:] for change in found.history] == [change[2:] for change in true.history]
    assert found.main_writer == f"{len(history) - 1}-0"
    assert found.params["lr"] == len(history) - 1
    assert found.tags == [f"t{len(history) - 1}"]


@given(HISTORIES, CLOCKS)
def test_a_rewind_of_any_rank_takes_back_every_rank_of_every_earlier_session_and_nobody_else(history, clocks):
    cutoffs = find_cutoffs(record_history(history, clocks))
    for number, session in enumerate(history):
        later = [step for other in history[number + 1 :] for _, step in other.rewinds]
        for rank in session.order:
            for writer in [f"{number}-{rank}", *([f"{number}-{rank}-f"] if rank in session.forking else [])]:
                assert cutoffs.get(writer) == (min(later) if later else None)
            assert f"{number}-{rank}-w" not in cutoffs  # a watcher's steps are seconds


@given(HISTORIES, CLOCKS, st.integers(0, 4), st.integers(0, 200 * HOUR_US))
def test_a_fork_shares_whole_sessions_up_to_the_first_that_went_back_later(history, clocks, newest, moment):
    items = record_history(history, clocks)
    left = {item.writer for item in leave_later(items, newest, moment)}
    went_back = [number for number, session in enumerate(history) if session.rewinds and number > newest]
    kept = range(min(went_back, default=len(history)))
    assert left == {item.writer for item in items if int(item.writer[0]) in kept}


@given(HISTORIES, CLOCKS)
def test_records_are_ordered_by_session_and_within_one_by_time(history, clocks):
    ordered = [(int(item.writer[0]), item.time_us) for item in sort_items(record_history(history, clocks))]
    assert ordered == sorted(ordered)


@given(HISTORIES, CLOCKS)
def test_of_two_writers_of_different_sessions_one_is_older_and_of_one_session_none(history, clocks):
    beginnings = find_beginnings(
        i for i in record_history(history, clocks) if "-f" not in i.writer and "-w" not in i.writer
    )
    for one in beginnings.values():
        for other in beginnings.values():
            if one.session != other.session:
                assert is_older(one, other) != is_older(other, one)
            elif one.part == other.part == 0:
                assert not is_older(one, other)
