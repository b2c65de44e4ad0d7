"""The web app's files: built into the package, named by content, so that a browser keeps them for ever.

Every other address that is not the API's answers the app's page, which reads the address itself. Where the app was not
built, the page says so.
"""

import mimetypes
from pathlib import Path
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import File

FOLDER = Path(__file__).parent / "static"
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_FRESH = {"cache-control": "no-cache"}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_NOT_BUILT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Everbloom</title><h1>The web app is not built</h1>"
    "<p>This installation has no web app (it was built with <code>EVERBLOOM_SKIP_UI=1</code>, or from sources). The "
    "API answers at <code>/api/v1</code>; <code>everbloom ls</code> shows runs in the terminal.</p></html>"
)


@get("/", sync_to_thread=True, include_in_schema=False, opt={"is_plain": True})
def read_home() -> Response[Any]:
    """Answer the web app's page."""
    return _answer_place("/")


@get("/{place:path}", sync_to_thread=True, include_in_schema=False, opt={"is_plain": True})
def read_place(place: FromPath[str]) -> Response[Any]:
    """Answer a file of the web app, or its page."""
    return _answer_place(place)


def _answer_place(place: str) -> Response[Any]:
    if place == "/api" or place.startswith(("/api/", "/ajax-api/")):
        raise NotFoundException
    file = _find_file(place)
    if file is not None:
        is_named_by_content = place.startswith("/assets/")
        return File(
            path=file,
            media_type=_TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream",
            content_disposition_type="inline",
            headers=_FOREVER if is_named_by_content else _FRESH,
        )
    if place.startswith("/assets/"):
        raise NotFoundException
    page = FOLDER / "index.html"
    text = page.read_text("utf-8") if page.is_file() else _NOT_BUILT
    return Response(text, media_type="text/html", headers=_FRESH)


def _find_file(place: str) -> Path | None:
    """Return the file of the app at an address; never one outside of its folder."""
    if "\0" in place:
        return None
    path = (FOLDER / place.lstrip("/")).resolve()
    is_inside = path.is_relative_to(FOLDER.resolve()) and path.suffix != ".html"
    return path if is_inside and path.is_file() else None


HANDLERS = [read_home, read_place]
