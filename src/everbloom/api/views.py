"""Saved views: a name for the query of an address, kept for a project."""

from litestar import delete, get, put
from litestar.params import FromPath, JSONBody

from everbloom.api.answers import Given, Namespace, Project
from everbloom.api.types import View, ViewChange, ViewList
from everbloom.core.errors import InvalidInput
from everbloom.core.ids import check_name

QUERY_CHARS_MAX = 20_000


@get("/views", sync_to_thread=True)
def list_views(store: Given, ns: Namespace = None, project: Project = None) -> ViewList:
    """Return the saved views of a project."""
    return _read(store, ns, project)


@put("/views/{name:path}", sync_to_thread=True)
def save_view(
    store: Given, name: FromPath[str], data: JSONBody[ViewChange], ns: Namespace = None, project: Project = None
) -> ViewList:
    """Save a view under a name, and return all."""
    title = check_name(name.removeprefix("/"), what="view")
    if len(data.query) > QUERY_CHARS_MAX:
        raise InvalidInput(
            f"the view {title!r} has a query of {len(data.query)} characters; at most {QUERY_CHARS_MAX} are kept. "
            f"Filter instead of listing runs.",
            code="view.too_long",
        )
    store.workspace.save_view(ns or "", project or "", title, data.query)
    return _read(store, ns, project)


@delete("/views/{name:path}", sync_to_thread=True, status_code=200)
def delete_view(store: Given, name: FromPath[str], ns: Namespace = None, project: Project = None) -> ViewList:
    """Delete a view, and return those that are left."""
    store.workspace.delete_view(ns or "", project or "", name.removeprefix("/"))
    return _read(store, ns, project)


def _read(store: Given, ns: str | None, project: str | None) -> ViewList:
    return ViewList([View(*saved) for saved in store.workspace.read_views(ns or "", project or "")])


HANDLERS = [list_views, save_view, delete_view]
