"""Server-sent events: what changed, at most five times a second, from where a client last was.

An event's id is the index's watermark; the client asks again for what it shows. Behind a connection stands the
follower, which looks for news as long as anybody listens. Where it cannot take news in, `stale` says why, and says
null as soon as it can.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter
from litestar.response import Stream

from everbloom.api.answers import Asking, Given
from everbloom.api.follow import Change, describe_stale
from everbloom.api.store import Store

PAUSE_S = 0.2
BEAT_S = 15.0
_DIGITS_MAX = 19  # of a watermark; what is longer is none of ours


@get("/events", sync_to_thread=False, opt={"is_plain": True}, media_type="text/event-stream")
def listen(
    request: Asking,
    store: Given,
    since: Annotated[int | None, QueryParameter(description="A watermark; left out: from now on.")] = None,
) -> Stream:
    """Send an event `changed` with watermark and runs whenever the index changes, `stale` when it cannot keep up."""
    given = request.headers.get("last-event-id", "")
    start = int(given) if given.isascii() and given.isdigit() and len(given) <= _DIGITS_MAX else since
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(iter_events(store, start), media_type="text/event-stream", headers=headers)


async def iter_events(store: Store, since: int | None) -> AsyncGenerator[bytes, None]:
    """Yield events from a watermark on, None = from now; ends when the store is closed."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    follower = store.follower
    await asyncio.to_thread(follower.look_if_due)
    at = follower.version if since is None else since

    def notify() -> None:
        loop.call_soon_threadsafe(news.set)

    with follower.listening(notify):
        yield f'retry: 1000\nevent: hello\nid: {at}\ndata: {{"watermark":{at}}}\n\n'.encode()
        told: dict[str, str] | None = None
        while not follower.is_closed:
            news.clear()
            stale = describe_stale(follower.trouble)
            if stale != told:
                told = stale
                yield b"event: stale\ndata: %b\n\n" % msgspec.json.encode({"stale": stale})
            change = follower.changes_since(at)
            if change is not None:
                at = change.version
                yield encode_change(change)
                await asyncio.sleep(PAUSE_S)
                continue
            try:
                await asyncio.wait_for(news.wait(), BEAT_S)
            except TimeoutError:
                yield b": still here\n\n"


def encode_change(change: Change) -> bytes:
    """Return a change as an event; `runs` is a list of ids, or "many"."""
    runs: list[str] | str = "many" if change.runs is None else sorted(change.runs)
    projects = sorted(list(path) for path in change.projects)
    data = msgspec.json.encode({"watermark": change.version, "runs": runs, "projects": projects})
    return b"event: changed\nid: %d\ndata: %b\n\n" % (change.version, data)


HANDLERS = [listen]
