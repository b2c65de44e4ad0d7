"""`everbloom compare`: any number of runs side by side, what differs first, what is the same folded into a line.

Few runs stand as columns; as soon as they do not fit, they stand as rows, so that there is no number of runs that
cannot be compared. In a pipe many runs are a line for each value of each run instead: whole, narrow, easy to `grep`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.completing import complete_metrics
from everbloom.cli.invocation import Invocation, runs_argument, store_options
from everbloom.cli.output.numbers import EXACT, format_apart, format_value
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.sparkline import draw_sparkline
from everbloom.cli.output.table import GAP, Cell, Column, build_table
from everbloom.cli.output.text import clean_line, clean_text, measure, wrap

if TYPE_CHECKING:
    from everbloom.query.compare import ComparedMetric, ComparedRow, Comparison
    from everbloom.query.reader import Reader

COLUMNS_MAX = 8  # more runs than these are rows, also where a pipe would take any width
RUN_CELLS_MIN = 16
CURVE_CELLS = 48
_BEST = " ★"
_MISSING = "–"


@click.command()
@runs_argument
@click.option(
    "--curves",
    multiple=True,
    metavar="METRIC",
    shell_complete=complete_metrics,
    help="Draw this metric of each run; may be repeated.",
)
@store_options
def compare(invocation: Invocation, *, runs: tuple[str, ...], curves: tuple[str, ...]) -> None:
    """Lay any number of RUNs side by side: parameters that differ, metrics with the best marked."""
    screen = invocation.screen
    with invocation.open_reader() as reader:
        compared = reader.compare([invocation.find_run(reader, reference).id for reference in runs])
        if invocation.as_json:
            from everbloom.cli.output.exact_json import write_json

            write_json(screen, _shape(compared, {name: _read_curves(reader, compared, name) for name in curves}))
            return
        screen.write(*draw_comparison(screen, compared))
        for metric in curves:
            screen.write(
                "", screen.style(clean_line(metric), "heading"), *_draw_curves(screen, reader, compared, metric)
            )


def draw_comparison(screen: Screen, compared: "Comparison") -> list[str]:
    """Return a comparison as lines."""
    wide = _count_cells(compared)
    is_wide = len(compared.runs) > COLUMNS_MAX or wide > screen.width
    draw = _draw_as_columns if not is_wide else _draw_as_rows if screen.is_terminal else _draw_as_list
    return [*draw(screen, compared), *_draw_same(screen, compared)]


def _count_cells(compared: "Comparison") -> int:
    keys = [row.key for row in (*compared.params, *compared.attributes)] + [m.metric for m in compared.metrics]
    label = max((measure(key) for key in keys), default=0)
    return min(label, 24) + len(compared.runs) * (RUN_CELLS_MIN + GAP)


def _draw_as_columns(screen: Screen, compared: "Comparison") -> list[str]:
    """Runs as columns: one row for each thing that differs."""
    names = [Cell(run.name, "bold") for run in compared.runs]
    rows: list[list[Cell]] = [[Cell(""), *names]]
    others = _list_others(compared)
    groups = [
        ("Parameters", [[Cell(row.key, "dim"), *_cells(row)] for row in compared.params]),
        ("Metrics", [[Cell(title_of(m), "dim"), *_metric_cells(m)] for m in compared.metrics]),
        ("Else", [*([[Cell(row.key, "dim"), *_cells(row)] for row in others]), *_tag_rows(compared)]),
        ("Resources", [[Cell(title_of(m), "dim"), *_metric_cells(m)] for m in compared.system]),
    ]
    headings: dict[int, str] = {}
    for title, members in groups:
        if members:
            headings[len(rows)] = title
            rows += members
    columns = [
        Column("", least=12, keeps_end=True),
        *(Column("", "left", least=RUN_CELLS_MIN, keeps_end=True) for _ in names),
    ]
    lines: list[str] = []
    for number, line in enumerate(build_table(screen, columns, rows, has_head=False).lines):
        if number in headings:
            lines += ["", screen.style(headings[number], "heading")]
        lines.append(line)
    return lines


def _draw_as_list(screen: Screen, compared: "Comparison") -> list[str]:
    """A line for each value of each run, those of one key beside each other: key, run, value, and who is best."""
    names = [run.name for run in compared.runs]
    rows: list[list[Cell]] = []
    for row in compared.params:
        rows += _list_cells(row.key, names, _cells(row))
    for metric in compared.metrics:
        rows += _list_metric(metric, names)
    for row in _list_others(compared):
        rows += _list_cells(row.key, names, _cells(row))
    for _, *cells in _tag_rows(compared):
        rows += _list_cells("tags", names, cells)
    for metric in compared.system:
        rows += _list_metric(metric, names)
    return build_table(screen, [Column("key"), Column("run"), Column("value"), Column("best")], rows).lines


def _list_metric(metric: "ComparedMetric", names: Sequence[str]) -> list[list[Cell]]:
    cells = _metric_cells(metric)
    return _list_cells(f"{metric.metric}.{metric.word}", names, cells, is_guessed=metric.is_guessed)


def _list_cells(key: str, names: Sequence[str], cells: Sequence[Cell], *, is_guessed: bool = False) -> list[list[Cell]]:
    mark = _BEST.strip() + (" (guessed)" if is_guessed else "")
    return [
        [Cell(key), Cell(name), Cell(cell.text.removesuffix(_BEST)), Cell(mark if cell.style else "")]
        for name, cell in zip(names, cells, strict=True)
        if cell.text != _MISSING
    ]


def _list_others(compared: "Comparison") -> "list[ComparedRow]":
    named = {row.key for row in compared.params}
    return [row for row in compared.attributes if row.key != "seed" or "seed" not in named]  # often both are given


def _cells(row: "ComparedRow") -> list[Cell]:
    shown = format_apart(row.values)
    return [Cell(text if is_there else _MISSING) for text, is_there in zip(shown, row.present, strict=True)]


def _metric_cells(metric: "ComparedMetric") -> list[Cell]:
    known = [value for value in metric.values if value is not None]
    shown = iter(format_apart(known, 7))
    is_contest = 0 < len(metric.best) < len(metric.values)
    cells = []
    for i, value in enumerate(metric.values):
        text = _MISSING if value is None else next(shown)
        is_best = is_contest and i in metric.best
        cells.append(Cell(text + _BEST if is_best else text, "best" if is_best else ""))
    return cells


def title_of(metric: "ComparedMetric") -> str:
    """Return a metric's row title: its name, the summary that is compared, and whether that is a guess."""
    return f"{metric.metric}.{metric.word}" + (" (guessed)" if metric.is_guessed else "")


def _tag_rows(compared: "Comparison") -> list[list[Cell]]:
    if not any(compared.own_tags):
        return []
    return [[Cell("tags", "dim"), *(Cell(", ".join(tags) or _MISSING) for tags in compared.own_tags)]]


def _draw_as_rows(screen: Screen, compared: "Comparison") -> list[str]:
    """Runs as rows: one column for each thing that differs."""
    columns = [Column("name", least=22, keeps_end=True)]
    cells: list[Sequence[Cell]] = [[Cell(run.name, "bold") for run in compared.runs]]
    for i, metric in enumerate(compared.metrics):
        columns.append(Column(title_of(metric), "number", rank=10 + i if i else 1))
        cells.append(_metric_cells(metric))
    for i, row in enumerate(compared.params):
        are_numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in row.values if v is not None)
        columns.insert(1 + i, Column(row.key, "number" if are_numbers else "left", rank=5 + 2 * i))
        cells.insert(1 + i, _cells(row))
    table = build_table(screen, columns, [list(row) for row in zip(*cells, strict=True)])
    if not table.left_out:
        return table.lines
    says = f"no room for {', '.join(table.left_out)}; a wider terminal or --json shows them"
    return [*table.lines, *(screen.style(line, "dim") for line in wrap(says, screen.width))]


def _draw_same(screen: Screen, compared: "Comparison") -> list[str]:
    parts = [f"{key} = {clean_line(format_value(value, EXACT))[:80]}" for key, value in compared.constant.items()]
    parts += [f"tag {tag}" for tag in compared.shared_tags]
    if not parts:
        return []
    return [
        "",
        *(screen.style(line, "dim") for line in wrap(clean_text("same in all: " + ", ".join(parts)), screen.width)),
    ]


def _read_curves(reader: "Reader", compared: "Comparison", metric: str) -> dict[str, Any]:
    """Read a metric of all runs on one grid, so that the curves can be laid over each other."""
    from everbloom.core.errors import NotFound
    from everbloom.query.reader import SeriesKey, Window

    having = [run for run in compared.runs if metric in run.metrics]
    if not having:
        raise NotFound(
            f"none of the {len(compared.runs)} runs has the metric {metric!r}; `everbloom metrics RUN` lists them.",
            code="metric.unknown",
            metric=metric,
        )
    envelope = reader.read_window([SeriesKey(run.id, metric) for run in having], Window(columns=CURVE_CELLS))
    curves = {run.id: series.last.tolist() for run, series in zip(having, envelope.series, strict=True)}
    return {"steps": envelope.x.tolist(), "values": curves}


def _draw_curves(screen: Screen, reader: "Reader", compared: "Comparison", metric: str) -> list[str]:
    curves = _read_curves(reader, compared, metric)
    everything = [value for curve in curves["values"].values() for value in curve]
    rows = []
    for run in compared.runs:
        curve = curves["values"].get(run.id)
        drawn = (
            ""
            if curve is None
            else draw_sparkline(curve, CURVE_CELLS, has_unicode=screen.has_unicode, scale=everything)
        )
        summary = run.metrics.get(metric)
        rows.append(
            [
                Cell(run.name, "bold"),
                Cell(drawn, "blue"),
                Cell(_MISSING if summary is None else format_value(summary.last)),
            ]
        )
    return build_table(
        screen, [Column("", least=16, keeps_end=True), Column(""), Column("", "number")], rows, has_head=False
    ).lines


def _shape(compared: "Comparison", curves: dict[str, Any]) -> dict[str, Any]:
    from everbloom.cli.shapes import shape_run

    def shape_metric(metric: "ComparedMetric") -> dict[str, Any]:
        return {
            "metric": metric.metric,
            "summary": metric.word,
            "direction": metric.direction,
            "is_guessed": metric.is_guessed,
            "values": metric.values,
            "best": [compared.runs[i].id for i in sorted(metric.best)],
        }

    shaped = {
        "runs": [shape_run(run) for run in compared.runs],
        "params": [{"name": row.key, "values": row.values, "present": row.present} for row in compared.params],
        "same": compared.constant,
        "attributes": [{"key": row.key, "values": row.values, "present": row.present} for row in compared.attributes],
        "metrics": [shape_metric(metric) for metric in compared.metrics],
        "resources": [shape_metric(metric) for metric in compared.system],
        "shared_tags": compared.shared_tags,
    }
    return shaped | {"curves": curves} if curves else shaped
