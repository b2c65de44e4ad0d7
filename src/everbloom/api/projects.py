"""Projects: their cards, the order a person gave them, which were put away, and what they want to reach."""

from collections.abc import Mapping
from itertools import starmap
from typing import Annotated

from litestar import Response, get, patch, put
from litestar.params import FromPath, JSONBody, QueryParameter

from everbloom.api.answers import Asking, Given
from everbloom.api.types import Goal, GoalChange, GoalList, Objective, Project, ProjectChange, ProjectList, ProjectOrder
from everbloom.api.values import to_number
from everbloom.core.errors import InvalidInput, NotFound
from everbloom.query.best import Best
from everbloom.query.overview import ProjectOverview
from everbloom.query.reader import Reader, RunQuery
from everbloom.workspace.places import ProjectPlace

METRIC_BYTES_MAX = 500
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
    places, goals = store.workspace.read_projects(), store.workspace.read_goals()
    with store.reader() as reader:
        watermark = reader.read_version()
        wanted = {path: list(own) for path, own in goals.items()}
        projects = [_to_project(found, places, goals) for found in reader.list_projects(since_us=since, goals=wanted)]
    projects.sort(key=lambda p: (p.rank is None, p.rank or 0, -(p.last_activity_at or 0)))
    return Response(ProjectList(projects, watermark), headers={"cache-control": "private, no-cache"})


def _to_project(
    found: ProjectOverview,
    places: Mapping[tuple[str, str], ProjectPlace],
    goals: Mapping[tuple[str, str], Mapping[str, float]],
) -> Project:
    path = (found.namespace, found.name)
    place = places.get(path, ProjectPlace(None, is_archived=False))
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
        list(starmap(Goal, goals.get(path, {}).items())),
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
    _ensure_known(store, ns, project)
    store.workspace.archive_project(ns, project, is_archived=data.is_archived)


@put("/projects/{ns:str}/{project:str}/goals", sync_to_thread=True)
def set_goal(store: Given, ns: FromPath[str], project: FromPath[str], data: JSONBody[GoalChange]) -> GoalList:
    """Set the value of a metric that a project wants to reach, or take it away; returns all of its goals."""
    size = len(data.metric.encode("utf-8", "surrogatepass"))
    if not 0 < size <= METRIC_BYTES_MAX:
        raise InvalidInput(
            f"a goal was given of a metric whose name has {size} bytes; such a name has 1 to {METRIC_BYTES_MAX}. Log "
            f"it under another name.",
            code="goal.metric",
        )
    _ensure_known(store, ns, project)
    store.workspace.set_goal(ns, project, data.metric, data.value)
    return GoalList(list(starmap(Goal, store.workspace.read_goals().get((ns, project), {}).items())))


def _ensure_known(store: Given, namespace: str, project: str) -> None:
    """Raise where a project has neither runs nor a place of its own, so that a slip of a name makes no project."""
    if (namespace, project) in store.workspace.read_projects():
        return
    query = RunQuery(namespace=namespace, project=project, limit=1, archived=None)

    def look(reader: Reader) -> None:
        if not reader.list_runs(query).total:
            raise NotFound(
                f"there is no project {project!r} in namespace {namespace!r}. GET /api/v1/projects lists those "
                f"that are there.",
                code="project.unknown",
                namespace=namespace,
                project=project,
            )

    store.read(look)


HANDLERS = [list_projects, order_projects, change_project, set_goal]
