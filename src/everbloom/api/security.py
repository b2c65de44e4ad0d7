"""Who may ask: only who holds the store's token, from this machine's own address, from no other site's page.

The token is 256 bits in a file that only its owner can read, so other users of the machine stay out. The link that
`everbloom ui` opens exchanges it once for a cookie that scripts cannot read, and that the browser sends for another
site only when a person follows a link to a page. The Host header must be a loopback name with this port (against DNS
rebinding), and what another site's page asks for is refused before anything is looked up. All of it wraps the whole
application, unknown addresses included.
"""

import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from litestar.types import ASGIApp, Message, Receive, Send

from everbloom.api.errors import encode_error
from everbloom.core.errors import Unavailable

COOKIE_AGE_S = 400 * 86_400  # the longest that browsers keep one
_TOKEN_FILE = "ui.token"
_TOKEN = re.compile("[0-9a-f]{64}")
_READING = frozenset(("GET", "HEAD"))

# Applied where an answer has none of its own; content of runs brings a stricter policy.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; frame-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: dict[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
}
HINT = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Everbloom</title>"
    "<h1>This page needs its link</h1><p>Run <code>everbloom ui</code> in a terminal of this machine and open the "
    "link that it prints. It lets this browser in, and keeps other users of the machine out.</p></html>"
)


def ensure_token(root: Path) -> str:
    """Return the store's token, made if there is none: 64 hex digits in a file that only its owner can read.

    Raises:
        Unavailable: The file cannot be written, or others may read it and that cannot be changed (`auth.token`).
    """
    path = root / _TOKEN_FILE
    try:
        root.mkdir(parents=True, exist_ok=True)
        return _read_token(path) or _write_token(path)
    except OSError as error:
        raise Unavailable(
            f"the token file {path} cannot be used: {error.strerror}; make the folder writable for yourself.",
            code="auth.token",
            path=str(path),
        ) from error


def _read_token(path: Path) -> str | None:
    """Return the token; None where there is none, or one that somebody else may have read or written."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid != os.getuid():
        return None
    token = path.read_text("latin-1").strip()
    return token if _TOKEN.fullmatch(token) else None


def _write_token(path: Path) -> str:
    """Put a new token in place, whole from the first moment; where another process was first, return its."""
    token = secrets.token_hex(32)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{_TOKEN_FILE}-")  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(token)
        if path.is_symlink() or path.exists():
            if (known := _read_token(path)) is not None:
                return known
            path.unlink()
        try:
            os.link(name, path)
        except FileExistsError:
            return _read_token(path) or token
        return token
    finally:
        Path(name).unlink()


def loopback_hosts(port: int) -> frozenset[str]:
    """Return the Host headers that a browser on this machine sends for a port."""
    names = ("127.0.0.1", "localhost", "[::1]")
    return frozenset(f"{name}:{port}" for name in names) | (frozenset(names) if port == 80 else frozenset())


def derive_cookie(token: str) -> tuple[str, str]:
    """Return name and value of the cookie that a token is exchanged for.

    Both follow from the token, so a restarted server knows the browsers that it let in; the name tells stores on
    several ports of one machine apart, because browsers do not.
    """
    name = hmac.new(token.encode(), b"everbloom cookie name", hashlib.sha256).hexdigest()[:12]
    value = hmac.new(token.encode(), b"everbloom cookie value", hashlib.sha256).hexdigest()
    return f"everbloom_{name}", value


class Gate:
    """Lets requests through to an application, or answers them itself; see above."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: Iterable[str]) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = frozenset(hosts)
        self._cookie = derive_cookie(token)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # there are no web sockets here
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        guarded = _with_headers(send)
        refusal = self._find_refusal(scope["method"], headers)
        if refusal is not None:
            await _answer(guarded, 403, encode_error(*refusal), "application/json")
        elif scope["path"] == "/login":
            await self._log_in(scope, guarded)
        elif self._is_known(headers.get("cookie", "")):
            await self._app(scope, receive, guarded)
        elif scope["path"] == "/api" or scope["path"].startswith("/api/"):
            says = "this request carries no cookie of this store; open the link that `everbloom ui` prints."
            await _answer(guarded, 401, encode_error("auth.missing", says), "application/json")
        else:
            await _answer(guarded, 401, HINT.encode(), "text/html; charset=utf-8")

    def _find_refusal(self, method: str, headers: dict[str, str]) -> tuple[str, str] | None:
        """Return code and message where a request comes from elsewhere; None where it may go on."""
        host = headers.get("host", "")
        if host not in self._hosts:
            return "auth.host", f"the Host header is {host!r}; this server answers to {', '.join(sorted(self._hosts))}."
        origin = headers.get("origin")
        if origin is not None and (urlsplit(origin).scheme != "http" or urlsplit(origin).netloc != host):
            return "auth.origin", f"this was asked for by a page of {origin}; only this server's own pages may."
        site = headers.get("sec-fetch-site", "none")
        is_page = method in _READING and headers.get("sec-fetch-mode") == "navigate"
        if site not in ("none", "same-origin") and not is_page:
            return "auth.origin", f"this was asked for by a page of another site ({site}); only this server's own may."
        return None

    def _is_known(self, cookies: str) -> bool:
        name, value = self._cookie
        # By hand: another server's odd cookie on this host must not keep ours from being found.
        pairs = (part.strip().partition("=") for part in cookies.split(";"))
        return any(hmac.compare_digest(given.encode(), value.encode()) for key, _, given in pairs if key == name)

    async def _log_in(self, scope: Any, send: Send) -> None:
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = query.get("token", [""])[0]
        if scope["method"] != "GET" or not hmac.compare_digest(given.encode(), self._token):
            await _answer(send, 401, HINT.encode(), "text/html; charset=utf-8")
            return
        name, value = self._cookie
        # Lax, so that a link to a run in a chat or a ticket opens; what may not be asked from there, the gate refuses.
        cookie = f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={COOKIE_AGE_S}"
        place = _local_path(query.get("next", ["/"])[0])
        await _answer(send, 303, b"", "text/plain", {"set-cookie": cookie, "location": place})


def _local_path(text: str) -> str:
    """Return an address of this server; `/` where the text leads anywhere else."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return quote(text, safe="/?&=%:,+-_.~#!*'()@$;[]")


def _with_headers(send: Send) -> Send:
    """Return `send` with the security headers added to every answer that lacks them."""

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            given = {name.lower() for name, _ in headers}
            added = [(n.encode(), v.encode()) for n, v in HEADERS.items() if n.encode() not in given]
            message["headers"] = [*headers, *added]
        await send(message)

    return send_guarded


async def _answer(send: Send, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
    pairs = {"content-type": kind, "cache-control": "no-store", "content-length": str(len(body))} | (headers or {})
    raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
