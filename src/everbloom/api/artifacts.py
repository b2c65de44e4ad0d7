"""A run's files: their content by ranges, as downloads unless a browser can show it safely, and previews."""

from typing import Annotated, Any
from urllib.parse import quote

from litestar import HttpMethod, Response, get, route
from litestar.params import FromPath, FromQuery, QueryParameter

from everbloom.api.answers import Asking, Given, find_run
from everbloom.api.content import Content, send_content
from everbloom.api.preview.choose import name_type, preview
from everbloom.api.preview.types import Preview
from everbloom.core.ids import RunId
from everbloom.journal.blobs import open_blob
from everbloom.query.reader import Reader
from everbloom.query.views import Artifact

OFFSET_MAX = 2**53


@route(
    "/runs/{run:str}/artifacts/{path:path}",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    sync_to_thread=True,
    opt={"is_plain": True},
)
def read_artifact(
    request: Asking,
    store: Given,
    run: FromPath[str],
    path: FromPath[str],
    step: FromQuery[int | None] = None,
    inline: Annotated[bool, QueryParameter(description="Show it in place where that is safe.")] = False,
) -> Response[Any]:
    """Return a file; ranges are answered, large files are streamed."""
    owner, found = _find(store, run, path.removeprefix("/"), step)
    sha256, root = str(found.sha256), store.settings.root
    open_blob(root, owner, sha256).close()  # what is missing is said before the answer begins
    content = Content(
        lambda: open_blob(root, owner, sha256),
        found.size or 0,
        name_type(found.path, found.media_type),
        sha256,
        found.path.rpartition("/")[2],
        is_inline=inline,
    )
    return send_content(request, content)


@get("/runs/{run:str}/preview", sync_to_thread=True)
def preview_artifact(
    store: Given,
    run: FromPath[str],
    path: FromQuery[str],
    step: FromQuery[int | None] = None,
    offset: Annotated[
        int, QueryParameter(ge=0, le=OFFSET_MAX, description="Bytes of a text; else rows, arrays or cells.")
    ] = 0,
    limit: Annotated[int | None, QueryParameter(ge=1, le=OFFSET_MAX)] = None,
) -> Response[Preview]:
    """Return a part of a file as data, by what kind of file it is."""
    owner, found = _find(store, run, path, step)
    sha256 = str(found.sha256)
    suffix = "" if found.step is None else f"&step={found.step}"
    with open_blob(store.settings.root, owner, sha256) as file:
        content = preview(
            file,
            found.size or 0,
            path=found.path,
            media_type=name_type(found.path, found.media_type),
            sha256=sha256,
            url=f"/api/v1/runs/{run}/artifacts/{quote(found.path)}?inline=1{suffix}",
            indexes=store.row_indexes,
            offset=offset,
            limit=limit,
        )
    return Response(content, headers={"cache-control": "private, no-cache"})


def _find(store: Given, run: str, path: str, step: int | None) -> tuple[RunId, Artifact]:
    def find(reader: Reader) -> tuple[RunId, Artifact]:
        owner = find_run(reader, run).id
        return owner, reader.find_artifact(owner, path, step=step)

    return store.read(find)


HANDLERS = [read_artifact, preview_artifact]
