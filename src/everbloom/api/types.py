"""What the API says and takes: the one place that types of the wire are defined in; OpenAPI is made from them.

Names are part of the address that clients rely on: new fields may come, with defaults; none is renamed. Times are UTC
microseconds named `*_at`, durations seconds named `*_s`; see `values.py` for numbers that JSON lacks.
"""

from typing import Any, Literal

from msgspec import Struct, field

from everbloom.api.values import Number, Value
from everbloom.core.records import Direction, State, Verdict


class Problem(Struct):
    """Why a request was refused: a stable code, a sentence, and the values that it names."""

    code: str
    message: str
    fields: dict[str, Any]


class ErrorBody(Struct):
    """The one shape of an error, on every route."""

    error: Problem


class Session(Struct):
    """Who is asking, and what answers. `root` is the store's folder where a script must name it, else null."""

    user: str
    namespace: str
    version: str
    root_name: str
    root: str | None
    is_local: bool


# ── projects ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Objective(Struct):
    """The best by the metric that says most of a project, and how it got better."""

    metric: str
    direction: Direction
    is_guessed: bool
    best: Number
    best_run_id: str
    best_run_name: str
    staircase: list[Number]


class Goal(Struct):
    """The value of a metric that a project wants to reach."""

    metric: str
    value: float


class GoalChange(Struct):
    """A goal that is set; without a value it is taken away."""

    metric: str
    value: float | None


class GoalList(Struct):
    """A project's goals, in the order they were first set."""

    goals: list[Goal]


class Project(Struct):
    """A project's card; `rank` is its place in the person's own order, None where it was never moved.

    `new_finished` and `new_failed` count runs that ended since the moment asked about. The objective is of the first
    goal's metric, where there is a goal.
    """

    namespace: str
    name: str
    runs: int
    running: int
    failed: int
    owner: str | None
    last_activity_at: int | None
    objective: Objective | None
    rank: int | None
    is_archived: bool
    new_finished: int = 0
    new_failed: int = 0
    goals: list[Goal] = field(default_factory=list)


class ProjectList(Struct):
    """All readable projects."""

    projects: list[Project]
    watermark: int


class ProjectOrder(Struct):
    """(namespace, project) in the order wanted; those left out keep theirs, behind."""

    order: list[tuple[str, str]]


class ProjectChange(Struct):
    """What to change of a project."""

    is_archived: bool


# ── runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class RunRow(Struct):
    """A run in a table.

    Attributes:
        progress: From 0 to 1; None where the run did not say how many steps it takes.
        slot: Which of the 24 colours and dashes is its own, everywhere.
        cells: By column as asked for; a run that lacks it has no entry. Long texts are cut, with an ellipsis.
        spark: 32 values of the metric asked for, 0 to 254 over the run's own range, 255 = no point; None = none.
    """

    id: str
    name: str
    state: State
    cause: str | None
    progress: float | None
    created_at: int
    ended_at: int | None
    duration_s: float | None
    slot: int
    tags: list[str]
    note: str
    note_version: int
    likes: int
    why: str | None
    conclusion: str | None
    verdict: Verdict | None
    user: str | None
    experiment: str
    project: str
    namespace: str
    parent: str | None
    is_archived: bool
    is_stalled: bool
    error_line: str | None
    cells: dict[str, Value]
    spark: list[int] | None


class Column(Struct):
    """A column that a table may show; `n` and what follows is None where it was not looked at."""

    key: str
    kind: Literal["number", "text", "bool", "list"]
    label: str
    group: str
    n: int | None
    varies: bool | None
    direction: Direction | None
    min: Number | None
    max: Number | None
    distinct: int | None


class Constant(Struct):
    """A column that is the same in all matches."""

    key: str
    value: Value


class ColumnCatalogue(Struct):
    """All columns of a table: those that vary first. `default` is what is shown unless a person chose."""

    columns: list[Column]
    total: int
    default: list[str]
    constant: list[Constant]
    watermark: int


class RunPage(Struct):
    """A window of a table of runs.

    Attributes:
        elsewhere: How many matches other projects have, by `namespace/project`.
        archived: How many archived runs match, where no other does.
    """

    total: int
    offset: int
    query_ms: float
    watermark: int
    rows: list[RunRow]
    elsewhere: dict[str, int]
    archived: int
    columns: ColumnCatalogue | None


class GroupCell(Struct):
    """What a column comes to over all members of a group.

    Attributes:
        n: Members with a value.
        odd: Members whose number is NaN or infinite; left out of mean, deviation, min and max.
        std: Sample standard deviation; None for fewer than two.
        distinct: How many different texts there are.
        value: The one value that they share; None where they differ.
    """

    n: int
    odd: int
    mean: Number | None
    std: Number | None
    min: Number | None
    max: Number | None
    distinct: int
    value: Value


class RunGroup(Struct):
    """Runs that share a value; `clause` is the filter that finds them, `value` None where they have none."""

    value: Value
    clause: str
    count: int
    states: dict[str, int]
    cells: dict[str, GroupCell]


class RunGroups(Struct):
    """A window of the groups; `total` counts all groups, `runs` all matches, whatever is in the window."""

    groups: list[RunGroup]
    total: int
    runs: int
    query_ms: float
    watermark: int


class FacetValue(Struct):
    """A value, and how many matches have it."""

    value: str
    count: int


class Facet(Struct):
    """The values of a key among all matches, the most frequent first."""

    values: list[FacetValue]


class BestRun(Struct):
    """The best of all matches by one metric.

    Attributes:
        gain: `value` less `baseline`.
        baseline: The value of the run that was asked to be compared with, else of the first run.
        staircase: (place in time from 0, value) of each run that was better than all before it.
    """

    metric: str
    direction: Direction
    is_guessed: bool
    value: Number
    run_id: str
    run_name: str
    gain: Number | None
    baseline: Number | None
    n_runs: int
    staircase: list[tuple[int, Number]]


class BestRuns(Struct):
    """The best run per metric, stated objectives first."""

    best: list[BestRun]


class Offer(Struct):
    """What may stand at the cursor of a filter."""

    text: str
    kind: Literal["key", "operator", "join", "value"]
    detail: str
    count: int | None


class Completion(Struct):
    """What may replace `text[start:end]`, best first; `total` would fit, beyond the offers too."""

    start: int
    end: int
    offers: list[Offer]
    total: int = 0


class Hit(Struct):
    """A run that says or printed what was searched for; `line` is the console's, from 1."""

    run_id: str
    name: str
    project: str
    namespace: str
    state: State
    where: str
    excerpt: str
    line: int | None


class Hits(Struct):
    """What was found, best first; `elsewhere` counts runs of other projects."""

    hits: list[Hit]
    elsewhere: dict[str, int]


# ── edits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class TagEdit(Struct, tag="tag", tag_field="kind"):
    """Add and remove tags."""

    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)


class NoteEdit(Struct, tag="note", tag_field="kind"):
    """Write the note anew, or append a paragraph; `base` is the `note_version` that the text was made from."""

    text: str
    append: bool = False
    base: int | None = None


class LikeEdit(Struct, tag="like", tag_field="kind"):
    """Like the run, or with `target` a part of it such as `metric:val/acc`."""

    on: bool = True
    target: str = ""


class SetEdit(Struct, tag="set", tag_field="kind"):
    """Set fields: why, conclusion, verdict, archived, name, domain; null unsets.

    `expect` makes it conditional: where a field's value is another one by now, nothing is changed.
    """

    fields: dict[str, str | bool | None]
    expect: dict[str, str | bool | None] | None = None


Edit = TagEdit | NoteEdit | LikeEdit | SetEdit


class EditRequest(Struct):
    """Edits of one run, applied in order."""

    edits: list[Edit]


class EditAnswer(Struct):
    """The run as it is now, read back from the index, and what would undo the edits."""

    row: RunRow
    undo: list[Edit]
    watermark: int


class BulkEdit(Struct):
    """Edits of many runs: those named, or all that match a filter as `/runs` would list them."""

    edits: list[Edit]
    ids: list[str] | None = None
    ns: str | None = None
    project: str | None = None
    experiment: str | None = None
    f: str = ""
    archived: bool | None = False


class BulkAnswer(Struct):
    """How many runs changed, and a token that undoes it; it holds until the server ends, or twenty more came."""

    changed: int
    undo_token: str | None
    watermark: int


class UndoRequest(Struct):
    """Take a bulk edit back."""

    undo_token: str


# ── compare, views ────────────────────────────────────────────────────────────────────────────────────────────────


class ComparedMetric(Struct):
    """A metric of several runs: one value each, and which of them are best, by place."""

    key: str
    word: str
    direction: Direction | None
    is_guessed: bool
    values: list[Number | None]
    best: list[int]


class ComparedRow(Struct):
    """A parameter or another attribute of several runs: one value each, None where it is null or missing."""

    key: str
    values: list[Value]
    present: list[bool]
    differs: bool


class CompareRequest(Struct):
    """Full ids of the runs, in the order wanted."""

    runs: list[str]


class Comparison(Struct):
    """Several runs side by side."""

    runs: list[RunRow]
    metrics: list[ComparedMetric]
    params: list[ComparedRow]
    attributes: list[ComparedRow]
    constant: list[Constant]
    shared_tags: list[str]


class View(Struct):
    """A saved view: a name for the query of an address."""

    name: str
    query: str
    created_at: int


class ViewList(Struct):
    """The saved views of a project, in the order they were made."""

    views: list[View]


class ViewChange(Struct):
    """The query that a view stands for, such as `f=val/acc>0.9&sort=-created`."""

    query: str


class LinkedPlace(Struct):
    """An address of the web app, with its query: `/local/news/compare?runs=…`."""

    address: str


class ShortLink(Struct):
    """An address of the web app that `/v/{hash}` opens."""

    hash: str
    address: str
