"""What a forked run shares with the runs before it, and whose summaries follow from whose points.

A fork is one reference record: another run, and the last step that both have. The points up to it are never copied:
the fork's series are read from both runs, and its document, which tables, filters and `show` read, sums both up. So
whatever changes the shared points makes the documents of all forks behind them anew (docs/decisions/0013).

Points are shared within one namespace, which is what permission is given for: whoever reads a fork may read the run
before it, so nobody reads a run by forking it.
"""

from collections.abc import Iterable, Mapping

from everbloom.core.branches import RECORDING_KINDS, Item, leave_later, parse_fork
from everbloom.core.ids import RunId, WriterId
from everbloom.core.records import Edit, Record, Rewind, Set, Start
from everbloom.index.catalog import Catalog, ForkRow
from everbloom.index.pieces import Shared
from everbloom.index.pool import INT64_MAX, INT64_MIN
from everbloom.ingest.fold import Sighting, fold_items
from everbloom.ingest.journals import News
from everbloom.ingest.runs import decode_body, to_items
from everbloom.journal.reader import Control

_BEFORE_ALL = INT64_MIN


def find_fork_rows(news: News, fresh: Iterable[Control]) -> list[ForkRow]:
    """Return the forks that a writer's new records say."""
    found = ((control, parse_fork(control.record)) for control in fresh)
    return [
        ForkRow(news.run, news.writer, control.position, control.time_us, fork.source, fork.step, fork.session)
        for control, fork in found
        if fork is not None
    ]


# ── what is shared ────────────────────────────────────────────────────────────────────────────────────────────


def read_shares(catalog: Catalog, namespaces: Mapping[RunId, str]) -> dict[RunId, Shared]:
    """Return what forked runs share with those before them, all the way up; others are absent.

    Args:
        catalog: Where the records are.
        namespaces: The runs asked about, each with the namespace that it is in.
    """
    forks = _read_chains(catalog, list(namespaces))
    asked = [run for run in namespaces if run in forks]
    if not asked:
        return {}
    involved = list(dict.fromkeys([*forks, *(fork.source for fork in forks.values())]))
    whose = {**catalog.read_namespaces(involved), **namespaces}
    records: dict[RunId, list[Item]] = {run: [] for run in involved}
    for row in catalog.read_controls_of(involved, (Start.tag_name, Rewind.tag_name)):
        if not row.number:  # an edit neither begins a run nor takes it back
            records[RunId(row.run)] += to_items([row])
    found = ((run, _follow(run, forks, whose, records)) for run in asked)
    return {run: shared for run, shared in found if shared.runs}


def _read_chains(catalog: Catalog, runs: list[RunId]) -> dict[RunId, ForkRow]:
    forks: dict[RunId, ForkRow] = {}
    while runs:
        rows = catalog.read_forks(runs)
        forks |= rows
        runs = sorted({row.source for row in rows.values()} - forks.keys())
    return forks


def _follow(
    run: RunId, forks: Mapping[RunId, ForkRow], whose: Mapping[RunId, str], records: Mapping[RunId, list[Item]]
) -> Shared:
    """Collect the limits of each writer of the runs before; stops where one is missing, foreign, or was there already.

    A fork that was itself taken back to an earlier step has lost what it shared behind that step, too. A run before it
    counts as it stood when it was forked: what goes back over shared points later does not change what was learned
    from them.
    """
    seen, at = [run], run
    limits: dict[WriterId, int] = {}
    bound, records_at, moment = INT64_MAX, records[run], INT64_MAX
    while (fork := forks.get(at)) is not None:
        if fork.source in seen or whose.get(fork.source) != whose.get(run):
            break
        bound = min([bound, fork.step, *(i.record.step for i in records_at if isinstance(i.record, Rewind))])
        at, moment = fork.source, min(moment, fork.time)
        records_at = leave_later(records[at], fork.session, moment)
        folded = fold_items(records_at, Sighting())
        for writer, start in folded.writers.items():
            if start.kind in RECORDING_KINDS:  # a watcher's steps are seconds of another process
                limits[WriterId(writer)] = min(bound, folded.cutoffs.get(WriterId(writer), bound))
        seen.append(at)
    return Shared(tuple(seen[1:]), limits)


# ── whose documents follow ────────────────────────────────────────────────────────────────────────────────────


def find_changes(round_: Iterable[News]) -> dict[RunId, int]:
    """Return, by run, the lowest step from which on a round's news may have changed what its forks share."""
    changes: dict[RunId, int] = {}
    for news in round_:
        steps = [int(rows.steps.min()) for rows in news.batch.rows if len(rows.steps)]
        if any(_is_telling(control.record) for control in news.batch.controls):
            steps.append(_BEFORE_ALL)
        if steps:
            changes[news.run] = min([*steps, *([changes[news.run]] if news.run in changes else [])])
    return changes


def find_moves(edits: Iterable[Edit]) -> dict[RunId, int]:
    """Return the runs that edits may have moved to another namespace, as `find_changes` does."""
    records = ((edit, decode_body(edit.tag, bytes(edit.body))) for edit in edits)
    return {RunId(edit.run): _BEFORE_ALL for edit, record in records if record is not None and _is_telling(record)}


def _is_telling(record: Record) -> bool:
    """Tell whether a record decides which points are shared: which writers there are, what was taken back, and where.

    A fork's own record does, too: behind it may be forks of the fork.
    """
    return (
        isinstance(record, Start | Rewind)
        or (isinstance(record, Set) and "namespace" in record.fields)
        or parse_fork(record) is not None
    )


def find_dependants(catalog: Catalog, changes: Mapping[RunId, int]) -> list[RunId]:
    """Return the forks whose documents follow from changes of runs before them, all the way down.

    Args:
        catalog: Where the forks are.
        changes: By run, the lowest step at which something changed; a fork at an earlier step is left alone.
    """
    found: dict[RunId, int] = {}
    changed = dict(changes)
    while changed:
        reached: dict[RunId, int] = {}
        for fork in catalog.read_forks_of(list(changed)):
            step = changed[fork.source]
            if fork.step >= step and step < found.get(fork.run, step + 1):
                reached[fork.run] = min(step, reached.get(fork.run, step))
        found |= reached
        changed = reached
    return sorted(found)
