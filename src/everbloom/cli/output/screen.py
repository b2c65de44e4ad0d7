"""What output goes to: a terminal of some width and abilities, or a pipe or file that wants everything, plainly.

One value says so, made once per command; everything that prints takes it. Colour only on a terminal, never where
`NO_COLOR` is set (no-color.org) or the terminal is dumb.
"""

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from everbloom.cli.output.numbers import format_ago, format_iso
from everbloom.cli.output.text import to_ascii
from everbloom.core.clock import now_us, to_datetime
from everbloom.core.settings import environment_value

UNLIMITED = 1_000_000
_WIDTH_MIN = 40

_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "best": "1;33",
    "heading": "1",
}


@dataclass(frozen=True)
class Screen:
    """Where output goes.

    Attributes:
        is_terminal: Somebody looks at it now.
        width: Cells a line; `UNLIMITED` where it is no terminal.
        height: Lines; 0 where it is no terminal.
        has_colour: Escape sequences for colour are understood and wanted.
        has_unicode: Signs beyond ASCII can be shown.
        now: The moment that relative times are relative to.
    """

    is_terminal: bool = False
    width: int = UNLIMITED
    height: int = 0
    has_colour: bool = False
    has_unicode: bool = True
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def style(self, text: str, style: str) -> str:
        """Return the text in a style, where there is colour."""
        if not self.has_colour or not style or not text:
            return text
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"

    def spell(self, text: str) -> str:
        """Return the text in the signs that can be shown."""
        return text if self.has_unicode else to_ascii(text)

    def format_time(self, moment: datetime | None) -> str:
        """Return a moment: relative for people, ISO 8601 for programs."""
        return format_ago(moment, self.now) if self.is_terminal else format_iso(moment)

    def write(self, *lines: str) -> None:
        """Write lines, each ended by a line feed."""
        sys.stdout.write("".join(f"{self.spell(line)}\n" for line in lines))


def open_screen() -> Screen:
    """Look at standard output once and say what it is."""
    now = to_datetime(now_us())
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    has_unicode = encoding.startswith("utf") or encoding == "gb18030"
    if not has_unicode and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # JSON too must not end in an encoding error
    if not sys.stdout.isatty():
        return Screen(has_unicode=has_unicode, now=now)
    columns, lines = _read_size()
    is_plain = environment_value("NO_COLOR") is not None or environment_value("TERM") in (None, "dumb")
    return Screen(True, max(columns, _WIDTH_MIN), lines, not is_plain, has_unicode, now)


def _read_size() -> tuple[int, int]:
    stated = environment_value("COLUMNS")
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        size = os.terminal_size((80, 24))
    columns = int(stated) if stated and stated.isdigit() and int(stated) else size.columns
    return columns or 80, size.lines or 24
