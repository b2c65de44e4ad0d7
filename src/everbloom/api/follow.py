"""Keep the index caught up while somebody looks, and say which runs changed.

Journals are looked at, not listened to (docs/decisions/0006): a thread looks every quarter of a second while a client
listens, and a request looks if nobody has for as long. Where another process indexes the store, what it commits is
seen by the index's version; which runs changed is then unknown, and said as "many".
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from everbloom.core.clock import monotonic_s
from everbloom.core.errors import EverbloomError, Unavailable
from everbloom.core.ids import RunId
from everbloom.core.settings import Settings
from everbloom.ingest.indexer import Indexer
from everbloom.ingest.news import has_news, has_records

LOOK_EVERY_S = 0.25
BUSY_PATIENCE_S = 3.0
RUNS_MAX = 100
_KEPT = 200
_WRITE_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Change:
    """What a look brought.

    Attributes:
        version: The index's version after it: the watermark.
        runs: Which runs changed; None = many, or unknown.
        projects: (namespace, project) of these runs.
    """

    version: int
    runs: frozenset[str] | None
    projects: frozenset[tuple[str, str]] = frozenset()


class Follower:
    """Looks for news of one store; any number of threads, one look at a time.

    Attributes:
        trouble: Why what is shown may lack something: the index could not be caught up at the last look, or another
            process has had its lock for longer than `busy_patience_s` while there was news; None = it was caught up.
    """

    def __init__(self, settings: Settings, *, busy_patience_s: float = BUSY_PATIENCE_S) -> None:
        self.trouble: EverbloomError | None = None
        self._busy_patience_s = busy_patience_s
        self._busy_since_s: float | None = None
        self._settings = settings
        self._indexer: Indexer | None = None
        self._lock = threading.Lock()  # one look at a time; may be held for as long as indexing takes
        self._guard = threading.Lock()  # what is remembered; never held for long, so that a loop may take it
        self._looked_s = float("-inf")
        self._version = 0
        self._changes: deque[Change] = deque(maxlen=_KEPT)
        self._listeners: set[Callable[[], None]] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    # ── looking ───────────────────────────────────────────────────────────────────────────────────────────────

    def look_if_due(self) -> None:
        """Look, unless somebody did within a quarter of a second or is at it."""
        if (
            self.is_closed
            or monotonic_s() - self._looked_s < LOOK_EVERY_S
            or not self._lock.acquire(blocking=self._version == 0)
        ):
            return
        try:
            self._look(wait_s=0.0)
        finally:
            self._lock.release()

    def look(self) -> None:
        """Look, however short ago somebody did; what another indexer has in hand is not waited for."""
        with self._lock:
            self._look(wait_s=0.0)

    def look_now(self) -> None:
        """Take in all that was written before this call, waiting for another indexer if need be.

        Raises:
            Unavailable: It is not done after ten seconds, or the index cannot be written.
        """
        with self._lock:
            self._look(wait_s=_WRITE_PATIENCE_S)
            if self.trouble is not None:
                raise self.trouble

    def _look(self, *, wait_s: float) -> None:
        runs: set[str] = set()
        trouble: EverbloomError | None = None
        is_busy = False
        try:
            index = self._open_indexer()
            if index is not None and (wait_s or has_news(self._settings.root, index.index)):
                report = index.catch_up(wait_s=wait_s)
                runs.update(report.runs)
                trouble = report.kept
        except EverbloomError as error:
            is_busy = error.code == "index.busy" and not wait_s
            trouble = error
        except OSError as error:
            root = self._settings.root
            trouble = Unavailable(
                f"the store {root} could not be read for news: {error}; check the disk.", code="root.unreadable"
            )
        self._looked_s = monotonic_s()
        self._set_trouble(trouble, is_busy=is_busy)
        self._note(runs)

    def _set_trouble(self, trouble: EverbloomError | None, *, is_busy: bool) -> None:
        """Keep what keeps the index behind, and tell who listens.

        Another process at work is none for a while, as what it commits is read all the same; one that goes on for
        longer, or hangs, leaves news unseen.
        """
        if not is_busy:
            self._busy_since_s = None
        elif self._busy_since_s is None:
            self._busy_since_s = self._looked_s
        if self._busy_since_s is not None and self._looked_s - self._busy_since_s < self._busy_patience_s:
            trouble = None
        before, self.trouble = self.trouble, trouble
        if describe_stale(before) != describe_stale(trouble):
            self._notify()

    def _open_indexer(self) -> Indexer | None:
        if self._indexer is None and has_records(self._settings.root):
            self._indexer = Indexer(self._settings.root, self._settings.database)
        return self._indexer

    def _note(self, runs: set[str]) -> None:
        version = self._read_version()
        if version == self._version:
            return
        is_known = bool(runs) and len(runs) <= RUNS_MAX
        change = Change(version, frozenset(runs), self._read_projects(runs)) if is_known else Change(version, None)
        with self._guard:
            self._version = version
            self._changes.append(change)
        self._notify()

    def _notify(self) -> None:
        with self._guard:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()

    def _read_projects(self, runs: set[str]) -> frozenset[tuple[str, str]]:
        if self._indexer is None:
            return frozenset()
        found = self._indexer.index.catalog.read_runs([RunId(run) for run in runs]).values()
        attributes = [row.document.attributes for row in found]
        return frozenset((str(a.get("namespace", "")), str(a.get("project", ""))) for a in attributes)

    def _read_version(self) -> int:
        try:
            return self._indexer.index.catalog.read_version() if self._indexer is not None else 0
        except EverbloomError as error:
            self.trouble = error
            return self._version

    @property
    def version(self) -> int:
        """The index's version at the last look."""
        return self._version

    def changes_since(self, version: int) -> Change | None:
        """Return what changed since a version, as one; None = nothing."""
        with self._guard:
            if version == self._version:
                return None
            newer: list[Change] = []
            for change in reversed(self._changes):
                if change.version == version:
                    return _join(newer)
                newer.append(change)
            return Change(self._version, None)  # it is too long ago, or of another index

    # ── listening ─────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def listening(self, notify: Callable[[], None]) -> Iterator[None]:
        """Have `notify` called from some thread whenever the version changes, and look all the while."""
        with self._guard:
            self._listeners.add(notify)
            if self._thread is None and not self.is_closed:
                self._thread = threading.Thread(target=self._go_on_looking, name="everbloom-follow", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._guard:
                self._listeners.discard(notify)

    def _go_on_looking(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_S):
            with self._guard:
                if not self._listeners:
                    self._thread = None
                    return
            self.look_if_due()

    @property
    def is_closed(self) -> bool:
        """Whether it was stopped: nobody looks any more."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Stop looking, and let every listener end."""
        self._stopping.set()
        self._notify()

    def close(self) -> None:
        """Stop looking and close the index."""
        self.stop()
        thread = self._thread
        if thread is not None:
            thread.join()
        with self._lock:
            if self._indexer is not None:
                self._indexer.close()
                self._indexer = None


def describe_stale(trouble: EverbloomError | None) -> dict[str, str] | None:
    """Return why what is shown may lack something, as clients are told; None where it does not."""
    return None if trouble is None else {"code": trouble.code, "message": trouble.message}


def _join(newer: list[Change]) -> Change:
    """Return several changes, the newest first, as one."""
    runs: set[str] = set()
    projects: set[tuple[str, str]] = set()
    for change in newer:
        if change.runs is None:
            return Change(newer[0].version, None)
        runs |= change.runs
        projects |= change.projects
    is_known = len(runs) <= RUNS_MAX
    return Change(
        newer[0].version, frozenset(runs) if is_known else None, frozenset(projects) if is_known else frozenset()
    )
