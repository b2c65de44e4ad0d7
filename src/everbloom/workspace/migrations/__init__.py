"""Alembic's migrations of the workspace, run by `workspace.engine.open_workspace`."""
