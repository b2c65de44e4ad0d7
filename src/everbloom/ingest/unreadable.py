"""Tell why nothing of a journal can be read, at the price of its first 64 bytes.

Asked by whoever looks for news and by the indexer, in the same words, so that a journal found unreadable is news
once, and again only when something else is wrong with it or nothing is. A journal that is announced and not begun is
not unreadable: its run is not there yet.
"""

from pathlib import Path

from everbloom.core import layout
from everbloom.core.errors import EverbloomError
from everbloom.core.ids import RunId, WriterId
from everbloom.journal.format import HEADER_BYTES, parse_header
from everbloom.journal.names import NameList

BEGINS_WITHIN_US = 60_000_000


def find_obstacle(root: Path, run: RunId, writer: WriterId, names: NameList, *, now_us: int) -> str | None:
    """Say why a journal cannot be read from its beginning.

    A first segment without a header is one that its writer has just made, or the rest of one: what is left after a
    power cut or a copy that broke off. It counts as the latter where the run is in the store's list of names, which
    the SDK adds it to after its journal's first record, or where nothing was written to it for a minute.

    Args:
        root: The store's folder.
        run: The journal's run.
        writer: The journal's writer.
        names: The store's list of names.
        now_us: This host's wall clock.

    Returns:
        The reason; None where it can be read, is not begun, or is not there.
    """
    journal = layout.journal_dir(root, run, writer)
    path = layout.segment_path(journal, 0)
    try:
        with path.open("rb") as file:
            header = parse_header(file.read(HEADER_BYTES), path=path)
        touched_us, size = path.stat().st_mtime_ns // 1000, path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{journal} cannot be read: {error.strerror}"
    except EverbloomError as error:
        return error.message
    if header is not None or (now_us - touched_us < BEGINS_WITHIN_US and not names.find(run)):
        return None
    found = f"{size} bytes long" if size < HEADER_BYTES else "empty where its header should stand"
    return f"{path} is {found}; a journal segment begins with {HEADER_BYTES} bytes of header. Restore it from a backup."
