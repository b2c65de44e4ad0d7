"""Short links: an address of the web app that is too long to be sent, kept under a hash of itself.

The same address has the same hash for ever, so a link may be made as often as one likes. Only places of this app are
kept: a link never leads to another server.
"""

from litestar import get, post
from litestar.params import FromPath, JSONBody

from everbloom.api.answers import Given
from everbloom.api.types import LinkedPlace, ShortLink
from everbloom.core.errors import InvalidInput

ADDRESS_CHARS_MAX = 500_000


@post("/links", sync_to_thread=True, status_code=200)
def keep_link(store: Given, data: JSONBody[LinkedPlace]) -> ShortLink:
    """Keep an address of the web app, and return the hash that `/v/{hash}` opens it by."""
    address = data.address
    # Browsers drop tabs and line ends from an address: what follows one would count as its second sign.
    is_whole = not any(ord(sign) < 0x20 for sign in address)
    if not address.startswith("/") or address.startswith(("//", "/\\", "/api/", "/v/")) or not is_whole:
        raise InvalidInput(
            f"the address {address[:80]!r} is no page of this app, which begins with one slash, as /local/news/runs.",
            code="link.place",
        )
    if len(address) > ADDRESS_CHARS_MAX:
        raise InvalidInput(
            f"the address has {len(address)} characters; at most {ADDRESS_CHARS_MAX} are kept. Filter instead "
            f"of naming runs.",
            code="link.too_long",
        )
    return ShortLink(store.workspace.keep_link(address), address)


@get("/links/{name:str}", sync_to_thread=True)
def read_link(store: Given, name: FromPath[str]) -> ShortLink:
    """Return the address that a hash stands for."""
    return ShortLink(name, store.workspace.read_link(name))


HANDLERS = [keep_link, read_link]
