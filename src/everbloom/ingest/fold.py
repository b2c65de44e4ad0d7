"""Fold a run's control records into what the run is now. Pure: the same records in any order fold the same.

The order that counts is (number, time, writer, position): what a run records of itself has number 0, a later edit
has its place in the store's edit journal, so an edit always stands over what the run said.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from everbloom.core.ids import RunId, WriterId, default_name
from everbloom.core.records import (
    SETTABLE,
    Cause,
    Command,
    End,
    Like,
    Limits,
    Link,
    Note,
    Params,
    Problem,
    Record,
    Rewind,
    Scalar,
    Set,
    Start,
    State,
    Tag,
)
from everbloom.core.settings import DEFAULT_EXPERIMENT, DEFAULT_NAMESPACE, DEFAULT_PROJECT

EDITS_WRITER = "edits"


class Item(NamedTuple):
    """A control record with what decides its order."""

    number: int
    time_us: int
    writer: str
    position: int
    record: Record


class Sighting(NamedTuple):
    """What an indexer knows of a run beyond its records.

    Attributes:
        is_alive: Whether the main writer's process runs: proved yes, proved no, or unknown.
        is_silent: Nothing was heard for so long that a run on another host counts as lost.
        last_heard_us: The latest time in the run's journals, by its own clocks; 0 = none.
    """

    is_alive: bool | None = None
    is_silent: bool = False
    last_heard_us: int = 0


@dataclass
class Folded:
    """A run as its control records tell it.

    Attributes:
        fields: The single-valued fields, by the names of `records.SETTABLE`.
        note_version: How many note records there are; an edit names the one it is based on.
        likes: By liked part ("" is the run itself), who likes it.
        writers: Each writer's `Start`.
        cutoffs: By writer, the step beyond which its points no longer count, because the run was rewound.
        history: (number, time, field, value) of every scalar that was set, oldest first.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Scalar] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    note: str = ""
    note_version: int = 0
    likes: dict[str, list[str]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    command: Command | None = None
    limits: dict[str, float] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    writers: dict[str, Start] = field(default_factory=dict)
    main_writer: str = ""
    cutoffs: dict[WriterId, int] = field(default_factory=dict)
    history: list[tuple[int, int, str, Any]] = field(default_factory=list)
    state: State = "running"
    end: End | None = None
    started_us: int = 0
    ended_us: int | None = None


def fold_items(items: Iterable[Item], sighting: Sighting) -> Folded:
    """Fold control records, given in any order, into the run as it is now."""
    folded = Folded()
    starts: list[Item] = []
    ends: list[Item] = []
    rewinds: list[Item] = []
    for item in sorted(items, key=lambda i: i[:4]):
        match item.record:
            case Start():
                starts.append(item)
                folded.writers[item.writer] = item.record
            case End():
                ends.append(item)
            case Rewind():
                rewinds.append(item)
            case _:
                _apply(folded, item)
    folded.started_us = starts[0].time_us if starts else 0
    folded.cutoffs = _find_cutoffs(starts, rewinds)
    _decide_end(folded, starts, ends, sighting)
    return folded


def _apply(folded: Folded, item: Item) -> None:
    match item.record:
        case Set(fields=fields):
            for name, value in fields.items():
                if name in SETTABLE:
                    folded.fields[name] = value
                    folded.history.append((item.number, item.time_us, name, value))
        case Params(values=values):
            folded.params.update(values)
        case Tag(add=add, remove=remove):
            folded.tags = sorted((set(folded.tags) - set(remove)) | set(add))
        case Like(on=on, target=target, user=user):
            fans = set(folded.likes.pop(target, ())) - {user} | ({user} if on else set())
            if fans:
                folded.likes[target] = sorted(fans)
        case Note() as note:
            folded.note = f"{folded.note}\n\n{note.text}" if note.append and folded.note else note.text
            folded.note_version += 1
            folded.history.append((item.number, item.time_us, "note", folded.note))
        case Link() as link:
            folded.links = [known for known in folded.links if known.url != link.url] + [link]
        case Command() as command:
            folded.command = command
        case Limits(values=limits):
            folded.limits.update(limits)
        case Problem() as problem:
            # The writer counts up, so its later record of a code replaces the earlier.
            folded.problems[problem.code] = problem


_RECORDING_KINDS = frozenset({"process", "rank", "fork", "importer"})
_MAIN_KINDS = frozenset({"process", "rank", "importer"})


def _find_cutoffs(starts: list[Item], rewinds: list[Item]) -> dict[WriterId, int]:
    started = {item.writer: item[1:4] for item in starts}
    cutoffs: dict[WriterId, int] = {}
    for rewind in rewinds:
        step = rewind.record.step if isinstance(rewind.record, Rewind) else 0
        since = started.get(rewind.writer, rewind[1:4])
        for item in starts:
            is_older = item[1:4] < since and item.writer != rewind.writer
            if is_older and isinstance(item.record, Start) and item.record.kind in _RECORDING_KINDS:
                writer = WriterId(item.writer)
                cutoffs[writer] = min(step, cutoffs.get(writer, step))
    return cutoffs


def _decide_end(folded: Folded, starts: list[Item], ends: list[Item], sighting: Sighting) -> None:
    mains = [i for i in starts if isinstance(i.record, Start) and i.record.kind in _MAIN_KINDS and not i.record.rank]
    main = (mains or starts)[-1] if starts else None
    folded.main_writer = main.writer if main else ""
    # A run that was resumed after its end runs again: ends from before the main writer's start are history.
    current = [item for item in ends if main is None or item.time_us >= main.time_us]
    if current:
        last = max(current, key=_trust)
        if isinstance(last.record, End):
            folded.end, folded.state, folded.ended_us = last.record, last.record.state, last.time_us
        return
    if sighting.is_alive is False:
        folded.state, folded.end = "killed", End(state="killed", cause="unknown", witness="watcher")
        folded.ended_us = sighting.last_heard_us or folded.started_us
    elif sighting.is_alive is None and sighting.is_silent:
        folded.state = "lost"
        folded.ended_us = sighting.last_heard_us or folded.started_us


def _trust(item: Item) -> tuple[int, tuple[int, int, str, int]]:
    """Rank witnesses: the process's own word, then the watcher's, then the process's silent leaving."""
    record = item.record
    if not isinstance(record, End):
        return -1, item[:4]
    if record.explicit or record.witness == "importer":
        return 2, item[:4]
    return int(record.witness == "watcher"), item[:4]


def to_attributes(run: RunId, folded: Folded, sighting: Sighting) -> dict[str, Any]:
    """Return a run's attributes under the keys of the filter language; metrics apart.

    Values are text, numbers, booleans, None (for an explicit null) or a list of texts.
    """
    fields = folded.fields
    created = int(fields.get("created") or folded.started_us)
    until = folded.ended_us or sighting.last_heard_us
    attributes: dict[str, Any] = {
        "id": run,
        "name": fields.get("name") or default_name(run),
        "namespace": fields.get("namespace") or DEFAULT_NAMESPACE,
        "project": fields.get("project") or DEFAULT_PROJECT,
        "experiment": fields.get("experiment") or DEFAULT_EXPERIMENT,
        "state": folded.state,
        "created": created,
        "archived": bool(fields.get("archived")),
    }
    if fans := folded.likes.get(""):
        attributes["likes"] = len(fans)
    if until > created:
        attributes["duration"] = (until - created) / 1e6
    if folded.ended_us is not None:
        attributes["ended"] = folded.ended_us
    if cause := _cause(folded):
        attributes["end.cause"] = cause
    for name in ("user", "group", "parent", "why", "conclusion", "verdict", "domain", "seed", "total_steps"):
        if fields.get(name) is not None:
            attributes[name] = fields[name]
    if folded.tags:
        attributes["tag"] = folded.tags
    if folded.note:
        attributes["note"] = folded.note
    attributes.update((f"params.{name}", value) for name, value in folded.params.items())
    return attributes


def _cause(folded: Folded) -> Cause | None:
    return folded.end.cause if folded.end else None


def get_objectives(folded: Folded) -> Mapping[str, str]:
    """Return the run's objectives: metric name to "min" or "max"."""
    objectives = folded.fields.get("objectives")
    return objectives if isinstance(objectives, dict) else {}
