"""Find the run that a person names, without an index: by its name, or by the end of its id.

Names come from the store's list (journal.names). Ids are the names of folders and packs, so the end of one is found
even where the list lacks the run.
"""

from collections.abc import Iterator
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import Ambiguous, NotFound
from everbloom.core.ids import RunId, is_id_end, is_run_id
from everbloom.journal.names import read_names

_SHOWN_MAX = 10


def resolve_reference(root: Path, reference: str) -> RunId:
    """Return the run that a full id, a name, or at least 6 hex digits of an id's end mean.

    A full id is taken as it is: the run may live in another store.

    Raises:
        NotFound: No run of this store fits (`run.missing`).
        Ambiguous: Several fit; `fields["candidates"]` lists them (`run.ambiguous`).
    """
    text = reference.strip()
    if is_run_id(text):
        return RunId(text)
    names = read_names(root)
    found = [run for run, name in names.items() if name == text]
    if not found and is_id_end(text):
        found = sorted({run for run in (*names, *_iter_stored(root, text)) if run.endswith(text)})
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(
            f"run {reference!r} is not in the store at {root}; give a full id, a name, or at least 6 hex digits of "
            f"the id's end, as `everbloom ls` shows them.",
            code="run.missing",
            reference=reference,
        )
    shown = ", ".join(f"{names.get(run, '')} {run}".lstrip() for run in sorted(found, reverse=True)[:_SHOWN_MAX])
    raise Ambiguous(
        f"run {reference!r} means {len(found)} runs: {shown}. Give more of the id.",
        code="run.ambiguous",
        reference=reference,
        candidates=sorted(found, reverse=True),
    )


def _iter_stored(root: Path, end: str) -> Iterator[RunId]:
    """Yield the runs whose folders are there, and of the packed ones those in the folder that an id's end tells."""
    for folder in (layout.run_dir(root, RunId("")), layout.pack_path(root, RunId(end)).parent):
        try:
            names = [path.name.removesuffix(".pack") for path in folder.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield from (RunId(name) for name in names if is_run_id(name))


def is_in_store(root: Path, run: RunId) -> bool:
    """Tell whether the store holds records of a run."""
    return layout.run_dir(root, run).exists() or layout.pack_path(root, run).exists()
