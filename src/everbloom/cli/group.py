"""The group of all commands, which imports a command's module only when that command runs.

Help is written from the table alone, so that `everbloom --help` costs little more than starting Python and click.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Protocol

import click

_INTRO = "Experiment records that never wither: list, compare, explain and edit the runs of this machine's store."
_EPILOG = (
    "Start with `everbloom ls`. A RUN is a name, a full id, or at least 6 hex digits of an id's end; a FILTER is "
    "such as 'metrics.val/acc.max > 0.9 and state = finished'. Each command has --help, and --json where it answers."
)


class CommandEntry(Protocol):
    """What the table says of a command."""

    @property
    def target(self) -> str:
        """Its module and function, as `module:function`."""

    @property
    def help(self) -> str:
        """What it is for, in one line."""

    @property
    def heading(self) -> str:
        """The heading that help lists it under."""


class LazyGroup(click.Group):
    """The commands of a table of names."""

    def __init__(self, entries: Mapping[str, CommandEntry]) -> None:
        super().__init__(
            "everbloom", help=_INTRO, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]}
        )
        self._entries = entries
        self.params.append(
            click.Option(
                ["-V", "--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help="Print the version.",
            )
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of help."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; in completion and help, where only its name and line are wanted, a stand-in."""
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        if ctx.resilient_parsing and not _is_being_completed(ctx, cmd_name):
            return click.Command(cmd_name, help=entry.help)
        module, _, function = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was perhaps meant."""
        name = args[0]
        if name in self._entries or ctx.resilient_parsing or name.startswith("-"):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        near = get_close_matches(name, self._entries, n=3, cutoff=0.5)
        advice = f" Did you mean {_join_names(near)}?" if near else ""
        raise click.UsageError(f"there is no command {name!r}.{advice}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings, from the table."""
        headings: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self._entries.items():
            headings.setdefault(entry.heading, []).append((name, entry.help))
        for heading, rows in headings.items():
            with formatter.section(heading):
                formatter.write_dl(rows, col_max=12)


def _is_being_completed(ctx: click.Context, name: str) -> bool:
    return name in (*ctx.protected_args, *ctx.args) if hasattr(ctx, "protected_args") else name in ctx.args


def _join_names(names: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from everbloom.core.version import __version__

    click.echo(f"everbloom {__version__}")
    ctx.exit()
