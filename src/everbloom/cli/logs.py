"""`everbloom logs`: what a run printed, whole or in part, now or as it comes; saving it never deletes it.

In a pipe or file the text is exactly what was recorded. On a terminal colours stay, and whatever else a program may
have printed to control a terminal is made visible instead of being obeyed.
"""

import os
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from everbloom.cli.invocation import Invocation, run_argument, store_options
from everbloom.cli.output.numbers import format_bytes
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.text import clean_console
from everbloom.core.errors import InvalidInput, Unavailable
from everbloom.core.records import ENDED_STATES

if TYPE_CHECKING:
    from everbloom.query.reader import Reader

LOOK_EVERY_S = 0.3


@click.command()
@run_argument
@click.option("-n", "--tail", type=click.IntRange(0), metavar="N", help="Only the last N lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run ends, or Ctrl-C.")
@click.option("-g", "--grep", metavar="TEXT", help="Only lines that hold TEXT, in any case, with their numbers.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE instead.")
@store_options
def logs(
    invocation: Invocation, *, run: str, tail: int | None, follow: bool, grep: str | None, save: Path | None
) -> None:
    """Print what RUN printed; all of it is kept, for ever."""
    if follow and (grep is not None or save is not None or invocation.as_json):
        raise InvalidInput(
            "--follow was given with --grep, --save or --json; it prints text as it comes. Pipe it into grep or tee.",
            code="logs.follow",
        )
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        if follow:
            _follow(invocation.screen, reader, found.id, tail)
        elif grep is not None:
            _print_matches(invocation, reader, found.id, grep, tail, save)
        elif save is not None:
            size = save_text(save, (str(part) for part in reader.read_logs(found.id, tail=tail)))
            invocation.tell(f"{format_bytes(size)} of {found.name}'s console -> {save}; the run keeps it too")
        elif invocation.as_json:
            from everbloom.cli.output.exact_json import write_json

            text = "".join(str(part) for part in reader.read_logs(found.id, tail=tail))
            write_json(invocation.screen, {"run": found.id, "text": text})
        else:
            write_console(invocation.screen, (str(part) for part in reader.read_logs(found.id, tail=tail)))


def write_console(screen: Screen, parts: Iterable[str]) -> None:
    """Write console text: exactly, or on a terminal safely."""
    for part in parts:
        sys.stdout.write(_make_safe(screen, part))
    sys.stdout.flush()


def _make_safe(screen: Screen, text: str) -> str:
    if not screen.is_terminal or text.isprintable():
        return text
    return "\n".join(clean_console(line, has_colour=screen.has_colour) for line in text.split("\n"))


def save_text(path: Path, parts: Iterable[str]) -> int:
    """Write text to a file and return its size in bytes.

    Raises:
        Unavailable: The file cannot be written (`file.write`).
    """
    try:
        with open(path, "w", encoding="utf-8", newline="", errors="surrogateescape") as file:
            for part in parts:
                file.write(part)
        return path.stat().st_size
    except OSError as error:
        raise Unavailable(
            f"cannot write {path}: {error.strerror or error}. Choose another file.", code="file.write"
        ) from error


def _print_matches(
    invocation: Invocation, reader: "Reader", run: str, grep: str, tail: int | None, save: Path | None
) -> None:
    from everbloom.query.views import ConsoleMatch

    matches = [match for match in reader.read_logs(run, tail=tail, grep=grep) if isinstance(match, ConsoleMatch)]
    screen = invocation.screen
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(screen, [{"line": match.line, "text": match.text} for match in matches])
    elif save is not None:
        save_text(save, (f"{match.line}: {match.text}{os.linesep}" for match in matches))
        invocation.tell(f"{len(matches)} lines -> {save}")
    else:
        width = max((len(str(match.line)) for match in matches), default=0)
        for match in matches:
            number = screen.style(f"{match.line:>{width}}:", "dim")
            sys.stdout.write(f"{number} {_make_safe(screen, match.text)}\n")
        if not matches:
            invocation.tell(f"no line holds {grep!r}")


def _follow(screen: Screen, reader: "Reader", run: str, tail: int | None) -> None:
    """Print what is there, then what comes, until the run has ended and nobody is left who could add to it."""
    text, seen = reader.read_new_logs(run, {})
    lines = text.splitlines(keepends=True)
    write_console(screen, [text] if tail is None else lines[len(lines) - min(tail, len(lines)) :])
    pause = threading.Event()
    while True:
        # Asked before the look: the watcher records what was printed last after training has said that it ended.
        was_over = reader.read_runs([run])[0].state in ENDED_STATES and not reader.may_grow(run)
        if reader.refresh():
            text, seen = reader.read_new_logs(run, seen)
            write_console(screen, [text])
        elif was_over:
            return
        else:
            pause.wait(LOOK_EVERY_S)
