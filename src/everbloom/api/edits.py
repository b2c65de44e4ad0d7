"""What edits of a run mean: which records they become, and which edits would take them back. Pure.

An edit that changes nothing becomes no record. Each edit is planned on the state that the ones before it leave, and the
edits that undo them come in reverse order. An undo is conditional: it names what it expects to find, so that what
somebody else wrote meanwhile is not lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from everbloom.api.types import Edit, LikeEdit, NoteEdit, SetEdit, TagEdit
from everbloom.core.errors import Conflict, InvalidInput
from everbloom.core.ids import check_name
from everbloom.core.records import Like, Note, Record, Set, Tag, Verdict

_TEXTS = ("why", "conclusion", "domain")
_FIELDS = (*_TEXTS, "verdict", "archived", "name")


@dataclass
class EditedRun:
    """What of a run edits may change, as it is now.

    Attributes:
        run: Its id.
        likes: Who likes it ("") or a part of it.
    """

    run: str
    tags: set[str]
    note: str
    note_version: int
    fields: dict[str, Any]
    likes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass
class Plan:
    """What is to be appended, and what takes it back."""

    records: list[Record] = field(default_factory=list)
    undo: list[Edit] = field(default_factory=list)


def plan_edits(state: EditedRun, edits: Sequence[Edit], user: str) -> Plan:
    """Return what edits of a run become; `state` is changed to what they leave.

    Raises:
        InvalidInput: An edit cannot be right; nothing of a request is to be applied then.
        Conflict: A note or a field was changed since the edit was made from it (`note.changed`, `set.changed`).
    """
    plan = Plan()
    for edit in edits:
        match edit:
            case TagEdit():
                _plan_tags(state, edit, plan)
            case NoteEdit():
                _plan_note(state, edit, plan)
            case LikeEdit():
                _plan_like(state, edit, plan, user)
            case SetEdit():
                _plan_set(state, edit, plan)
    plan.undo.reverse()
    return plan


def _plan_tags(state: EditedRun, edit: TagEdit, plan: Plan) -> None:
    add = {check_name(tag, what="tag") for tag in edit.add}
    remove = {check_name(tag, what="tag") for tag in edit.remove}
    if both := add & remove:
        raise InvalidInput(
            f"tag {min(both)!r} is to be added and removed at once; leave one out.", code="tag.contradiction"
        )
    fresh, gone = sorted(add - state.tags), sorted(remove & state.tags)
    if fresh or gone:
        state.tags = (state.tags | add) - remove
        plan.records.append(Tag(add=fresh, remove=gone))
        plan.undo.append(TagEdit(add=gone, remove=fresh))


def _plan_note(state: EditedRun, edit: NoteEdit, plan: Plan) -> None:
    if edit.base is not None and edit.base != state.note_version and not edit.append:
        raise Conflict(
            f"the note of run {state.run} was changed since version {edit.base}; put both texts together and send them "
            f"with base {state.note_version}.",
            code="note.changed",
            yours=edit.text,
            theirs=state.note,
            note_version=state.note_version,
        )
    if edit.append and not edit.text.strip():
        raise InvalidInput("the paragraph to add to the note is empty; send some text.", code="note.empty")
    if not edit.append and edit.text == state.note:
        return
    before = state.note
    plan.records.append(Note(text=edit.text, append=edit.append, base=None if edit.append else edit.base))
    state.note_version += 1
    state.note = f"{before}\n\n{edit.text}" if edit.append and before else edit.text
    # One undo for all note edits of a request: each names the version it expects, and undoing makes new ones.
    earlier = next((undo for undo in plan.undo if isinstance(undo, NoteEdit)), None)
    if earlier is None:
        plan.undo.append(NoteEdit(before, base=state.note_version))
    else:
        earlier.base = state.note_version


def _plan_like(state: EditedRun, edit: LikeEdit, plan: Plan, user: str) -> None:
    fans = state.likes.get(edit.target, ())
    if (user in fans) == edit.on:
        return
    plan.records.append(Like(on=edit.on, target=edit.target, user=user))
    rest = [fan for fan in fans if fan != user]
    state.likes = {**state.likes, edit.target: [*rest, user] if edit.on else rest}
    plan.undo.append(LikeEdit(on=not edit.on, target=edit.target))


def _plan_set(state: EditedRun, edit: SetEdit, plan: Plan) -> None:
    wanted = {name: _check_field(name, value) for name, value in edit.fields.items()}
    for name, value in (edit.expect or {}).items():
        if name in _FIELDS and state.fields.get(name) != _check_field(name, value):
            raise Conflict(
                f"{name} of run {state.run} is {state.fields.get(name)!r} by now, not {value!r}; nothing was changed.",
                code="set.changed",
                field=name,
                yours=wanted.get(name),
                theirs=state.fields.get(name),
            )
    changed = {name: value for name, value in wanted.items() if state.fields.get(name) != value}
    if changed:
        before = {name: state.fields.get(name) for name in changed}
        plan.records.append(Set(fields=changed))
        plan.undo.append(SetEdit(before, expect=dict(changed)))
        state.fields.update(changed)


def _check_field(name: str, value: str | bool | None) -> str | bool | None:
    """Return a field's value as it is kept; empty text unsets.

    Raises:
        InvalidInput: There is no such field to set, or the value does not fit it (`set.field`, `set.value`).
    """
    if name not in _FIELDS:
        raise InvalidInput(f"{name!r} cannot be set on a run; {', '.join(_FIELDS)} can.", code="set.field", field=name)
    if name == "archived":
        if not isinstance(value, bool):
            raise _bad_value(name, value, "true or false")
        return value
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _bad_value(name, value, "text or null")
    if name == "name":
        return check_name(value, what="run")
    if name == "verdict" and value not in get_args(Verdict):
        raise _bad_value(name, value, " or ".join(get_args(Verdict)))
    return value


def _bad_value(name: str, value: object, fits: str) -> InvalidInput:
    return InvalidInput(f"{name} = {value!r} does not fit; {fits} would.", code="set.value", field=name)
