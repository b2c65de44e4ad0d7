"""The order in which control records count, and who is believed about a run's end."""

import itertools

import pytest

from everbloom.core.branches import Item
from everbloom.core.records import (
    Command,
    End,
    Like,
    Limits,
    Link,
    Note,
    Params,
    Problem,
    Rewind,
    Set,
    Start,
    Tag,
    Unknown,
)
from everbloom.ingest.fold import Sighting, find_main_writer, fold_items, get_objectives

NOBODY = Sighting()
DEAD = Sighting(is_alive=False, last_heard_us=900)
PROCESS = Start(kind="process")
WATCHER = Start(kind="watcher")
FINISHED = End(state="finished", cause="exit", witness="process", explicit=True)
LEFT = End(state="finished", cause="exit", witness="process")
KILLED = End(state="killed", cause="signal", witness="watcher", signal=9)


def said(record, time_us=0, *, number=0, writer="a", position=0):
    return Item(number, time_us, writer, position, record)


def fold(*items, sighting=NOBODY):
    """Fold in every order (of few) to show that only the key decides."""
    foldings = [fold_items(order, sighting) for order in itertools.islice(itertools.permutations(items), 24)]
    assert all(folding == foldings[0] for folding in foldings)
    return foldings[0]


def test_the_later_of_two_records_wins():
    folded = fold(said(Set(fields={"why": "old"}), 1), said(Set(fields={"why": "new"}), 2))
    assert folded.fields["why"] == "new"


def test_at_one_time_the_higher_writer_wins():
    folded = fold(said(Set(fields={"why": "b"}), 1, writer="b"), said(Set(fields={"why": "a"}), 1, writer="a"))
    assert folded.fields["why"] == "b"


def test_within_one_writer_the_higher_position_wins():
    folded = fold(said(Params(values={"lr": 1}), 1, position=9), said(Params(values={"lr": 2}), 1, position=8))
    assert folded.params == {"lr": 1}


def test_an_edit_wins_over_what_the_run_says_later():
    folded = fold(said(Set(fields={"name": "edited"}), 1, number=5, writer="edits"), said(Set(fields={"name": "x"}), 9))
    assert folded.fields["name"] == "edited"


def test_edits_count_by_their_number_and_not_by_their_clock():
    first = said(Set(fields={"verdict": "refuted"}), 9, number=1, writer="edits")
    second = said(Set(fields={"verdict": "supported"}), 2, number=2, writer="edits")
    assert fold(first, second).fields["verdict"] == "supported"


def test_fields_that_nobody_knows_are_left_out():
    assert fold(said(Set(fields={"mood": "good"}))).fields == {}


def test_every_value_of_a_field_stands_in_the_history():
    folded = fold(said(Set(fields={"why": "old"}), 1), said(Set(fields={"why": "new"}), 2, number=3))
    assert folded.history == [(0, 1, "why", "old"), (3, 2, "why", "new")]


def test_params_of_several_records_add_up():
    folded = fold(said(Params(values={"a": 1, "b": 2}), 1), said(Params(values={"b": 3}), 2))
    assert folded.params == {"a": 1, "b": 3}


def test_tags_are_a_set_that_grows_and_shrinks():
    folded = fold(said(Tag(add=["x", "y"]), 1), said(Tag(add=["z"], remove=["x"]), 2))
    assert folded.tags == ["y", "z"]


def test_a_tag_that_one_record_adds_and_removes_stays():
    assert fold(said(Tag(add=["x"], remove=["x"]))).tags == ["x"]


def test_likes_are_counted_by_person_and_part():
    folded = fold(
        said(Like(user="ann"), 1, number=1),
        said(Like(user="ann"), 2, number=2),
        said(Like(user="bo"), 3, number=3),
        said(Like(user="bo", target="metric:acc"), 4, number=4),
    )
    assert folded.likes == {"": ["ann", "bo"], "metric:acc": ["bo"]}


def test_nothing_is_left_of_a_like_that_was_taken_back():
    assert fold(said(Like(user="ann"), 1, number=1), said(Like(user="ann", on=False), 2, number=2)).likes == {}


def test_taking_back_a_like_that_was_never_given_does_nothing():
    assert fold(said(Like(user="ann", on=False), 1, number=1)).likes == {}


def test_a_note_appends_paragraphs_and_counts_its_versions():
    folded = fold(said(Note(text="a"), 1), said(Note(text="b", append=True), 2, number=1))
    assert (folded.note, folded.note_version) == ("a\n\nb", 2)


def test_a_note_replaces_what_was_there():
    assert fold(said(Note(text="a"), 1), said(Note(text="b"), 2, number=1)).note == "b"


def test_appending_to_no_note_gives_the_text_alone():
    assert fold(said(Note(text="b", append=True))).note == "b"


def test_a_link_that_is_given_again_takes_its_new_title_and_place():
    folded = fold(said(Link(url="u", title="old"), 1), said(Link(url="v"), 2), said(Link(url="u", title="new"), 3))
    assert [(link.url, link.title) for link in folded.links] == [("v", ""), ("u", "new")]


def test_command_and_limits_are_the_last_that_were_told():
    folded = fold(
        said(Command(argv=["a"], cwd="/"), 1),
        said(Command(argv=["b"], cwd="/"), 2),
        said(Limits(values={"m": 1.0, "n": 2.0}), 1),
        said(Limits(values={"n": 3.0}), 2),
    )
    assert folded.command is not None
    assert (folded.command.argv, folded.limits) == (["b"], {"m": 1.0, "n": 3.0})


def test_counts_of_a_problem_add_up_over_records_and_writers():
    folded = fold(
        said(Problem(code="x", message="m", count=1), 1, writer="a"),
        said(Problem(code="x", message="m", count=5), 2, writer="a"),
        said(Problem(code="x", message="m", count=2), 3, writer="b"),
    )
    assert {code: problem.count for code, problem in folded.problems.items()} == {"x": 8}


def test_records_of_unknown_types_change_nothing():
    from msgspec import Raw

    assert fold(said(PROCESS, 1), said(Unknown(tag="mood", body=Raw(b"\x80")), 2)) == fold(said(PROCESS, 1))


def test_a_run_without_any_record_is_empty_and_running():
    folded = fold_items([], NOBODY)
    assert (folded.state, folded.writers, folded.main_writer) == ("running", {}, "")


def test_an_edit_cannot_begin_a_run_or_take_it_back():
    folded = fold(said(PROCESS, 1, number=1, writer="edits"), said(Rewind(step=0), 2, number=2, writer="edits"))
    assert (folded.writers, folded.cutoffs) == ({}, {})


# ── who is believed about the end ──────────────────────────────────────────────────────────────────────────────


def test_the_processs_own_word_stands_over_the_watchers_later_one():
    folded = fold(said(PROCESS, 1), said(WATCHER, 2, writer="w"), said(FINISHED, 5), said(KILLED, 9, writer="w"))
    assert (folded.state, folded.ended_us) == ("finished", 5)


def test_the_watcher_stands_over_a_process_that_left_without_a_word():
    folded = fold(said(PROCESS, 1), said(WATCHER, 2, writer="w"), said(LEFT, 5), said(KILLED, 6, writer="w"))
    assert (folded.state, folded.end) == ("killed", KILLED)


def test_a_silent_leaving_is_an_end_where_nobody_watched():
    assert fold(said(PROCESS, 1), said(LEFT, 5)).state == "finished"


def test_an_edit_of_the_end_stands_over_everybody():
    edit = said(End(state="cancelled", cause="user", witness="process"), 7, number=4, writer="edits")
    assert fold(said(PROCESS, 1), said(FINISHED, 5), edit).state == "cancelled"


def test_a_run_that_was_resumed_after_its_end_runs_again():
    folded = fold(said(PROCESS, 1, writer="a"), said(FINISHED, 5, writer="a"), said(PROCESS, 9, writer="b"))
    assert (folded.state, folded.main_writer, folded.ended_us) == ("running", "b", None)


def test_a_resumed_run_ends_again():
    folded = fold(
        said(PROCESS, 1, writer="a"),
        said(FINISHED, 5, writer="a"),
        said(PROCESS, 9, writer="b"),
        said(End(state="failed", cause="exception", witness="process", explicit=True), 12, writer="b"),
    )
    assert (folded.state, folded.ended_us) == ("failed", 12)


def test_the_watcher_of_an_earlier_session_does_not_end_the_one_that_runs():
    folded = fold(
        said(PROCESS, 1, writer="a"),
        said(WATCHER, 2, writer="w"),
        said(PROCESS, 9, writer="b"),
        said(KILLED, 10, writer="w"),
    )
    assert folded.state == "running"


def test_an_end_counts_though_the_clock_went_back_during_the_run():
    folded = fold(said(PROCESS, 100, writer="a"), said(FINISHED, 20, writer="a", position=5))
    assert (folded.state, folded.ended_us) == ("finished", 20)


def test_a_failing_rank_that_began_before_rank_0_ends_the_run():
    failed = End(state="failed", cause="signal", witness="watcher", signal=11)
    folded = fold(
        said(Start(kind="watcher", rank=1), 1, writer="w1"), said(PROCESS, 2, writer="a"), said(failed, 8, writer="w1")
    )
    assert folded.state == "failed"


def test_a_process_that_is_proved_dead_without_a_witness_was_killed_by_something_unknown():
    folded = fold(said(PROCESS, 1), sighting=DEAD)
    assert folded.end is not None
    assert (folded.state, folded.end.cause, folded.ended_us) == ("killed", "unknown", 900)
    assert folded.end.witness == "nobody"


def test_a_silent_run_of_another_host_is_lost():
    folded = fold(said(PROCESS, 1), sighting=Sighting(None, is_silent=True, last_heard_us=50))
    assert (folded.state, folded.ended_us, folded.end) == ("lost", 50, None)


@pytest.mark.parametrize("is_alive", [True, None])
def test_a_run_that_is_not_silent_runs(is_alive):
    assert fold(said(PROCESS, 1), sighting=Sighting(is_alive, last_heard_us=50)).state == "running"


def test_a_living_process_is_never_lost_however_silent():
    assert fold(said(PROCESS, 1), sighting=Sighting(is_alive=True, is_silent=True)).state == "running"


def test_a_run_that_said_how_it_ended_stays_so_when_its_process_dies():
    assert fold(said(PROCESS, 1), said(FINISHED, 5), sighting=DEAD).state == "finished"


# ── whose life is the run's ────────────────────────────────────────────────────────────────────────────────────


def test_the_main_writer_is_the_last_of_rank_0():
    items = [
        said(PROCESS, 1, writer="a"),
        said(PROCESS, 5, writer="b"),
        said(Start(kind="rank", rank=1), 9, writer="r"),
        said(Start(kind="fork"), 9, writer="f"),
        said(WATCHER, 9, writer="w"),
    ]
    assert find_main_writer(items) == fold(*items).main_writer == "b"


def test_of_a_run_without_rank_0_the_last_to_begin_is_the_main_writer():
    items = [said(Start(kind="fork"), 1, writer="f"), said(WATCHER, 2, writer="w")]
    assert find_main_writer(items) == "w"


def test_a_run_that_nobody_began_has_no_main_writer():
    assert find_main_writer([said(Tag(add=["x"]))]) == ""


# ── rewinds ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rewind_cuts_off_earlier_writers_and_not_its_own():
    folded = fold(said(PROCESS, 1, writer="a"), said(PROCESS, 5, writer="b"), said(Rewind(step=7), 6, writer="b"))
    assert folded.cutoffs == {"a": 7}


def test_the_lowest_of_several_rewinds_counts_for_each_writer():
    folded = fold(
        said(PROCESS, 1, writer="a"),
        said(PROCESS, 5, writer="b"),
        said(Rewind(step=7), 6, writer="b"),
        said(PROCESS, 8, writer="c"),
        said(Rewind(step=9), 9, writer="c"),
    )
    assert folded.cutoffs == {"a": 7, "b": 9}


def test_what_a_watcher_measured_is_not_taken_back():
    folded = fold(
        said(PROCESS, 1, writer="a"),
        said(WATCHER, 2, writer="w"),
        said(PROCESS, 5, writer="b"),
        said(Rewind(step=7), 6, writer="b"),
    )
    assert "w" not in folded.cutoffs


def test_a_rewind_by_rank_0_takes_the_earlier_session_of_every_rank_back():
    folded = fold(
        said(PROCESS, 1, writer="a0"),
        said(Start(kind="rank", rank=1), 2, writer="a1"),
        said(PROCESS, 5, writer="b0"),
        said(Start(kind="rank", rank=1), 6, writer="b1"),
        said(Rewind(step=3), 7, writer="b0"),
    )
    assert folded.cutoffs == {"a0": 3, "a1": 3}


def test_a_rank_of_the_same_session_that_began_before_rank_0_is_not_taken_back():
    folded = fold_items(
        [
            said(Start(kind="rank", rank=1), 1, writer="a1"),
            said(PROCESS, 2, writer="a0"),
            said(Start(kind="rank", rank=1), 5, writer="b1"),
            said(PROCESS, 6, writer="b0"),
            said(Rewind(step=3), 7, writer="b0"),
        ],
        NOBODY,
    )
    assert folded.cutoffs == {"a0": 3, "a1": 3}


def test_a_forked_child_of_the_earlier_session_is_taken_back():
    folded = fold(
        said(PROCESS, 1, writer="a"),
        said(Start(kind="fork"), 2, writer="f"),
        said(PROCESS, 5, writer="b"),
        said(Rewind(step=3), 6, writer="b"),
    )
    assert folded.cutoffs == {"a": 3, "f": 3}


# ── objectives ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_directions_are_objectives():
    folded = fold(said(Set(fields={"objectives": {"acc": "max", "odd": "up", "n": 3}})))
    assert get_objectives(folded) == {"acc": "max"}


@pytest.mark.parametrize("value", [None, "max", ["acc"], 3])
def test_objectives_that_are_no_mapping_are_none(value):
    assert get_objectives(fold(said(Set(fields={"objectives": value})))) == {}
