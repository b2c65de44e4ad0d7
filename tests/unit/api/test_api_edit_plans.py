"""What edits become, and that what undoes them really does: a law over any sequence of edits."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everbloom.api.edits import EditedRun, plan_edits
from everbloom.api.types import LikeEdit, NoteEdit, SetEdit, TagEdit
from everbloom.core.errors import Conflict, InvalidInput
from everbloom.core.records import Like, Note, Set, Tag

TAGS = st.lists(st.sampled_from("abc"), max_size=2, unique=True)
TEXTS = st.sampled_from(["", "one", "two", "a\n\nb"])
EDITS = st.one_of(
    st.builds(lambda add: TagEdit(add=add), TAGS),
    st.builds(lambda remove: TagEdit(remove=remove), TAGS),
    st.builds(NoteEdit, TEXTS),
    st.builds(lambda text: NoteEdit(text or "x", append=True), TEXTS),
    st.builds(lambda on, target: LikeEdit(on=on, target=target), st.booleans(), st.sampled_from(["", "metric:a"])),
    st.builds(lambda text: SetEdit({"why": text}), TEXTS),
    st.builds(lambda on: SetEdit({"archived": on, "verdict": "supported" if on else None}), st.booleans()),
)


def make_state(**more):
    fields = dict.fromkeys(("why", "conclusion", "domain", "verdict")) | {"name": "amber", "archived": False}
    return EditedRun("f" * 32, {"a"}, "note", 1, fields | more, {"": ["bo"]})


def visible(state):
    return (state.tags, state.note, state.fields, {target: set(fans) for target, fans in state.likes.items() if fans})


@given(st.lists(EDITS, max_size=6))
def test_undoing_any_edits_gives_back_what_was_there(edits):
    state = make_state()
    before = copy.deepcopy(visible(state))
    plan = plan_edits(state, edits, "ann")
    plan_edits(state, plan.undo, "ann")
    assert visible(state) == before


@given(st.lists(EDITS, max_size=6))
def test_undoing_the_undoing_makes_the_edits_again(edits):
    state = make_state()
    plan = plan_edits(state, edits, "ann")
    after = copy.deepcopy(visible(state))
    undo = plan_edits(state, plan.undo, "ann")
    plan_edits(state, undo.undo, "ann")
    assert visible(state) == after


def test_edits_become_records_without_what_changes_nothing():
    edits = [TagEdit(add=["a", "b"], remove=["c"]), NoteEdit("note"), LikeEdit(), SetEdit({"why": "x", "domain": ""})]
    plan = plan_edits(make_state(), edits, "ann")
    assert plan.records == [Tag(add=["b"]), Like(on=True, user="ann"), Set(fields={"why": "x"})]


def test_each_edit_is_planned_on_what_the_one_before_it_left():
    plan = plan_edits(make_state(), [NoteEdit("x", base=1), NoteEdit("y", base=2)], "ann")
    assert [record.text for record in plan.records if isinstance(record, Note)] == ["x", "y"]


def test_a_note_of_another_version_is_a_conflict_with_both_texts():
    with pytest.raises(Conflict) as told:
        plan_edits(make_state(), [NoteEdit("mine", base=0)], "ann")
    assert told.value.fields == {"yours": "mine", "theirs": "note", "note_version": 1}


def test_a_condition_that_does_not_hold_stops_the_edit():
    with pytest.raises(Conflict) as told:
        plan_edits(make_state(why="theirs"), [SetEdit({"why": None}, expect={"why": "mine"})], "ann")
    assert told.value.code == "set.changed"


@pytest.mark.parametrize("field", ["id", "project", "namespace", "user", "created", "parent", "", "why "])
def test_only_what_people_say_of_a_run_can_be_set(field):
    with pytest.raises(InvalidInput, match="cannot be set"):
        plan_edits(make_state(), [SetEdit({field: "x"})], "ann")
