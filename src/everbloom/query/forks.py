"""What a forked run shares with the runs before it, as one who may read it sees it, and where its time begins.

Points are never copied: see `ingest.forks`, which the index's summaries come from by the same rule.
"""

from collections.abc import Iterable

from everbloom.core.ids import RunId
from everbloom.index.pieces import Shared
from everbloom.ingest.forks import read_shares
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Fork


def read_fork(readable: ReadableIndex, run: RunId) -> Fork | None:
    """Return what a run was forked from, with its name; `name` is None where that may not be read or is not there."""
    fork = readable.index.catalog.read_forks([run]).get(run)
    if fork is None:
        return None
    source = readable.read_runs([fork.source])
    shared = read_shared(readable, [run])
    return Fork(fork.source, source[0].name if source else None, fork.step, run in shared)


def read_shared(readable: ReadableIndex, runs: Iterable[str]) -> dict[RunId, Shared]:
    """Return what forked runs share with those before them, all the way up; others are absent."""
    catalog = readable.index.catalog
    wanted = [RunId(run) for run in dict.fromkeys(runs)]
    forked = list(catalog.read_forks(wanted))
    return read_shares(catalog, catalog.read_namespaces(forked)) if forked else {}


def read_origins(readable: ReadableIndex, runs: Iterable[str]) -> dict[RunId, int]:
    """Return where the relative axis has its 0 for runs, and for those that they share points with.

    It is a run's start. A fork goes on where what it shares ends: the shared points lie at the source's own relative
    time, and the fork's own points follow them by the time since the fork's start. So a fork lies on its source up to
    where it leaves it, nothing lies below 0, and the axis is the time that training took.

    Returns:
        UTC microseconds; of a fork earlier than its start by as much time as what it shares took.
    """
    wanted = [RunId(run) for run in dict.fromkeys(runs)]
    shares = read_shared(readable, wanted)
    if shares:
        shares |= read_shared(readable, {source for shared in shares.values() for source in shared.runs})
    every = dict.fromkeys([*wanted, *(source for shared in shares.values() for source in shared.runs)])
    rows = readable.index.catalog.read_runs(list(every))
    origins: dict[RunId, int] = {}

    def find_origin(run: RunId) -> int:
        if run not in origins:
            origins[run] = int(rows[run].document.attributes["created"])
            shared = shares.get(run)
            if shared is not None:
                took = [
                    reach - find_origin(source)
                    for source in shared.runs
                    if (reach := readable.index.series.read_reach(source, shared.limits)) is not None
                ]
                origins[run] -= max([0, *took])
        return origins[run]

    for run in every:
        if run in rows:
            find_origin(run)
    return origins
