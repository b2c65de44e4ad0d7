"""What a shell offers on Tab: names of runs, tags, projects and metrics, keys of the filter language.

The index is read as it is, not caught up first: Tab must answer at once. Whatever goes wrong offers nothing, since
a message in the middle of somebody's typing helps nobody.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from everbloom.query.reader import Reader

_OFFERS_MAX = 50
_VALUES_MAX = 200
_SORTS = ("-s", "--sort")
_T = TypeVar("_T")


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer names of runs, the newest first."""
    return _ask(ctx, lambda reader: _list_names(reader, incomplete))


def complete_runs_and_tags(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer tags behind a `+`, else names of runs."""
    if incomplete.startswith("+"):
        return [f"+{tag}" for tag in complete_tags(ctx, param, incomplete[1:])]
    return complete_runs(ctx, param, incomplete)


def complete_tags(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer tags that some run has."""
    return _ask(ctx, lambda reader: _list_values(reader, "tag", incomplete))


def complete_experiments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer experiments of the project named before, else of any."""
    return _ask(ctx, lambda reader: _list_values(reader, "experiment", incomplete, project=ctx.params.get("project")))


def complete_projects(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer projects of the namespace named before, else of any."""
    namespace = ctx.params.get("namespace")

    def list_projects(reader: "Reader") -> list[str]:
        found = reader.readable.read_projects()
        return _begin_with(incomplete, (p.name for p in found if namespace in (None, p.namespace)))

    return _ask(ctx, list_projects)


def complete_namespaces(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer namespaces that hold a run."""
    return _ask(ctx, lambda reader: _begin_with(incomplete, (p.namespace for p in reader.readable.read_projects())))


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


def _begin_with(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _list_values(reader: "Reader", key: str, incomplete: str, *, project: str | None = None) -> list[str]:
    """Return the values of a key that a filter would be offered, as they are, not as a filter quotes them."""
    text = f"{key} = "
    offers = [offer.text for offer in reader.complete(text, len(text), project=project, limit=_VALUES_MAX)]
    plain = (offer[1:-1].replace('""', '"') if offer.startswith('"') else offer for offer in offers)
    return _begin_with(incomplete, plain)


def _list_names(reader: "Reader", incomplete: str) -> list[str]:
    from everbloom.query.views import RunQuery

    pattern = incomplete.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace('"', '""')
    found = reader.list_runs(
        RunQuery(
            filter=f'name like "{pattern}%"' if incomplete else "", limit=_OFFERS_MAX, archived=None, everywhere=True
        )
    )
    return list(dict.fromkeys(run.name for run in found.runs))


def answer_shell(group: click.Command, instruction: str) -> int:
    """Answer a shell's question for completions; the variables of bash, zsh and fish hold it."""
    from click.shell_completion import add_completion_class, get_completion_class, shell_complete

    kind = get_completion_class(instruction.partition("_")[0])
    if kind is not None:
        add_completion_class(type(kind.__name__, (_Signed, kind), {}))
    return shell_complete(group, {}, "everbloom", "_EVERBLOOM_COMPLETE", instruction)


class _Signed:
    """Completes `-s -created`: what begins with a minus behind `--sort` is a key, which click takes for an option."""

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem]":
        asked: Any = super()
        if not (args and args[-1] in _SORTS and incomplete.startswith("-")):
            return list(asked.get_completions(args, incomplete))
        found: list[CompletionItem] = asked.get_completions(args, incomplete[1:])
        for item in found:
            item.value = f"-{item.value}"
        return found


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
