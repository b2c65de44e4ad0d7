"""`everbloom files` and `get`: what a run kept, and a copy of it."""

import os
import shutil
import sys
from pathlib import Path
from typing import BinaryIO

import click

from everbloom.cli.completing import complete_files
from everbloom.cli.invocation import Invocation, run_argument, store_options
from everbloom.cli.output.numbers import format_bytes
from everbloom.cli.shapes import shape_artifact, shape_media
from everbloom.cli.show import draw_artifacts, draw_media
from everbloom.core.errors import InvalidInput, Unavailable


@click.command()
@run_argument
@store_options
def files(invocation: Invocation, *, run: str) -> None:
    """List the files, references and media that RUN kept."""
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        artifacts, media = reader.list_artifacts(found.id), reader.list_media(found.id)
    screen = invocation.screen
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(screen, {"artifacts": list(map(shape_artifact, artifacts)), "media": list(map(shape_media, media))})
        return
    if not artifacts and not media:
        screen.write(f"{found.name} kept no files; run.save(path) keeps one.")
    screen.write(*draw_artifacts(screen, artifacts))
    if artifacts and media:
        screen.write("")
    screen.write(*draw_media(screen, media))


@click.command()
@run_argument
@click.argument("path", metavar="PATH", shell_complete=complete_files)
@click.option("-o", "--output", metavar="FILE", help="Where to; a folder, a file, or - for standard output.  [.]")
@click.option("--step", type=int, metavar="N", help="Of a checkpoint: the one of this step.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@store_options
def get(invocation: Invocation, *, run: str, path: str, output: str | None, step: int | None, force: bool) -> None:
    """Copy the file PATH that RUN kept out of the store."""
    with invocation.open_reader() as reader:
        found = invocation.find_run(reader, run)
        with reader.open_artifact(found.id, path, step=step) as source:
            if output == "-":
                sys.stdout.flush()
                shutil.copyfileobj(source, sys.stdout.buffer)
                return
            target = _choose_target(path, output)
            size = copy_out(source, target, is_forced=force)
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(invocation.screen, {"run": found.id, "path": path, "target": str(target), "size": size})
    else:
        invocation.screen.write(f"{path} of {found.name} -> {target} ({format_bytes(size)})")


def _choose_target(path: str, output: str | None) -> Path:
    """Return where a file goes: its own last name in a folder, or the name that was given."""
    target = Path(output) if output else Path()
    is_folder = not output or target.is_dir() or output.endswith(os.sep)
    return target / path.rpartition("/")[2] if is_folder else target


def copy_out(source: BinaryIO, target: Path, *, is_forced: bool) -> int:
    """Copy to a new file; returns its size. What is there already stays, unless forced.

    Raises:
        InvalidInput: The file is there already (`file.exists`).
        Unavailable: It cannot be written (`file.write`).
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb" if is_forced else "xb") as file:
            shutil.copyfileobj(source, file)
            return file.tell()
    except FileExistsError as error:
        raise InvalidInput(
            f"{target} is there already; --force writes over it, -o NAME writes elsewhere.", code="file.exists"
        ) from error
    except OSError as error:
        raise Unavailable(
            f"cannot write {target}: {error.strerror or error}. Choose another place with -o.", code="file.write"
        ) from error
