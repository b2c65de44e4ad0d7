"""The columns of a table of runs: the ones a person would choose, or the ones they did choose.

By default what identifies a run, how it stands, what sets it apart from the others (parameters that vary) and how
it did (the objectives, else metrics whose names say which direction is better). Resource metrics stay out.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from everbloom.cli.output.numbers import format_bytes, format_duration, format_number, format_value
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.states import get_look, get_ring
from everbloom.cli.output.table import Cell, Column
from everbloom.cli.output.text import clean_line

if TYPE_CHECKING:
    from everbloom.query.language.keys import Key
    from everbloom.query.views import Run

PARAMS_MAX, METRICS_MAX = 8, 6
TEXT_MAX_CHARS = 200  # a note in a table is a reminder; `show` has it whole
_USUAL_CAUSES = {("finished", "exit"), ("failed", "exception"), ("cancelled", "user")}


class RunColumn(NamedTuple):
    """A column, and what it shows of a run."""

    column: Column
    draw: "Callable[[Screen, Run], Cell]"


def choose_columns(runs: "Sequence[Run]", varying: Sequence[str], *, has_places: bool) -> list[RunColumn]:
    """Choose the columns for these runs.

    Args:
        runs: The page.
        varying: Parameters that differ, by name.
        has_places: Whether runs of several namespaces may stand in the list.
    """
    from everbloom.query.glance import choose_metrics

    columns = [
        RunColumn(Column("name", least=22, keeps_end=True), draw_name),
        RunColumn(Column("state"), draw_state),
    ]
    places = [("namespace", 4)] * has_places + [("project", 3), ("experiment", 15)]
    for key, rank in places:
        if len({run.attributes.get(key) for run in runs}) > 1:
            columns.append(RunColumn(Column(key, least=10, rank=rank), _draw_attribute(key)))
    columns.append(RunColumn(Column("created", rank=6), lambda screen, run: Cell(screen.format_time(run.created_at))))
    columns.append(
        RunColumn(Column("took", "right", rank=22), lambda screen, run: Cell(format_duration(run.duration_s)))
    )
    columns += [_param_column(runs, name, 10 + i if i < 2 else 24 + i) for i, name in enumerate(varying[:PARAMS_MAX])]
    columns += [
        _metric_column(name, word, _metric_rank(i, word))
        for i, (name, word) in enumerate(choose_metrics(runs, METRICS_MAX))
    ]
    columns.append(RunColumn(Column("tags", least=8, rank=16), _draw_tags))
    for key, rank in (("why", 42), ("conclusion", 40), ("note", 41)):
        columns.append(RunColumn(Column(key, least=16, rank=rank), _draw_text(key)))
    return [column for column in columns if column.column.rank == 0 or _says_anything(column, runs)]


def _metric_rank(place: int, word: str) -> int:
    """Let the first metric stay longest, and those that only have a last value leave before the parameters."""
    return 34 + place if word == "last" else 2 if place == 0 else 8 + 4 * place


def _says_anything(column: RunColumn, runs: "Sequence[Run]") -> bool:
    return any(column.draw(Screen(), run).text for run in runs)


def draw_name(screen: Screen, run: "Run") -> Cell:
    """Show a run's name, and that somebody likes it."""
    return Cell(f"{run.name} ♥" if run.is_liked else run.name, "bold")


def draw_state(screen: Screen, run: "Run") -> Cell:
    """Show how a run stands: sign, word, and how far it is or why it ended."""
    from everbloom.query.glance import get_progress

    is_stalled = bool(run.attributes.get("stalled"))
    look = get_look(run.state, is_stalled=is_stalled)
    glyph, word = look.glyph if screen.has_unicode else look.ascii, "stalled" if is_stalled else run.state
    extra = ""
    if run.state == "running":
        progress = get_progress(run)
        if screen.has_unicode and not is_stalled:
            glyph = get_ring(progress)
        extra = "" if progress is None else f" {progress:.0%}"
    elif run.cause and (run.state, run.cause) not in _USUAL_CAUSES:
        extra = f" ({run.cause})"
    return Cell(f"{glyph} {word}{extra}", look.style)


def _draw_attribute(key: str) -> "Callable[[Screen, Run], Cell]":
    return lambda screen, run: Cell(format_value(run.attributes[key]) if key in run.attributes else "")


def _draw_text(key: str) -> "Callable[[Screen, Run], Cell]":
    def draw(screen: Screen, run: "Run") -> Cell:
        text = clean_line(str(run.attributes.get(key, ""))[: 2 * TEXT_MAX_CHARS])
        return Cell(text if len(text) <= TEXT_MAX_CHARS else text[:TEXT_MAX_CHARS] + "…")

    return draw


def _draw_tags(screen: Screen, run: "Run") -> Cell:
    return Cell(", ".join(run.tags), "cyan")


def _param_column(runs: "Sequence[Run]", name: str, rank: int) -> RunColumn:
    values = [run.params[name] for run in runs if run.params.get(name) is not None]
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    look = Column(name, "number", rank=rank) if are_numbers else Column(name, least=6, rank=rank)

    def draw(screen: Screen, run: "Run") -> Cell:
        return Cell(format_value(run.params[name])[: 2 * TEXT_MAX_CHARS] if name in run.params else "")

    return RunColumn(look, draw)


def _metric_column(name: str, word: str, rank: int) -> RunColumn:
    title = f"{name}.{word}" if word != "last" else name

    def draw(screen: Screen, run: "Run") -> Cell:
        summary = run.metrics.get(name)
        value = None if summary is None else getattr(summary, word)
        return Cell("" if value is None else format_number(value))

    return RunColumn(Column(title, "number", rank=rank), draw)


def _step_column(name: str, step: int) -> RunColumn:
    def draw(screen: Screen, run: "Run") -> Cell:
        value = run.value_at(name, step)
        return Cell("" if value is None else format_number(value))

    return RunColumn(Column(f"{name}.@{step}", "number"), draw)


def parse_columns(text: str) -> list[RunColumn]:
    """Return the columns that a person asks for: keys of the filter language, by comma.

    Raises:
        InvalidInput: A key is unknown or malformed; points at it.
    """
    from everbloom.query.language.sorting import parse_order

    return [_key_column(sort_key.key) for sort_key in parse_order(text, noun="columns", has_steps=True)]


def _key_column(named: "Key") -> RunColumn:
    key = named.column
    special: dict[str, RunColumn] = {
        "name": RunColumn(Column("name", least=22, keeps_end=True), draw_name),
        "state": RunColumn(Column("state"), draw_state),
        "tag": RunColumn(Column("tags", least=8), _draw_tags),
        "duration": RunColumn(Column("took", "right"), lambda screen, run: Cell(format_duration(run.duration_s))),
        "created": RunColumn(Column("created"), lambda screen, run: Cell(screen.format_time(run.created_at))),
        "ended": RunColumn(Column("ended"), lambda screen, run: Cell(screen.format_time(run.ended_at))),
    }
    if key in special:
        return special[key]
    if named.step is not None:
        return _step_column(named.name, named.step)
    if named.root == "metrics":
        return _metric_column(named.name, named.summary, 0)
    return RunColumn(Column(key.removeprefix("params."), least=6), _draw_key(key))


def _draw_key(key: str) -> "Callable[[Screen, Run], Cell]":
    draw_text = _draw_text(key)

    def draw(screen: Screen, run: "Run") -> Cell:
        value = run.attributes.get(key)
        return (
            draw_text(screen, run)
            if isinstance(value, str)
            else Cell("" if key not in run.attributes else format_value(value))
        )

    return draw


def format_metric(name: str, value: float | None, *, digits: int = 4) -> str:
    """Return a metric's value; bytes, shares and seconds of resources in their units."""
    if value is None:
        return ""
    if name.startswith("system/") and name.endswith("bytes"):
        return format_bytes(value)
    return format_number(value, digits)
