"""What a table shows of a run beyond its attributes: its colour's slot, its note's version, the error that ended it.

Read for a whole page at once. The slot is stored nowhere: it is the run's place in its project modulo 24, so that
runs that began one after the other differ, and a run looks the same on every page. It stands as long as the index
does; an index built anew may number runs otherwise.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from everbloom.core.records import End, Start
from everbloom.index.catalog import ControlRow
from everbloom.ingest.fold import Sighting, fold_items
from everbloom.ingest.runs import to_items
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Run

SLOTS = 24
_LINE_CHARS = 300
_BROKEN = frozenset(("failed", "killed"))


@dataclass(frozen=True)
class RunMarks:
    """What stands beside a run's attributes.

    Attributes:
        slot: 0 to 23.
        note_version: What an edit of the note is based on.
        error_line: Type and message of the exception that ended it, on one line; None where there was none.
    """

    slot: int
    note_version: int
    error_line: str | None


def read_marks(readable: ReadableIndex, runs: Sequence[Run]) -> list[RunMarks]:
    """Return the marks of runs that may be read, one each."""
    catalog = readable.index.catalog
    ids = [run.id for run in runs]
    slots = catalog.read_slots(ids)
    versions = catalog.count_controls(ids, "note")
    errors = _read_errors(readable, [run for run in runs if run.state in _BROKEN])
    return [RunMarks(slots.get(run, 0) % SLOTS, versions.get(run, 0), errors.get(run)) for run in ids]


def _read_errors(readable: ReadableIndex, runs: Sequence[Run]) -> dict[str, str]:
    told: defaultdict[str, list[ControlRow]] = defaultdict(list)
    for row in readable.index.catalog.read_controls_of([run.id for run in runs], (Start.tag_name, End.tag_name)):
        told[row.run].append(row)
    lines: dict[str, str] = {}
    for run, rows in told.items():
        end = fold_items(to_items(rows), Sighting()).end
        if end is not None and end.exception is not None:
            message = end.exception.message.partition("\n")[0]
            lines[run] = f"{end.exception.type}: {message}"[:_LINE_CHARS]
    return lines
