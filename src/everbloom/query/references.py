"""What a person typed to mean a run: a full id, a name, or the end of an id.

Reading takes the newest that fits, first of the current project, and says what else fits. Writing refuses to
choose.
"""

import difflib
from collections.abc import Iterable

from everbloom.core.errors import Ambiguous, NotFound
from everbloom.core.ids import REFERENCE_MIN_HEX, is_id_end
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Found, Run

_CANDIDATES_MAX = 1000
_LISTED_MAX = 10


def find_run(readable: ReadableIndex, reference: str, *, project: str | None = None) -> Found:
    """Find the run that a reference means, for reading.

    Args:
        readable: Where to look.
        reference: A full id, a name, or at least 6 hex digits of an id's end; the first of these that fits counts.
        project: The current project; its runs come before others.

    Raises:
        NotFound: Nothing fits (`run.unknown`); names what is close.
    """
    fitting = _find_fitting(readable, reference)
    near = [run for run in fitting if run.project == project]
    chosen = (near or fitting)[0]
    return Found(chosen, [run for run in fitting if run is not chosen])


def find_run_to_edit(readable: ReadableIndex, reference: str, *, project: str | None = None) -> Run:
    """Find the one run that a reference means, for changing it.

    Raises:
        NotFound: Nothing fits (`run.unknown`); names what is close.
        Ambiguous: Several fit (`run.ambiguous`); lists them, those of the current project first.
    """
    fitting = _find_fitting(readable, reference)
    if len(fitting) == 1:
        return fitting[0]
    ordered = sorted(fitting, key=lambda run: run.project != project)
    lines = "\n".join(f"  {_describe(run, ordered)}" for run in ordered[:_LISTED_MAX])
    more = f"\n  … and {len(ordered) - _LISTED_MAX} more" if len(ordered) > _LISTED_MAX else ""
    raise Ambiguous(
        f"{reference!r} means {len(ordered)} runs; a change needs one. Give the end of its id:\n{lines}{more}\n",
        code="run.ambiguous",
        reference=reference,
        candidates=[_to_candidate(run) for run in ordered],
    )


def _describe(run: Run, others: list[Run]) -> str:
    end = short_end(run.id, [other.id for other in others])
    return f"{end}  {run.name}  {run.namespace}/{run.project}  {run.created_at:%Y-%m-%d %H:%M}"


def _to_candidate(run: Run) -> dict[str, str]:
    created = run.created_at.isoformat()
    return {
        "id": run.id,
        "name": run.name,
        "namespace": run.namespace,
        "project": run.project,
        "created_at": created,
    }


def short_end(run: str, others: Iterable[str] = ()) -> str:
    """Return the shortest end of an id, at least 6 digits, that none of the others has."""
    length, known = REFERENCE_MIN_HEX, list(others)
    while length < len(run) and any(other != run and other.endswith(run[-length:]) for other in known):
        length += 1
    return run[-length:]


def _find_fitting(readable: ReadableIndex, reference: str) -> list[Run]:
    """Return what fits best, newest first: the full id, else the names, else the ends."""
    wanted = reference.strip()
    if not wanted:
        raise NotFound("an empty text means no run; give a name or the end of an id.", code="run.unknown", reference="")
    found = readable.to_readable(readable.index.catalog.find_runs(wanted, limit=_CANDIDATES_MAX))
    exact = [run for run in found if run.id == wanted] or [run for run in found if run.name == wanted]
    if exact:
        return exact
    end = wanted.lower()
    if is_id_end(end):
        found = readable.to_readable(readable.index.catalog.find_runs(end, limit=_CANDIDATES_MAX))
        if ends := [run for run in found if run.id.endswith(end)]:
            return ends
    raise _unknown(readable, wanted)


def _unknown(readable: ReadableIndex, reference: str) -> NotFound:
    close = _find_close_names(readable, reference)
    advice = f"Did you mean {' or '.join(close)}?" if close else "`everbloom ls` lists the runs."
    is_short = len(reference) < REFERENCE_MIN_HEX and is_id_end(reference.lower().rjust(REFERENCE_MIN_HEX, "0"))
    rule = f" The end of an id needs at least {REFERENCE_MIN_HEX} digits." if is_short else ""
    return NotFound(
        f"no run has the id or name {reference!r}.{rule} {advice}",
        code="run.unknown",
        reference=reference,
        suggestions=close,
    )


def _find_close_names(readable: ReadableIndex, reference: str) -> list[str]:
    """Return names that begin alike and look alike; of all names that would be too many to compare."""
    projects = {project.id for project in readable.read_projects()}
    names: dict[str, None] = {}
    for length in (len(reference), 5, 3, 1):
        found = readable.index.catalog.find_names(reference[:length])
        names.update(dict.fromkeys(name for name, project in found if project in projects))
    return difflib.get_close_matches(reference, names, 3, 0.6)
