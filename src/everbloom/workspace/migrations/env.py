"""Alembic's entry: migrate on the connection that `workspace.engine` hands in."""

from alembic import context

from everbloom.workspace.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
