"""What every command shares: the store, scope and screen that it was called with, and the options that say so.

A command is a function that takes an `Invocation` first. Opening the store imports the read side, so it happens
when a command asks for it, not while options are parsed.
"""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from everbloom.cli.completing import complete_experiments, complete_namespaces, complete_projects, complete_runs
from everbloom.cli.output.screen import Screen, open_screen
from everbloom.cli.output.text import clean_text
from everbloom.core.errors import Unavailable
from everbloom.core.settings import Settings, environment_value, load_settings

if TYPE_CHECKING:
    from everbloom.query.reader import Reader
    from everbloom.query.views import Run


_OTHERS_MAX = 5


@dataclass(frozen=True)
class Invocation:
    """How a command was called.

    Attributes:
        settings: In force, `--root`, `--project` and `--namespace` included.
        screen: Where the answer goes.
        as_json: Whether the answer is for a program.
    """

    settings: Settings
    screen: Screen
    as_json: bool

    @property
    def user(self) -> str:
        """Who edits: `EVERBLOOM_USER`, else the system's user name."""
        from everbloom.journal.identity import user_name

        return environment_value("EVERBLOOM_USER") or user_name()

    @contextmanager
    def open_reader(self) -> "Iterator[Reader]":
        """Open the store for reading, its index caught up."""
        from everbloom.query.reader import open_reader

        with open_reader(self.settings) as reader:
            if reader.stale is not None:
                self.tell(describe_stale(reader.stale))
            yield reader

    def find_run(self, reader: "Reader", reference: str) -> "Run":
        """Find the run that a reference means; where it means several, say which was taken.

        Raises:
            NotFound: No run fits.
        """
        found = reader.find_run(reference, project=self.settings.project)
        if found.others:
            from everbloom.query.references import short_end

            ids = [run.id for run in (found.run, *found.others)]
            named = f"{found.run.name} ({short_end(found.run.id, ids)})"
            self.tell(f"{reference} fits {len(ids)} runs; this is the newest, {named}.")
            for other in found.others[:_OTHERS_MAX]:
                self.tell(
                    f"  also {other.name} ({short_end(other.id, ids)}), {self.screen.format_time(other.created_at)}"
                )
            if len(found.others) > _OTHERS_MAX:
                self.tell(f"  and {len(found.others) - _OTHERS_MAX:,} more")
        return found.run

    def tell(self, message: str) -> None:
        """Say something that is no part of the answer, on standard error."""
        sys.stderr.write(f"{self.screen.spell(clean_text(message))}\n")


def describe_stale(why: Unavailable) -> str:
    """Say that what is shown may lack something, and why."""
    return f"note: newer records are not shown yet: {why.message}"


def store_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--root`, `--project`, `--namespace`, `--json`; it is called with an `Invocation` first."""

    @click.option("--json", "as_json", is_flag=True, help="Answer as JSON, numbers exact.")
    @click.option("--namespace", metavar="NAME", shell_complete=complete_namespaces, help="Look in this namespace.")
    @click.option(
        "-p", "--project", metavar="NAME", shell_complete=complete_projects, help="Look in this project only."
    )
    @_root_option
    @functools.wraps(function)
    def call(*, root: str | None, project: str | None, namespace: str | None, as_json: bool, **options: Any) -> Any:
        settings = load_settings(root=root)
        if project is not None:
            settings = replace(settings, project=project or None)
        if namespace is not None:
            settings = replace(settings, namespace=namespace)
        return function(Invocation(settings, open_screen(), as_json), **options)

    return call


def root_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that is about a whole store `--root` and `--json`; else as `store_options`."""

    @click.option("--json", "as_json", is_flag=True, help="Answer as JSON, numbers exact.")
    @_root_option
    @functools.wraps(function)
    def call(*, root: str | None, as_json: bool, **options: Any) -> Any:
        return function(Invocation(load_settings(root=root), open_screen(), as_json), **options)

    return call


def _root_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--root", metavar="FOLDER", help="Use the store in this folder.")(function)


def experiment_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--experiment`."""
    return click.option(
        "-e", "--experiment", metavar="NAME", shell_complete=complete_experiments, help="Of this experiment only."
    )(function)


def run_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument RUN."""
    return click.argument("run", metavar="RUN", shell_complete=complete_runs)(function)


def runs_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument RUN, any number of times."""
    return click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_runs)(function)
