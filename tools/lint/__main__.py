"""House rules that ruff cannot state: `python tools/lint [FILE …]`. One file per rule in `rules/`.

A rule is a module with `find_breaches(path, tree, lines)`, which yields (line, what is wrong and what to do).
`path` is relative to the repository, with forward slashes. Exit status 1 where anything was found.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

RULES = Path(__file__).parent / "rules"
ROOT = RULES.parents[2]


def load_rules() -> list[ModuleType]:
    """Load every rule, by file name."""
    rules = []
    for path in sorted(RULES.glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be loaded")
        rule = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(rule)
        rules.append(rule)
    return rules


def find_breaches(path: str, source: str) -> Iterator[str]:
    """Yield `path:line: rule: message` of everything wrong in a file."""
    tree, lines = ast.parse(source, path), source.splitlines()
    for rule in load_rules():
        for line, message in rule.find_breaches(path, tree, lines):
            yield f"{path}:{line}: {rule.__name__}: {message}"


def main(arguments: list[str]) -> int:
    """Check the given files, or all of `src`."""
    paths = [Path(argument).absolute() for argument in arguments] or sorted((ROOT / "src").rglob("*.py"))
    breaches = []
    for path in paths:
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
        breaches += find_breaches(name, path.read_text("utf-8"))
    sys.stdout.writelines(f"{breach}\n" for breach in breaches)
    sys.stdout.write(f"tools/lint: {len(paths)} files, {len(breaches)} breaches\n")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
