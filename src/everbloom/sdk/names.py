"""The store's list of run names: what lets `parent="amber-heron-7c1e"` work without an index.

One line a run, `<id> <name>`, appended by a single `write()` to a file opened with `O_APPEND`, so writers need no
lock. The list is an aid and no truth: a run that is renamed later is still found by the name it began with.
"""

import os
from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import Ambiguous, NotFound
from everbloom.core.ids import RunId, is_id_end, is_run_id
from everbloom.journal.segment import to_unavailable

_SHOWN_MAX = 10


def register_name(root: Path, run: RunId, name: str) -> None:
    """Add a run to the store's list of names.

    Raises:
        Unavailable: The list cannot be written.
    """
    path = layout.names_path(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            os.write(file, f"{run} {name}\n".encode())
        finally:
            os.close(file)
    except OSError as error:
        raise to_unavailable(error, path) from error


def read_names(root: Path) -> dict[RunId, str]:
    """Read the store's list: each run's latest name in it. A torn or foreign line is passed over."""
    try:
        text = layout.names_path(root).read_text("utf-8", "replace")
    except FileNotFoundError:
        return {}
    names: dict[RunId, str] = {}
    for line in text.split("\n"):
        run, _, name = line.partition(" ")
        if name and is_run_id(run):
            names[RunId(run)] = name
    return names


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
        found = [run for run in names if run.endswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(
            f"run {reference!r} is not in the store at {root}; give a full id, a name, or at least 6 hex digits of "
            f"the id's end, as `everbloom ls` shows them.",
            code="run.missing",
            reference=reference,
        )
    shown = ", ".join(f"{names[run]} {run}" for run in sorted(found, reverse=True)[:_SHOWN_MAX])
    raise Ambiguous(
        f"run {reference!r} means {len(found)} runs: {shown}. Give more of the id.",
        code="run.ambiguous",
        reference=reference,
        candidates=sorted(found, reverse=True),
    )


def is_in_store(root: Path, run: RunId) -> bool:
    """Tell whether the store holds records of a run."""
    return layout.run_dir(root, run).exists() or layout.pack_path(root, run).exists()
