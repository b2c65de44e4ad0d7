"""Changing what is said of runs: `note`, `tag`, `like`, `unlike`, `conclude`, `archive`.

Every change is a record in the store's edit journal; nothing is overwritten, and the next read shows it. A reference
that fits several runs is refused, and all references are settled before the first change is made.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.completing import complete_runs, complete_runs_and_tags, complete_tags
from everbloom.cli.invocation import Invocation, run_argument, runs_argument, store_options
from everbloom.cli.output.text import clean_line, clean_text
from everbloom.core.errors import Conflict, InvalidInput, NotFound
from everbloom.core.ids import RunId, check_name
from everbloom.core.records import Like, Note, Record, Set, Tag

if TYPE_CHECKING:
    from everbloom.query.views import Run

_METRIC = "metric:"
VERDICTS = ("supported", "refuted", "inconclusive")


def _also_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--also", multiple=True, metavar="RUN", shell_complete=complete_runs, help="This run too; may be repeated."
    )(function)


def find_runs(
    invocation: Invocation, references: Sequence[str], *, metric: str | None = None
) -> list[tuple[RunId, str]]:
    """Return (id, name) of the runs to change, each once; where a metric is named, all have it.

    Raises:
        NotFound: A reference fits none.
        Ambiguous: A reference fits several; lists them.
        InvalidInput: A run has not the metric (`like.unknown_metric`); says what it has that is close.
    """
    with invocation.open_reader() as reader:
        project = invocation.settings.project
        found = [reader.find_run_to_edit(reference, project=project) for reference in references]
        if metric is not None:
            for run in found:
                _check_metric(run, metric, [info.metric for info in reader.list_metrics(run.id)])
    return list({run.id: (run.id, run.name) for run in found}.values())


def _check_metric(run: "Run", metric: str, names: list[str]) -> None:
    if metric in names:
        return
    from difflib import get_close_matches

    near = get_close_matches(metric, names, n=2, cutoff=0.6)
    advice = f"Did you mean {' or '.join(near)}?" if near else f"`everbloom metrics {run.name}` lists what it has."
    raise InvalidInput(
        f"run {run.name} has no metric {metric!r}; only what a run logged can be liked. {advice}",
        code="like.unknown_metric",
        run=run.id,
        metric=metric,
    )


def apply_edit(invocation: Invocation, runs: Sequence[tuple[RunId, str]], record: Record, says: str) -> None:
    """Append one record for each run, and say so."""
    from everbloom.journal.edits import append_edit

    root, user = invocation.settings.root, invocation.user
    numbers = [append_edit(root, run, user, record) for run, _ in runs]
    if invocation.as_json:
        from msgspec.structs import asdict

        from everbloom.cli.output.exact_json import write_json

        change = {"edit": record.tag_name, "author": user, **asdict(record)}
        rows = [{"id": run, "name": name, "number": n} | change for (run, name), n in zip(runs, numbers, strict=True)]
        write_json(invocation.screen, rows)
        return
    invocation.screen.write(*(f"{clean_line(name)}: {clean_line(says)}" for _, name in runs))


@click.command()
@run_argument
@click.argument("text", metavar="[TEXT]...", nargs=-1)
@click.option("--replace", is_flag=True, help="Write the note anew instead of adding a paragraph.")
@click.option("--edit", is_flag=True, help="Open the note in $EDITOR.")
@_also_option
@store_options
def note(
    invocation: Invocation, *, run: str, text: tuple[str, ...], replace: bool, edit: bool, also: tuple[str, ...]
) -> None:
    """Add TEXT (Markdown) to RUN's note as a paragraph of its own.

    \b
    everbloom note amber-heron-7c1e "worse than expected on rare tickers"
    git log -1 | everbloom note amber-heron-7c1e -
    everbloom note amber-heron-7c1e            # prints the note
    """  # noqa: D301 - \b is click's sign for a paragraph that is not to be wrapped
    if edit:
        _edit_note(invocation, run)
        return
    if not text and not replace:
        _print_note(invocation, run)
        return
    words = sys.stdin.read().strip() if text == ("-",) else " ".join(text)
    if not words and not replace:
        raise InvalidInput("the note to add is empty; give TEXT, or --replace to empty the note.", code="note.empty")
    runs = find_runs(invocation, (run, *also))
    apply_edit(
        invocation, runs, Note(text=words, append=not replace), "note written" if replace else "added to its note"
    )


def _print_note(invocation: Invocation, reference: str) -> None:
    with invocation.open_reader() as reader:
        run = invocation.find_run(reader, reference)
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(invocation.screen, {"id": run.id, "name": run.name, "note": run.note})
    elif run.note:
        invocation.screen.write(clean_text(run.note) if invocation.screen.is_terminal else run.note)
    else:
        invocation.tell(f"{run.name} has no note yet")


def _edit_note(invocation: Invocation, reference: str) -> None:
    """Let a person edit the note; refuse where somebody else wrote it meanwhile."""
    run, name = find_runs(invocation, (reference,))[0]
    with invocation.open_reader() as reader:
        before = reader.read_detail(run)
    text = click.edit(before.run.note, extension=".md")
    if text is None or text.rstrip("\n") == before.run.note:
        invocation.tell(f"{name}: note left as it was")
        return
    with invocation.open_reader() as reader:
        now = reader.read_detail(run)
    if now.note_version != before.note_version:
        raise Conflict(
            f"the note of {name} was changed while you edited it. Yours was:\n{text.rstrip()}\n\nIt now says:\n"
            f"{now.run.note}\n\nEdit it again and put both together",
            code="note.changed",
            run=run,
        )
    apply_edit(invocation, [(run, name)], Note(text=text.rstrip("\n"), base=before.note_version), "note written")


def _is_removal(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and word[1] != "-" and word not in ("-p", "-h")


class TagCommand(click.Command):
    """Reads `+tag` and `-tag` before options are parsed, so that `-prod` is a tag and not `-p rod`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Spell `+tag` as `--add=tag` and `-tag` as `--remove=tag`."""
        spelled: list[str] = []
        takes_value = False
        for word in args:
            if not takes_value and word.startswith("+") and len(word) > 1:
                spelled.append(f"--add={word[1:]}")
            elif not takes_value and _is_removal(word):
                spelled.append(f"--remove={word[1:]}")
            else:
                spelled.append(word)
            takes_value = not takes_value and word in ("-p", "--project", "--root", "--namespace", "--add", "--remove")
        return super().parse_args(ctx, spelled)


@click.command(cls=TagCommand)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_runs_and_tags)
@click.option("--add", multiple=True, metavar="TAG", shell_complete=complete_tags, help="Add this tag; as +TAG.")
@click.option("--remove", multiple=True, metavar="TAG", shell_complete=complete_tags, help="Remove this tag; as -TAG.")
@store_options
def tag(invocation: Invocation, *, runs: tuple[str, ...], add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Add and remove tags of RUNs; without a tag, print the ones they have.

    \b
    everbloom tag amber-heron-7c1e +baseline -probe
    everbloom tag amber-heron-7c1e quiet-otter-02af --add "needs review"
    """  # noqa: D301 - \b is click's sign for a paragraph that is not to be wrapped
    if not add and not remove:
        _print_tags(invocation, runs)
        return
    adding = [check_name(name, what="tag") for name in dict.fromkeys(add)]
    removing = [check_name(name, what="tag") for name in dict.fromkeys(remove)]
    if both := set(adding) & set(removing):
        raise InvalidInput(
            f"tag {min(both)!r} is to be added and removed at once; leave one out.", code="tag.contradiction"
        )
    found = find_runs(invocation, runs)
    says = ", ".join([*(f"+{name}" for name in adding), *(f"-{name}" for name in removing)])
    apply_edit(invocation, found, Tag(add=adding, remove=removing), says)


def _print_tags(invocation: Invocation, references: Sequence[str]) -> None:
    with invocation.open_reader() as reader:
        runs = []
        for place, reference in enumerate(references):
            try:
                runs.append(invocation.find_run(reader, reference))
            except NotFound as error:
                if not place:
                    raise
                raise InvalidInput(
                    f"{reference!r} is no run; if it is meant as a tag, write +{reference}.", code="tag.sign"
                ) from error
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(invocation.screen, [{"id": run.id, "name": run.name, "tags": run.tags} for run in runs])
        return
    invocation.screen.write(
        *(f"{clean_line(run.name)}: {clean_line(', '.join(run.tags)) or 'no tags'}" for run in runs)
    )


def _target_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--target", default="", metavar="PART", help="A part of it, such as metric:val/acc.")(function)


@click.command()
@runs_argument
@_target_option
@store_options
def like(invocation: Invocation, *, runs: tuple[str, ...], target: str) -> None:
    """Like RUNs, or a part of them."""
    _set_like(invocation, runs, target, is_on=True)


@click.command()
@runs_argument
@_target_option
@store_options
def unlike(invocation: Invocation, *, runs: tuple[str, ...], target: str) -> None:
    """Take back that you like RUNs, or a part of them."""
    _set_like(invocation, runs, target, is_on=False)


def _set_like(invocation: Invocation, references: Sequence[str], target: str, *, is_on: bool) -> None:
    # A like of what is not there may have been recorded by another version, and can be taken back.
    metric = target.removeprefix(_METRIC) if is_on and target.startswith(_METRIC) else None
    runs = find_runs(invocation, references, metric=metric)
    says = ("liked" if is_on else "no longer liked") + (f" for {target}" if target else "") + f" by {invocation.user}"
    apply_edit(invocation, runs, Like(on=is_on, target=target, user=invocation.user), says)


@click.command()
@run_argument
@click.argument("text", metavar="TEXT...", nargs=-1)
@click.option("--verdict", type=click.Choice(VERDICTS), help="Whether it supports what the run was for.")
@_also_option
@store_options
def conclude(
    invocation: Invocation, *, run: str, text: tuple[str, ...], verdict: str | None, also: tuple[str, ...]
) -> None:
    """Write down what RUN showed: TEXT, and with --verdict whether that supports what it was started for."""
    words = sys.stdin.read().strip() if text == ("-",) else " ".join(text).strip()
    fields: dict[str, Any] = {"conclusion": words} if words else {}
    if verdict is not None:
        fields["verdict"] = verdict
    if not fields:
        raise InvalidInput("a conclusion needs TEXT or --verdict; say what the run showed.", code="conclude.empty")
    runs = find_runs(invocation, (run, *also))
    apply_edit(invocation, runs, Set(fields=fields), f"concluded ({verdict})" if verdict else "concluded")


@click.command()
@runs_argument
@click.option("--undo", is_flag=True, help="Take them back.")
@store_options
def archive(invocation: Invocation, *, runs: tuple[str, ...], undo: bool) -> None:
    """Put RUNs away: `ls` leaves them out, nothing is deleted. `ls --archived` lists them."""
    found = find_runs(invocation, runs)
    apply_edit(invocation, found, Set(fields={"archived": not undo}), "taken back" if undo else "archived")
