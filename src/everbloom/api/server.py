"""Serve one store on this machine's loopback address, until Ctrl-C."""

import socket
import threading
from collections.abc import Callable

import uvicorn

from everbloom.api.app import build_app
from everbloom.api.security import ensure_token, loopback_hosts
from everbloom.api.store import Store
from everbloom.core.errors import Unavailable
from everbloom.core.settings import Settings

ADDRESS = "127.0.0.1"
DEFAULT_PORT = 4870
_TRIED = 20


def serve(settings: Settings, *, port: int | None, on_ready: Callable[[str], None]) -> None:
    """Serve a store until the process is told to stop.

    Args:
        settings: Which store.
        port: On which port; None = 4870, or the next that is free.
        on_ready: Called once with the link that lets a browser in, when the server answers.

    Raises:
        Unavailable: The port is taken (`ui.port`), or the token file cannot be used.
    """
    listener = _open_listener(port)
    try:
        chosen = listener.getsockname()[1]
        token = ensure_token(settings.root)
        store = Store(settings)
        app = build_app(store, token=token, hosts=loopback_hosts(chosen))
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=2,
            ws="none",
        )
        link = f"http://{ADDRESS}:{chosen}/login?token={token}"

        def announce() -> None:
            on_ready(link)
            threading.Thread(target=store.warm_up, name="everbloom-warm-up", daemon=True).start()

        _Server(config, on_ready=announce, on_stop=store.follower.stop).run(sockets=[listener])
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """Says when it answers, and before it waits for its connections to end, as event streams only end when told."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None], on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if not self.should_exit:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so, then end what is open and stop."""
        self._on_stop()
        await super().shutdown(sockets)


def _open_listener(port: int | None) -> socket.socket:
    tried = range(DEFAULT_PORT, DEFAULT_PORT + _TRIED) if port is None else (port,)
    for number in tried:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is accepted inherits it. Without, a body waits 40 ms behind its headers for the browser's acknowledgement
        # (measured on loopback, 2026-11): asyncio sets it only where a socket names its protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            listener.bind((ADDRESS, number))
        except OSError:
            listener.close()
            continue
        return listener
    says = f"port {port} is" if port is not None else f"ports {tried[0]} to {tried[-1]} are"
    raise Unavailable(
        f"{says} taken on {ADDRESS}; stop what listens there, or choose another with --port.", code="ui.port"
    )
