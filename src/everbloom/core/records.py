"""The vocabulary of a run: every fact that a journal can hold.

A journal item is either a *row* of numbers, `[step, time, {name: number}]`, or a *control record*,
`[tag, time, {field: value}]`; the structs below are the control records' bodies, one tag each. They evolve
by msgspec's rules: a new field has a default, nothing is renamed or retyped, and a record whose tag is
unknown is carried along untouched. Times are UTC microseconds.

Where several records set the same thing, what a run records of itself comes first, in the order
(session, time, writer, position), then later edits in the order of their numbers; the last one wins.
"""

from typing import Any, ClassVar, Literal

from msgspec import Raw, Struct, field

Scalar = str | int | float | bool | None
State = Literal["running", "finished", "failed", "killed", "cancelled", "lost"]
EndState = Literal["finished", "failed", "killed", "cancelled"]
Cause = Literal["exit", "exception", "signal", "oom", "preempted", "user", "unknown"]
Verdict = Literal["supported", "refuted", "inconclusive"]
WriterKind = Literal["process", "fork", "rank", "watcher", "importer"]
MediaKind = Literal["image", "audio", "video", "table", "figure", "histogram", "text"]
Direction = Literal["min", "max"]

ENDED_STATES: frozenset[str] = frozenset({"finished", "failed", "killed", "cancelled", "lost"})


class Record(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A control record's body; `tag_name` is its type on disk."""

    tag_name: ClassVar[str]


class Start(Record, frozen=True):
    """A writer begins: the first record of every journal.

    `session` counts the starts of the run's processes: 0 for those that began it, one more for those that resumed it.
    """

    tag_name: ClassVar[str] = "start"
    kind: WriterKind
    rank: int = 0
    pid: int = 0
    host: str = ""
    user: str = ""
    version: str = ""
    session: int = 0


class Set(Record, frozen=True):
    """Set single-valued fields of the run, by name; see `SETTABLE`."""

    tag_name: ClassVar[str] = "set"
    fields: dict[str, Any]


# What `Set` may hold, and what each means. `parent` is the run this one branched from or resumed;
# `objectives` maps a metric's name to "min" or "max".
SETTABLE: frozenset[str] = frozenset(
    (
        "name namespace project experiment group parent user why conclusion verdict domain archived "
        "objectives total_steps seed created restricted"
    ).split()
)


class Params(Record, frozen=True):
    """Parameters, flattened with dots: `{"optimizer.lr": 3e-4}`."""

    tag_name: ClassVar[str] = "params"
    values: dict[str, Scalar]


class Tag(Record, frozen=True):
    """Add and remove tags; a run's tags are a set."""

    tag_name: ClassVar[str] = "tag"
    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)


class Like(Record, frozen=True):
    """Like or unlike the run (`target` empty) or a part of it, such as `metric:val/acc`."""

    tag_name: ClassVar[str] = "like"
    on: bool = True
    target: str = ""
    user: str = ""


class Note(Record, frozen=True):
    """Replace the run's note (Markdown), or append a paragraph to it.

    `base` is the version that the writer had read: the count of note records before it. None = did not look.
    """

    tag_name: ClassVar[str] = "note"
    text: str
    append: bool = False
    base: int | None = None


class Link(Record, frozen=True):
    """A link to something outside: a wiki page, a ticket, a pull request."""

    tag_name: ClassVar[str] = "link"
    url: str
    title: str = ""
    kind: str = ""


class Media(Record, frozen=True):
    """Something other than a number logged under a name at a step.

    Small values stand in `data`; larger ones are a blob, by its SHA-256. `meta` is the kind's own: width and
    height of an image, columns and rows of a table, edges and counts of a histogram.
    """

    tag_name: ClassVar[str] = "media"
    name: str
    kind: MediaKind
    step: int
    media_type: str
    size: int
    data: bytes | None = None
    sha256: str | None = None
    caption: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


class File(Record, frozen=True):
    """A file of the run, kept content-addressed; `path` is relative, with forward slashes."""

    tag_name: ClassVar[str] = "blob"
    path: str
    sha256: str
    size: int
    kind: str = "file"
    media_type: str = "application/octet-stream"
    step: int | None = None


class Reference(Record, frozen=True):
    """Something kept elsewhere that belongs to the run: a URI with what identifies its content.

    `session` is a fork's: the newest session of the run that it was forked from, as it stood then.
    """

    tag_name: ClassVar[str] = "reference"
    uri: str
    path: str = ""
    size: int | None = None
    checksum: str = ""
    kind: str = ""
    session: int | None = None


class Command(Record, frozen=True):
    """How the process was started, and by which Python."""

    tag_name: ClassVar[str] = "command"
    argv: list[str]
    cwd: str
    executable: str = ""
    python: str = ""
    platform: str = ""


class Console(Record, frozen=True):
    """Text that the run printed; carriage returns already folded, lines ended by a line feed.

    `offset` is the spool's byte offset after this text, so that a reader of the spool knows where to go on.
    """

    tag_name: ClassVar[str] = "console"
    text: str
    stream: Literal["out", "err", "both"] = "both"
    offset: int = 0


class Heartbeat(Record, frozen=True):
    """The watcher is alive and the run too; `number` counts up."""

    tag_name: ClassVar[str] = "heartbeat"
    number: int


class Limits(Record, frozen=True):
    """What the run may use at most, by resource metric: `{"system/memory.bytes": 8e9}`."""

    tag_name: ClassVar[str] = "limits"
    values: dict[str, float]


class Problem(Record, frozen=True):
    """Something that went wrong in recording; training was not told.

    `count` is how often since the writer's last record of that code, so that the counts of all records add up.
    """

    tag_name: ClassVar[str] = "problem"
    code: str
    message: str
    count: int = 1


class Rewind(Record, frozen=True):
    """The run was resumed from `step`: points of earlier sessions beyond it no longer count, of whichever rank."""

    tag_name: ClassVar[str] = "rewind"
    step: int


class ExceptionInfo(Struct, frozen=True, omit_defaults=True):
    """The exception that ended a run."""

    type: str
    message: str
    traceback: str = ""


class End(Record, frozen=True):
    """A witness saw the run end.

    `explicit` is true where the process itself said so (finish, an exception, Ctrl-C); such a record stands
    against what the watcher sees later of the process, which may go on to other things. `nobody` is what a reader
    says where it found the process dead and no record of its end; no writer writes it.
    """

    tag_name: ClassVar[str] = "end"
    state: EndState
    cause: Cause
    witness: Literal["process", "watcher", "importer", "nobody"]
    explicit: bool = False
    exit_code: int | None = None
    signal: int | None = None
    exception: ExceptionInfo | None = None


class Edit(Record, frozen=True):
    """An edit of a run by a person, in the store's edit journal: a control record, its run and its author."""

    tag_name: ClassVar[str] = "edit"
    run: str
    author: str
    tag: str
    body: Raw


class Unknown(Record, frozen=True):
    """A record of a type that this version does not know; kept and copied as it is."""

    tag_name: ClassVar[str] = ""
    tag: str
    body: Raw


RECORD_TYPES: dict[str, type[Record]] = {
    kind.tag_name: kind
    for kind in (
        Start,
        Set,
        Params,
        Tag,
        Like,
        Note,
        Link,
        Media,
        File,
        Reference,
        Command,
        Console,
        Heartbeat,
        Limits,
        Problem,
        Rewind,
        End,
        Edit,
    )
}
