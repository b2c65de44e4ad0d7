"""Import of what is optional, in one place that says which package to install."""

import importlib
from types import ModuleType

from everbloom.core.errors import Unavailable


def import_optional(module: str, *, purpose: str) -> ModuleType:
    """Import a module that Everbloom can do without.

    Raises:
        Unavailable: It is not installed (`package.missing`); names what to install.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"{purpose} needs the package {module!r}, which is not installed. Run `pip install {module}`.",
            code="package.missing",
            package=module,
        ) from error
