"""Write the golden pack anew: `python tests/formats/write_golden_pack.py`, only before the format is released.

After that a golden file is never written again; a new version of the format gets one beside it.
"""

import base64
import tempfile
from pathlib import Path

import msgspec

from everbloom.core import layout
from everbloom.core.ids import RunId
from everbloom.index.database import open_database
from everbloom.index.series import SeriesStore
from everbloom.ingest.packing import pack_run
from everbloom.journal.blobs import list_own_blobs, read_blob
from everbloom.testing.journals import read_journal
from everbloom.testing.packs import feed_journals, list_journals, write_journals

HERE = Path(__file__).parent


def write_golden(root: Path) -> None:
    """Record, index and pack a small run of two writers with files, and keep what its segments and blobs held."""
    run = write_journals(root, 15, writers=2, rows=120, blobs=3)
    expected = {"run": run, "journals": _read_items(root, run), "files": _read_files(root, run)}
    with open_database(root / "series.db") as database:
        series = SeriesStore(database)
        series.ensure_schema()
        feed_journals(root, run, series, database)
        pack_run(root, run, series, database)
    (HERE / "pack-v1.pack").write_bytes(layout.pack_path(root, run).read_bytes())
    (HERE / "pack-v1.json").write_bytes(msgspec.json.encode(expected))


def _read_items(root: Path, run: RunId) -> dict[str, list[tuple[object, ...]]]:
    return {w: read_journal(layout.journal_dir(root, run, w)).items for w in list_journals(root, run)}


def _read_files(root: Path, run: RunId) -> dict[str, str]:
    return {name: base64.b64encode(read_blob(root, run, name)).decode() for name in list_own_blobs(root, run)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_golden(Path(folder))
