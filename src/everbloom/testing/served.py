"""A store's API without a network: a client that asks the application itself, let in by its cookie."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from everbloom.api.app import build_app
from everbloom.api.store import Store
from everbloom.core.settings import Settings

HOST = "127.0.0.1:4870"
TOKEN = "5eed" * 16

Client = TestClient[Any]


@contextmanager
def open_client(
    root: Path, *, database: str | None = None, is_let_in: bool = True, raises: bool = True
) -> Iterator[Client]:
    """Serve a store to a client.

    Args:
        root: The store's folder.
        database: A PostgreSQL address; None for SQLite.
        is_let_in: Whether the client has opened the link with the token.
        raises: Whether what nobody expected is raised in the test, instead of answered.
    """
    app = build_app(Store(Settings(root=root, database=database)), token=TOKEN, hosts=[HOST])
    with TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=raises) as client:
        if is_let_in:
            client.get(f"/login?token={TOKEN}", follow_redirects=False)
        yield client


def get_json(client: Client, address: str, /, **params: Any) -> Any:
    """Ask below `/api/v1` and return the answer's content.

    Raises:
        AssertionError: It is an error; says which.
    """
    answer = client.get(f"/api/v1{address}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()
