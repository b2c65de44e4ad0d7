"""How a person arranged things: order and archive of projects, goals, saved views, and short links.

One engine for a server's life, any number of threads. A project that ingest has not met yet gets its row here.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from everbloom.core.clock import now_us
from everbloom.core.errors import NotFound
from everbloom.workspace.engine import open_workspace
from everbloom.workspace.places import ProjectPlace, SavedView
from everbloom.workspace.schema import goal, link, namespace, project, view

HASH_CHARS = 20


def open_boards(root: Path, database: str | None) -> "Workspace":
    """Open the workspace, made and migrated if need be; the caller closes it.

    Raises:
        Unavailable: It cannot be opened or written now (`workspace.unreachable`).
    """
    return Workspace(open_workspace(root, database))


class Workspace:
    """The workspace of one store; any number of threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    # ── projects ──────────────────────────────────────────────────────────────────────────────────────────────

    def read_projects(self) -> dict[tuple[str, str], ProjectPlace]:
        """Return where each project was put, by (namespace, project)."""
        query = select(namespace.c.name, project.c.name, project.c.rank, project.c.archived_at).join_from(
            namespace, project
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {(row[0], row[1]): ProjectPlace(row[2], row[3] is not None) for row in rows}

    def order_projects(self, order: Sequence[tuple[str, str]]) -> None:
        """Give projects the places 0, 1, 2 … in this order; others that had a place keep theirs, behind."""
        places = self.read_projects()
        wanted = list(dict.fromkeys(order))
        known = [(place.rank, path) for path, place in places.items() if place.rank is not None]
        behind = [path for _, path in sorted(known) if path not in set(wanted)]
        with self._engine.begin() as connection:
            for rank, (owner, name) in enumerate([*wanted, *behind]):
                key = _ensure_project(connection, owner, name)
                connection.execute(update(project).where(project.c.id == key).values(rank=rank))

    def archive_project(self, owner: str, name: str, *, is_archived: bool) -> None:
        """Put a project away, or take it back; twice is allowed."""
        with self._engine.begin() as connection:
            key = _ensure_project(connection, owner, name)
            moment = now_us() if is_archived else None
            connection.execute(update(project).where(project.c.id == key).values(archived_at=moment))

    # ── goals ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def read_goals(self) -> dict[tuple[str, str], dict[str, float]]:
        """Return the values that projects want to reach, by (namespace, project), then by metric."""
        query = select(goal.c.namespace, goal.c.project, goal.c.metric, goal.c.value).order_by(goal.c.created_at)
        found: dict[tuple[str, str], dict[str, float]] = {}
        with self._engine.connect() as connection:
            for owner, name, metric, value in connection.execute(query):
                found.setdefault((owner, name), {})[metric] = value
        return found

    def set_goal(self, owner: str, name: str, metric: str, value: float | None) -> None:
        """Set the value of a metric that a project wants to reach; None takes it away, twice is allowed."""
        where = (goal.c.namespace == owner, goal.c.project == name, goal.c.metric == metric)
        with self._engine.begin() as connection:
            if value is None:
                connection.execute(delete(goal).where(*where))
                return
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            values = {"namespace": owner, "project": name, "metric": metric, "value": value, "created_at": now_us()}
            keys = ["namespace", "project", "metric"]
            statement = insert(goal).values(**values)
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"value": value}))

    # ── saved views ───────────────────────────────────────────────────────────────────────────────────────────

    def read_views(self, owner: str, name: str) -> list[SavedView]:
        """Return the views of a project in the order they were made; empty names mean all projects."""
        query = (
            select(view.c.name, view.c.query, view.c.created_at)
            .where(view.c.namespace == owner, view.c.project == name)
            .order_by(view.c.id)
        )
        with self._engine.connect() as connection:
            return [SavedView(*row) for row in connection.execute(query)]

    def save_view(self, owner: str, name: str, title: str, query: str) -> None:
        """Save a view; one of that name takes the new query and keeps its place."""
        values = {"namespace": owner, "project": name, "name": title, "query": query, "created_at": now_us()}
        with self._engine.begin() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            keys = ["namespace", "project", "name"]
            statement = insert(view).values(**values)
            connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"query": query}))

    def delete_view(self, owner: str, name: str, title: str) -> None:
        """Delete a view.

        Raises:
            NotFound: There is none of that name (`view.unknown`).
        """
        where = (view.c.namespace == owner, view.c.project == name, view.c.name == title)
        with self._engine.begin() as connection:
            if not connection.execute(delete(view).where(*where)).rowcount:
                raise NotFound(
                    f"there is no saved view {title!r} of {owner or 'all'}/{name or 'all'}; it may be deleted already.",
                    code="view.unknown",
                    view=title,
                )

    # ── short links ───────────────────────────────────────────────────────────────────────────────────────────────

    def keep_link(self, address: str) -> str:
        """Keep an address and return the hash it is found by; the same address has the same hash, for ever."""
        name = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:HASH_CHARS]
        with self._engine.begin() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            values = {"hash": name, "address": address, "created_at": now_us()}
            connection.execute(insert(link).values(**values).on_conflict_do_nothing())
        return name

    def read_link(self, name: str) -> str:
        """Return the address that a hash stands for.

        Raises:
            NotFound: None was kept under it in this store (`link.unknown`).
        """
        with self._engine.connect() as connection:
            address = connection.execute(select(link.c.address).where(link.c.hash == name)).scalar_one_or_none()
        if address is None:
            raise NotFound(
                f"no link {name[:80]!r} was made in this store; it may be of another one, or cut off. Ask its sender.",
                code="link.unknown",
                link=name[:80],
            )
        return str(address)


def _ensure_project(connection: Connection, owner: str, name: str) -> int:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(namespace).values(name=owner, created_at=now_us()).on_conflict_do_nothing())
    parent = connection.execute(select(namespace.c.id).where(namespace.c.name == owner)).scalar_one()
    values = {"namespace_id": parent, "name": name, "why": "", "created_at": now_us()}
    connection.execute(insert(project).values(**values).on_conflict_do_nothing())
    query = select(project.c.id).where(project.c.namespace_id == parent, project.c.name == name)
    return int(connection.execute(query).scalar_one())
