"""The arguments of `init`, checked: what is wrong with them is said before anything is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from everbloom.core.branches import Fork
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.core.ids import RunId, check_name, check_namespace, new_run_id
from everbloom.core.settings import DEFAULT_EXPERIMENT, DEFAULT_PROJECT, Settings
from everbloom.core.values import check_metric_name
from everbloom.sdk.names import is_in_store, resolve_reference
from everbloom.sdk.rows import to_step
from everbloom.sdk.texts import check_text

Reference = str | tuple[str, int]


class Origin(Struct, frozen=True, kw_only=True):
    """Which run is recorded, and what it goes on from.

    Attributes:
        run: Its id.
        rank: Which of those that record it this process is; 0 of a run of its own.
        is_new: Whether this process begins it, rather than adding to it; of several ranks only rank 0 does.
        rewind_to: The step that it is set back to.
        fork: The run whose records it shares, up to which step, and of which sessions.
        is_resumed: Whether it goes on from an earlier process's checkpoint and steps.
        session: Which start of the run's processes this one belongs to; 0 for those that begin it.
    """

    run: RunId
    rank: int = 0
    is_new: bool
    rewind_to: int | None = None
    fork: Fork | None = None
    is_resumed: bool = False
    session: int = 0


def find_origin(
    root: Path,
    *,
    now_us: int,
    shared: str | None,
    rank: int = 0,
    resume: Any = None,
    fork: Any = None,
) -> Origin:
    """Find out which run is to be recorded.

    Args:
        root: The store.
        now_us: The time that a new run's id carries.
        shared: The id that the ranks of one job share, from the environment; used where nothing is resumed.
        rank: Which process of the job this is. They start in any order: a run that only others record is new to 0.
        resume: A reference, or (reference, step).
        fork: (reference, step).

    Raises:
        InvalidInput: Both are given, or one is malformed.
        NotFound: The run is not in this store.
        Ambiguous: The reference fits several runs.
    """
    if resume is not None and fork is not None:
        raise InvalidInput(
            "init() got both resume= and fork=; resume goes on with a run, fork begins another. Give one.",
            code="init.resume_and_fork",
        )
    if resume is not None:
        reference, step = resume if isinstance(resume, tuple) and len(resume) == 2 else (resume, None)
        run = _find_stored(root, "resume", reference)
        rewind_to = None if step is None else to_step(step)
        place = 0 if rank and _is_own_run(root, run, rank) else rank
        session = _find_session(root, run, place, is_resumed=True)
        return Origin(run=run, rank=place, is_new=False, rewind_to=rewind_to, is_resumed=True, session=session)
    if fork is not None:
        if not (isinstance(fork, tuple) and len(fork) == 2):
            raise InvalidInput(
                f"fork={fork!r} is not (run, step); say from which step on the new run goes its own way.",
                code="init.fork",
            )
        source = _find_stored(root, "fork", fork[0])
        is_shared = shared is not None and shared != source
        branch = Fork(source, to_step(fork[1]), _find_newest_session(root, source))
        return _begin(root, now_us, shared if is_shared else None, rank, fork=branch)
    return _begin(root, now_us, shared, rank)


def _begin(root: Path, now_us: int, shared: str | None, rank: int, *, fork: Fork | None = None) -> Origin:
    if shared is None:
        return Origin(run=new_run_id(now_us), is_new=True, fork=fork)
    run = RunId(shared)
    if not is_in_store(root, run):
        return Origin(run=run, rank=rank, is_new=rank == 0, fork=fork)
    is_new = rank == 0 and not _has_begun(root, run)
    session = _find_session(root, run, rank, is_resumed=False)
    return Origin(run=run, rank=rank, is_new=is_new, fork=fork, session=session)


def _is_own_run(root: Path, run: RunId, rank: int) -> bool:
    from everbloom.sdk.resume import is_own_run  # most runs are of one process

    return is_own_run(root, run, rank)


def _has_begun(root: Path, run: RunId) -> bool:
    from everbloom.sdk.resume import has_begun  # most runs are of one process

    return has_begun(root, run)


def _find_session(root: Path, run: RunId, rank: int, *, is_resumed: bool) -> int:
    from everbloom.sdk.sessions import find_session  # most runs are of one process and begin here

    return find_session(root, run, rank, is_resumed=is_resumed)


def _find_newest_session(root: Path, run: RunId) -> int:
    from everbloom.sdk.sessions import find_newest_session  # most runs are no forks

    return find_newest_session(root, run)


def _find_stored(root: Path, argument: str, reference: Any) -> RunId:
    if not isinstance(reference, str):
        raise InvalidInput(
            f"{argument}={reference!r} does not name a run; give its id or name, or (that, step).",
            code=f"init.{argument}",
        )
    run = resolve_reference(root, reference)
    if not is_in_store(root, run):
        raise NotFound(
            f"{argument}={reference!r} is not in the store at {root}; copy the run there first, or set "
            f"EVERBLOOM_ROOT to the store that has it.",
            code="run.missing",
            reference=reference,
        )
    return run


def check_fields(settings: Settings, is_new: bool, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run's single-valued fields: those given, and for a new run the defaults.

    Raises:
        InvalidInput: A field cannot be right; names it.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    if is_new:
        fields.setdefault("namespace", settings.namespace)
        fields.setdefault("project", settings.project or DEFAULT_PROJECT)
        fields.setdefault("experiment", DEFAULT_EXPERIMENT)
    for name in ("project", "experiment", "group", "domain"):
        if name in fields:
            fields[name] = check_name(_as_text(name, fields[name]), what=name)
    if "namespace" in fields:
        fields["namespace"] = check_namespace(_as_text("namespace", fields["namespace"]))
    for name in ("seed", "total_steps"):
        if name in fields:
            fields[name] = to_step(fields[name], what=name)
    if "why" in fields:
        check_text(fields["why"], "why")
    if "objectives" in fields:
        fields["objectives"] = _check_objectives(fields["objectives"])
    return fields


def _as_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{name}={value!r} is no text; give a name.", code="init.not_text", argument=name)
    return value


def _check_objectives(objectives: Any) -> dict[str, str]:
    if not isinstance(objectives, Mapping) or any(v not in ("min", "max") for v in objectives.values()):
        raise InvalidInput(
            f"objectives={objectives!r} is not a mapping of metrics to 'min' or 'max', such as {{'val/acc': 'max'}}.",
            code="init.objectives",
        )
    return {check_metric_name(metric): direction for metric, direction in objectives.items()}


def check_tags(tags: Sequence[str] | None) -> list[str]:
    """Return tags stripped and checked.

    Raises:
        InvalidInput: One cannot be a tag, or a single text was given instead of a list.
    """
    if isinstance(tags, str):
        raise InvalidInput(f"tags={tags!r} is one text; give a list, such as [{tags!r}].", code="init.tags")
    return [check_name(_as_text("tag", tag), what="tag") for tag in tags or ()]
