"""One store as the server holds it: a few readers, one indexer, the workspace, and who edits.

A reader is for one thread at a time and remembers columns, so the one that was given back last is lent first: a single
person keeps a single warm reader busy, and never more than four are open.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from everbloom.api.follow import BUSY_PATIENCE_S, Follower
from everbloom.api.preview.tables import RowIndexes
from everbloom.api.undo import UndoTokens
from everbloom.core.errors import Conflict, EverbloomError, InvalidInput, NotFound
from everbloom.core.settings import Settings, environment_value
from everbloom.journal.identity import user_name
from everbloom.query.reader import Reader, open_reader

if TYPE_CHECKING:
    from everbloom.workspace.boards import Workspace

READERS_MAX = 4

_T = TypeVar("_T")


class Store:
    """A store that is served; any number of threads.

    Attributes:
        settings: Which store.
        user: Who edits.
        follower: Keeps the index caught up and tells who listens.
        writing: Held while runs are changed, from the look before to the look after.
        undos: What takes bulk edits back; within `writing`.
        row_indexes: Where rows of CSV files begin.
    """

    def __init__(self, settings: Settings, *, busy_patience_s: float = BUSY_PATIENCE_S) -> None:
        self.settings = settings
        self.user = environment_value("EVERBLOOM_USER") or user_name()
        self.follower = Follower(settings, busy_patience_s=busy_patience_s)
        self.writing = threading.Lock()
        self.undos = UndoTokens()
        self.row_indexes = RowIndexes()
        self._slots = threading.BoundedSemaphore(READERS_MAX)
        self._free: list[Reader] = []
        self._lock = threading.Lock()
        self._workspace: Workspace | None = None

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """Lend a reader of an index that is caught up to within a quarter of a second.

        Raises:
            Unavailable: The index cannot be read.
        """
        self.follower.look_if_due()
        with self._slots:
            with self._lock:
                reader = self._free.pop() if self._free else None
            if reader is None:
                reader = open_reader(self.settings, catch_up=False)
            else:
                reader.refresh(catch_up=False)
            try:
                yield reader
            except (InvalidInput, NotFound, Conflict):  # of what was asked; the reader keeps its columns
                self._give_back(reader)
                raise
            except BaseException:
                reader.close()  # it may be what is broken
                raise
            self._give_back(reader)

    def _give_back(self, reader: Reader) -> None:
        with self._lock:
            self._free.append(reader)

    def describe_stale(self, reader: Reader) -> dict[str, str]:
        """Return the header that says what an answer may lack, where it may: the code of why."""
        trouble = self.follower.trouble or reader.stale
        return {} if trouble is None else {"everbloom-stale": trouble.code}

    def read(self, ask: Callable[[Reader], _T]) -> _T:
        """Ask a reader; of what it does not know once more after a look, as a run may have begun just now."""
        try:
            with self.reader() as reader:
                return ask(reader)
        except NotFound:
            self.follower.look()
            with self.reader() as reader:
                return ask(reader)

    @property
    def workspace(self) -> "Workspace":
        """The workspace, opened on first use, because its library takes a third of a second to load."""
        with self._lock:
            if self._workspace is None:
                from everbloom.workspace.boards import open_boards

                self._workspace = open_boards(self.settings.root, self.settings.database)
            return self._workspace

    def warm_up(self) -> None:
        """Load and open what the first page needs, so that nobody waits for it; what fails is told by that page."""
        with contextlib.suppress(EverbloomError):
            self.read(lambda reader: reader.read_version())
            self.workspace.read_projects()

    def close(self) -> None:
        """Close all that is open; readers that are lent close with their last answer."""
        self.follower.close()
        with self._lock:
            for reader in self._free:
                reader.close()
            self._free.clear()
            if self._workspace is not None:
                self._workspace.close()
                self._workspace = None
