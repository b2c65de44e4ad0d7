"""What the API says of one run: its page, its series, media and console; see `types.py` for the rest and the rules."""

from typing import Any, Literal

from msgspec import Struct

from everbloom.api.types import RunRow
from everbloom.api.values import Number, Value
from everbloom.core.records import Direction
from everbloom.query.views import Reduce

# ── one run ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Metric(Struct):
    """A metric of a run with its summaries; `group` is its name up to the last slash.

    `rank` is whose points they are: the lowest rank that has any; None where they are reduced over all ranks.
    """

    name: str
    n: int
    first: Number
    last: Number
    min: Number
    max: Number
    mean: Number
    best: Number | None
    direction: Direction | None
    is_guessed: bool
    last_step: int
    group: str
    rank: int | None


class MetricPage(Struct):
    """Some of a run's metrics."""

    total: int
    metrics: list[Metric]


class Link(Struct):
    """A link of a run; `is_safe` tells whether it may be opened by a click: http, https or mailto."""

    url: str
    title: str
    kind: str
    is_safe: bool


class Trouble(Struct):
    """Something that went wrong in recording, with how often."""

    code: str
    message: str
    count: int


class Damage(Struct):
    """Bytes of a journal that could not be trusted and were left out."""

    writer: str
    segment: int
    byte: int
    size: int
    reason: str


class Command(Struct):
    """How the process was started."""

    argv: list[str]
    cwd: str
    executable: str
    python: str
    platform: str


class Change(Struct):
    """A field that was set: number 0 by the run itself, else by an edit."""

    number: int
    at: int
    field: str
    value: Value


class Raised(Struct):
    """The exception that ended a run."""

    type: str
    message: str
    traceback: str


class RunEnd(Struct):
    """How a run ended, and who saw it."""

    cause: str
    exit_code: int | None
    signal: int | None
    exception: Raised | None
    witness: str


class Writer(Struct):
    """A process that recorded a part of the run."""

    id: str
    kind: str
    rank: int
    pid: int
    host: str
    user: str
    version: str


class MediaGroup(Struct):
    """What was logged under one name beside numbers."""

    name: str
    kind: str
    steps: list[int]
    count: int


class Artifact(Struct):
    """A file of a run, or with `uri` a reference to something kept elsewhere."""

    path: str
    kind: str
    size: int | None
    sha256: str | None
    media_type: str
    step: int | None
    uri: str | None
    checksum: str
    created_at: int


class Fork(Struct):
    """What a run was forked from, and the last step that both share.

    `name` is None where the other run is not there or may not be read; `is_shared` tells whether its points are this
    run's too, in series and summaries: not where it is not there, or in another namespace.
    """

    run: str
    name: str | None
    step: int
    is_shared: bool


class RunDetail(Struct):
    """Everything that a run's page shows, but its series, console and content.

    Attributes:
        params: By name; a text over 2,000 characters is cut, and `/runs/{id}/param` has it whole.
        cut_params: The parameters that were cut, with their length in characters.
        metrics: The first 2,000 by name, objectives first; `/runs/{id}/metrics` pages through the rest.
        resources: Names of metrics that the machine was measured by.
        children: Runs that branched from it, newest first, at most 100.
        ranks: Of the processes that recorded it; with several, `reduce` of a series or of `/runs/{id}/metrics` is over
            them.
    """

    row: RunRow
    domain: str | None
    group: str | None
    params: dict[str, Value]
    cut_params: dict[str, int]
    metrics: list[Metric]
    metrics_total: int
    resources: list[Metric]
    links: list[Link]
    likes: dict[str, list[str]]
    problems: list[Trouble]
    damage: list[Damage]
    limits: dict[str, Number]
    command: Command | None
    objectives: dict[str, Direction]
    history: list[Change]
    end: RunEnd | None
    writers: list[Writer]
    last_heard_at: int | None
    rewound_from: int | None
    media: list[MediaGroup]
    artifacts: list[Artifact]
    parent: RunRow | None
    children: list[RunRow]
    watermark: int
    ranks: list[int]
    forked_from: Fork | None


class ParamValue(Struct):
    """One parameter, whole."""

    name: str
    value: Value


# ── series, media, console ────────────────────────────────────────────────────────────────────────────────────────


class SeriesName(Struct):
    """One metric of one source of a run, or of all of them as a line with a band.

    Attributes:
        rank: Whose points; None = of rank 0, or where it never logged the metric of the lowest rank that did.
        reduce: Reduce all ranks instead: `first`, `last` and `smoothed` are the line, `min` and `max` the band over
            all points of all ranks. `rank` is left out then.
    """

    run: str
    metric: str
    rank: int | None = None
    reduce: Reduce | None = None


class SeriesRequest(Struct):
    """Series on one common grid.

    Attributes:
        axis: What x is; `relative` and `time` in microseconds, `metric` in what `x_metric` was at the same step.
        columns: The chart's width in device pixels.
        smoothing: The weight of the moving average, 0 to below 1; None = not smoothed.
        low: The least x; None = where the series begin. Whole numbers but on the axis `metric`.
    """

    series: list[SeriesName]
    axis: Literal["step", "relative", "time", "metric"] = "step"
    columns: int = 1200
    smoothing: float | None = None
    low: int | float | None = None
    high: int | float | None = None
    x_metric: str | None = None


class MediaItem(Struct):
    """An image, table, text … at a step; `/runs/{id}/media-content/{sha256}` is its content.

    `inline` is the content of a text, and of a table `{columns, rows, total_rows}` with its first 1,000 rows; a
    histogram stands in `meta`.
    """

    step: int
    kind: str
    media_type: str
    size: int
    caption: str
    meta: dict[str, Any]
    sha256: str
    inline: Any
    created_at: int


class MediaPage(Struct):
    """What was logged under a name: the items of the step asked for, and all steps there are."""

    items: list[MediaItem]
    steps: list[int]


class ConsoleWindow(Struct):
    """Lines of what a run printed; `first_line` counts from 1."""

    lines: list[str]
    first_line: int
    total_lines: int
    is_live: bool


class ConsoleMatch(Struct):
    """A line that holds what was searched for."""

    line: int
    text: str


class ConsoleMatches(Struct):
    """Matching lines; `more` tells that there are further ones."""

    matches: list[ConsoleMatch]
    more: bool
