"""What is not installed with the client alone, in one place that says which package or extra to install."""

import importlib
from types import ModuleType

from everbloom.core.errors import Unavailable

# What each extra of pyproject.toml brings, by the name that is imported.
_EXTRAS: dict[str, frozenset[str]] = {
    "ui": frozenset(("numpy", "pcodec", "sqlalchemy", "alembic", "packaging", "litestar", "uvicorn")),
    "postgres": frozenset(("psycopg",)),
    "parquet": frozenset(("pyarrow",)),
    "demo": frozenset(("sklearn",)),
}


def import_optional(module: str, *, purpose: str) -> ModuleType:
    """Import a module that Everbloom can do without.

    Raises:
        Unavailable: It is not installed (`package.missing`); names what to install.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise describe_missing(error.name or module, purpose=purpose) from error


def describe_missing(module: str, *, purpose: str) -> Unavailable:
    """Return the error for a module that is not installed, which names what to install.

    Args:
        module: Its name, or that of a module within it.
        purpose: What needs it.
    """
    package = module.partition(".")[0]
    extra = find_extra(package)
    wanted = package if extra is None else f"'everbloom[{extra}]'"
    return Unavailable(
        f"{purpose} needs the package {package!r}, which is not installed. Run: pip install {wanted}",
        code="package.missing",
        package=package,
    )


def find_extra(module: str) -> str | None:
    """Return the extra that brings a module; None where none does."""
    package = module.partition(".")[0]
    return next((extra for extra, packages in _EXTRAS.items() if package in packages), None)
