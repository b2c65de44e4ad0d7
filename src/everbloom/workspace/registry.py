"""Namespaces, projects and experiments: created where missing, listed.

A run names its project and experiment by path; ingest creates the rows. Idempotent: any number of indexers may
create the same experiment at once.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from everbloom.core.clock import now_us


class ExperimentPath(NamedTuple):
    """Where an experiment stands."""

    namespace: str
    project: str
    experiment: str


def ensure_experiments(root: Path, database: str | None, paths: Iterable[tuple[str, str, str]]) -> None:
    """Create the workspace rows of (namespace, project, experiment) that are missing.

    Raises:
        Unavailable: The workspace cannot be written.
    """
    from sqlalchemy import Connection, Table, select
    from sqlalchemy.dialects import postgresql, sqlite

    from everbloom.workspace.engine import open_workspace, translated
    from everbloom.workspace.schema import experiment, namespace, project

    def ensure(connection: Connection, table: Table, values: dict[str, int | str], key: dict[str, int | str]) -> int:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(table).values(**values, **key, created_at=now_us()).on_conflict_do_nothing())
        query = select(table.c.id).where(*(table.c[name] == value for name, value in key.items()))
        return int(connection.execute(query).scalar_one())

    engine = open_workspace(root, database)
    try:
        with translated(root, database), engine.begin() as connection:
            for path in paths:
                where = ExperimentPath(*path)
                namespace_id = ensure(connection, namespace, {}, {"name": where.namespace})
                project_id = ensure(
                    connection, project, {"why": ""}, {"namespace_id": namespace_id, "name": where.project}
                )
                ensure(
                    connection,
                    experiment,
                    {"why": "", "conclusion": ""},
                    {"project_id": project_id, "name": where.experiment},
                )
    finally:
        engine.dispose()


def list_experiments(root: Path, database: str | None) -> list[ExperimentPath]:
    """Return every experiment, by namespace, project and name.

    Raises:
        Unavailable: The workspace cannot be opened.
    """
    from sqlalchemy import select

    from everbloom.workspace.engine import open_workspace, translated
    from everbloom.workspace.schema import experiment, namespace, project

    query = (
        select(namespace.c.name, project.c.name, experiment.c.name)
        .join_from(namespace, project)
        .join(experiment)
        .order_by(namespace.c.name, project.c.name, experiment.c.name)
    )
    engine = open_workspace(root, database)
    try:
        with translated(root, database), engine.connect() as connection:
            return [ExperimentPath(*row) for row in connection.execute(query)]
    finally:
        engine.dispose()
