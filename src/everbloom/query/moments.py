"""What a metric was at a step: the last value that was logged there or before it, of each of a few runs.

Where a run ended by then it is the last value, which the run's row holds. Else one or two chunks of its curve are read:
right for the runs in view, too dear for all runs of a project, so it can be a column and is neither searched nor sorted
by (docs/decisions/0020).
"""

from collections.abc import Sequence

from everbloom.query.forks import read_shared
from everbloom.query.readable import ReadableIndex
from everbloom.query.views import Run


def read_values_at(readable: ReadableIndex, runs: Sequence[Run], metric: str, step: int) -> list[float | None]:
    """Return each run's last value of a metric at a step or before it, NaN and ±inf as logged.

    Of the rank that the run's summary is of; points that a rewind took out of count take no part, those that a fork
    shares do. None where the run has no point so early, or not the metric.
    """
    values: dict[str, float] = {}
    later: list[Run] = []
    for run in runs:
        summary = run.metrics.get(metric)
        if summary is None:
            continue
        if summary.last_step <= step:
            values[run.id] = summary.last
        else:
            later.append(run)
    if later:
        ids = [run.id for run in later]
        cutoffs, shares = readable.read_cutoffs(ids), read_shared(readable, ids)
        stored = readable.index.series.read_summaries(ids, cutoffs, metrics=[metric], shares=shares, until=step)
        for run in later:
            whole = stored.get(run.id, {}).get(metric, {}).get(run.metrics[metric].rank or 0)
            if whole is not None:
                values[run.id] = whole.last.value
    return [values.get(run.id) for run in runs]
