"""What reading gives back: frozen values, and what a run can be asked for through the reader it came from.

A run holds the attributes that the index keeps of it, so a table of runs costs nothing more. What is larger (its
series, console, files, how exactly it ended) is read when asked for, through the reader, while that is open.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from everbloom.core.clock import to_datetime
from everbloom.core.extras import import_optional
from everbloom.core.ids import RunId
from everbloom.core.records import Cause, Command, Direction, ExceptionInfo, Link, Problem, Scalar, Start, Verdict
from everbloom.core.values import SYSTEM_PREFIX
from everbloom.index.catalog import DamageRow
from everbloom.index.console import ConsoleMatch
from everbloom.index.documents import MetricSummary
from everbloom.index.ranks import Reduce

__all__ = [
    "Artifact",
    "ConsoleMatch",
    "MediaItem",
    "MetricSummary",
    "Reduce",
    "Run",
    "RunDetail",
    "RunEnd",
    "Series",
]


class RunSource(Protocol):
    """Where a run reads on; a `Reader`."""

    def read_series(
        self, run: str, metric: str, rank: int | None = None, *, reduce: Reduce | None = None
    ) -> "Series": ...

    def read_summaries(
        self, run: str, *, rank: int | None = None, reduce: Reduce | None = None
    ) -> Mapping[str, MetricSummary]: ...

    def read_values_at(self, runs: "Sequence[Run]", metric: str, step: int) -> list[float | None]: ...

    def read_logs(
        self, run: str, *, tail: int | None = None, grep: str | None = None
    ) -> Iterator[str | ConsoleMatch]: ...

    def list_artifacts(self, run: str) -> "list[Artifact]": ...

    def read_detail(self, run: str) -> "RunDetail": ...


@dataclass(frozen=True)
class Series:
    """All points of one metric of one source of a run in the order of (step, time); or of all sources, reduced.

    Reduced, there is one point a step: of the values that the ranks logged at that step. A rank takes part with its
    last value there, not at all in steps that it did not log, and never with NaN; points that a rewind took back are
    left out. `times` then are the latest of each step.

    Attributes:
        run: The run's id.
        metric: The metric's name.
        source: The rank that logged it; None where ranks are reduced.
        steps: Repeats allowed where not reduced, shape (n,), int64.
        values: NaN and ±inf as logged, shape (n,), float64; reduced, NaN where no rank has a number.
        times: UTC microseconds since 1970, shape (n,), int64.
        greyed: Which points a rewind has taken out of count, shape (n,), bool.
        reduce: What `values` are of the ranks; None = one rank's own.
        ranks: Those that it was read from, rising.
        low: The least value that any rank logged at each step, shape (n,), float64; None where not reduced.
        high: The greatest, likewise; `low` to `high` is the band around `values`.
    """

    run: RunId
    metric: str
    source: int | None
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    times: NDArray[np.int64]
    greyed: NDArray[np.bool_]
    reduce: Reduce | None = None
    ranks: tuple[int, ...] = ()
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def without_greyed(self) -> "Series":
        """Return the points that count."""
        if not self.greyed.any():
            return self
        kept = ~self.greyed
        columns = {name: getattr(self, name)[kept] for name in ("steps", "values", "times", "greyed")}
        return replace(self, **columns)

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """Return step, value and time (`datetime64[us]`, UTC) as columns; of reduced ranks `low` and `high`, too."""
        columns: dict[str, NDArray[Any]] = {"step": self.steps, "value": self.values}
        if self.low is not None and self.high is not None:
            columns |= {"low": self.low, "high": self.high}
        return columns | {"time": self.times.view("datetime64[us]")}

    def to_pandas(self) -> Any:
        """Return a pandas `DataFrame` with the columns of `to_columns`."""
        return import_optional("pandas", purpose="to_pandas()").DataFrame(self.to_columns())

    def to_polars(self) -> Any:
        """Return a polars `DataFrame` with the columns of `to_columns`."""
        return import_optional("polars", purpose="to_polars()").DataFrame(self.to_columns())

    def to_arrow(self) -> Any:
        """Return an Arrow table with the columns of `to_columns`."""
        return import_optional("pyarrow", purpose="to_arrow()").table(self.to_columns())


@dataclass(frozen=True)
class RunEnd:
    """How a run ended.

    Attributes:
        cause: Why; `unknown` where nobody saw it.
        exit_code: Of the process, where it is known.
        signal: The signal's number, where one ended it.
        exception: Type, message and traceback, where one ended it.
        witness: Who saw it: the process itself, the watcher, an importer; `nobody` where it was found dead later.
    """

    cause: Cause
    exit_code: int | None = None
    signal: int | None = None
    exception: ExceptionInfo | None = None
    witness: str = ""


@dataclass(frozen=True)
class Run:
    """A run as the index knows it.

    Attributes:
        id: 32 hex digits.
        attributes: Every attribute under its key of the filter language, metrics apart.
        metrics: Summaries by metric, `system/` ones among them.
    """

    id: RunId
    attributes: Mapping[str, Any]
    metrics: Mapping[str, MetricSummary] = field(repr=False)
    source: RunSource = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.attributes["name"])

    @property
    def namespace(self) -> str:
        """The namespace it belongs to."""
        return str(self.attributes["namespace"])

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return str(self.attributes["project"])

    @property
    def experiment(self) -> str:
        """The experiment it belongs to."""
        return str(self.attributes["experiment"])

    @property
    def state(self) -> str:
        """How it stands: running, finished, failed, killed, cancelled or lost."""
        return str(self.attributes["state"])

    @property
    def cause(self) -> str | None:
        """Why it ended; None where it has not."""
        return self.attributes.get("end.cause")

    @cached_property
    def end(self) -> RunEnd | None:
        """How exactly it ended, read on first use; None where it has not."""
        return self.source.read_detail(self.id).end if self.cause is not None else None

    @property
    def created_at(self) -> datetime:
        """When it started, UTC."""
        return to_datetime(int(self.attributes["created"]))

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, UTC; None where it has not."""
        ended = self.attributes.get("ended")
        return None if ended is None else to_datetime(int(ended))

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end, or to when it was last heard."""
        return self.attributes.get("duration")

    @cached_property
    def params(self) -> dict[str, Scalar]:
        """Parameters by name, nested ones joined with dots."""
        return {key[7:]: value for key, value in self.attributes.items() if key.startswith("params.")}

    @cached_property
    def summary(self) -> dict[str, MetricSummary]:
        """Summaries by metric, of rank 0; those of resources are in `system`.

        Of a metric that rank 0 never logged they are of the lowest rank that did, which `.rank` tells. A forked run's
        are over the points that it shares and its own.
        """
        return {name: found for name, found in self.metrics.items() if not name.startswith(SYSTEM_PREFIX)}

    @cached_property
    def system(self) -> dict[str, MetricSummary]:
        """Summaries of resource metrics, by name without `system/`."""
        cut = len(SYSTEM_PREFIX)
        return {name[cut:]: found for name, found in self.metrics.items() if name.startswith(SYSTEM_PREFIX)}

    @property
    def tags(self) -> list[str]:
        """Its tags, sorted."""
        return list(self.attributes.get("tag", ()))

    @property
    def note(self) -> str:
        """Its note, Markdown; empty where there is none."""
        return str(self.attributes.get("note", ""))

    @property
    def why(self) -> str | None:
        """What it was meant to find out."""
        return self.attributes.get("why")

    @property
    def conclusion(self) -> str | None:
        """What it found."""
        return self.attributes.get("conclusion")

    @property
    def verdict(self) -> Verdict | None:
        """Whether what it was meant to find out held."""
        return self.attributes.get("verdict")

    @property
    def domain(self) -> str | None:
        """The domain of application."""
        return self.attributes.get("domain")

    @property
    def parent(self) -> str | None:
        """The id of the run it branched from."""
        return self.attributes.get("parent")

    @property
    def user(self) -> str | None:
        """Who ran it."""
        return self.attributes.get("user")

    @property
    def group(self) -> str | None:
        """The group it was put into."""
        return self.attributes.get("group")

    @property
    def is_archived(self) -> bool:
        """Whether it was put away."""
        return bool(self.attributes.get("archived"))

    @property
    def is_liked(self) -> bool:
        """Whether anybody likes it."""
        return bool(self.attributes.get("likes"))

    def series(self, metric: str, rank: int | None = None, *, reduce: Reduce | None = None) -> Series:
        """Read a metric at full resolution; points that a rewind took out of count are left out.

        Args:
            metric: The metric's name.
            rank: Whose points; None = rank 0's, or where it has none those of the lowest rank that has any.
            reduce: Reduce all ranks to one line instead, `mean`, `min` or `max`, with a band from `low` to `high`; see
                `Series` for how steps are paired and what NaN does.

        Raises:
            NotFound: The run has no such metric, or not of that rank (`metric.unknown`); names those that are close.
            InvalidInput: A rank and a reduction are both given, or the reduction is none of the three.
        """
        return self.source.read_series(self.id, metric, rank, reduce=reduce).without_greyed()

    def summaries(self, *, rank: int | None = None, reduce: Reduce | None = None) -> dict[str, MetricSummary]:
        """Read summaries of another rank, or reduced over all; without arguments they are `summary`, read anew.

        Args:
            rank: Only metrics that this rank logged, its own points; None = as in `summary`.
            reduce: Reduce each word over the ranks that have the metric, each with its whole series: with `mean`, `max`
                is the mean of the ranks' greatest values, `last` the mean of their last ones, wherever each ended.
                NaN takes no part. `n` is the points of all ranks, `last_step` the highest.

        Returns:
            By metric; those of resources are left out.

        Raises:
            InvalidInput: A rank and a reduction are both given, or the reduction is none of the three.
        """
        found = self.source.read_summaries(self.id, rank=rank, reduce=reduce)
        return {name: summary for name, summary in found.items() if not name.startswith(SYSTEM_PREFIX)}

    def value_at(self, metric: str, step: int) -> float | None:
        """Read the last value of a metric at a step or before it; None where there is none. See `moments`."""
        return self.source.read_values_at([self], metric, step)[0]

    def logs(self) -> str:
        """Read all that the run printed."""
        return "".join(str(part) for part in self.source.read_logs(self.id))

    def artifacts(self) -> "list[Artifact]":
        """List its files and references."""
        return self.source.list_artifacts(self.id)


@dataclass(frozen=True)
class Artifact:
    """A file of a run, kept in the store; or, with `uri`, something kept elsewhere.

    Attributes:
        path: Relative, forward slashes; of a reference perhaps empty.
        kind: What it is for, such as `model`.
        size: Bytes; None where a reference does not say.
        sha256: Of the content; None for a reference.
        media_type: Of the content.
        step: Of a checkpoint.
        uri: Of a reference.
        checksum: Whatever identifies a reference's content.
        created_at: When it was recorded, UTC.
    """

    path: str
    kind: str
    size: int | None
    sha256: str | None
    media_type: str
    step: int | None
    uri: str | None
    checksum: str
    created_at: datetime


@dataclass(frozen=True)
class MediaItem:
    """An image, table, text … that was logged under a name at a step; `open_media` reads it."""

    run: RunId
    name: str
    kind: str
    step: int
    media_type: str
    size: int
    sha256: str | None
    data: bytes | None = field(repr=False)
    caption: str
    meta: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class Change:
    """A scalar that was set: by the run itself (number 0), or by an edit; `number` orders edits."""

    number: int
    created_at: datetime
    field: str
    value: Any


@dataclass(frozen=True)
class Fork:
    """What a run was forked from.

    Attributes:
        run: The other run.
        name: Its name; None where it is not there, or may not be read.
        step: The last step that both share.
        is_shared: Whether its points are this run's too; not where it is not there or in another namespace.
    """

    run: RunId
    name: str | None
    step: int
    is_shared: bool


@dataclass(frozen=True)
class RunDetail:
    """A run with all that its page shows; text, files and series apart.

    Attributes:
        links: In the order they were added.
        likes: Who likes the run ("") or a part of it.
        problems: What went wrong in recording, with counts.
        damage: Places in the journals that could not be trusted.
        limits: What it may use at most, by resource metric.
        objectives: Metric to direction, as the run states them.
        history: Scalars as they were set, oldest first.
        note_version: What an edit of the note is based on.
        writers: Each writer's first record, by writer id.
        rewound_from: The step that the last resume went back to.
        last_heard_at: The latest time in the run's journals, UTC; None = nothing yet.
        forked_from: The run whose points up to a step are this run's too.
        ranks: The ranks of the processes that recorded it, rising.
    """

    run: Run
    links: tuple[Link, ...]
    likes: Mapping[str, list[str]]
    problems: tuple[Problem, ...]
    damage: tuple[DamageRow, ...]
    limits: Mapping[str, float]
    command: Command | None
    objectives: Mapping[str, Direction]
    history: tuple[Change, ...]
    end: RunEnd | None
    note_version: int
    writers: Mapping[str, Start]
    rewound_from: int | None
    last_heard_at: datetime | None
    forked_from: Fork | None = None
    ranks: tuple[int, ...] = ()


@dataclass(frozen=True)
class RunQuery:
    """Which runs are asked for, in which order.

    Attributes:
        filter: In the filter language.
        namespace: Only of this one; None = of any.
        project: Only of this one; None = of any.
        experiment: Only of this one; None = of any.
        sort: Keys of the filter language by comma, `-` before a descending one.
        offset: How many to leave out at the start.
        limit: At most so many; None = all.
        archived: Only archived runs, or only others; None = both. A filter that names `archived` decides by itself.
        everywhere: Pass over `namespace` and `project`.
    """

    filter: str = ""
    namespace: str | None = None
    project: str | None = None
    experiment: str | None = None
    sort: str = "-created"
    offset: int = 0
    limit: int | None = 100
    archived: bool | None = False
    everywhere: bool = False


@dataclass(frozen=True)
class RunPage:
    """Runs that were found.

    Attributes:
        runs: The page.
        total: How many match.
        elsewhere: Matches in other namespaces and projects that the caller may read, by `namespace/project`.
        query_s: How long finding them took.
        varying: Parameters of the page's runs that are not the same in all matches, by name.
        sort: The order they are in.
        archived: How many archived runs match, where no other does.
        damaged: Those of the page of which something could not be read.
    """

    runs: list[Run]
    total: int
    elsewhere: dict[str, int]
    query_s: float
    varying: list[str]
    sort: str
    archived: int = 0
    damaged: tuple[Run, ...] = ()


@dataclass(frozen=True)
class Found:
    """The run that a reference means, and the others it might have meant, newest first."""

    run: Run
    others: list[Run]
