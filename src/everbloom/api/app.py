"""Put the application together: routes under `/api/v1`, one error shape, compression, OpenAPI, the gate around all.

Handlers are plain functions in threads, because everything they do is reading files; only the event stream is
asynchronous.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar, Router, get
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp

from everbloom.api import (
    artifacts,
    compare,
    console,
    editing,
    events,
    group_csv,
    groups,
    links,
    media,
    projects,
    run,
    run_csv,
    runs,
    series,
    session,
    static,
    views,
)
from everbloom.api.answers import Asking, read_matches
from everbloom.api.errors import HANDLERS
from everbloom.api.security import Gate
from everbloom.api.store import Store
from everbloom.core.version import __version__

API = "/api/v1"
_RESOURCES = (
    session,
    projects,
    runs,
    groups,
    group_csv,
    run_csv,
    run,
    editing,
    series,
    media,
    artifacts,
    console,
    compare,
    events,
    views,
    links,
)
_COMPRESSED_FROM_BYTES = 1024
_BODY_MAX_BYTES = 8 * 1024 * 1024


def build_app(store: Store, *, token: str, hosts: Iterable[str]) -> ASGIApp:
    """Build the application that serves one store.

    Args:
        store: Closed when the application ends.
        token: What lets a browser in.
        hosts: The Host headers that are answered.
    """
    return Gate(build_routes(store), token=token, hosts=hosts)


def build_routes(store: Store) -> Litestar:
    """Build the routes alone, without the gate; for the gate, and to write the OpenAPI document."""

    @asynccontextmanager
    async def close_store(_app: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            store.close()

    handlers: list[Any] = [handler for resource in _RESOURCES for handler in resource.HANDLERS]
    api = Router(API, route_handlers=[*handlers, read_openapi])
    return Litestar(
        [api, *static.HANDLERS],
        dependencies={
            "store": Provide(lambda: store, sync_to_thread=False),
            "matches": Provide(read_matches, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        compression_config=CompressionConfig(
            "gzip", minimum_size=_COMPRESSED_FROM_BYTES, gzip_compress_level=5, exclude_opt_key="is_plain"
        ),
        openapi_config=OpenAPIConfig(
            "Everbloom", __version__, description="REST over one store.", use_handler_docstrings=True, path="/api/docs"
        ),
        request_max_body_size=_BODY_MAX_BYTES,
        lifespan=[close_store],
        logging_config=None,
        debug=False,
    )


@get("/openapi.json", include_in_schema=False, sync_to_thread=True)
def read_openapi(request: Asking) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return describe(request.app)


def describe(app: Litestar) -> dict[str, Any]:
    """Return an application's OpenAPI document as plain values, in a stable order."""
    document: dict[str, Any] = msgspec.to_builtins(app.openapi_schema.to_schema())
    return document
