"""What a glance at runs is to show: how far one is, and which few of many metrics say how they did. Pure."""

from collections.abc import Sequence

from everbloom.index.documents import MetricSummary
from everbloom.query.views import Run

METRICS_MAX = 4


def get_progress(run: Run) -> float | None:
    """Return how far a run is, from 0 to 1; None where it did not say how many steps it takes."""
    total = run.attributes.get("total_steps")
    if not isinstance(total, int | float) or not total > 0 or not run.summary:
        return None
    done = max(summary.last_step for summary in run.summary.values()) + 1
    return min(max(done / total, 0.0), 1.0)


def choose_metrics(runs: Sequence[Run], limit: int = METRICS_MAX) -> list[tuple[str, str]]:
    """Return (metric, summary) of the metrics that say how runs did: stated objectives, then by how many have them."""
    counts: dict[str, int] = {}
    looks: dict[str, MetricSummary] = {}
    for run in runs:
        for name, summary in run.summary.items():
            counts[name] = counts.get(name, 0) + 1
            if summary.direction is not None or name not in looks:
                looks[name] = summary
    order = sorted(counts, key=lambda name: (_importance(name, looks[name]), -counts[name]))
    return [(name, looks[name].direction or "last") for name in order[:limit]]


def _importance(name: str, summary: MetricSummary) -> tuple[int, int]:
    is_objective = summary.direction is not None and not summary.is_guessed
    is_held_out = any(word in name.lower() for word in ("val", "test", "eval"))
    return (0 if is_objective else 1 if summary.direction else 2), 0 if is_held_out else 1
