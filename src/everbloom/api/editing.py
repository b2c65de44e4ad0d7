"""Changing runs: one with its row read back at once, or all that match with a token that undoes it.

An edit is appended to the store's journal, synced, and taken into the index before the answer, so that what a client
reads next holds it. Requests of one server take turns; against another process the order in the journal decides.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from litestar import patch, post
from litestar.params import FromPath, JSONBody

from everbloom.api.answers import Given, find_run, to_rows
from everbloom.api.edits import EditedRun, plan_edits
from everbloom.api.store import Store
from everbloom.api.types import BulkAnswer, BulkEdit, Edit, EditAnswer, EditRequest, LikeEdit, UndoRequest
from everbloom.api.undo import Undo
from everbloom.core.errors import Conflict, InvalidInput, Unavailable
from everbloom.core.ids import RunId
from everbloom.core.records import Record
from everbloom.journal.edits import append_edits
from everbloom.query.reader import Reader
from everbloom.query.views import Run, RunQuery

_FIELDS = ("why", "conclusion", "domain", "verdict", "name")


@dataclass
class _Batch:
    appended: list[tuple[RunId, Record]]
    undo: Undo


@patch("/runs/{run:str}", sync_to_thread=True)
def edit_run(store: Given, run: FromPath[str], data: JSONBody[EditRequest]) -> EditAnswer:
    """Change a run; answers its row as the index has it now, and the edits that take it back."""
    with store.writing:
        store.follower.look_now()
        with store.reader() as reader:
            (state,) = read_states(reader, [find_run(reader, run)], data.edits)
        plan = plan_edits(state, data.edits, store.user)
        _append(store, [(RunId(run), record) for record in plan.records])
    with store.reader() as reader:
        (row,) = to_rows(reader, [find_run(reader, run)])
        return EditAnswer(row, plan.undo, reader.read_version())


@post("/runs/bulk", sync_to_thread=True, status_code=200)
def edit_many(store: Given, data: JSONBody[BulkEdit]) -> BulkAnswer:
    """Change many runs: those named, or all that match."""
    with store.writing:
        store.follower.look_now()
        with store.reader() as reader:
            states = read_states(reader, _choose(reader, data), data.edits)
        batch = _plan_all(states, [data.edits] * len(states), store.user, skips_conflicts=False)
        return _apply(store, batch)


@post("/undo", sync_to_thread=True, status_code=200)
def undo(store: Given, data: JSONBody[UndoRequest]) -> BulkAnswer:
    """Take a bulk edit back; runs that somebody changed since in the same place are left as they are."""
    with store.writing:
        kept = store.undos.get(data.undo_token)
        store.follower.look_now()
        with store.reader() as reader:
            runs = {run.id: run for run in reader.read_runs(run for run, _ in kept)}
            wanted = [(runs[RunId(run)], edits) for run, edits in kept if run in runs]
            every = [edit for _, edits in wanted for edit in edits]
            states = read_states(reader, [run for run, _ in wanted], every)
        batch = _plan_all(states, [edits for _, edits in wanted], store.user, skips_conflicts=True)
        done = _apply(store, batch)
        store.undos.drop(data.undo_token)
        return done


def _choose(reader: Reader, data: BulkEdit) -> list[Run]:
    if data.ids is not None:
        return [find_run(reader, run) for run in dict.fromkeys(data.ids)]
    if not (data.f or data.project or data.experiment or data.ns):
        raise InvalidInput(
            "neither ids nor a filter nor a project was given; that would change every run of the store. Name a "
            "namespace to mean all of its runs.",
            code="bulk.everything",
        )
    query = RunQuery(
        filter=data.f,
        namespace=data.ns or None,
        project=data.project or None,
        experiment=data.experiment or None,
        limit=None,
        archived=data.archived,
    )
    return reader.list_runs(query).runs


def read_states(reader: Reader, runs: Sequence[Run], edits: Sequence[Edit]) -> list[EditedRun]:
    """Return what edits may change of runs; who likes what is read only where an edit asks."""
    has_likes = any(isinstance(edit, LikeEdit) for edit in edits)
    return [
        EditedRun(
            run.id,
            set(run.tags),
            run.note,
            mark.note_version,
            {name: run.attributes.get(name) for name in _FIELDS} | {"archived": run.is_archived},
            reader.read_detail(run.id).likes if has_likes else {},
        )
        for run, mark in zip(runs, reader.read_marks(runs), strict=True)
    ]


def _plan_all(
    states: Sequence[EditedRun], edits: Sequence[Sequence[Edit]], user: str, *, skips_conflicts: bool
) -> _Batch:
    batch = _Batch([], [])
    for state, wanted in zip(states, edits, strict=True):
        try:
            plan = plan_edits(state, wanted, user)
        except Conflict:
            if not skips_conflicts:
                raise
            continue
        if plan.records:
            batch.appended += [(RunId(state.run), record) for record in plan.records]
            batch.undo.append((state.run, plan.undo))
    return batch


def _append(store: Store, edits: Sequence[tuple[RunId, Record]]) -> None:
    """Write edits and take them into the index; written is done, so an index that cannot follow is no error here."""
    append_edits(store.settings.root, store.user, edits)
    with contextlib.suppress(Unavailable):  # it stays the follower's trouble, which reading tells
        store.follower.look_now()


def _apply(store: Store, batch: _Batch) -> BulkAnswer:
    _append(store, batch.appended)
    token = store.undos.add(batch.undo) if batch.undo else None
    return BulkAnswer(len(batch.undo), token, store.follower.version)


HANDLERS = [edit_run, edit_many, undo]
