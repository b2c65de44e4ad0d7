"""Only `core.clock` reads a clock, so that a test can see every place where time enters."""

import ast
from collections.abc import Iterator

HOME = "src/everbloom/core/clock.py"
READINGS = frozenset(
    "time time_ns monotonic monotonic_ns perf_counter perf_counter_ns process_time process_time_ns thread_time "
    "thread_time_ns clock_gettime clock_gettime_ns now utcnow today".split()
)
MODULES = frozenset({"time", "datetime", "date"})


def find_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield calls that read a clock; `time.sleep` and parsing of dates are not readings."""
    del lines
    if path == HOME:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in READINGS and _base(node) in MODULES:
            yield node.lineno, f"`{ast.unparse(node)}` reads a clock; use everbloom.core.clock"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            for name in node.names:
                if name.name in READINGS:
                    yield node.lineno, f"`from time import {name.name}` reads a clock; use everbloom.core.clock"


def _base(node: ast.Attribute) -> str:
    value = node.value
    return value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else ""
