"""Search in what runs say: their names, notes, conclusions, parameters, errors, and all that they printed.

Runs whose text the index has folded are found there; the few that changed since are read as they are now. A run
matches when its text holds every word, or when one line that it printed holds the whole text. Where it matches decides
the order: name, tags, what people wrote, parameters, error, console; then the newest comes first.
"""

import itertools
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from everbloom.core.ids import RunId
from everbloom.core.values import fold_text
from everbloom.index.catalog import ProjectRow, RunRow
from everbloom.index.text import CONSOLE_RANK, excerpt_of
from everbloom.ingest.runs import read_folded, read_text
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Run

_COUNTED_MAX = 1000
_FIELDS = ("why", "note", "conclusion", "domain", "group", "user")


@dataclass(frozen=True)
class SearchHit:
    """A run that matches.

    Attributes:
        run: The run.
        excerpt: The line where it matches best, cut to about 120 characters.
        where: `name`, `tag`, `why`, `note`, `conclusion`, `domain`, `group`, `user`, `link`, `params`, `error`,
            `console`, or `text` where the words stand in several.
        line: In `console`: the line's number, from 1.
    """

    run: Run
    excerpt: str
    where: str
    line: int | None = None


@dataclass(frozen=True)
class SearchResult(Sequence[SearchHit]):
    """Hits, best first, then the newest; a sequence of them.

    Attributes:
        hits: What was found where it was looked for.
        elsewhere: How many runs match in other readable projects, by `namespace/project`; at most 1,000 in all.
    """

    hits: tuple[SearchHit, ...]
    elsewhere: dict[str, int]

    def __len__(self) -> int:
        return len(self.hits)

    @overload
    def __getitem__(self, index: int) -> SearchHit: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[SearchHit, ...]: ...

    def __getitem__(self, index: int | slice) -> SearchHit | tuple[SearchHit, ...]:
        return self.hits[index]


@dataclass(frozen=True)
class _Match:
    run: Run
    excerpt: str
    rank: int


def search(
    readable: ReadableIndex,
    text: str,
    *,
    namespace: str | None = None,
    project: str | None = None,
    everywhere: bool = False,
    limit: int = 20,
) -> SearchResult:
    """Search runs; archived ones too.

    Args:
        readable: Where to look.
        text: Words, all of which must be there, in any case and order, also within longer words.
        namespace: Only of this one; None = of any.
        project: Only of this one; None = of any.
        everywhere: Pass over both.
        limit: At most so many hits.
    """
    words = fold_text(text).split()
    if not words:
        return SearchResult((), {})
    with readable.index.catalog_database.snapshot():
        projects = readable.read_projects()
        inside = [
            found
            for found in projects
            if everywhere or (namespace in (None, found.namespace) and project in (None, found.name))
        ]
        outside = [found for found in projects if found not in inside]
        matches = _find_matches(readable, text, words, inside, limit)
        hits = tuple(_locate(readable, match, text, words) for match in matches)
        others = _find_matches(readable, text, words, outside, _COUNTED_MAX)
    counts = Counter(f"{match.run.namespace}/{match.run.project}" for match in others)
    return SearchResult(hits, dict(sorted(counts.items())))


def _find_matches(
    readable: ReadableIndex, text: str, words: Sequence[str], projects: Sequence[ProjectRow], limit: int
) -> list[_Match]:
    if not projects or limit < 1:
        return []
    ids = [project.id for project in projects]
    pending = readable.index.catalog.read_pending(ids)
    found = {match.run.id: match for match in _scan_pending(readable, pending, words)}
    stale = {row.id for row in pending}
    folded = readable.index.text.find_runs(text, ids, limit=limit + len(stale))
    fresh = {match.run: match for match in folded if match.run not in stale}
    for run in readable.read_runs(fresh):
        found[run.id] = _Match(run, fresh[run.id].excerpt, fresh[run.id].rank)
    if sum(match.rank < CONSOLE_RANK for match in found.values()) < limit:
        printers = _iter_printers(readable, text, set(ids), found.keys())
        found |= {run.id: _Match(run, "", CONSOLE_RANK) for run in itertools.islice(printers, limit)}
    newest = sorted(found.values(), key=lambda match: (match.run.attributes["created"], match.run.id), reverse=True)
    return sorted(newest, key=lambda match: match.rank)[:limit]


def _scan_pending(readable: ReadableIndex, rows: Sequence[RunRow], words: Sequence[str]) -> Iterator[_Match]:
    for row in rows:
        body = read_text(readable.index, row.id, row.document)
        rank = body.rank(words)
        if rank is not None:
            yield _Match(readable.to_run(row), excerpt_of(body.body, words), rank)


def _iter_printers(readable: ReadableIndex, text: str, projects: set[int], known: Container[str]) -> Iterator[Run]:
    """Yield the runs of some projects that printed the text and are not known yet, newest first."""
    printers = sorted(readable.index.console.find_runs(text.strip()), reverse=True)
    for start in range(0, len(printers), 100):
        rows = readable.index.catalog.read_runs([RunId(run) for run in printers[start : start + 100]])
        for run in sorted(rows, reverse=True):
            if rows[run].project in projects and run not in known:
                yield readable.to_run(rows[run])


def _locate(readable: ReadableIndex, match: _Match, text: str, words: Sequence[str]) -> SearchHit:
    """Say where a run matches: the part that holds all words, else the console line that does."""
    for where, body in _iter_parts(readable, match.run):
        if all(word in fold_text(body) for word in words):
            return SearchHit(match.run, excerpt_of(body, words), where)
    line = next(readable.index.console.find_lines(match.run.id, text.strip()), None)
    if line is not None:
        return SearchHit(match.run, excerpt_of(line.text, words), "console", line.line)
    return SearchHit(match.run, match.excerpt, "text")


def _iter_parts(readable: ReadableIndex, run: Run) -> Iterator[tuple[str, str]]:
    yield "name", run.name
    yield "tag", " ".join(run.tags)
    for name in _FIELDS:
        yield name, str(run.attributes.get(name, ""))
    folded, _ = read_folded(readable.index, run.id, boot="", monotonic_s=0.0)
    yield "link", "\n".join(f"{link.title} {link.url}" for link in folded.links)
    yield "params", "\n".join(f"{name} = {value}" for name, value in run.params.items())
    if folded.end is not None and (raised := folded.end.exception) is not None:
        yield "error", f"{raised.type}: {raised.message}\n{raised.traceback}"
