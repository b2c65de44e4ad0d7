"""Nothing unfinished is committed: an open point belongs into an issue, with its number."""

import ast
import re
from collections.abc import Iterator

MARK = re.compile(r"#.*\b(TODO|FIXME|XXX|HACK)\b")


def find_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield open points."""
    del path, tree
    for number, line in enumerate(lines, 1):
        if MARK.search(line):
            yield number, "an open point; finish it, or open an issue"
