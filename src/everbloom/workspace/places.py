"""What the workspace says back; apart from the tables, so that naming it does not load SQLAlchemy."""

from typing import NamedTuple


class ProjectPlace(NamedTuple):
    """Where a person put a project: its place in their order, from 0, None where it was never moved."""

    rank: int | None
    is_archived: bool


class SavedView(NamedTuple):
    """A name for an address's query."""

    name: str
    query: str
    created_at: int
