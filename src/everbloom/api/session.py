"""Who asks and what answers, and what would fit at the cursor of a filter: what the shell needs on every page."""

import os
from pathlib import Path
from typing import Annotated

from litestar import Response, get
from litestar.params import FromQuery, QueryParameter

from everbloom.api.answers import Asking, Given, Namespace, Project, answer
from everbloom.api.types import Completion, Hit, Hits, Offer, Session
from everbloom.core.settings import DEFAULT_ROOT
from everbloom.core.version import __version__
from everbloom.query.language.keys import FAMILIES, FIXED
from everbloom.query.reader import Reader

_JOINS = frozenset(("and", "or", "not", "(", ")", ","))
_OPERATORS = frozenset("= != < <= > >= in ~ like is".split())


@get("/session", sync_to_thread=False)
def get_session(store: Given) -> Session:
    """Say who asks and what answers."""
    settings = store.settings
    root = Path(os.fsencode(settings.root).decode("utf-8", "replace"))  # a folder's name may be no text
    named = None if settings.root == Path(DEFAULT_ROOT).expanduser() else str(root)
    return Session(store.user, settings.namespace, __version__, root.name, named, is_local=True)


@get("/complete", sync_to_thread=True)
def complete(
    request: Asking,
    store: Given,
    text: FromQuery[str] = "",
    at: Annotated[
        int | None, QueryParameter(ge=0, description="Where the cursor stands; left out: at the end.")
    ] = None,
    project: Project = None,
) -> Response[Completion]:
    """Say what would fit at the cursor of a filter, with how many runs have it."""

    def build(reader: Reader) -> Completion:
        place = len(text) if at is None else min(at, len(text))
        found = reader.complete(text, place, project=project or None, is_inside=True)
        start, end = (found[0].start, found[0].end) if found else (place, place)
        offers = [_to_offer(offer.text, offer.count) for offer in found]
        return Completion(start, end, offers, found[0].total if found else 0)

    return answer(request, store, build)


def _to_offer(text: str, count: int | None) -> Offer:
    root = text.partition(".")[0]
    if text in FIXED:
        return Offer(text, "key", FIXED[text].says, count)
    if root in FAMILIES and "." in text:
        return Offer(text, "key", FAMILIES[root].says, count)
    if text in _JOINS:
        return Offer(text, "join", "", count)
    if text.partition(" ")[0] in _OPERATORS or text.startswith("not "):
        return Offer(text, "operator", "", count)
    return Offer(text, "value", "", count)


@get("/search", sync_to_thread=True)
def search(
    request: Asking,
    store: Given,
    q: FromQuery[str] = "",
    ns: Namespace = None,
    project: Project = None,
    limit: Annotated[int, QueryParameter(ge=1, le=200)] = 20,
) -> Response[Hits]:
    """Search what runs say and printed, archived ones too."""

    def build(reader: Reader) -> Hits:
        found = reader.search(q, namespace=ns or None, project=project or None, limit=limit)
        hits = [
            Hit(
                hit.run.id,
                hit.run.name,
                hit.run.project,
                hit.run.namespace,
                hit.run.state,  # type: ignore[arg-type]
                hit.where,
                hit.excerpt,
                hit.line,
            )
            for hit in found
        ]
        return Hits(hits, found.elsewhere)

    return answer(request, store, build)


HANDLERS = [get_session, complete, search]
