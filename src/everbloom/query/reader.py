"""The read side's door: everything that the command line, Python and later the API ask about runs.

A reader looks at the index only. Opening one first asks whether journals hold news, and only then loads the indexer,
so that a look at a store where nothing happened costs a few small reads. Another indexer at work is waited for, for
moments where the index was whole once and for longer while it is first built; then what is there is read, and
`stale` says why it may lack something.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from everbloom.core.errors import NotFound, Unavailable
from everbloom.core.ids import RunId
from everbloom.core.records import Direction
from everbloom.core.settings import Settings
from everbloom.index.documents import MetricSummary
from everbloom.index.ranks import Reduce
from everbloom.index.reduce import Neighbour
from everbloom.index.series import MetricInfo
from everbloom.index.store import Index, is_index_swapped, open_empty_index, open_index
from everbloom.index.window import Envelope, SeriesKey, Window
from everbloom.ingest.news import Standing, has_live_writers, has_news, has_records, read_standing
from everbloom.query import (
    best,
    catalogue,
    compare,
    completion,
    detail,
    export,
    groups,
    lineage,
    marks,
    moments,
    overview,
    pairing,
    references,
    runs,
    search,
)
from everbloom.query.best import Best
from everbloom.query.catalogue import Catalogue
from everbloom.query.compare import Comparison
from everbloom.query.completion import Completion
from everbloom.query.export import RunCells
from everbloom.query.groups import GroupPage
from everbloom.query.language.keys import Key
from everbloom.query.lineage import TreeNode
from everbloom.query.marks import RunMarks
from everbloom.query.overview import ProjectOverview
from everbloom.query.pairing import MetricWindow, PairedEnvelope
from everbloom.query.readable import ReadableIndex
from everbloom.query.search import SearchResult
from everbloom.query.sparks import Spark, SparkCache
from everbloom.query.views import (
    Artifact,
    ConsoleMatch,
    Found,
    MediaItem,
    Run,
    RunDetail,
    RunPage,
    RunQuery,
    Series,
)

if TYPE_CHECKING:
    from everbloom.ingest.indexer import Indexer
    from everbloom.ingest.packing import PackBlobs

__all__ = [
    "ConsoleMatch",
    "Envelope",
    "MetricWindow",
    "Neighbour",
    "PairedEnvelope",
    "Patience",
    "Reader",
    "RunQuery",
    "SeriesKey",
    "Window",
    "open_reader",
]


class Patience(NamedTuple):
    """How long a reader waits for another indexer that has work of the reader's in hand, in seconds.

    Attributes:
        whole_s: Where the index holds everything but the latest news.
        first_s: Where there is no index yet, or not all that was recorded is in it.
    """

    whole_s: float = 2.0
    first_s: float = 30.0


_PATIENCE = Patience()


def open_reader(
    settings: Settings,
    *,
    catch_up: bool = True,
    namespaces: frozenset[str] | None = None,
    patience: Patience = _PATIENCE,
) -> "Reader":
    """Open a store for reading.

    Args:
        settings: Which store.
        catch_up: Take what journals and edits hold into the index first.
        namespaces: Those that may be read; None = all, as for a person's own store.
        patience: How long to wait for another indexer.

    Returns:
        A reader, to be closed; an empty one where nothing was recorded yet.

    Raises:
        Unavailable: The index cannot be read, or there is none and none can be built.
    """
    if settings.root.exists() and not settings.root.is_dir():
        raise Unavailable(
            f"the store {settings.root} is a file; a store is a folder. Set EVERBLOOM_ROOT to one.",
            code="root.not_a_folder",
            path=str(settings.root),
        )
    reader = Reader(settings, namespaces=namespaces, patience=patience)
    try:
        reader.open(catch_up=catch_up)
    except BaseException:
        reader.close()
        raise
    return reader


class Reader:
    """Answers about the runs of one store; a context manager, for one thread at a time.

    Attributes:
        stale: Why the index could not be caught up with the journals, where it could not; answers are then of
            what it holds.
    """

    def __init__(
        self, settings: Settings, *, namespaces: frozenset[str] | None = None, patience: Patience = _PATIENCE
    ) -> None:
        """Prepare a reader; `open_reader` opens it."""
        self.settings = settings
        self.stale: Unavailable | None = None
        self._namespaces = namespaces
        self._patience = patience
        self._index: Index | None = None
        self._indexer: Indexer | None = None
        self._packs: PackBlobs | None = None
        self._readable: ReadableIndex | None = None
        self._version = -1
        self._sparks = SparkCache()

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, *, catch_up: bool) -> None:
        """Open the index, caught up with the journals if asked; see `open_reader`."""
        index = self._try_open()
        if catch_up and (has_records(self.settings.root) if index is None else has_news(self.settings.root, index)):
            self._catch_up(index)
            if index is not None and is_index_swapped(index, self.settings.root, suffix=""):
                index.close()
                index = None
            if index is None:
                index = self._try_open()
        if not catch_up:
            self.stale = self._find_lack(index)
        self._use(index or open_empty_index())

    def _find_lack(self, index: Index | None) -> Unavailable | None:
        """Say that an index which somebody else feeds does not hold everything yet; None where it did once."""
        is_whole = index is not None and index.catalog.is_whole()
        if is_whole or not has_records(self.settings.root):
            return None
        return Unavailable(
            f"the index of the store {self.settings.root} is being built and does not hold every run yet; look again "
            f"in a moment.",
            code="index.partial",
            path=str(self.settings.root),
        )

    def _try_open(self) -> Index | None:
        try:
            return open_index(
                self.settings.root, self.settings.database, read_only=True, read_blob=self._read_packed_blob
            )
        except NotFound:
            return None

    def _read_packed_blob(self, run: RunId, offset: int, length: int) -> bytes:
        if self._packs is None:  # loaded for a closed run's series only
            from everbloom.ingest.packing import PackBlobs

            self._packs = PackBlobs(self.settings.root)
        return self._packs.read_blob(run, offset, length)

    def _use(self, index: Index) -> None:
        self._index = index
        self._readable = ReadableIndex(index, self.settings.root, self._namespaces, self)
        self._version = index.catalog.read_version()

    def _catch_up(self, index: Index | None) -> None:
        """Have the index take in what is new; where that cannot be done in time, go on with what it holds."""
        from everbloom.ingest.indexer import Indexer

        is_whole = index is not None and index.catalog.is_whole()
        try:
            if self._indexer is None:
                self._indexer = Indexer(self.settings.root, self.settings.database)
            report = self._indexer.catch_up(wait_s=self._patience.whole_s if is_whole else self._patience.first_s)
            self.stale = report.kept
        except Unavailable as error:
            if index is None and error.code != "index.busy":
                raise
            self.stale = error

    def read_version(self) -> int:
        """Return the index's version: answers that were read at equal versions are equal."""
        return self.readable.index.catalog.read_version()

    def refresh(self, *, catch_up: bool = True) -> bool:
        """Catch up again; tells whether anything changed.

        Args:
            catch_up: False where somebody else indexes: only an index that was put in this one's place is opened.
        """
        index = self.readable.index
        is_gone = index.catalog_inode and is_index_swapped(index, self.settings.root, suffix="")
        if is_gone or (not index.catalog_inode and index.catalog_database.engine == "sqlite"):
            index.close()
            self.open(catch_up=catch_up)
            return True
        if catch_up and has_news(self.settings.root, index):
            self._catch_up(index)
        elif not catch_up and self.stale is not None:
            self.stale = self._find_lack(index)
        before, self._version = self._version, index.catalog.read_version()
        return before != self._version

    def close(self) -> None:
        """Close the index; twice is allowed."""
        if self._index is not None:
            self._index.close()
        if self._indexer is not None:
            self._indexer.close()
        if self._packs is not None:
            self._packs.close()
        self._index = self._readable = self._indexer = self._packs = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def readable(self) -> ReadableIndex:
        """What it reads from.

        Raises:
            Unavailable: It was closed (`reader.closed`).
        """
        if self._readable is None:
            raise Unavailable(
                "the reader was closed; open another one, or read before the `with` block ends.", code="reader.closed"
            )
        return self._readable

    def read_standing(self) -> Standing:
        """Tell how the store's journals stand to the index: what is being written, waits, or cannot be read."""
        return read_standing(self.settings.root, self.readable.index)

    def list_damaged(self) -> list[Run]:
        """Return the runs of which something could not be read, the newest first."""
        damaged = self.readable.read_runs(self.readable.index.catalog.read_damaged_runs())
        return sorted(damaged, key=lambda run: run.id, reverse=True)

    # ── many runs ─────────────────────────────────────────────────────────────────────────────────────────────

    def list_runs(self, query: RunQuery) -> RunPage:
        """Return one page of runs; see `runs.list_runs`."""
        return runs.list_runs(self.readable, query)

    def read_runs(self, ids: Iterable[str]) -> list[Run]:
        """Return those of the runs that are there and readable, in the order asked for."""
        return self.readable.read_runs(ids)

    def find_run(self, reference: str, *, project: str | None = None) -> Found:
        """Find the run that a reference means, for reading; see `references.find_run`."""
        return references.find_run(self.readable, reference, project=project)

    def find_run_to_edit(self, reference: str, *, project: str | None = None) -> Run:
        """Find the one run that a reference means, for changing it; see `references.find_run_to_edit`."""
        return references.find_run_to_edit(self.readable, reference, project=project)

    def best_runs(
        self,
        query: RunQuery,
        metrics: Sequence[str] | None = None,
        *,
        directions: Mapping[str, Direction] | None = None,
        leaves_out: bool = False,
    ) -> list[Best]:
        """Find the best run per metric over all matches; see `best.find_best`."""
        return best.find_best(self.readable, query, metrics, directions=directions, leaves_out=leaves_out)

    def list_columns(self, query: RunQuery, *, text: str = "", limit: int = 500) -> Catalogue:
        """Say which columns the matches of a query have; see `catalogue.list_columns`."""
        return catalogue.list_columns(self.readable, query, text=text, limit=limit)

    def count_facet(self, query: RunQuery, key: str, *, limit: int = 50) -> list[tuple[str, int]]:
        """Count the values of a key among all matches; see `catalogue.count_facet`."""
        return catalogue.count_facet(self.readable, query, key, limit=limit)

    def group_runs(self, query: RunQuery, by: str, columns: Sequence[Key] = ()) -> GroupPage:
        """Group all matches by the values of a key; see `groups.group_runs`."""
        return groups.group_runs(self.readable, query, by, columns)

    def read_cells(self, query: RunQuery, columns: Sequence[Key]) -> RunCells:
        """Read the cells of all matches, for a file; see `export.read_cells`."""
        return export.read_cells(self.readable, query, columns)

    def read_marks(self, found: Sequence[Run]) -> list[RunMarks]:
        """Read what a table shows of runs beyond their attributes; see `marks.read_marks`."""
        return marks.read_marks(self.readable, found)

    def read_sparks(self, found: Sequence[Run], metric: str) -> list[Spark | None]:
        """Read a sparkline of each run; see `sparks`."""
        return self._sparks.read(self.readable, found, metric)

    def read_values_at(self, found: Sequence[Run], metric: str, step: int) -> list[float | None]:
        """Read what a metric of each run was at a step; see `moments.read_values_at`."""
        return moments.read_values_at(self.readable, found, metric, step)

    def list_projects(
        self, *, since_us: int | None = None, goals: Mapping[tuple[str, str], Sequence[str]] | None = None
    ) -> list[ProjectOverview]:
        """Sum up every readable project; see `overview.list_projects`."""
        return overview.list_projects(self.readable, since_us=since_us, goals=goals)

    def compare(self, run_ids: Iterable[str]) -> Comparison:
        """Set runs side by side; see `compare.compare`."""
        return compare.compare(self.readable, run_ids)

    def build_tree(self, query: RunQuery) -> list[TreeNode]:
        """Arrange runs by what they branched from; see `lineage.build_tree`."""
        return lineage.build_tree(self.readable, query)

    def search(
        self,
        text: str,
        *,
        namespace: str | None = None,
        project: str | None = None,
        everywhere: bool = False,
        limit: int = 20,
    ) -> SearchResult:
        """Search what runs say and printed; see `search.search`."""
        return search.search(
            self.readable, text, namespace=namespace, project=project, everywhere=everywhere, limit=limit
        )

    def complete(
        self, text: str, position: int, *, project: str | None = None, limit: int = 20, is_inside: bool = False
    ) -> list[Completion]:
        """Say what would fit at a position of a filter; see `completion.complete`."""
        return completion.complete(self.readable, text, position, project=project, limit=limit, is_inside=is_inside)

    # ── one run ───────────────────────────────────────────────────────────────────────────────────────────────

    def read_detail(self, run: str) -> RunDetail:
        """Read what is known of a run; see `detail.read_detail`."""
        return detail.read_detail(self.readable, run)

    def list_metrics(self, run: str) -> list[MetricInfo]:
        """Return a run's metrics by name; see `detail.list_metrics`."""
        return detail.list_metrics(self.readable, run)

    def read_summaries(
        self, run: str, *, rank: int | None = None, reduce: Reduce | None = None
    ) -> dict[str, MetricSummary]:
        """Read a run's summaries of one rank, or reduced over all; see `detail.read_summaries`."""
        return detail.read_summaries(self.readable, run, rank=rank, reduce=reduce)

    def read_series(self, run: str, metric: str, rank: int | None = None, *, reduce: Reduce | None = None) -> Series:
        """Read a series at full resolution, rewound points marked; see `detail.read_series`."""
        return detail.read_series(self.readable, run, metric, rank, reduce=reduce)

    def read_window(self, keys: Sequence[SeriesKey], window: Window) -> Envelope:
        """Reduce series to one common grid; see `detail.read_window`."""
        return detail.read_window(self.readable, keys, window)

    def read_paired(self, keys: Sequence[SeriesKey], window: MetricWindow) -> PairedEnvelope:
        """Reduce series to one grid of another metric; see `pairing.read_paired`."""
        return pairing.read_paired(self.readable, keys, window)

    def read_logs(self, run: str, *, tail: int | None = None, grep: str | None = None) -> Iterator[str | ConsoleMatch]:
        """Yield what a run printed; see `detail.read_logs`."""
        return detail.read_logs(self.readable, run, tail=tail, grep=grep)

    def read_new_logs(self, run: str, seen: Mapping[str, int]) -> tuple[str, dict[str, int]]:
        """Return what a run printed since; see `detail.read_new_logs`."""
        return detail.read_new_logs(self.readable, run, seen)

    def may_grow(self, run: str) -> bool:
        """Tell whether a process that still runs may add to the run: training, or the watcher that tells its end."""
        return has_live_writers(self.settings.root, RunId(run))

    def count_lines(self, run: str) -> int:
        """Return how many lines a run printed, an unfinished last one among them; see `detail.count_lines`."""
        return detail.count_lines(self.readable, run)

    def read_lines(self, run: str, first: int, limit: int) -> list[str]:
        """Return lines of what a run printed, from `first`, counted from 1; see `detail.read_lines`."""
        return detail.read_lines(self.readable, run, first, limit)

    def list_artifacts(self, run: str) -> list[Artifact]:
        """Return a run's files and references; see `detail.list_artifacts`."""
        return detail.list_artifacts(self.readable, run)

    def find_artifact(self, run: str, path: str, *, step: int | None = None) -> Artifact:
        """Find a file of a run that is kept in the store; see `detail.find_artifact`."""
        return detail.find_artifact(self.readable, run, path, step=step)

    def open_artifact(self, run: str, path: str, *, step: int | None = None) -> BinaryIO:
        """Open a file of a run; see `detail.open_artifact`."""
        return detail.open_artifact(self.readable, run, path, step=step)

    def list_media(self, run: str, name: str | None = None) -> list[MediaItem]:
        """Return what a run logged beside numbers; see `detail.list_media`."""
        return detail.list_media(self.readable, run, name)

    def open_media(self, item: MediaItem) -> BinaryIO:
        """Open the content of a media item."""
        return detail.open_media(self.readable, item)
