"""`ls --follow`: on a terminal the table redrawn in place, else a line for each run that is new or changed.

The store is looked at twice a second, and only a look that finds news costs a query.
"""

import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from everbloom.cli.columns import RunColumn, choose_columns
from everbloom.cli.empty import describe_empty
from everbloom.cli.invocation import Invocation, describe_stale
from everbloom.cli.output.screen import Screen
from everbloom.cli.output.text import wrap
from everbloom.cli.run_table import draw_page, draw_runs

if TYPE_CHECKING:
    from everbloom.query.views import Run, RunPage, RunQuery

LOOK_EVERY_S = 0.5
_SPARE_LINES = 6  # heading, footer, prompt


def follow_runs(invocation: Invocation, query: "RunQuery", chosen: list[RunColumn] | None) -> None:
    """Show runs and what becomes of them, until interrupted."""
    screen = invocation.screen
    view: _Redrawn | _Appended
    if screen.is_terminal and not invocation.as_json:
        query = replace(query, limit=min(query.limit or screen.height, max(screen.height - _SPARE_LINES, 3)))
        view = _Redrawn(invocation, query, chosen)
    else:
        view = _Appended(invocation, chosen)
    pause = threading.Event()
    with invocation.open_reader() as reader:
        view.show(reader.list_runs(query))
        while not pause.wait(LOOK_EVERY_S):
            has_changed = reader.refresh()
            view.tell_stale(describe_stale(reader.stale) if reader.stale is not None else "")
            if has_changed:
                view.show(reader.list_runs(query))
            else:
                view.pass_time()


class _Redrawn:
    """The table in place: lines that changed are written over, so that nothing flickers."""

    def __init__(self, invocation: Invocation, query: "RunQuery", chosen: list[RunColumn] | None) -> None:
        self._invocation = invocation
        self._query = query
        self._chosen = chosen
        self._lines: list[str] = []
        self._page: RunPage | None = None
        self._stale = ""

    def tell_stale(self, why: str) -> None:
        """Say below the table why it may lack something."""
        self._stale = why

    def show(self, page: "RunPage") -> None:
        self._page = page
        self._draw(_at_now(self._invocation.screen))

    def pass_time(self) -> None:
        """Relative times grow old also where nothing happens."""
        if self._page is not None:
            self._draw(_at_now(self._invocation.screen))

    def _draw(self, screen: Screen) -> None:
        page = self._page
        if page is None:
            return
        lines = draw_page(screen, page, self._query, self._chosen) or describe_empty(
            self._invocation, self._query, page
        )
        footer = wrap(self._stale, screen.width) if self._stale else []
        footer = [screen.style(line, "dim") for line in [*footer, "following; Ctrl-C ends"]]
        lines = [screen.spell(line) for line in [*lines, *footer]]
        if lines == self._lines:
            return
        # Up to the first line, then each line over its old self, then whatever was longer goes.
        up = f"\x1b[{len(self._lines)}A\r" if self._lines else ""
        sys.stdout.write(up + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        sys.stdout.flush()
        self._lines = lines


class _Appended:
    """A line for each run that is new or changed: text, or with `--json` one object a line."""

    def __init__(self, invocation: Invocation, chosen: list[RunColumn] | None) -> None:
        self._invocation = invocation
        self._chosen = chosen
        self._columns: list[RunColumn] = []
        self._known: dict[str, str] = {}
        self._stale = ""

    def tell_stale(self, why: str) -> None:
        """Say on standard error, once for each cause, why lines may be missing."""
        if why and why != self._stale:
            self._invocation.tell(why)
        self._stale = why

    def show(self, page: "RunPage") -> None:
        changed = [run for run in reversed(page.runs) if self._known.get(run.id) != _fingerprint(run)]
        self._known |= {run.id: _fingerprint(run) for run in changed}
        if changed:
            self._write(changed, page)
            sys.stdout.flush()

    def pass_time(self) -> None:
        """Nothing to do: the lines carry absolute times."""

    def _write(self, changed: "Sequence[Run]", page: "RunPage") -> None:
        screen = self._invocation.screen
        if self._invocation.as_json:
            from everbloom.cli.output.exact_json import encode_json
            from everbloom.cli.shapes import shape_run

            screen.write(*(encode_json(shape_run(run), indent=0) for run in changed))
            return
        columns = self._chosen or choose_columns(page.runs, page.varying, has_places=True)
        lines, _ = draw_runs(screen, changed, columns)
        is_same = [c.column.title for c in columns] == [c.column.title for c in self._columns]
        self._columns = columns
        screen.write(*(lines[1:] if is_same else lines))


def _fingerprint(run: "Run") -> str:
    return repr((run.attributes, run.metrics))  # as text, or NaN would differ from itself


def _at_now(screen: Screen) -> Screen:
    from everbloom.core.clock import now_us, to_datetime

    return replace(screen, now=to_datetime(now_us()))
