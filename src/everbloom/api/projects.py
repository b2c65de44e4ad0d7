"""Projects: their cards, the order a person gave them, and which were put away."""

from typing import Annotated

from litestar import Response, get, patch, put
from litestar.params import FromPath, JSONBody, QueryParameter

from everbloom.api.answers import Asking, Given
from everbloom.api.types import Objective, Project, ProjectChange, ProjectList, ProjectOrder
from everbloom.api.values import to_number
from everbloom.query.best import Best
from everbloom.query.overview import ProjectOverview
from everbloom.workspace.places import ProjectPlace

_STAIRS_MAX = 32


@get("/projects", sync_to_thread=True)
def list_projects(
    request: Asking,
    store: Given,
    since: Annotated[
        int | None, QueryParameter(description="UTC microseconds; ends after it are counted as new.")
    ] = None,
) -> Response[ProjectList]:
    """Return every readable project."""
    places = store.workspace.read_projects()
    with store.reader() as reader:
        watermark = reader.read_version()
        projects = [_to_project(found, places) for found in reader.list_projects(since_us=since)]
    projects.sort(key=lambda p: (p.rank is None, p.rank or 0, -(p.last_activity_at or 0)))
    return Response(ProjectList(projects, watermark), headers={"cache-control": "private, no-cache"})


def _to_project(found: ProjectOverview, places: dict[tuple[str, str], ProjectPlace]) -> Project:
    place = places.get((found.namespace, found.name), ProjectPlace(None, is_archived=False))
    return Project(
        found.namespace,
        found.name,
        found.runs,
        found.running,
        found.failed,
        found.owner,
        found.last_activity_us,
        None if found.objective is None else _to_objective(found.objective),
        place.rank,
        place.is_archived,
        found.new_finished,
        found.new_failed,
    )


def _to_objective(best: Best) -> Objective:
    stairs = [to_number(step.value) for step in best.staircase[-_STAIRS_MAX:]]
    return Objective(
        best.metric, best.direction, best.is_guessed, to_number(best.value), best.run.id, best.run.name, stairs
    )


@put("/projects/order", sync_to_thread=True, status_code=204)
def order_projects(store: Given, data: JSONBody[ProjectOrder]) -> None:
    """Put projects into the person's own order."""
    store.workspace.order_projects(data.order)


@patch("/projects/{ns:str}/{project:str}", sync_to_thread=True, status_code=204)
def change_project(store: Given, ns: FromPath[str], project: FromPath[str], data: JSONBody[ProjectChange]) -> None:
    """Put a project away, or take it back."""
    store.workspace.archive_project(ns, project, is_archived=data.is_archived)


HANDLERS = [list_projects, order_projects, change_project]
