"""What a run printed: a window of lines, a search, and all of it as a file. Text, never markup."""

from collections.abc import Iterator
from typing import Annotated, Any

from litestar import Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Stream

from everbloom.api.answers import Given, find_run
from everbloom.api.run_types import ConsoleMatch, ConsoleMatches, ConsoleWindow
from everbloom.query.reader import ConsoleMatch as StoredMatch
from everbloom.query.reader import Reader, open_reader

LINES_MAX = 5000
LINE_CHARS = 10_000
MATCHES_MAX = 500
_FRESH = {"cache-control": "no-store"}

Lines = Annotated[int, QueryParameter(ge=1, le=LINES_MAX)]


@get("/runs/{run:str}/console", sync_to_thread=True)
def read_console(
    store: Given,
    run: FromPath[str],
    from_line: Annotated[int, QueryParameter(ge=1, description="Counted from 1.")] = 1,
    limit: Lines = 1000,
    tail: Annotated[int | None, QueryParameter(ge=1, le=LINES_MAX, description="The last so many instead.")] = None,
) -> Response[ConsoleWindow]:
    """Return a window of lines; a line of over 10,000 characters is cut."""

    def build(reader: Reader) -> ConsoleWindow:
        found = find_run(reader, run)
        total = reader.count_lines(found.id)
        first = max(total - tail + 1, 1) if tail is not None else from_line
        lines = reader.read_lines(found.id, first, tail or limit)
        return ConsoleWindow([_cut(line) for line in lines], first, total, found.state == "running")

    return Response(store.read(build), headers=_FRESH)


def _cut(line: str) -> str:
    return line if len(line) <= LINE_CHARS else line[:LINE_CHARS] + "…"


@get("/runs/{run:str}/console/search", sync_to_thread=True)
def search_console(
    store: Given,
    run: FromPath[str],
    q: FromQuery[str] = "",
    from_line: Annotated[int, QueryParameter(ge=1, description="Only from this line on.")] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=MATCHES_MAX)] = 200,
) -> Response[ConsoleMatches]:
    """Return the lines that hold a text, in any case."""

    def build(reader: Reader) -> ConsoleMatches:
        found = find_run(reader, run)
        matches: list[ConsoleMatch] = []
        for match in reader.read_logs(found.id, grep=q) if q else ():
            if isinstance(match, StoredMatch) and match.line >= from_line:
                if len(matches) == limit:
                    return ConsoleMatches(matches, more=True)
                matches.append(ConsoleMatch(match.line, _cut(match.text)))
        return ConsoleMatches(matches, more=False)

    return Response(store.read(build), headers=_FRESH)


@get("/runs/{run:str}/console/download", sync_to_thread=True, opt={"is_plain": True}, media_type="text/plain")
def download_console(store: Given, run: FromPath[str]) -> Response[Any]:
    """Return all that a run printed, as a text file."""
    found = store.read(lambda reader: find_run(reader, run))

    def iter_pieces() -> Iterator[bytes]:
        # A reader of its own: a slow download must not keep one of the few that answer pages.
        with open_reader(store.settings, catch_up=False) as reader:
            for piece in reader.read_logs(found.id):
                yield str(piece).encode()

    name = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in found.name)
    headers = _FRESH | {"content-disposition": f'attachment; filename="{name}.log"'}
    return Stream(iter_pieces(), media_type="text/plain", headers=headers)


HANDLERS = [read_console, search_console, download_console]
