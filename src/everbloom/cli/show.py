"""`everbloom show`: one run on one page, what it was for and what came of it first.

Sections stand only where there is something to say. Long values are wrapped on a terminal and whole in a pipe.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from everbloom.cli.columns import draw_state, format_metric
from everbloom.cli.invocation import Invocation, run_argument, store_options
from everbloom.cli.metric_table import draw_metrics, pattern_option, read_summaries, reduce_option
from everbloom.cli.output.numbers import EXACT, format_bytes, format_count, format_duration, format_value
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.table import Cell, Column, build_table
from everbloom.cli.output.text import clean_line, clean_text, pad, wrap

if TYPE_CHECKING:
    from everbloom.query.reader import Reader
    from everbloom.query.views import Artifact, MediaItem, Reduce, Run, RunDetail

HISTORY_MAX = 20
_LABEL_CELLS = 12


@click.command()
@run_argument
@pattern_option
@reduce_option
@store_options
def show(invocation: Invocation, *, run: str, pattern: str | None, reduce: "Reduce | None") -> None:
    """Show everything about RUN: what it was for, what came of it, its parameters, metrics, files, problems.

    Metrics are rank 0's, or where rank 0 never logged one the lowest rank's that did. Of more than 64 some of each
    group are shown, and how to see the others.
    """
    with invocation.open_reader() as reader:
        detail = reader.read_detail(invocation.find_run(reader, run).id)
        summaries = read_summaries(reader, detail.run, pattern=pattern, reduce=reduce)
        artifacts, media = reader.list_artifacts(detail.run.id), reader.list_media(detail.run.id)
        if invocation.as_json:
            from everbloom.cli.output.exact_json import write_json
            from everbloom.cli.shapes import shape_artifact, shape_detail, shape_media, shape_summary

            files = {"artifacts": list(map(shape_artifact, artifacts)), "media": list(map(shape_media, media))}
            metrics = {name: shape_summary(summary) for name, summary in summaries.items()}
            write_json(invocation.screen, shape_detail(detail) | {"metrics": metrics} | files)
            return
        drawn = draw_metrics(
            invocation.screen, reader, detail.run, summaries, reduce=reduce, is_whole=pattern is not None
        )
        title = "Metrics" if reduce is None else f"Metrics, {reduce} over ranks"
        invocation.screen.write(*draw_detail(invocation.screen, reader, detail, (title, drawn), artifacts, media))


def draw_detail(
    screen: Screen,
    reader: "Reader",
    detail: "RunDetail",
    metrics: tuple[str, Iterator[str]],
    artifacts: "Sequence[Artifact]",
    media: "Sequence[MediaItem]",
) -> Iterator[str]:
    """Return a run's page as lines; of its metrics the heading and the lines are given."""
    run = detail.run
    yield from _draw_head(screen, reader, detail)
    yield from _draw_section(screen, "Parameters", _draw_params(screen, run))
    yield from _draw_section(screen, *metrics)
    yield from _draw_section(screen, "Resources", _draw_resources(screen, detail))
    yield from _draw_section(screen, "Note", _draw_text(screen, run.note, indent=2))
    yield from _draw_section(screen, "Links", _draw_links(screen, detail))
    yield from _draw_section(screen, "Files", draw_artifacts(screen, artifacts))
    yield from _draw_section(screen, "Media", draw_media(screen, media))
    yield from _draw_section(screen, "Exception", _draw_exception(screen, detail))
    yield from _draw_section(screen, "Problems", _draw_problems(screen, detail))
    yield from _draw_section(screen, "History", _draw_history(screen, detail))


def _draw_section(screen: Screen, title: str, lines: Iterator[str]) -> Iterator[str]:
    first = next(lines, None)
    if first is not None:
        yield ""
        yield screen.style(title, "heading")
        yield first
        yield from lines


def _draw_head(screen: Screen, reader: "Reader", detail: "RunDetail") -> Iterator[str]:
    run = detail.run
    state = draw_state(screen, run)
    heart = f"  {screen.style('♥', 'red')}" if run.is_liked else ""
    yield f"{screen.style(clean_line(run.name), 'bold')}  {screen.style(state.text, state.style)}{heart}"
    fields = [
        ("id", run.id),
        ("where", f"{run.namespace} / {run.project} / {run.experiment}"),
        ("why", run.why),
        ("conclusion", run.conclusion),
        ("verdict", run.verdict),
        ("ended by", describe_end(detail)),
        ("started", _describe_start(screen, detail)),
        ("took", format_duration(run.duration_s)),
        ("parent", _describe_parent(reader, run)),
        ("forked", _describe_fork(detail)),
        ("tags", ", ".join(run.tags)),
        ("domain", run.domain),
        ("group", run.group),
        ("ranks", _describe_ranks(detail)),
        ("rewound to", detail.rewound_from),
        ("archived", "yes" if run.is_archived else None),
        ("liked by", ", ".join(detail.likes.get("", ()))),
        ("command", " ".join(detail.command.argv) if detail.command else None),
        ("in", detail.command.cwd if detail.command else None),
    ]
    for label, value in fields:
        if value not in (None, ""):
            yield from draw_field(screen, label, str(value))


def draw_field(screen: Screen, label: str, value: str) -> list[str]:
    """Return a labelled value, wrapped behind its label."""
    lines = wrap(clean_text(value), max(screen.width - _LABEL_CELLS - 2, 20))
    head = "  " + screen.style(pad(label, _LABEL_CELLS - 2), "dim") + "  "
    return [head + lines[0], *(" " * (_LABEL_CELLS + 2) + line for line in lines[1:])]


def describe_end(detail: "RunDetail") -> str:
    """Say what ended a run, and who saw it; empty while it runs, and where it simply finished."""
    end = detail.end
    if end is None or (detail.run.state == "finished" and end.cause == "exit" and not end.exit_code):
        return ""
    says = {
        "exit": "its exit",
        "exception": "an exception",
        "signal": "a signal",
        "oom": "running out of memory",
        "preempted": "preemption",
        "user": "its user",
        "unknown": "an unknown cause",
    }.get(end.cause, end.cause)
    parts = [says]
    if end.exception is not None:
        message = clean_line(end.exception.message)
        parts = [f"{end.exception.type}: {message}" if message else end.exception.type]
    if end.signal is not None:
        parts.append(_name_signal(end.signal))
    if end.exit_code:
        parts.append(f"exit code {end.exit_code}")
    if end.witness:
        parts.append("seen by nobody" if end.witness == "nobody" else f"seen by the {end.witness}")
    return ", ".join(parts)


def _name_signal(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _describe_start(screen: Screen, detail: "RunDetail") -> str:
    run = detail.run
    main = next(iter(detail.writers.values()), None)
    by = f" by {run.user}" if run.user else ""
    on = f" on {main.host}" if main is not None and main.host else ""
    heard = ""
    if run.state in ("running", "lost") and detail.last_heard_at:
        heard = f", last heard {screen.format_time(detail.last_heard_at)}"
    return f"{screen.format_time(run.created_at)}{by}{on}{heard}"


def _describe_parent(reader: "Reader", run: "Run") -> str | None:
    if run.parent is None:
        return None
    from everbloom.query.references import short_end

    found = reader.read_runs([run.parent])
    return f"{found[0].name} ({short_end(run.parent)})" if found else f"{run.parent} (not in this store)"


def _describe_fork(detail: "RunDetail") -> str | None:
    fork = detail.forked_from
    if fork is None:
        return None
    said = f"from {fork.name or fork.run} at step {fork.step}"
    if fork.is_shared:
        return said
    why = "that run is in another namespace" if fork.name else "that run cannot be read here"
    return f"{said} ({why}: its points are not shared)"


def _describe_ranks(detail: "RunDetail") -> str | None:
    ranks = detail.ranks
    if len(ranks) < 2:
        return None
    is_row = len(ranks) > 2 and ranks[-1] - ranks[0] == len(ranks) - 1
    listed = f"{ranks[0]} to {ranks[-1]}" if is_row else ", ".join(map(str, ranks))
    return f"{len(ranks)} ({listed}); --reduce mean, min or max sums all of them up"


def _draw_params(screen: Screen, run: "Run") -> Iterator[str]:
    rows = [[Cell(name, "dim"), Cell(format_value(value, EXACT))] for name, value in run.params.items()]
    columns = [Column("name", least=12), Column("value", least=12)]
    yield from build_table(screen, columns, rows, indent=2, has_head=False).lines


def _draw_resources(screen: Screen, detail: "RunDetail") -> Iterator[str]:
    rows: list[list[Cell]] = []
    for name, summary in sorted(detail.run.system.items()):
        full = f"system/{name}"
        limit = detail.limits.get(full)
        share = f"{summary.max / limit:.0%}" if limit and summary.max == summary.max else ""
        rows.append(
            [
                Cell(name),
                Cell(format_metric(full, summary.last)),
                Cell(format_metric(full, summary.mean)),
                Cell(format_metric(full, summary.max)),
                Cell(format_metric(full, limit)),
                Cell(share),
            ]
        )
    columns = [
        Column("resource", least=12),
        *(Column(t, "number") for t in ("last", "mean", "max", "limit", "max of it")),
    ]
    yield from build_table(screen, columns, rows, indent=2).lines


def _draw_text(screen: Screen, text: str, *, indent: int) -> Iterator[str]:
    if text:
        for line in wrap(clean_text(text), max(screen.width - indent, 20)):
            yield f"{' ' * indent}{line}".rstrip()


def _draw_links(screen: Screen, detail: "RunDetail") -> Iterator[str]:
    rows = [[Cell(link.title or link.kind), Cell(link.url)] for link in detail.links]
    yield from build_table(screen, [Column("title", least=10), Column("url")], rows, indent=2, has_head=False).lines


def draw_artifacts(screen: Screen, artifacts: "Sequence[Artifact]") -> Iterator[str]:
    """Return files and references as lines."""
    columns = [
        Column("path", least=16, keeps_end=True),
        Column("kind", rank=1),
        Column("size", "right"),
        Column("step", "right", rank=2),
        Column("sha256 or address", least=12, rank=3),
    ]
    rows = [
        [
            Cell(item.path or item.uri or ""),
            Cell(item.kind),
            Cell(format_bytes(item.size)),
            Cell("" if item.step is None else str(item.step)),
            Cell(item.uri or (item.sha256 or "")[:12], "dim"),
        ]
        for item in artifacts
    ]
    yield from build_table(screen, columns, rows, indent=2).lines


def draw_media(screen: Screen, media: "Sequence[MediaItem]") -> Iterator[str]:
    """Return what was logged beside numbers: a line for each name and kind."""
    groups: dict[tuple[str, str], list[MediaItem]] = {}
    for item in media:
        groups.setdefault((item.name, item.kind), []).append(item)
    rows = []
    for (name, kind), items in groups.items():
        steps = f"{items[0].step}" if len(items) == 1 else f"{items[0].step} to {items[-1].step}"
        size = format_bytes(sum(item.size for item in items))
        rows.append([Cell(name), Cell(kind), Cell(str(len(items))), Cell(steps), Cell(size)])
    columns = [
        Column("name", least=16),
        Column("kind"),
        Column("count", "right"),
        Column("steps"),
        Column("size", "right"),
    ]
    yield from build_table(screen, columns, rows, indent=2).lines


def _draw_exception(screen: Screen, detail: "RunDetail") -> Iterator[str]:
    exception = detail.end.exception if detail.end else None
    if exception is not None:
        text = exception.traceback or f"{exception.type}: {exception.message}"
        yield from (f"  {line}".rstrip() for line in clean_text(text.rstrip()).split("\n"))


def _draw_problems(screen: Screen, detail: "RunDetail") -> Iterator[str]:
    for problem in detail.problems:
        times = f" ({format_count(problem.count, 'time')})" if problem.count > 1 else ""
        yield from draw_field(screen, "recording", f"{problem.message} [{problem.code}]{times}")
    for place in detail.damage:
        if not place.size:  # a whole journal, or the pack of a closed run
            yield from draw_field(screen, "damage", f"{place.reason} (writer {place.writer})")
            continue
        says = f"{place.reason}: {format_bytes(place.size)} at byte {place.byte} of segment {place.segment}"
        yield from draw_field(screen, "damage", f"{says} of writer {place.writer}")


def _draw_history(screen: Screen, detail: "RunDetail") -> Iterator[str]:
    """Show what was edited; what a run said of itself at its start is no history."""
    edits = [change for change in detail.history if change.number]
    if len(edits) > HISTORY_MAX:
        yield f"  {format_count(len(edits) - HISTORY_MAX, 'earlier edit')}; --json has all"
    rows = [
        [Cell(screen.format_time(edit.created_at), "dim"), Cell(edit.field), Cell(format_value(edit.value))]
        for edit in edits[-HISTORY_MAX:]
    ]
    columns = [Column("when"), Column("field"), Column("value", least=20)]
    yield from build_table(screen, columns, rows, indent=2, has_head=False).lines
