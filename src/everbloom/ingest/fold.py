"""Fold a run's control records into what the run is now. Pure: the same records in any order fold the same.

The order that counts is (number, session, time, writer, position): what a run records of itself has number 0, a later
edit has its place in the store's edit journal, so an edit always stands over what the run said; and sessions have
numbers of their own, so that a host's clock does not decide which one is the latest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from everbloom.core.branches import MAIN_KINDS, Beginning, Item, find_beginnings, find_cutoffs, sort_items
from everbloom.core.ids import WriterId
from everbloom.core.records import (
    SETTABLE,
    Command,
    End,
    Like,
    Limits,
    Link,
    Note,
    Params,
    Problem,
    Rewind,
    Scalar,
    Set,
    Start,
    State,
    Tag,
)

EDITS_WRITER = "edits"


class Sighting(NamedTuple):
    """What an indexer knows of a run beyond its records.

    Attributes:
        is_alive: Whether the main writer's process runs: proved yes, proved no, or unknown.
        is_silent: Nothing was heard for so long that a run on another host counts as lost.
        last_heard_us: The latest time in the run's journals, by its own clocks; 0 = none.
        is_stalled: Its watcher lives, but training has given no sign of life for unusually long.
    """

    is_alive: bool | None = None
    is_silent: bool = False
    last_heard_us: int = 0
    is_stalled: bool = False


@dataclass
class Folded:
    """A run as its control records tell it.

    Attributes:
        fields: The single-valued fields, by the names of `records.SETTABLE`.
        note_version: How many note records there are; an edit names the one it is based on.
        likes: By liked part ("" is the run itself), who likes it.
        writers: Each writer's `Start`.
        problems: By code, what went wrong in recording; counts are over all writers.
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
    problems: list[Problem] = []
    told = list(items)
    beginnings = find_beginnings(told)
    for item in sort_items(told, beginnings):
        match item.record:
            case Start() | Rewind() if item.number:
                continue  # only a writer of the run can begin or go back
            case Start():
                starts.append(item)
                folded.writers[item.writer] = item.record
            case End():
                ends.append(item)
            case Rewind():
                rewinds.append(item)
            case Problem() as problem:
                problems.append(problem)
            case _:
                _apply(folded, item)
    folded.started_us = starts[0].time_us if starts else 0
    folded.problems = _sum_problems(problems)
    folded.cutoffs = find_cutoffs([*starts, *rewinds], beginnings)
    _decide_end(folded, starts, ends, sighting, beginnings)
    return folded


def _sum_problems(problems: Iterable[Problem]) -> dict[str, Problem]:
    """Add up each code's counts; the latest message stands for all."""
    summed: dict[str, Problem] = {}
    for problem in problems:
        before = summed[problem.code].count if problem.code in summed else 0
        summed[problem.code] = Problem(code=problem.code, message=problem.message, count=before + problem.count)
    return summed


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


def find_main_writer(items: Iterable[Item]) -> str:
    """Return the writer whose life is the run's: rank 0 of the latest session that has one; empty where none began."""
    main = _find_main(sort_items(i for i in items if isinstance(i.record, Start) and not i.number))
    return main.writer if main else ""


def _find_main(starts: list[Item]) -> Item | None:
    return ([i for i in starts if _is_main(i)] or starts)[-1] if starts else None


def _is_main(item: Item) -> bool:
    return isinstance(item.record, Start) and item.record.kind in MAIN_KINDS and not item.record.rank


def _decide_end(
    folded: Folded, starts: list[Item], ends: list[Item], sighting: Sighting, beginnings: Mapping[str, Beginning]
) -> None:
    """Settle how the run stands.

    Where no record of the main process's beginning can be read, its journal is damaged or not readable here. Any end
    that is told counts then; without one nobody knows how it went, so it is `lost`, never guessed to be killed.
    """
    main = _find_main(starts)
    folded.main_writer = main.writer if main else ""
    is_known = main is not None and _is_main(main)
    # A run that was resumed after its end runs again: what earlier sessions said of their end is history.
    current = [item for item in ends if main is None or not is_known or _is_said_of(main, item, starts, beginnings)]
    if current:
        last = max(reversed(current), key=_trust)  # of equal trust, the last in order
        if isinstance(last.record, End):
            folded.end, folded.state, folded.ended_us = last.record, last.record.state, last.time_us
        return
    if sighting.is_alive is False and is_known:
        folded.state, folded.end = "killed", End(state="killed", cause="unknown", witness="nobody")
        folded.ended_us = sighting.last_heard_us or folded.started_us
    elif sighting.is_alive is False or (sighting.is_alive is None and sighting.is_silent):
        folded.state = "lost"
        folded.ended_us = sighting.last_heard_us or folded.started_us


def _is_said_of(main: Item, end: Item, starts: list[Item], beginnings: Mapping[str, Beginning]) -> bool:
    """Tell whether an end is the main writer's session's, whatever clocks did meanwhile.

    The watcher of an earlier session may still speak when the next one runs already, so its word goes by when it
    began, not by when it spoke. Where rank 0 began twice within one number, other ranks may have begun before it, so
    theirs goes by the time.
    """
    if end.writer == main.writer:
        return True
    said, own = beginnings.get(end.writer), beginnings[main.writer]
    if said is None or end.number:
        return end.time_us >= main.time_us
    if said.session != own.session or not own.part:
        return said.session >= own.session
    witness = next((item.record for item in starts if item.writer == end.writer), None)
    if isinstance(witness, Start) and not witness.rank:
        return said[2:] > own[2:]
    return end.time_us >= main.time_us


def _trust(item: Item) -> int:
    """Rank witnesses: a person's edit, the process's own word, the watcher's, the process's silent leaving."""
    record = item.record
    if not isinstance(record, End):
        return -1
    if item.number:
        return 3
    if record.explicit or record.witness == "importer":
        return 2
    return int(record.witness == "watcher")


def get_objectives(folded: Folded) -> Mapping[str, str]:
    """Return the run's objectives: metric name to "min" or "max"."""
    objectives = folded.fields.get("objectives")
    if not isinstance(objectives, dict):
        return {}
    return {name: direction for name, direction in objectives.items() if direction in ("min", "max")}
