"""The catalog: runs, their control records, and how far each journal is read.

Everything here is derived from journals and edits and may be deleted. Control records are kept as they came, so
that a run is always the fold of all that is known of it, whichever order that arrived in.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from everbloom.core.clock import now_us
from everbloom.core.errors import NotFound
from everbloom.core.ids import RunId, WriterId
from everbloom.index.documents import Document, decode_document, encode_document
from everbloom.index.engine import Database

SCHEMA = 5  # raise it when a table changes: a new index is built beside the old one

_TABLES = (
    """CREATE TABLE IF NOT EXISTS project (
        id {serial}, namespace {text} NOT NULL, name {text} NOT NULL, slots {int} NOT NULL,
        UNIQUE (namespace, name))""",
    """CREATE TABLE IF NOT EXISTS run (
        seq {serial}, id {text} NOT NULL UNIQUE, id_reversed {text} NOT NULL, name {text} NOT NULL,
        project {int} NOT NULL, slot {int} NOT NULL, created {int} NOT NULL, is_open {int} NOT NULL,
        pending_since {int}, was_folded {int} NOT NULL, document {blob} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS run_slot ON run (project, slot)",
    "CREATE INDEX IF NOT EXISTS run_name ON run (name)",
    "CREATE INDEX IF NOT EXISTS run_reversed ON run (id_reversed)",
    # Begins like `run_slot`; else SQLite walks all runs of a project to find the few that are pending in slot order.
    "CREATE INDEX IF NOT EXISTS run_pending ON run (project, slot, pending_since) WHERE pending_since IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS run_open ON run (is_open) WHERE is_open = 1",
    """CREATE TABLE IF NOT EXISTS control (
        run {text} NOT NULL, writer {text} NOT NULL, position {int} NOT NULL, number {int} NOT NULL,
        time {int} NOT NULL, tag {text} NOT NULL, rows_before {int} NOT NULL, body {blob} NOT NULL,
        PRIMARY KEY (run, writer, position))""",
    "CREATE INDEX IF NOT EXISTS control_tag ON control (run, tag)",
    # The references among the control records that say a fork, so that what a source's news mean to its forks is found.
    """CREATE TABLE IF NOT EXISTS fork (
        run {text} NOT NULL, writer {text} NOT NULL, position {int} NOT NULL, time {int} NOT NULL,
        source {text} NOT NULL, step {int} NOT NULL, session {int}, PRIMARY KEY (run, writer, position))""",
    "CREATE INDEX IF NOT EXISTS fork_source ON fork (source)",
    """CREATE TABLE IF NOT EXISTS writer (
        run {text} NOT NULL, writer {text} NOT NULL, kind {text} NOT NULL, rank {int} NOT NULL,
        last_time {int} NOT NULL, heartbeat {int} NOT NULL, seen_boot {text} NOT NULL, seen_at {real} NOT NULL,
        is_alive {int}, active_time {int} NOT NULL, rows {int} NOT NULL, first_row {int} NOT NULL,
        last_row {int} NOT NULL, PRIMARY KEY (run, writer))""",
    """CREATE TABLE IF NOT EXISTS damage (
        run {text} NOT NULL, writer {text} NOT NULL, segment {int} NOT NULL, byte {int} NOT NULL,
        size {int} NOT NULL, reason {text} NOT NULL, PRIMARY KEY (run, writer, segment, byte))""",
    """CREATE TABLE IF NOT EXISTS experiment (
        namespace {text} NOT NULL, project {text} NOT NULL, name {text} NOT NULL,
        PRIMARY KEY (namespace, project, name))""",
    "CREATE TABLE IF NOT EXISTS meta (key {text} PRIMARY KEY, value {int} NOT NULL)",
)


class ControlRow(NamedTuple):
    """A control record as it is kept: its place in the order, and its body's bytes."""

    run: str
    writer: str
    position: int
    number: int
    time: int
    tag: str
    rows_before: int
    body: bytes


class ForkRow(NamedTuple):
    """A record that says what a run was forked from, and the last step that both share; where it stands, and when.

    `session` is the newest session of the source as it stood then; None where the record does not say.
    """

    run: RunId
    writer: str
    position: int
    time: int
    source: RunId
    step: int
    session: int | None = None


class WriterRow(NamedTuple):
    """What is known of a writer's life.

    Attributes:
        last_time: The latest time in its journal, microseconds, by its own clock.
        heartbeat: The last heartbeat's number; -1 = none yet.
        seen_boot: The boot id of the indexer that first saw that number.
        seen_at: When, by that boot's monotonic clock, in seconds.
        is_alive: 1 proved alive, 0 proved dead, None unknown.
        active_time: The latest time that training itself gave a sign of life: any record of its own, and of a watcher
            what it read from the console; 0 = none.
        rows: How many rows of numbers it has logged.
        first_row: The earliest time of a row; 0 = none.
        last_row: The latest time of a row.
    """

    run: str
    writer: str
    kind: str
    rank: int
    last_time: int
    heartbeat: int
    seen_boot: str
    seen_at: float
    is_alive: int | None
    active_time: int = 0
    rows: int = 0
    first_row: int = 0
    last_row: int = 0


class RunRow(NamedTuple):
    """A run as the catalog keeps it; `pending_since` tells since when its column cells are out of date."""

    seq: int
    id: RunId
    name: str
    project: int
    slot: int
    created: int
    is_open: bool
    document: Document


class ProjectRow(NamedTuple):
    """A project: its number, its path, and how many places its column blocks have."""

    id: int
    namespace: str
    name: str
    slots: int


class DamageRow(NamedTuple):
    """Bytes of a journal that could not be trusted."""

    run: str
    writer: str
    segment: int
    byte: int
    size: int
    reason: str


REFUSED = "not read: "  # begins the reason of a damage row that stands for a whole journal, not for bytes of it
_RUN_COLUMNS = "seq, id, name, project, slot, created, is_open, document"


class Catalog:
    """Runs and their records in one database; not thread safe, like its connection."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def ensure_schema(self) -> None:
        """Create the tables that are missing."""
        self.database.create(*_TABLES)

    def has_tables(self) -> bool:
        """Tell whether the tables are there; they come as one, the last of all of an index's."""
        if self.database.engine == "postgres":
            return bool(self.database.execute("SELECT 1 WHERE to_regclass('meta') IS NOT NULL"))
        return bool(self.database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'"))

    # ── writing, within the caller's transaction ──────────────────────────────────────────────────────────────

    def add_controls(self, rows: Iterable[ControlRow]) -> None:
        """Keep control records; one that is there already is left as it is."""
        self.database.execute_many(
            "INSERT INTO control (run, writer, position, number, time, tag, rows_before, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, writer, position) DO NOTHING",
            rows,
        )

    def replace_control(self, row: ControlRow) -> None:
        """Keep a control record in the place of one that stands at its position."""
        self.database.execute(
            "DELETE FROM control WHERE run = ? AND writer = ? AND position = ?", (row.run, row.writer, row.position)
        )
        self.add_controls([row])

    def add_forks(self, rows: Iterable[ForkRow]) -> None:
        """Keep what runs were forked from; a record that is there already is left as it is."""
        self.database.execute_many(
            "INSERT INTO fork (run, writer, position, time, source, step, session) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (run, writer, position) DO NOTHING",
            rows,
        )

    def add_damage(self, rows: Iterable[DamageRow]) -> None:
        """Keep what was skipped."""
        self.database.execute_many(
            "INSERT INTO damage (run, writer, segment, byte, size, reason) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (run, writer, segment, byte) DO NOTHING",
            rows,
        )

    def remove_refusal(self, run: RunId, writer: WriterId) -> None:
        """Forget that a journal could not be read."""
        self.database.execute(
            "DELETE FROM damage WHERE run = ? AND writer = ? AND reason LIKE ?", (run, writer, f"{REFUSED}%")
        )

    def write_writers(self, rows: Iterable[WriterRow]) -> None:
        """Set what is known of writers' lives."""
        columns = WriterRow._fields
        self.database.execute_many(
            f"INSERT INTO writer ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
            f"ON CONFLICT (run, writer) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in columns[2:])}",
            rows,
        )

    def write_run(self, run: RunId, document: Document, *, is_open: bool, now_us: int) -> bool:
        """Set a run's document; its column cells are out of date from now on.

        Returns:
            Whether the document differs from the one that was there.
        """
        attributes = document.attributes
        project = self._ensure_project(str(attributes["namespace"]), str(attributes["project"]))
        data = encode_document(document)
        known = self.database.execute("SELECT project, is_open, document FROM run WHERE id = ?", (run,))
        if not known:
            slot = self._take_slot(project)
            self.database.execute(
                "INSERT INTO run (id, id_reversed, name, project, slot, created, is_open, pending_since, was_folded, "
                "document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (run, run[::-1], attributes["name"], project, slot, attributes["created"], int(is_open), now_us, data),
            )
            return True
        old_project, was_open, old_data = known[0]
        if old_data == data and bool(was_open) == is_open:
            return False
        if old_project != project:
            self._leave_project(run)
            self.database.execute(
                "UPDATE run SET project = ?, slot = ?, was_folded = 0 WHERE id = ?",
                (project, self._take_slot(project), run),
            )
        self.database.execute(
            "UPDATE run SET name = ?, created = ?, is_open = ?, document = ?, "
            "pending_since = COALESCE(pending_since, ?) WHERE id = ?",
            (attributes["name"], attributes["created"], int(is_open), data, now_us, run),
        )
        return True

    def _ensure_project(self, namespace: str, name: str) -> int:
        found = self.database.execute("SELECT id FROM project WHERE namespace = ? AND name = ?", (namespace, name))
        if not found:
            found = self.database.execute(
                "INSERT INTO project (namespace, name, slots) VALUES (?, ?, 0) RETURNING id", (namespace, name)
            )
        return int(found[0][0])

    def _take_slot(self, project: int) -> int:
        taken = self.database.execute("UPDATE project SET slots = slots + 1 WHERE id = ? RETURNING slots", (project,))
        return int(taken[0][0]) - 1

    def _leave_project(self, run: RunId) -> None:
        """Leave an empty place behind: a run without document, whose cells the next fold empties."""
        self.database.execute(
            "INSERT INTO run (id, id_reversed, name, project, slot, created, is_open, pending_since, was_folded, "
            "document) SELECT 'moved:' || id || ':' || seq || ':' || slot || ':' || project, '', '', project, slot, "
            "created, 0, 0, 1, ? FROM run WHERE id = ?",
            (encode_document(Document()), run),
        )

    def mark_pending(self, run: RunId, *, now_us: int) -> None:
        """Have the run's text and cells made anew at the next fold, though its document is as it was."""
        self.database.execute("UPDATE run SET pending_since = ? WHERE id = ? AND pending_since IS NULL", (now_us, run))

    def add_experiments(self, experiments: Iterable[tuple[str, str, str]]) -> None:
        """Remember that (namespace, project, experiment) stands in the workspace."""
        self.database.execute_many(
            "INSERT INTO experiment (namespace, project, name) VALUES (?, ?, ?) "
            "ON CONFLICT (namespace, project, name) DO NOTHING",
            experiments,
        )

    def knows_experiment(self, namespace: str, project: str, name: str) -> bool:
        """Tell whether `add_experiments` was called for it."""
        return bool(
            self.database.execute(
                "SELECT 1 FROM experiment WHERE namespace = ? AND project = ? AND name = ?", (namespace, project, name)
            )
        )

    def bump_version(self) -> None:
        """Count up the catalog's version: readers drop what they remember of an older one.

        It begins with the time, so that an index built anew never has a version that its predecessor had.
        """
        self.database.execute(
            "INSERT INTO meta (key, value) VALUES ('version', ?) "
            "ON CONFLICT (key) DO UPDATE SET value = meta.value + 1",
            (now_us(),),
        )

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────

    def read_version(self) -> int:
        """Return the catalog's version: equal versions hold equal content."""
        rows = self.database.execute("SELECT value FROM meta WHERE key = 'version'")
        return int(rows[0][0]) if rows else 0

    def is_whole(self) -> bool:
        """Tell whether all journals of the store were taken in once; until then `active/` is not enough to go by."""
        return bool(self.database.execute("SELECT value FROM meta WHERE key = 'is_whole'"))

    def mark_whole(self) -> None:
        """Note that all journals of the store were taken in once; may be repeated."""
        self.database.execute("INSERT INTO meta (key, value) VALUES ('is_whole', 1) ON CONFLICT (key) DO NOTHING")

    def read_taken(self) -> int | None:
        """Return up to where the list of what other databases took off `active/` is taken in; None = it never was."""
        rows = self.database.execute("SELECT value FROM meta WHERE key = 'taken'")
        return int(rows[0][0]) if rows else None

    def write_taken(self, offset: int) -> None:
        """Note up to where that list is taken in."""
        self.database.execute(
            "INSERT INTO meta (key, value) VALUES ('taken', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (offset,),
        )

    def read_projects(self) -> list[ProjectRow]:
        """Return all projects, by namespace and name."""
        rows = self.database.execute("SELECT id, namespace, name, slots FROM project ORDER BY namespace, name")
        return [ProjectRow(*row) for row in rows]

    def read_run(self, run: RunId) -> RunRow:
        """Return one run.

        Raises:
            NotFound: The index does not know it.
        """
        rows = self.database.execute(f"SELECT {_RUN_COLUMNS} FROM run WHERE id = ?", (run,))
        if not rows:
            raise NotFound(
                f"run {run} is not in the index; `everbloom ls` lists what is, `everbloom reindex` reads all again.",
                code="run.unknown",
                run=run,
            )
        return _to_run_row(rows[0])

    def read_places(self, places: Sequence[tuple[int, int]]) -> list[RunRow]:
        """Return the runs at (project, slot), in the order asked for."""
        found: dict[tuple[int, int], RunRow] = {}
        slots: defaultdict[int, list[int]] = defaultdict(list)
        for project, slot in places:
            slots[project].append(slot)
        for project, wanted in slots.items():
            for start in range(0, len(wanted), 400):
                part = wanted[start : start + 400]
                marks = ", ".join("?" * len(part))
                for row in self.database.execute(
                    f"SELECT {_RUN_COLUMNS} FROM run WHERE project = ? AND slot IN ({marks})", (project, *part)
                ):
                    run = _to_run_row(row)
                    found[run.project, run.slot] = run
        return [found[place] for place in places if place in found]

    def read_runs(self, runs: Sequence[RunId]) -> dict[RunId, RunRow]:
        """Return those of the runs that the index knows."""
        found: dict[RunId, RunRow] = {}
        for start in range(0, len(runs), 400):
            part = runs[start : start + 400]
            marks = ", ".join("?" * len(part))
            for row in self.database.execute(f"SELECT {_RUN_COLUMNS} FROM run WHERE id IN ({marks})", part):
                run = _to_run_row(row)
                found[run.id] = run
        return found

    def find_places(self, runs: Sequence[str]) -> list[tuple[int, int]]:
        """Return (project, slot) of those of the runs that the index knows, in no order."""
        places: list[tuple[int, int]] = []
        for start in range(0, len(runs), 400):
            part = runs[start : start + 400]
            marks = ", ".join("?" * len(part))
            places += self.database.execute(f"SELECT project, slot FROM run WHERE id IN ({marks})", part)
        return places

    def read_pending(self, projects: Sequence[int]) -> list[RunRow]:
        """Return the runs of these projects whose column cells and text are out of date, newest first."""
        if not projects:
            return []
        rows = self.database.execute(
            f"SELECT {_RUN_COLUMNS} FROM run WHERE project IN ({', '.join('?' * len(projects))}) "
            "AND pending_since IS NOT NULL AND id_reversed <> '' ORDER BY created DESC, id DESC",
            projects,
        )
        return [_to_run_row(row) for row in rows]

    def find_names(self, prefix: str, *, limit: int = 200) -> list[tuple[str, int]]:
        """Return (name, project) of runs whose name begins with the prefix, exactly as written, by name."""
        rows = self.database.execute(
            "SELECT name, project FROM run WHERE name >= ? AND name < ? AND id_reversed <> '' ORDER BY name LIMIT ?",
            (prefix, prefix + "\U0010ffff", limit),
        )
        return [(name, project) for name, project in rows]

    def find_runs(self, reference: str, *, limit: int = 20) -> list[RunRow]:
        """Return the runs that a full id, a name or the end of an id may mean, newest first."""
        rows = self.database.execute(
            f"SELECT {_RUN_COLUMNS} FROM run WHERE (id = ? OR name = ? OR (id_reversed >= ? AND id_reversed < ?)) "
            "AND id_reversed <> '' ORDER BY created DESC, id DESC LIMIT ?",
            (reference, reference, reference[::-1], reference[::-1] + "~", limit),
        )
        return [_to_run_row(row) for row in rows]

    def read_controls(self, run: RunId, tags: Sequence[str] | None = None) -> list[ControlRow]:
        """Return a run's control records in their order; only those of some tags if asked."""
        condition = f" AND tag IN ({', '.join('?' * len(tags))})" if tags is not None else ""
        rows = self.database.execute(
            "SELECT run, writer, position, number, time, tag, rows_before, body FROM control "
            f"WHERE run = ?{condition} ORDER BY number, time, writer, position",
            (run, *(tags or ())),
        )
        return [ControlRow(*row) for row in rows]

    def read_controls_of(self, runs: Sequence[RunId], tags: Sequence[str]) -> list[ControlRow]:
        """Return the control records of some kinds of many runs at once, by run and in their order."""
        found: list[ControlRow] = []
        kinds = ", ".join("?" * len(tags))
        for start in range(0, len(runs), 500):
            part = runs[start : start + 500]
            rows = self.database.execute(
                f"SELECT run, writer, position, number, time, tag, rows_before, body FROM control "
                f"WHERE run IN ({', '.join('?' * len(part))}) AND tag IN ({kinds}) "
                f"ORDER BY run, number, time, writer, position",
                (*part, *tags),
            )
            found += [ControlRow(*row) for row in rows]
        return found

    def read_forks(self, runs: Sequence[RunId]) -> dict[RunId, ForkRow]:
        """Return what each of some runs was forked from, by its first record that says so; others are absent."""
        rows = self._read_fork_rows("run", runs)
        rows.sort(key=lambda row: (row.time, row.writer, row.position), reverse=True)
        return {row.run: row for row in rows}

    def read_forks_of(self, sources: Sequence[RunId]) -> list[ForkRow]:
        """Return every record that says a fork of one of some runs, in no order."""
        return self._read_fork_rows("source", sources)

    def _read_fork_rows(self, column: str, runs: Sequence[RunId]) -> list[ForkRow]:
        found: list[ForkRow] = []
        for start in range(0, len(runs), 500):
            part = runs[start : start + 500]
            rows = self.database.execute(
                f"SELECT run, writer, position, time, source, step, session FROM fork "
                f"WHERE {column} IN ({', '.join('?' * len(part))})",
                tuple(part),
            )
            found += [ForkRow(*row) for row in rows]
        return found

    def read_namespaces(self, runs: Sequence[RunId]) -> dict[RunId, str]:
        """Return the namespace of each of some runs; those that the index does not know are absent."""
        found: dict[RunId, str] = {}
        for start in range(0, len(runs), 500):
            part = runs[start : start + 500]
            rows = self.database.execute(
                f"SELECT run.id, project.namespace FROM run JOIN project ON project.id = run.project "
                f"WHERE run.id IN ({', '.join('?' * len(part))})",
                tuple(part),
            )
            found.update((RunId(run), str(namespace)) for run, namespace in rows)
        return found

    def count_controls(self, runs: Sequence[RunId], tag: str) -> dict[RunId, int]:
        """Return how many control records of a kind each of some runs has; runs with none left out."""
        counts: dict[RunId, int] = {}
        for start in range(0, len(runs), 500):
            part = runs[start : start + 500]
            rows = self.database.execute(
                f"SELECT run, COUNT(*) FROM control WHERE run IN ({', '.join('?' * len(part))}) AND tag = ? "
                f"GROUP BY run",
                (*part, tag),
            )
            counts.update((RunId(run), count) for run, count in rows)
        return counts

    def read_slots(self, runs: Sequence[RunId]) -> dict[RunId, int]:
        """Return the place that each of some runs has in its project."""
        slots: dict[RunId, int] = {}
        for start in range(0, len(runs), 500):
            part = runs[start : start + 500]
            marks = ", ".join("?" * len(part))
            slots.update(self.database.execute(f"SELECT id, slot FROM run WHERE id IN ({marks})", tuple(part)))
        return slots

    def read_writers(self, run: RunId) -> list[WriterRow]:
        """Return what is known of a run's writers."""
        rows = self.database.execute(
            f"SELECT {', '.join(WriterRow._fields)} FROM writer WHERE run = ? ORDER BY writer",
            (run,),
        )
        return [WriterRow(*row) for row in rows]

    def read_writers_of(self, runs: Iterable[RunId]) -> list[WriterRow]:
        """Return what is known of the writers of several runs."""
        found: list[WriterRow] = []
        wanted = list(runs)
        for start in range(0, len(wanted), 400):
            part = wanted[start : start + 400]
            marks = ", ".join("?" * len(part))
            rows = self.database.execute(
                f"SELECT {', '.join(WriterRow._fields)} FROM writer WHERE run IN ({marks}) ORDER BY run, writer", part
            )
            found += [WriterRow(*row) for row in rows]
        return found

    def read_damage(self, run: RunId) -> list[DamageRow]:
        """Return what was skipped of a run's journals."""
        rows = self.database.execute(
            "SELECT run, writer, segment, byte, size, reason FROM damage WHERE run = ? ORDER BY writer, segment, byte",
            (run,),
        )
        return [DamageRow(*row) for row in rows]

    def read_damaged_runs(self) -> set[RunId]:
        """Return the runs of whose journals anything was skipped, or could not be read at all."""
        return {RunId(run) for (run,) in self.database.execute("SELECT DISTINCT run FROM damage")}

    def read_refusals(self) -> dict[tuple[RunId, WriterId], str]:
        """Return which journals could not be read when last looked at, and why."""
        rows = self.database.execute("SELECT run, writer, reason FROM damage WHERE reason LIKE ?", (f"{REFUSED}%",))
        return {(RunId(run), WriterId(writer)): reason for run, writer, reason in rows}

    def read_refusal(self, run: RunId, writer: WriterId) -> str | None:
        """Return why a journal could not be read when last looked at; None where it could."""
        rows = self.database.execute(
            "SELECT reason FROM damage WHERE run = ? AND writer = ? AND reason LIKE ?", (run, writer, f"{REFUSED}%")
        )
        return str(rows[0][0]) if rows else None


def _to_run_row(row: tuple[int, str, str, int, int, int, int, bytes]) -> RunRow:
    seq, run, name, project, slot, created, is_open, data = row
    return RunRow(seq, RunId(run), name, project, slot, created, bool(is_open), decode_document(data))
