"""`init`: from what a person gives, and what the environment says, to a run that records.

Everything that can be wrong with the arguments or the store raises here, before training has begun; a full disk
does not, because it may be gone by the time something is logged. Nothing here looks anything up but the store's
list of names: search belongs to others, and `init` takes milliseconds.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from everbloom.capture.command import read_command
from everbloom.capture.death import read_oom_kills
from everbloom.capture.limits import find_group
from everbloom.capture.order import WatchOrder
from everbloom.core.branches import to_reference
from everbloom.core.clock import now_us
from everbloom.core.ids import RunId, check_name, default_name
from everbloom.core.records import Direction, Rewind, Set, Start, Tag, WriterKind
from everbloom.core.settings import Settings, environment_value, load_settings, read_job
from everbloom.core.version import __version__
from everbloom.journal.identity import process_start, user_name
from everbloom.journal.names import read_names
from everbloom.sdk import current
from everbloom.sdk.files import FileStore
from everbloom.sdk.guard import Guard
from everbloom.sdk.names import resolve_reference
from everbloom.sdk.options import Origin, check_fields, check_tags, find_origin
from everbloom.sdk.ranks import find_place
from everbloom.sdk.recorder import Recorder
from everbloom.sdk.run import Run
from everbloom.sdk.session import Session
from everbloom.sdk.spawn import start_watcher
from everbloom.sdk.texts import to_mapping


def init(
    project: str | None = None,
    *,
    experiment: str | None = None,
    why: str | None = None,
    params: Any = None,
    name: str | None = None,
    group: str | None = None,
    tags: Sequence[str] | None = None,
    parent: str | None = None,
    resume: str | tuple[str, int] | None = None,
    fork: tuple[str, int] | None = None,
    seed: int | None = None,
    domain: str | None = None,
    objectives: Mapping[str, Direction] | None = None,
    total_steps: int | None = None,
    namespace: str | None = None,
    root: str | Path | None = None,
) -> Run:
    """Begin to record a run, and make it the current one.

    Args:
        project: What it is for; default `EVERBLOOM_PROJECT`, `everbloom.toml`, else `default`.
        experiment: The question within the project that it helps to answer; default `default`.
        why: What it is meant to find out.
        params: Its parameters: a mapping, nested or not, an `argparse.Namespace`, a dataclass.
        name: What people call it; default such as `amber-heron-7c1e`.
        group: What it belongs together with, such as the folds of a cross-validation.
        tags: Words to find it by.
        parent: The run that it builds on: a full id, a name, or at least 6 hex digits of an id's end.
        resume: A run to go on with, from its newest whole checkpoint; or (run, step): later points of earlier
            processes no longer count.
        fork: (run, step): a new run that shares the other's points up to that step, by reference, and counts on
            behind it. Project, experiment and parameters are the other's where not given, and it is the parent.
        seed: The seed of its random numbers.
        domain: The field it belongs to, such as `news`.
        objectives: Which metrics matter and whether they should be small or large:
            `{"val/acc": "max", "latency": "min"}`.
        total_steps: How many steps it will take, for progress.
        namespace: The team or person it belongs to; default `EVERBLOOM_NAMESPACE`, else `local`.
        root: The store's folder; default `EVERBLOOM_ROOT`, `everbloom.toml`, else `~/.everbloom`.

    Returns:
        The run; use it as a context manager, or call its `finish`.

    Raises:
        InvalidInput: An argument or setting cannot be right.
        NotFound: `parent`, `resume` or `fork` name no run of the store.
        Ambiguous: They fit several.
        Unavailable: The store cannot be written for another reason than a full disk.
    """
    settings, created_us = load_settings(root=root), now_us()
    named = None if params is None else to_mapping(params)
    place = find_place(read_job(), created_us, is_resumed=resume is not None)
    origin = find_origin(settings.root, now_us=created_us, shared=place.run, rank=place.rank, resume=resume, fork=fork)
    rank = origin.rank
    given = {
        "project": project,
        "experiment": experiment,
        "group": place.group if group is None else group,
        "seed": seed,
        "domain": domain,
        "objectives": objectives,
        "total_steps": total_steps,
        "namespace": namespace,
        "name": None if name is None else check_name(name, what="name"),
        "parent": None if parent is None else resolve_reference(settings.root, parent),
        "why": why,
    }
    inherited = _inherit(settings.root, origin, rank, given)
    fields = check_fields(settings, origin.is_new, given)
    checked_tags = [*check_tags(tags), *place.tags]
    session = _open_session(settings, origin, rank, fields.get("name"))
    try:
        _begin(session, settings, origin, rank, fields, checked_tags, [inherited, named], created_us)
    except BaseException as error:
        session.finish(error)  # strict mode, or Ctrl-C: no run is left behind that seems to be running
        raise
    if place.notice is not None:
        session.note("run.not_shared", place.notice)
    current.push(session)
    return session.run


def _begin(
    session: Session,
    settings: Settings,
    origin: Origin,
    rank: int,
    fields: dict[str, Any],
    tags: list[str],
    params: Sequence[Any],
    created_us: int,
) -> None:
    if rank == 0:
        if origin.is_new:
            fields |= {"name": session.run.name, "created": created_us, "user": session.user}
        _record_beginning(session, origin, fields, tags)
        for values in params:
            if values is not None:
                session.run.params.update(values)
        if settings.capture.command:
            session.record(read_command())
    _start_capture(session, settings, origin, created_us, rank)


def _inherit(root: Path, origin: Origin, rank: int, given: dict[str, Any]) -> dict[str, Any] | None:
    """Fill in what a forked run has from the other where nothing is given; return the other's parameters."""
    if origin.fork is None or rank or not origin.is_new:
        return None
    from everbloom.sdk.resume import read_told  # most runs are no forks

    fields, params = read_told(root, origin.fork.source)
    for name in ("project", "experiment"):
        if given[name] is None:
            given[name] = fields.get(name)
    return params or None


def _open_session(settings: Settings, origin: Origin, rank: int, name: str | None) -> Session:
    root, run = settings.root, origin.run
    user = environment_value("EVERBLOOM_USER") or user_name()
    guard = Guard(is_strict=settings.strict)
    kind: WriterKind = "process" if rank == 0 else "rank"
    start = Start(
        kind=kind,
        rank=rank,
        pid=os.getpid(),
        host=os.uname().nodename,
        user=user,
        version=__version__,
        session=origin.session,
    )
    resumed_from, last_step = _read_earlier(root, origin)
    recorder = Recorder(root, run, start, last_step=last_step)
    session = Session(root, recorder, guard, rank=rank, user=user)
    session.run = Run(
        run,
        name or _find_name(root, origin),
        recorder=recorder,
        guard=guard,
        files=FileStore(root, run, recorder, guard, user=user),
        finish=lambda _, error: session.finish(error),
        resumed_from=resumed_from,
    )
    if origin.is_new and rank == 0:
        session.register_name()
    return session


def _find_name(root: Path, origin: Origin) -> str:
    if origin.is_new:
        return default_name(origin.run)
    return read_names(root).get(origin.run) or default_name(origin.run)


def _read_earlier(root: Path, origin: Origin) -> tuple[tuple[Path, int] | None, int]:
    """Return the checkpoint to go on from, and the step to count on from."""
    if not origin.is_resumed:
        return None, -1 if origin.fork is None else origin.fork.step
    from everbloom.sdk.resume import find_checkpoint, find_last_step  # most runs resume nothing

    checkpoint = find_checkpoint(root, origin.run, session=origin.session, step=origin.rewind_to)
    if origin.rewind_to is not None:
        return checkpoint, origin.rewind_to
    if checkpoint is not None:
        return checkpoint, checkpoint[1]
    return None, find_last_step(root, origin.run, session=origin.session)


def _record_beginning(session: Session, origin: Origin, fields: dict[str, Any], tags: list[str]) -> None:
    if "why" in fields:
        session.guarded(lambda: fields.update(why=session.run.fit_text(fields["why"], "notes/why.md")))
    if origin.fork is not None and origin.is_new:
        fields.setdefault("parent", origin.fork.source)
        session.record(to_reference(origin.fork))
    rewind_to = origin.rewind_to
    if rewind_to is None and session.run.resumed_from is not None:
        rewind_to = session.run.resumed_from[1]  # what came after the checkpoint is computed again
    if rewind_to is not None:
        session.record(Rewind(step=rewind_to))
    if fields:
        session.record(Set(fields=fields))
    if tags:
        session.record(Tag(add=tags))


def _start_capture(session: Session, settings: Settings, origin: Origin, created_us: int, rank: int) -> None:
    capture, run = settings.capture, RunId(session.run.id)
    if not capture.watcher:
        return
    if capture.console:
        session.divert_console()
    console = session.console
    group = find_group(os.getpid(), "memory")
    order = WatchOrder(
        root=str(settings.root),
        run=run,
        pid=os.getpid(),
        process_start=process_start(os.getpid()),
        created_us=created_us,
        rank=rank,
        session=origin.session,
        has_resources=capture.resources,
        spools=console.orders if console is not None else [],
        memory_group="" if group is None else str(group),
        oom_kills=read_oom_kills(group),
        is_tidied=settings.tidy,
    )
    session.guarded(lambda: session.watch(start_watcher(order, console.targets if console else [])))
    if session.watcher is None and console is not None:
        console.finish()  # nobody would copy what is printed
        session.console = None
