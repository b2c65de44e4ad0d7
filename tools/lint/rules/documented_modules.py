"""Every module of the package opens with what it does."""

import ast
from collections.abc import Iterator


def find_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield modules that hold code and say nothing about it."""
    if path.startswith("src/") and lines and not ast.get_docstring(tree):
        yield 1, "the module has no docstring; open with what it does and the decision that shaped it"
