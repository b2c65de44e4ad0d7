"""`everbloom doctor`: what on this machine, in this store, keeps Everbloom from recording or showing runs.

It only looks: nothing is mended, caught up or deleted, but for one file that is written and removed to see whether
that works. Each finding says what was seen; what is not well says what to do.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct, to_builtins

from everbloom.cli.invocation import Invocation, root_options
from everbloom.cli.output.numbers import format_bytes, format_count
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.text import clean_line
from everbloom.core.clock import now_us
from everbloom.core.errors import Corrupt, EverbloomError
from everbloom.core.settings import Settings

if TYPE_CHECKING:
    from everbloom.ingest.news import Standing
    from everbloom.query.views import Run

_SPACE_WANTED_BYTES = 1 << 30
_FILES_WANTED = 10_000
_NAMED_MAX = 5
_SKEW_WORTH_TELLING_S = 5.0
_TELLS_EXIT_FROM = (6, 15)  # the Linux that tells how a process ended that is no child of one's own

State = Literal["well", "warning", "failing"]
_MARKS = {"well": ("✓", "green"), "warning": ("!", "yellow"), "failing": ("✗", "red")}


class Finding(Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        what: What it is.
        state: Whether it is well, costs something, or keeps Everbloom from working.
        seen: What was seen.
        advice: What to do; empty where all is well.
    """

    what: str
    state: State
    seen: str
    advice: str = ""


@click.command()
@root_options
@click.pass_context
def doctor(context: click.Context, invocation: Invocation) -> None:
    """Say what keeps Everbloom from recording or showing runs here. The exit code is 1 where something does."""
    findings = list(examine(invocation.settings))
    if invocation.as_json:
        from everbloom.cli.output.exact_json import write_json

        write_json(invocation.screen, to_builtins(findings))
    else:
        for finding in findings:
            _write(invocation.screen, finding)
    if any(finding.state == "failing" for finding in findings):
        context.exit(1)


def _write(screen: Screen, finding: Finding) -> None:
    mark, style = _MARKS[finding.state]
    screen.write(f"{screen.style(mark, style)} {finding.what:<12} {finding.seen}")
    if finding.advice:
        screen.write(f"  {'':<12} → {finding.advice}")


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one after the other."""
    yield from _examine_store(settings.root)
    yield _examine_watcher()
    yield _examine_ends()
    yield from _examine_index(settings)


def _examine_store(root: Path) -> Iterator[Finding]:
    place = next((folder for folder in (root, *root.parents) if folder.is_dir()), Path("/"))
    writable = _examine_writing(root, place)
    yield writable
    if writable.state != "failing":
        yield _examine_clock(place)
    yield _examine_space(place)
    yield _examine_mode(root if root.is_dir() else place)


def _examine_writing(root: Path, place: Path) -> Finding:
    probe = place / f".doctor-{os.getpid()}"
    try:
        probe.write_bytes(b"?")
        probe.unlink()
    except OSError as error:
        advice = "make the folder writable, or name another store with EVERBLOOM_ROOT or --root"
        return Finding("store", "failing", f"{root} cannot be written: {error.strerror}", advice)
    if place != root:
        return Finding("store", "well", f"{root}, which the first run will make")
    return Finding("store", "well", str(root))


def _examine_clock(place: Path) -> Finding:
    probe = place / f".doctor-{os.getpid()}"
    try:
        before_us = now_us()
        probe.write_bytes(b"?")
        ahead_s = probe.stat().st_mtime - before_us / 1e6
        probe.unlink()
    except OSError as error:
        return Finding("clock", "warning", f"the file system's time cannot be read: {error.strerror}", "try again")
    if abs(ahead_s) > _SKEW_WORTH_TELLING_S:
        side = "ahead of" if ahead_s > 0 else "behind"
        seen = f"the file server's clock is {abs(ahead_s):.0f} s {side} this machine's"
        return Finding("clock", "warning", seen, "set both by NTP; runs of several machines are ordered by time")
    return Finding("clock", "well", "agrees with the file system's")


def _examine_space(place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    files = os.statvfs(place)
    # Where a file system counts no files, as btrfs, it reports none at all.
    if files.f_files and files.f_favail < _FILES_WANTED:
        advice = "`everbloom storage --pack` puts each closed run into one file"
        return Finding("space", "warning", f"{files.f_favail:,} more files fit", advice)
    if free < _SPACE_WANTED_BYTES:
        advice = "`everbloom storage` tells what takes the space; recording pauses on a full disk and goes on by itself"
        return Finding("space", "warning", f"{format_bytes(free)} free", advice)
    return Finding("space", "well", f"{format_bytes(free)} free")


def _examine_mode(place: Path) -> Finding:
    from everbloom.journal.segment import can_map, file_system_of

    kind = file_system_of(place) or "an unknown file system"
    if can_map(place):
        return Finding("recording", "well", f"memory-mapped, on {kind}: log() makes no system call")
    seen = f"one write() for each record, on {kind}, {os.uname().machine}: about 2 µs more a call"
    advice = "nothing need be done; a store on a local disk of an x86-64 Linux is memory-mapped"
    return Finding("recording", "warning", seen, advice)


def _examine_watcher() -> Finding:
    cannot = "console, resources and the witness of a death are not recorded"
    if not sys.executable:
        seen = f"this Python does not know its own program: {cannot}"
        return Finding("watcher", "warning", seen, "run a plain Python")
    if not os.access("/bin/sh", os.X_OK):
        return Finding("watcher", "warning", f"there is no /bin/sh to start it with: {cannot}", "install a shell")
    return Finding("watcher", "well", "can be started")


def _examine_ends() -> Finding:
    release = os.uname().release
    numbers = tuple(int(part) for part in release.split("-")[0].split(".")[:2] if part.isdigit())
    if not hasattr(os, "pidfd_open"):
        return Finding(
            "ends", "warning", "this system has no pidfd: a killed run's end is known late", "use Linux 5.3+"
        )
    if numbers < _TELLS_EXIT_FROM:
        seen = f"Linux {release} tells which signal killed a run only while its parent has not looked"
        return Finding("ends", "warning", seen, "nothing need be done; Linux 6.15 always tells")
    return Finding("ends", "well", f"Linux {release} tells how every process ended")


def _examine_index(settings: Settings) -> Iterator[Finding]:
    try:
        from everbloom.query.reader import RunQuery, open_reader
    except ImportError as error:
        advice = "pip install 'everbloom[ui]' to look at runs; recording works without"
        yield Finding("index", "warning", f"what reads is not installed: {error}", advice)
        return
    place = "PostgreSQL" if settings.database else "SQLite"
    try:
        with contextlib.closing(open_reader(settings, catch_up=False)) as reader:
            total = reader.list_runs(RunQuery(limit=0, archived=None, everywhere=True)).total
            lack, standing, damaged = reader.stale, reader.read_standing(), reader.list_damaged()
    except EverbloomError as error:
        # What cannot be reached, or is another store's, is not mended by building anew: the message has the way out.
        is_damaged = isinstance(error, Corrupt)
        advice = "`everbloom reindex` builds it anew; nothing can be lost by it" if is_damaged else ""
        yield Finding("index", "failing", error.message, advice)
        return
    yield _describe_index(place, total, lack, is_empty=not total and standing == (0, 0, {}))
    yield _describe_journals(standing)
    if damaged:
        yield _describe_damage(damaged)


def _describe_index(place: str, total: int, lack: EverbloomError | None, *, is_empty: bool) -> Finding:
    if lack is None and is_empty:
        return Finding("index", "well", f"none yet, on {place}; the first look makes it")
    if lack is None:
        return Finding("index", "well", f"{format_count(total, 'run')} on {place}")
    if not total:
        return Finding("index", "well", f"none yet, on {place}; `everbloom ls` builds it from the journals")
    seen = f"{format_count(total, 'run')} so far on {place}: it does not hold all that was recorded yet"
    return Finding("index", "warning", seen, "`everbloom ls` takes the rest in")


def _describe_journals(standing: "Standing") -> Finding:
    seen = f"{format_count(standing.written, 'journal')} being written"
    if standing.waiting:
        seen += f", {standing.waiting:,} not yet taken in"
    if not standing.refused:
        return Finding("journals", "well", seen)
    (first, *rest) = standing.refused.values()
    more = f" · and {len(rest):,} more" if rest else ""
    seen += f", {len(standing.refused):,} that cannot be read: {clean_line(first)}{more}"
    advice = "upgrade Everbloom where a newer one wrote it, else restore it from a backup; other runs are unharmed"
    return Finding("journals", "warning", seen, advice)


def _describe_damage(damaged: "Sequence[Run]") -> Finding:
    from everbloom.query.references import short_end

    named = [clean_line(run.name) for run in damaged[:_NAMED_MAX]]
    names = ", ".join([*named, *(["…"] if len(damaged) > _NAMED_MAX else [])])
    seen = f"not all could be read of {format_count(len(damaged), 'run')}: {names}"
    return Finding("damage", "warning", seen, f"`everbloom show {short_end(damaged[0].id)}` says what")
