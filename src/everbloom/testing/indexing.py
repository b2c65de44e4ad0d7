"""An index caught up and asked in one call, opened and closed for it: for tests of what an indexer meets."""

from contextlib import closing
from pathlib import Path
from typing import Any

from everbloom.core.ids import RunId
from everbloom.ingest.indexer import Indexer, Report
from everbloom.testing.answers import read_answers


def catch_up(root: Path, database: str | None = None, **options: Any) -> Report:
    """Catch a store's index up; options are the indexer's."""
    with closing(Indexer(root, database, **options)) as indexer:
        return indexer.catch_up()


def answers_of(root: Path, database: str | None = None) -> dict[str, Any]:
    """Catch up, fold everything, and return all that the index answers."""
    with closing(Indexer(root, database)) as indexer:
        indexer.catch_up()
        indexer.fold_all()
        return read_answers(indexer.index)


def attributes_of(root: Path, run: RunId, database: str | None = None, **options: Any) -> dict[str, Any]:
    """Catch up and return what the index then says of a run; options are the indexer's."""
    with closing(Indexer(root, database, **options)) as indexer:
        indexer.catch_up()
        return dict(indexer.index.catalog.read_run(run).document.attributes)
