"""What a shell offers on Tab: run names, metrics, keys of the filter language.

The index is read as it is, not caught up first: Tab must answer at once. Whatever goes wrong offers nothing, since
a message in the middle of somebody's typing helps nobody.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from everbloom.query.reader import Reader

_OFFERS_MAX = 50
_T = TypeVar("_T")


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer names of runs, the newest first."""
    return _ask(ctx, lambda reader: _list_names(reader, incomplete))


def complete_metrics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the metrics of the run named before, else of any."""
    named = ctx.params.get("run")

    def list_metrics(reader: "Reader") -> list[str]:
        from everbloom.query.views import RunQuery

        runs = [reader.find_run(named).run] if named else reader.list_runs(RunQuery(limit=_OFFERS_MAX)).runs
        names = sorted({name for run in runs for name in run.metrics})
        return [name for name in names if name.startswith(incomplete)]

    return _ask(ctx, list_metrics)


def complete_filter(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer what may stand next in a filter, given the words before."""
    before = " ".join([*(ctx.params.get(param.name or "") or ()), ""])
    text = before + incomplete

    def list_offers(reader: "Reader") -> list[str]:
        return [text[len(before) : offer.start] + offer.text for offer in reader.complete(text, len(text))]

    return _ask(ctx, list_offers)


def complete_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer a key behind the last comma: for sort orders and columns."""
    head, comma, last = incomplete.rpartition(",")
    sign = "-" if last.startswith("-") else ""

    def list_keys(reader: "Reader") -> list[str]:
        typed = last[len(sign) :]
        offers = [offer.text for offer in reader.complete(typed, len(typed))]
        return [f"{head}{comma}{sign}{offer}" for offer in offers if offer not in ("not", "(")]

    return _ask(ctx, list_keys)


def _list_names(reader: "Reader", incomplete: str) -> list[str]:
    from everbloom.query.views import RunQuery

    pattern = incomplete.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace('"', '""')
    found = reader.list_runs(
        RunQuery(
            filter=f'name like "{pattern}%"' if incomplete else "", limit=_OFFERS_MAX, archived=None, everywhere=True
        )
    )
    return list(dict.fromkeys(run.name for run in found.runs))


def _ask(ctx: click.Context, question: "Callable[[Reader], list[str]]") -> list[str]:
    from everbloom.core.errors import EverbloomError
    from everbloom.core.settings import load_settings
    from everbloom.query.reader import open_reader

    try:
        with open_reader(load_settings(root=ctx.params.get("root")), catch_up=False) as reader:
            return question(reader)
    except (EverbloomError, OSError):
        return []


def complete_files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the files of the run named before."""

    def list_paths(reader: "Reader") -> list[str]:
        found = reader.find_run(ctx.params["run"]).run
        return [item.path for item in reader.list_artifacts(found.id) if item.path.startswith(incomplete)]

    return _ask(ctx, list_paths)
