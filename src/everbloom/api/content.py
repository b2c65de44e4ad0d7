"""Send a run's content: whole or one range of it, streamed from disk, and never in a way that a browser would run it.

Whatever was saved may hold script, and a browser must not run it with this server's cookie. So only types that cannot
are shown in place; everything else is a download of unnamed bytes, text is plain text, nothing is sniffed, and a
policy without any source and in a sandbox stands on every answer.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote

from litestar import Request, Response
from litestar.response import Stream

from everbloom.api.errors import make_error

CHUNK_BYTES = 256 * 1024
_SHOWN = frozenset(
    "image/png image/jpeg image/gif image/webp image/avif image/bmp image/svg+xml audio/wav audio/x-wav audio/mpeg "
    "audio/ogg audio/flac audio/mp4 audio/aac audio/webm video/mp4 video/webm video/ogg application/pdf".split()
)
_TEXT = re.compile(r"text/.*|application/(json|.*\+json|x-yaml|yaml|toml|xml|javascript|x-python|x-sh)")
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
# A browser's own viewer of PDF does not start in a sandbox; it runs no script of this origin.
_PDF = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
_RANGE = re.compile(r"bytes=(?=-?[0-9])([0-9]{0,99})-([0-9]{0,99})")
_FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class Content:
    """Something to be sent.

    Attributes:
        open: Opens it; called in another thread, when it is sent.
        size: Bytes.
        media_type: As it was recorded; what is not known to be harmless becomes plain text or unnamed bytes.
        tag: What identifies the content, its SHA-256.
        name: What a download is called.
        is_inline: Whether it may be shown in place.
    """

    open: Callable[[], BinaryIO]
    size: int
    media_type: str
    tag: str
    name: str
    is_inline: bool


def send_content(request: Request[Any, Any, Any], content: Content) -> Response[Any]:
    """Answer with content, or with the one range that was asked for; HEAD with what stands before it."""
    kind, is_shown = choose_type(content.media_type)
    headers = {
        "accept-ranges": "bytes",
        "etag": f'"{content.tag}"',
        "cache-control": _FOREVER,
        "content-security-policy": _PDF if kind == "application/pdf" and content.is_inline else _SANDBOX,
        "x-frame-options": "SAMEORIGIN",
        "content-disposition": _disposition(content.name, is_inline=content.is_inline and is_shown),
    }
    if request.headers.get("if-none-match") in (f'"{content.tag}"', f'W/"{content.tag}"', "*"):
        return Response(None, status_code=304, headers=headers)
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", f'"{content.tag}"') != f'"{content.tag}"':
        wanted = None  # the client has a part of something else
    part = parse_range(wanted, content.size)
    if part is None:
        return _refuse_range(request, content.size, headers)
    start, end = part
    is_partial = _match_range(wanted) is not None
    if is_partial:
        headers["content-range"] = f"bytes {start}-{end - 1}/{content.size}"
    headers["content-length"] = str(end - start)
    if request.method == "HEAD":
        return Response(b"", status_code=206 if is_partial else 200, headers=headers, media_type=kind)
    body = iter_bytes(content.open, start, end)
    return Stream(body, status_code=206 if is_partial else 200, headers=headers, media_type=kind)


def _refuse_range(request: Request[Any, Any, Any], size: int, headers: dict[str, str]) -> Response[Any]:
    message = (
        f"the range {request.headers['range']!r} of content of {size} bytes was asked for; a range begins within the "
        f"content. Ask for a part of bytes=0-{max(size - 1, 0)}, or leave the header out."
    )
    answer: Response[Any] = make_error(416, "range.unsatisfiable", message, {"size": size})
    kept = ("accept-ranges", "content-security-policy", "x-frame-options")
    answer.headers.update({name: headers[name] for name in kept} | {"content-range": f"bytes */{size}"})
    return answer


def _match_range(wanted: str | None) -> re.Match[str] | None:
    """Match a header that names one range; one that ends before it begins is none (RFC 9110)."""
    found = _RANGE.fullmatch(wanted.strip()) if wanted is not None else None
    is_backwards = found is not None and bool(found[1]) and bool(found[2]) and int(found[2]) < int(found[1])
    return None if is_backwards else found


def parse_range(wanted: str | None, size: int) -> tuple[int, int] | None:
    """Return first byte and the one behind the last of a Range header; the whole where it is none or several.

    None where it is one that cannot be met. Of several ranges RFC 9110 allows to answer the whole.
    """
    found = _match_range(wanted)
    if found is None:
        return 0, size
    if not found[1]:
        length = min(int(found[2]), size)
        return (size - length, size) if length else None
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    return (start, end) if start < end else None


def iter_bytes(open_: Callable[[], BinaryIO], start: int, end: int) -> Iterator[bytes]:
    """Yield a part of a file in pieces of 256 KiB; opened at the first, closed behind the last."""
    with open_() as file:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece


def choose_type(media_type: str) -> tuple[str, bool]:
    """Return the type that content is sent as, and whether it may be shown in place."""
    bare = media_type.partition(";")[0].strip().lower()
    if bare in _SHOWN:
        return bare, True
    if _TEXT.fullmatch(bare):
        return "text/plain", True  # the framework adds UTF-8
    return "application/octet-stream", False


def _disposition(name: str, *, is_inline: bool) -> str:
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name) or "file"
    return f"{'inline' if is_inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
