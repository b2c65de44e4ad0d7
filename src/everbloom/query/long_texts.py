"""Parameters that are too long for a record: what stands in place says how long they are and in which file of the run.

A recorder keeps the first 4,096 characters and writes where the whole is (`docs/formats/journal-v1.md` allows any text;
`sdk/texts.py` writes this one). What is read here is believed only where the run has that file with that content.
"""

import re
from typing import TYPE_CHECKING, NamedTuple

from everbloom.core.errors import NotFound

if TYPE_CHECKING:
    from everbloom.query.reader import Reader

_PLACE = re.compile(r"… \((\d{1,12}) characters, whole in (params/[\w.\-]{1,200}), sha256 ([0-9a-f]{64})\)\Z")


class Whole(NamedTuple):
    """Where the whole of a cut text is: its length in characters, the file's path, its SHA-256."""

    chars: int
    path: str
    sha256: str


def find_whole(text: str) -> Whole | None:
    """Return where the whole of a text is; None where it is whole itself. Pure."""
    found = _PLACE.search(text[-400:])
    return None if found is None else Whole(int(found[1]), found[2], found[3])


def read_whole(reader: "Reader", run: str, text: str) -> str:
    """Return a text whole: from the run's file that it names, else as it is."""
    whole = find_whole(text)
    if whole is None:
        return text
    try:
        if reader.find_artifact(run, whole.path).sha256 != whole.sha256:
            return text
        with reader.open_artifact(run, whole.path) as file:
            return file.read().decode("utf-8", "replace")
    except NotFound:
        return text
