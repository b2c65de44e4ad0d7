"""Several runs side by side: what differs, what is the same and folded away, and who is best at what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from everbloom.core.errors import NotFound
from everbloom.core.records import Direction
from everbloom.core.values import SYSTEM_PREFIX, guess_direction
from everbloom.index.columns import Cell
from everbloom.index.documents import MetricSummary
from everbloom.query.cells import are_same, to_comparable
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Run

_ATTRIBUTES = "experiment project namespace user group domain seed why conclusion verdict state end.cause".split()
_FAMILIES = ("code.", "data.", "env.")


@dataclass(frozen=True)
class ComparedRow:
    """An attribute of several runs.

    Attributes:
        key: A parameter's name, or a key of the filter language.
        values: One a run; None where it is null or missing.
        present: Which runs have it.
    """

    key: str
    values: tuple[Cell, ...]
    present: tuple[bool, ...]


@dataclass(frozen=True)
class ComparedMetric:
    """A metric of several runs.

    Attributes:
        metric: Its name.
        word: Which summary `values` are: `min` or `max` by the direction, `last` where there is none.
        direction: Which way is better; None where nothing says so.
        is_guessed: The direction was read off the name.
        values: One a run; None where it lacks the metric.
        best: Which runs are best, by number; all that are equal, none where there is no direction.
    """

    metric: str
    word: str
    direction: Direction | None
    is_guessed: bool
    values: tuple[float | None, ...]
    best: frozenset[int]


@dataclass(frozen=True)
class Comparison:
    """Several runs side by side.

    Attributes:
        runs: In the order asked for.
        params: Parameters that differ, by name.
        constant: Parameters that are the same in all.
        attributes: What else differs: experiment, state, code, environment, data …
        metrics: By name, objectives first.
        system: Resource metrics, by name.
        shared_tags: Tags that all have.
        own_tags: One list a run: its other tags.
    """

    runs: tuple[Run, ...]
    params: tuple[ComparedRow, ...]
    constant: dict[str, Cell]
    attributes: tuple[ComparedRow, ...]
    metrics: tuple[ComparedMetric, ...]
    system: tuple[ComparedMetric, ...]
    shared_tags: tuple[str, ...]
    own_tags: tuple[tuple[str, ...], ...]


def compare(readable: ReadableIndex, run_ids: Iterable[str]) -> Comparison:
    """Compare runs; any number of them, one that is named twice counts once.

    Raises:
        NotFound: One of them is not there, or may not be read; names it.
    """
    wanted = list(dict.fromkeys(run_ids))
    runs = readable.read_runs(wanted)
    if len(runs) < len(wanted):
        missing = next(run for run in wanted if run not in {found.id for found in runs})
        raise NotFound(
            f"run {missing} is not among the runs that can be read here; leave it out.", code="run.unknown", run=missing
        )
    return compare_runs(runs)


def compare_runs(runs: Sequence[Run]) -> Comparison:
    """Compare runs that were read already. Pure."""
    params = _to_rows(sorted({name for run in runs for name in run.params}), runs, lambda run: run.params)
    differing = tuple(row for row in params if not _is_constant(row))
    constant = {row.key: row.values[0] for row in params if _is_constant(row)}
    families = {key for run in runs for key in run.attributes if key.startswith(_FAMILIES)}
    others = _to_rows([*_ATTRIBUTES, *sorted(families)], runs, lambda run: run.attributes)
    metrics = [_compare_metric(name, runs) for name in sorted({name for run in runs for name in run.metrics})]
    named = [metric for metric in metrics if not metric.metric.startswith(SYSTEM_PREFIX)]
    named.sort(key=lambda metric: (rank_metric(metric.direction, is_guessed=metric.is_guessed), metric.metric))
    tags = [set(run.tags) for run in runs]
    shared = set.intersection(*tags) if tags else set()
    return Comparison(
        tuple(runs),
        differing,
        constant,
        tuple(row for row in others if not _is_constant(row)),
        tuple(named),
        tuple(metric for metric in metrics if metric.metric.startswith(SYSTEM_PREFIX)),
        tuple(sorted(shared)),
        tuple(tuple(tag for tag in run.tags if tag not in shared) for run in runs),
    )


def _to_rows(keys: Iterable[str], runs: Sequence[Run], read: Callable[[Run], Mapping[str, Cell]]) -> list[ComparedRow]:
    cells = [read(run) for run in runs]
    return [
        ComparedRow(key, tuple(cell.get(key) for cell in cells), tuple(key in cell for cell in cells)) for key in keys
    ]


def _is_constant(row: ComparedRow) -> bool:
    pairs = zip(row.values, row.present, strict=True)
    return are_same(to_comparable(value, is_present=present) for value, present in pairs)


def _compare_metric(metric: str, runs: Sequence[Run]) -> ComparedMetric:
    summaries = [run.metrics.get(metric) for run in runs]
    direction, is_guessed = choose_direction(metric, summaries)
    word = direction or "last"
    values = tuple(None if summary is None else float(getattr(summary, word)) for summary in summaries)
    return ComparedMetric(metric, word, direction, is_guessed, values, _find_best(values, direction))


def rank_metric(direction: str | None, *, is_guessed: bool) -> int:
    """Return where a metric comes in a list: 0 for stated objectives, 1 for guessed ones, 2 for all others."""
    return 2 if direction is None else int(is_guessed)


def choose_direction(metric: str, summaries: Iterable[MetricSummary | None]) -> tuple[Direction | None, bool]:
    """Return which way is better and whether that is a guess: what a run states, else what the name suggests."""
    for summary in summaries:
        if summary is not None and not summary.is_guessed and (stated := to_direction(summary.direction)):
            return stated, False
    guess = to_direction(guess_direction(metric))
    return guess, guess is not None


def to_direction(word: str | None) -> Direction | None:
    """Return a direction if the word is one."""
    return "min" if word == "min" else "max" if word == "max" else None


def _find_best(values: Sequence[float | None], direction: Direction | None) -> frozenset[int]:
    numbers = {at: value for at, value in enumerate(values) if value is not None and value == value}  # NaN differs
    if direction is None or not numbers:
        return frozenset()
    best = min(numbers.values()) if direction == "min" else max(numbers.values())
    return frozenset(at for at, value in numbers.items() if value == best)
