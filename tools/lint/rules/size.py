"""Files have at most 600 lines, functions at most 50 without their docstring, unless named here with a reason."""

import ast
from collections.abc import Iterator

FILE_LINES = 600
FUNCTION_LINES = 50
# path or path::function -> why it may be longer
EXCEPTIONS: dict[str, str] = {
    "src/everbloom/journal/writer.py::build_log": "one closure on purpose: the calls in between cost a sixth of log()",
}


def find_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield files and functions that grew too long."""
    if len(lines) > FILE_LINES and path not in EXCEPTIONS:
        yield len(lines), f"{len(lines)} lines; split the file, or name it in EXCEPTIONS with a reason"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and f"{path}::{node.name}" not in EXCEPTIONS:
            size = (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
            if size > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {size} lines; give its parts names"


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return (first.end_lineno or first.lineno) - first.lineno + 1 if is_docstring else 0
