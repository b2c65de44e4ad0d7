"""`everbloom storage` and `reindex`: what takes the space, and building anew what is derived."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from everbloom.cli.invocation import Invocation, root_options
from everbloom.cli.output.numbers import format_bytes, format_count
from everbloom.cli.output.table import Cell, Column, build_table
from everbloom.core.clock import monotonic_s

if TYPE_CHECKING:
    from everbloom.ingest.closed import Packing

_PARTS = (
    ("runs", "runs not yet packed: journals, small files"),
    ("packs", "closed runs, small files among them"),
    ("blobs", "files of 64 KiB and more, shared"),
    ("edits", "later edits"),
    ("index", "index (derived: `everbloom reindex` builds it anew)"),
    ("workspace.db", "workspace: projects, experiments"),
)


@click.command()
@click.option("--pack", is_flag=True, help="Pack all closed runs now, instead of an hour after they end.")
@root_options
def storage(invocation: Invocation, *, pack: bool) -> None:
    """Tell what takes the space in the store."""
    root = invocation.settings.root
    packed = None
    if pack:
        from everbloom.ingest.closed import pack_closed_runs

        packed = pack_closed_runs(root, invocation.settings.database, is_forced=True)
    parts = [(says, *measure_folder(root / name)) for name, says in _PARTS]
    known = {name for name, _ in _PARTS}
    rest = [measure_folder(path) for path in _list_folder(root) if path.name not in known]
    parts.append(("everything else", sum(size for size, _ in rest), sum(count for _, count in rest)))
    total, count = sum(size for _, size, _ in parts), sum(files for _, _, files in parts)
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        names = [*(name for name, _ in _PARTS), "other"]
        sizes = {name: {"bytes": size, "files": files} for name, (_, size, files) in zip(names, parts, strict=True)}
        write_json(
            invocation.screen,
            {"root": str(root), "bytes": total, "files": count, "parts": sizes}
            | ({} if packed is None else _shape_packing(packed)),
        )
        return
    rows = [[Cell(says), Cell(format_bytes(size)), Cell(f"{files:,}")] for says, size, files in parts if files]
    rows.append([Cell(str(root), "bold"), Cell(format_bytes(total), "bold"), Cell(f"{count:,}", "bold")])
    columns = [Column("what", least=20), Column("on disk", "right"), Column("files", "right")]
    if packed is not None:
        invocation.screen.write(f"{format_count(len(packed.packed), 'run')} packed.")
        invocation.screen.write(*(f"run {run} was not packed: {why}" for run, why in packed.refused.items()))
        for run, damaged in _find_damaged(packed).items():
            invocation.screen.write(*(f"run {run} keeps a damaged file: {name}" for name in damaged))
        invocation.screen.write("")
    invocation.screen.write(*build_table(invocation.screen, columns, rows).lines)


def _shape_packing(packing: "Packing") -> dict[str, Any]:
    return {"packed": len(packing.packed), "not_packed": packing.refused, "damaged": _find_damaged(packing)}


def _find_damaged(packing: "Packing") -> dict[str, tuple[str, ...]]:
    """Return the SHA-256 of contents that are others than they should be, by run; they stay where they were."""
    return {run: report.damaged for run, report in packing.packed.items() if report.damaged}


def _list_folder(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def measure_folder(path: Path) -> tuple[int, int]:
    """Return (bytes that the disk gives, files) of a file or folder; what vanishes meanwhile counts nothing.

    Live segments are allocated ahead, so it is what the disk gives that counts, not how much is written.
    """
    size = count = 0
    waiting = [path]
    while waiting:
        at = waiting.pop()
        try:
            if at.is_dir() and not at.is_symlink():
                waiting += [Path(entry.path) for entry in os.scandir(at)]
            else:
                size += at.lstat().st_blocks * 512
                count += 1
        except FileNotFoundError:
            continue
    return size, count


@click.command()
@root_options
def reindex(invocation: Invocation) -> None:
    """Build the index anew from the journals, beside the one in use, then swap it in. Nothing can be lost by it."""
    from everbloom.ingest.indexer import reindex as build_anew

    started_s = monotonic_s()
    report = build_anew(invocation.settings.root, invocation.settings.database)
    took_s = monotonic_s() - started_s
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(
            invocation.screen,
            {
                "runs": len(report.runs),
                "points": report.points,
                "damaged": report.damaged,
                "refused": report.refused,
                "took_s": took_s,
            },
        )
        return
    screen = invocation.screen
    screen.write(f"{format_count(len(report.runs), 'run')}, {report.points:,} points, in {took_s:.1f} s.")
    if report.damaged:
        screen.write(f"{format_count(report.damaged, 'damaged place')} skipped; `everbloom show RUN` says which.")
    for writer, reason in report.refused.items():
        screen.write(f"journal {writer} was not read: {reason}")
