"""Only `core.settings` reads the environment, so that one table can document every variable.

Handing the whole of it on to a child process (`{**os.environ, …}`, `dict(os.environ)`) asks for nothing and is allowed.
"""

import ast
from collections.abc import Iterator

HOME = "src/everbloom/core/settings.py"
NAMES = frozenset({"environ", "environb", "getenv", "getenvb"})


def find_breaches(path: str, tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield places that read a variable of the environment."""
    del lines
    if path == HOME or path.startswith("src/everbloom/testing/"):
        return
    passed_on = {id(node) for whole in ast.walk(tree) for node in _iter_passed_on(whole)}
    for node in ast.walk(tree):
        is_reading = isinstance(node, ast.Attribute) and node.attr in NAMES and ast.unparse(node.value) == "os"
        if is_reading and id(node) not in passed_on:
            yield node.lineno, f"`{ast.unparse(node)}` reads the environment; use everbloom.core.settings"
        if isinstance(node, ast.ImportFrom) and node.module == "os" and NAMES & {name.name for name in node.names}:
            yield node.lineno, "the environment is read through everbloom.core.settings only"


def _iter_passed_on(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Dict):
        yield from (value for key, value in zip(node.keys, node.values, strict=True) if key is None)
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "dict":
        yield from node.args
