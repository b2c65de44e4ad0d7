"""What to say where there is nothing to show: why, where it was looked for, and what would fill it."""

from typing import TYPE_CHECKING

from everbloom.cli.invocation import Invocation

if TYPE_CHECKING:
    from everbloom.query.views import RunPage, RunQuery

FIRST_RUN = """\
import everbloom as eb

with eb.init(project="first", why="does a larger step learn faster?", params={"lr": 0.1}) as run:
    weight = 0.0
    for step in range(100):
        error = weight - 3.0
        weight -= 0.1 * error
        run.log({"loss": error * error}, step=step)
    run.conclude("converges in about 40 steps", verdict="supported")"""


def describe_empty(invocation: Invocation, query: "RunQuery", page: "RunPage") -> list[str]:
    """Return lines for a list without runs."""
    from everbloom.ingest.news import has_records

    root = invocation.settings.root
    if not has_records(root):
        return describe_first_run(invocation)
    if page.total:
        return [f"No run beyond the first {page.total:,}; --offset {query.offset} is past the end."]
    archived = [f"{page.archived:,} archived (--archived shows them)"] if page.archived else []
    return [f"No run matches{_describe_scope(query)}.", *archived, *describe_elsewhere(page)]


def describe_first_run(invocation: Invocation) -> list[str]:
    """Return lines for a store without runs: how to record the first."""
    root = invocation.settings.root
    where = f"{root} does not exist yet" if not root.exists() else f"{root} holds no run yet"
    code = [f"    {line}".rstrip() for line in FIRST_RUN.splitlines()]
    return [
        f"Nothing is recorded: {where}.",
        "",
        "Ten lines of Python record a run:",
        "",
        *code,
        "",
        "Or let `everbloom demo` train some models.",
    ]


def _describe_scope(query: "RunQuery") -> str:
    if query.everywhere:
        return " anywhere"
    parts = [f"namespace {query.namespace}"] if query.namespace else []
    parts += [f"{word} {name}" for word, name in (("project", query.project), ("experiment", query.experiment)) if name]
    return f" in {', '.join(parts)}" if parts else ""


def describe_elsewhere(page: "RunPage") -> list[str]:
    """Say how many match in other namespaces and projects, and how to see them."""
    if not page.elsewhere:
        return []
    places = sorted(page.elsewhere.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{count:,} in {place}" for place, count in places[:5])
    more = f" and {len(places) - 5} other places" if len(places) > 5 else ""
    return [f"{sum(page.elsewhere.values()):,} more elsewhere: {named}{more} (--everywhere shows them)"]
