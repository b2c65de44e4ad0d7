"""SQL on our own stores, and database drivers, stand in `index/` and `workspace/` only."""

import ast
import re
from collections.abc import Iterator

HOMES = ("src/everbloom/index/", "src/everbloom/workspace/", "src/everbloom/testing/")
DRIVERS = frozenset({"sqlite3", "sqlalchemy", "alembic", "psycopg"})
STATEMENT = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|INDEX|"
    r"UNIQUE|SCHEMA|VIRTUAL)\s|DROP\s+(TABLE|SCHEMA)\s|PRAGMA\s|WITH\s+\w+\s+AS\s*\()",
    re.DOTALL,
)


def find_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield statements and drivers that stand elsewhere."""
    del lines
    if path.startswith(HOMES):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value):
            yield node.lineno, f"SQL outside of index and workspace: {node.value[:40]!r}; give it a function there"
        for name in _imported(node):
            if name.split(".")[0] in DRIVERS:
                yield node.lineno, f"`{name}` is imported outside of index and workspace"  # type: ignore[attr-defined]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
