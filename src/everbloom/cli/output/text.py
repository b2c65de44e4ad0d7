"""Text as a terminal shows it: how wide it is, how to cut it, and what must not reach the screen.

Names, notes and console lines come from anybody; what would move the cursor, recolour the screen or reverse the
reading direction is replaced by a visible sign. Widths follow Unicode's East Asian widths, and emoji sequences
count as their first sign.
"""

import re
import unicodedata

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
# Direction marks and invisible format characters, by which one text can pose as another. The joiner stays.
_DECEIVING = re.compile("[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COLOUR = re.compile("\x1b\\[[0-9;:]*m")
_BLANK = re.compile("\\s+")


def clean_line(text: str) -> str:
    """Return a text as one line that is safe to show: white space becomes single blanks, control signs visible."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return clean_text(_BLANK.sub(" ", text).strip())


def clean_text(text: str) -> str:
    """Return a text that is safe to show; line feeds and tabs stay."""
    if text.isprintable():  # true of no control, format or surrogate character
        return text
    return _CONTROL.sub(_show_control, _DECEIVING.sub("\ufffd", text))


def _show_control(match: re.Match[str]) -> str:
    code = ord(match.group())
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"


def clean_console(text: str, *, has_colour: bool) -> str:
    """Return console text that is safe to show: colours stay where there are any, all else is neutralised."""
    if text.isprintable():
        return text
    parts, end = [], 0
    colours = list(_COLOUR.finditer(text))
    for match in colours:
        parts.append(clean_text(text[end : match.start()]))
        if has_colour:
            parts.append(match.group())
        end = match.end()
    parts.append(clean_text(text[end:]))
    if has_colour and colours:
        parts.append("\x1b[0m")  # what a line switched on must not colour the next prompt
    return "".join(parts)


def to_ascii(text: str) -> str:
    """Spell the signs that this program itself draws in ASCII; others become `?`."""
    return text if text.isascii() else text.translate(_ASCII).encode("ascii", "replace").decode()


_ASCII = str.maketrans(
    {
        "…": "~",  # one cell, as the cut was measured
        "·": "-",
        "→": "->",
        "−": "-",
        "–": "-",
        "≥": ">=",
        "≤": "<=",
        "×": "x",
        "µ": "u",
        "♥": "*",
        "★": "*",
        "▸": ">",
        "│": "|",
        "├": "|",
        "└": "`",
        "─": "-",
        "●": "*",
        "↳": "+",
    }
)


def measure(text: str) -> int:
    """Return how many cells of a terminal a clean text takes."""
    return len(text) if text.isascii() else sum(cells for _, cells in _iter_cells(text))


def _iter_cells(text: str) -> list[tuple[str, int]]:
    """Return each character with the cells that it adds."""
    cells: list[tuple[str, int]] = []
    previous, is_joined = 0, False
    for c in text:
        width = 0 if is_joined else _char_cells(c)
        if c == _EMOJI_STYLE and previous == 1:
            width = 1  # asks for the emoji form of a narrow sign, which is wide
        is_joined = c == _JOINER
        if width:
            previous = width
        cells.append((c, width))
    return cells


def _char_cells(c: str) -> int:
    if c < "\u0300":
        return 1
    if "\U0001f3fb" <= c <= "\U0001f3ff":  # skin tones colour the sign before
        return 0
    if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def cut(text: str, width: int, *, is_middle: bool = False) -> str:
    """Cut a text to at most `width` cells; an ellipsis says so.

    Args:
        text: Clean text.
        width: In cells, at least 1.
        is_middle: Keep the end too: names often differ only there.
    """
    if measure(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail = _take_end(text, (width - 1) // 3) if is_middle and width >= 8 else ""
    return _take(text, width - 1 - measure(tail)) + "…" + tail


def _take(text: str, width: int) -> str:
    used, end = 0, 0
    for c, cells in _iter_cells(text):
        if used + cells > width:
            break
        used += cells
        end += len(c)
    return text[:end]


def _take_end(text: str, width: int) -> str:
    used, start = 0, len(text)
    for c, cells in reversed(_iter_cells(text)):
        if used + cells > width:
            break
        used += cells
        start -= len(c)
    return text[start:]


def pad(text: str, width: int, *, is_right: bool = False) -> str:
    """Fill a text up to `width` cells with blanks, behind it or before it."""
    gap = " " * (width - measure(text))
    return gap + text if is_right else text + gap


def wrap(text: str, width: int) -> list[str]:
    """Break clean text into lines of at most `width` cells at blanks; its own line feeds stay."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.replace("\t", "    ").split(" "):
            grown = f"{line} {word}" if line else word
            if measure(grown) <= width or not line:
                line = grown
            else:
                lines.append(line)
                line = word
            while measure(line) > width:
                head = _take(line, width) or line[:1]
                lines.append(head)
                line = line[len(head) :]
        lines.append(line)
    return lines
