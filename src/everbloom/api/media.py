"""What a run logged beside numbers: the items of a step, and their content."""

import hashlib
import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from everbloom.api.answers import Asking, Given, answer, find_run
from everbloom.api.content import Content, send_content
from everbloom.api.run_types import MediaItem, MediaPage
from everbloom.api.values import need_micros, to_plain
from everbloom.core.errors import NotFound
from everbloom.journal.blobs import open_blob
from everbloom.query.reader import Reader
from everbloom.query.views import MediaItem as StoredItem

ROWS_MAX = 1000
_TEXT_MAX_BYTES = 256 * 1024
_TABLE_MAX_BYTES = 32 * 1024 * 1024
_ODD = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


@get("/runs/{run:str}/media/{name:path}", sync_to_thread=True)
def list_media(
    request: Asking,
    store: Given,
    run: FromPath[str],
    name: FromPath[str],
    step: FromQuery[int | None] = None,
) -> Response[MediaPage]:
    """Return what was logged under a name at a step; left out: at the last one."""

    def build(reader: Reader) -> MediaPage:
        found = reader.list_media(find_run(reader, run).id, name.removeprefix("/"))
        if not found:
            raise NotFound(
                f"run {run} logged nothing under {name.removeprefix('/')!r} beside numbers.",
                code="media.unknown",
                media=name.removeprefix("/"),
            )
        steps = sorted({item.step for item in found})
        wanted = steps[-1] if step is None else step
        return MediaPage([_to_item(reader, item) for item in found if item.step == wanted], steps)

    return answer(request, store, build)


def _to_item(reader: Reader, item: StoredItem) -> MediaItem:
    return MediaItem(
        item.step,
        item.kind,
        item.media_type,
        item.size,
        item.caption,
        to_plain(item.meta),
        name_content(item),
        _read_inline(reader, item),
        need_micros(item.created_at),
    )


def name_content(item: StoredItem) -> str:
    """Return the SHA-256 of an item's content; small content stands in the journal without one."""
    return item.sha256 or hashlib.sha256(item.data or b"").hexdigest()


def _read_inline(reader: Reader, item: StoredItem) -> Any:
    """Return the content of a text, or the first rows of a table; None for anything else."""
    if item.kind == "text" and item.size <= _TEXT_MAX_BYTES:
        with reader.open_media(item) as file:
            return file.read().decode("utf-8", "replace")
    if item.kind != "table" or item.size > _TABLE_MAX_BYTES:
        return None
    try:
        with reader.open_media(item) as file:
            table = msgspec.json.decode(file.read(), type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    rows: Sequence[Any] = table.get("rows") or ()
    shown = [[_to_cell(cell) for cell in row] for row in rows[:ROWS_MAX]]
    return {"columns": [str(name) for name in table.get("columns") or ()], "rows": shown, "total_rows": len(rows)}


def _to_cell(cell: Any) -> Any:
    if isinstance(cell, dict) and isinstance(cell.get("float"), str):
        return _ODD.get(cell["float"], cell["float"])
    return to_plain(cell)


@get("/runs/{run:str}/media-content/{sha256:str}", sync_to_thread=True, opt={"is_plain": True})
def read_media(request: Asking, store: Given, run: FromPath[str], sha256: FromPath[str]) -> Response[Any]:
    """Return the content of an item by its SHA-256; ranges are answered."""

    def find(reader: Reader) -> StoredItem:
        items = reader.list_media(find_run(reader, run).id)
        for item in items:
            if name_content(item) == sha256:
                return item
        raise NotFound(
            f"run {run} logged nothing with the content {sha256[:80]}.", code="media.unknown", sha256=sha256[:80]
        )

    item = store.read(find)
    root = store.settings.root

    def open_content() -> BinaryIO:
        if item.data is not None or item.sha256 is None:
            return io.BytesIO(item.data or b"")
        return open_blob(root, item.run, item.sha256)

    open_content().close()  # what is missing is said before the answer begins
    name = f"{item.name.rpartition('/')[2]}-{item.step}"
    size = len(item.data or b"") if item.sha256 is None else item.size
    return send_content(request, Content(open_content, size, item.media_type, sha256, name, is_inline=True))


HANDLERS = [list_media, read_media]
